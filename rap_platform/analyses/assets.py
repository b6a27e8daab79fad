"""The assets of this stage. What an analyst says is in rules.py and qwen.py, the report in agreement.py."""

import datetime as dt
import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg
import psycopg

from rap_platform.analyses import (
    agreement,
    agreement_plots,
    calibration,
    earning,
    llm_queries,
    llm_round,
    queries,
    qwen,
    rules,
)
from rap_platform.analyses.llm_round import Round
from rap_platform.analyses.queries import Maker
from rap_platform.embeddings import assets as embeddings
from rap_platform.features import analysis as ear
from rap_platform.features import assets as features
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata, progress
from rap_platform.orchestration.automation import on_any_new_partition, on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources import llm_ledger, service_state
from rap_platform.resources.embedder import EmbedderResource
from rap_platform.resources.llm import LlmBudgetSpent, LlmClient, LlmHeld, LlmRefused, LlmResource, LlmUnavailable
from rap_platform.resources.mlflow import MlflowAway, MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured, get_settings


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(len(SHARDS.get_partition_keys())),
    deps=[features.lyric_features, embeddings.lyrics_embeddings],
    code_version=rules.RULES_VERSION,
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="Moods, themes and scores by rules: from the ear's figures and the stored section vectors. Each score says what it is made of.",
)
def rule_based_analyses(
    context: dg.AssetExecutionContext, postgres: PostgresResource, embedder: EmbedderResource
) -> dg.MaterializeResult:
    """Analyse what is new or reworded; nothing is encoded or heard again. What is too short or not English is a failed row with its reason."""
    started = time.monotonic()
    maker = Maker(rules.ANALYZER, rules.MODEL, rules.RULES_VERSION, simulated=False)
    said: Counter[str] = Counter()
    keys = [f"rule_based_analyses/{key}" for key in context.partition_keys]
    with postgres.exclusively(*keys), postgres.connection() as conn:
        with conn.transaction():
            pending = queries.pending_for_rules(conn, maker, slots(context), ear.VERSION)
        if pending:
            marks = rules.landmarks(embedder.encoder())
            for track_ids in progress.track(
                llm_round.batches(pending), -(-len(pending) // llm_round.BATCH), f"rules ×{llm_round.BATCH}"
            ):
                with conn.transaction():
                    songs = queries.songs(conn, track_ids, ear.VERSION)
                results = [(s, rules.analyse_song(s.lyrics, s.features, s.sections, s.vectors, marks)) for s in songs]
                with conn.transaction():
                    queries.store(conn, maker, results)
                said.update(llm_round.kind_of(result) for _, result in results)
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="analysis_results",
                rows_new=said.total(),
                rows_failed=said.total() - said["ok"],
                outcomes=said,
                seconds=round(time.monotonic() - started, 2),
                rules_version=rules.RULES_VERSION,
            )
        )


class QwenConfig(dg.Config):
    """How a run treats what failed before."""

    retry_failed: bool = False


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(len(SHARDS.get_partition_keys())),
    deps=[lyrics.tracks],
    code_version=f"{qwen.PROMPT}.{qwen.LOGIC}",
    automation_condition=on_new_data(),
    kinds={"python", "openai", "postgres"},
    owners=[metadata.TEAM],
    pool="llm",
    retry_policy=failures.RETRY,
    description="Moods, themes, scores and quoted evidence by an LLM. An answer that can't be read is a failed row; what was not answered stays pending.",
)
def qwen_analyses(
    context: dg.AssetExecutionContext,
    config: QwenConfig,
    postgres: PostgresResource,
    llm: LlmResource,
    mlflow: MlflowResource,
) -> dg.MaterializeResult:
    """Ask for what has no row yet; every call is in the ledger before it is sent and every answer committed as it comes.

    A killed run pays again only for what was in flight. An endpoint that is down fails the step so that it is tried again: a
    success would leave the rows pending with nobody to ask for them. A spent budget and an endpoint that wants to be left
    alone for long are a success that says so: somebody wanted it to stop there.
    """
    started = time.monotonic()
    try:
        client = llm.client("qwen_analyses")
    except NotConfigured as reason:
        return metadata.unavailable(reason)
    except ValueError as error:
        raise failures.PermanentFailure(llm_round.unpriced(error, None)) from error
    keys = [f"qwen_analyses/{key}" for key in context.partition_keys]
    with client, postgres.exclusively(*keys), postgres.connection() as conn:
        maker = Maker(qwen.ANALYZER, client.model, qwen.prompt_version(client), client.simulated)
        _heed(conn, client)
        since = _began(context) if config.retry_failed else None
        with conn.transaction():
            pending = queries.pending_for_llm(conn, maker, slots(context), failed_before=since)
            retry = llm_queries.retry(conn, maker, pending, since, "qwen_analyses") if since else None
        made = llm_round.ask_for(conn, client, maker, pending, retry=retry)
        figures: dict[str, Any] = {
            **made.figures(client, llm_round.lost_usd(conn, client)),
            "prompt_version": maker.prompt_version,
            "prompt_registry": _registered(mlflow, maker.prompt_version),
            "seconds": round(time.monotonic() - started, 2),
        }
        _complain(made, figures)
        figures |= {"status": _ended(conn, client, made), **_latencies(conn, client)}
        return dg.MaterializeResult(metadata=metadata.report(conn, table="analysis_results", **figures))


@dg.asset(
    deps=[qwen_analyses],
    code_version=f"{qwen.PROMPT}.{qwen.LOGIC}",
    automation_condition=on_any_new_partition(),
    kinds={"python", "openai", "postgres"},
    owners=[metadata.TEAM],
    pool="llm",
    retry_policy=failures.RETRY,
    description="What other models of RAP_LLM__COMPARE say of one sample of tracks, asked the same way, for analyzer_agreement to compare.",
)
def compared_analyses(
    context: dg.AssetExecutionContext, postgres: PostgresResource, llm: LlmResource
) -> dg.MaterializeResult:
    """One model after the other reads what it has not read of the sample; one that is away does not keep the next from its turn.

    After all had their turn the step fails for those that are away, so that it is tried again. Who refuses us, wants a long
    rest or has spent the budget is a status.
    """
    settings = get_settings().llm
    if not settings.compare:
        remedy = "name other endpoints in RAP_LLM__COMPARE"
        return dg.MaterializeResult(metadata={"status": "nothing to compare", "remedy": remedy, "rows_new": 0})
    figures: dict[str, Any] = {}
    rows, away = 0, []
    with postgres.exclusively("compared_analyses"), postgres.connection() as conn:
        for rival in settings.compare:
            try:
                client = llm.client("compared_analyses", rival)
            except ValueError as error:
                figures[rival.name] = {"status": f"not asked: {llm_round.unpriced(error, rival)}", "rows_new": 0}
                continue
            with client:
                maker = Maker(rival.name, client.model, qwen.prompt_version(client), client.simulated)
                _heed(conn, client)
                with conn.transaction():
                    pending = llm_queries.pending_for_rival(conn, maker, settings.compare_sample)
                made = llm_round.ask_for(conn, client, maker, pending)
                rows += made.said.total()
                status = _ended(conn, client, made)
                figures[rival.name] = {
                    "status": status,
                    **made.figures(client, llm_round.lost_usd(conn, client)),
                    "prompt_version": maker.prompt_version,
                }
                if isinstance(made.trouble, LlmUnavailable) and not isinstance(made.trouble, LlmHeld):
                    away.append(f"{rival.name}: {made.pending - made.said.total()} pending, {status}")
                context.log.info("%s: %s", rival.name, status)
        if away:
            raise failures.TransientFailure(f"{rows} analysed; {'; '.join(away)}")
        return dg.MaterializeResult(
            metadata=metadata.report(conn, table="analysis_results", status="compared", rows_new=rows, **figures)
        )


def _began(context: dg.AssetExecutionContext) -> dt.datetime:
    """When the run of this step began; its steps that are tried again belong to it."""
    stats = context.instance.get_run_stats(context.run.run_id)
    return dt.datetime.fromtimestamp(stats.start_time or time.time(), dt.UTC)


def _registered(mlflow: MlflowResource, prompt_version: str) -> str:
    """Where the prompt stands in MLflow's registry, or why it stands in none; the work does not depend on it."""
    try:
        found = mlflow.register_prompt(qwen.PROMPT_NAME, qwen.prompt_text(), {"prompt_version": prompt_version})
    except (NotConfigured, MlflowAway) as reason:
        return str(reason)
    return f"{found.uri} {found.url or ''}".strip()


def _heed(conn: psycopg.Connection, client: LlmClient) -> None:
    """Leave an endpoint alone that asked for it before Redis forgot."""
    with conn.transaction():
        if hold := service_state.hold_of(conn, client.endpoint.name):
            client.polite.hold(hold.until, hold.reason)


def _ended(conn: psycopg.Connection, client: LlmClient, made: Round) -> str:
    """How a round ended; a long wait that the endpoint asked for is remembered until it answers again."""
    trouble = made.outcome.stopped_by
    with conn.transaction():
        if isinstance(trouble, LlmHeld):
            service_state.remember_hold(conn, client.endpoint.name, trouble.hold)
        elif client.counts["requests"]:
            service_state.forget_hold(conn, client.endpoint.name)
    return f"stopped: {made.trouble}" if made.trouble else "complete"


def _latencies(conn: psycopg.Connection, client: LlmClient) -> dict[str, dg.MetadataValue]:
    """A picture of how long the model took to answer so far, if it ever did."""
    histogram = llm_ledger.latency_histogram(conn, client.model)
    return {"latency": metadata.png(llm_round.latency_plot(histogram, client.model))} if histogram else {}


def _complain(made: Round, figures: dict[str, Any]) -> None:
    """Fail the step when rows are pending for a reason that nobody chose."""
    trouble = made.trouble
    if trouble is None or isinstance(trouble, LlmBudgetSpent | LlmHeld):
        return
    described: dict[str, dg.MetadataValue] = {
        name: dg.MetadataValue.text(str(figures[name])) for name in ("rows_new", "rows_failed", "rows_pending")
    }
    message = f"{figures['rows_new']} analysed, {figures['rows_pending']} pending: {trouble}"
    if isinstance(trouble, LlmRefused):
        raise failures.PermanentFailure(
            f"{message}. Check RAP_LLM__API_KEY, RAP_LLM__BASE_URL and RAP_LLM__MODEL.", described
        )
    raise failures.TransientFailure(message, described)


@dg.asset(
    deps=[rule_based_analyses, qwen_analyses, compared_analyses],
    code_version=calibration.METHOD,
    automation_condition=on_any_new_partition(),
    kinds={"python", "openai", "postgres"},
    owners=[metadata.TEAM],
    pool="llm",
    retry_policy=failures.RETRY,
    description="What each analyst's confidence is worth: how often it names the mood that a labelled verse was written to carry.",
)
def analyst_calibrations(
    context: dg.AssetExecutionContext, postgres: PostgresResource, llm: LlmResource
) -> dg.MaterializeResult:
    """Let every LLM read the labelled verses once per model and prompt version, fit, and set every stored confidence.

    Rows whose analyst has not earned a confidence keep null. A spent budget and an endpoint that wants to be left alone are a success
    that says so; an endpoint that is away fails the step, after what was answered has been put to use.
    """
    started = time.monotonic()
    with postgres.exclusively("analyst_calibrations"), postgres.connection() as conn:
        asked, troubles = _read_verses(conn, llm)
        found = earning.earn(conn)
        for one in found:
            context.log.info("%s %s: %s", one.maker.analyzer, one.maker.model, one.figures())
        said = "; ".join(f"{name}: {trouble}" for name, trouble in troubles.items())
        unchosen = [one for one in troubles.values() if not isinstance(one, LlmBudgetSpent | LlmHeld | ValueError)]
        if unchosen:
            is_final = all(isinstance(one, LlmRefused) for one in unchosen)
            kind = failures.PermanentFailure if is_final else failures.TransientFailure
            raise kind(f"{asked} labelled verses read, then: {said}")
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="calibrations",
                status=f"stopped: {said}" if said else "complete",
                rows_new=sum(one.is_new for one in found),
                verses_asked=asked,
                analysts={f"{one.maker.analyzer} {one.maker.model}": one.figures() for one in found},
                seconds=round(time.monotonic() - started, 2),
            )
        )


def _read_verses(conn: psycopg.Connection, llm: LlmResource) -> tuple[int, dict[str, Exception]]:
    """Ask every LLM that has analysed songs for the verses that it has not read: how many were read, and what stopped whom."""
    total, troubles = 0, dict[str, Exception]()
    for name, rival in [(qwen.ANALYZER, None), *((one.name, one) for one in get_settings().llm.compare)]:
        try:
            client = llm.client("analyst_calibrations", rival)
        except NotConfigured:
            continue
        except ValueError as error:
            if rival is None:
                raise failures.PermanentFailure(llm_round.unpriced(error, None)) from error
            troubles[name] = ValueError(llm_round.unpriced(error, rival))
            continue
        with client:
            maker = Maker(name, client.model, qwen.prompt_version(client), client.simulated)
            with conn.transaction():  # without it the first read opens one, and every answer waits for its end
                has_rows = queries.has_rows(conn, maker)
            if not has_rows:
                continue
            _heed(conn, client)
            ask = partial(qwen.analyse_text, client)
            asked, outcome = earning.ask_verses(
                conn, maker, ask, concurrency=client.config.concurrency, stop=client.stop
            )
            total += asked
            trouble = outcome.stopped_by or outcome.last_trouble
            if trouble is not None:
                troubles[name] = trouble
            if isinstance(trouble, LlmHeld):
                with conn.transaction():
                    service_state.remember_hold(conn, client.endpoint.name, trouble.hold)
    return total, troubles


@dg.asset(
    deps=[rule_based_analyses, qwen_analyses, compared_analyses, analyst_calibrations],
    code_version=agreement.VERSION,
    automation_condition=on_any_new_partition(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="How far the analysts agree, what they cover and what they cost; simulated and real apart.",
)
def analyzer_agreement(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """One report per population, made only when results or tracks changed since."""
    started = time.monotonic()
    mixed = get_settings().population == "mixed"
    with postgres.exclusively("analyzer_agreement"), postgres.connection() as conn:
        with conn.transaction():
            digest = hashlib.sha256(f"{agreement.VERSION} {mixed} {queries.content(conn)}".encode()).hexdigest()
            known = queries.has_report(conn, agreement.KIND, digest)
        if known:
            context.log.info("results and tracks are those of the last report")
            return dg.MaterializeResult(
                metadata=metadata.report(conn, table="reports", status="unchanged", digest=digest)
            )
        with conn.transaction():
            rows, tracks = queries.current(conn), queries.track_counts(conn)
            earned, answers = queries.calibrations(conn), queries.analysis_answers(conn)
        described: dict[str, Any] = {}
        for population, members, count in _populations(rows, tracks, mixed=mixed):
            body = agreement.report(members, count, earned, answers)
            text = agreement.markdown(population, body)
            name = population.replace(", ", "_").replace(" ", "_")
            described[f"agreement_{name}"] = dg.MetadataValue.md(text)
            for picture, figure in agreement_plots.plots(members, body, population):
                described[f"plot_{name}_{picture}"] = metadata.png(figure)
            with conn.transaction():
                labelled = {"population": population, "content_digest": digest, **body}
                queries.store_report(conn, agreement.KIND, labelled, text, simulated=population != "real")
        seconds = round(time.monotonic() - started, 2)
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn, table="reports", status="measured", digest=digest, results=len(rows), seconds=seconds, **described
            )
        )


def _populations(
    rows: list[dict[str, Any]], tracks: dict[bool, int], *, mixed: bool
) -> Iterator[tuple[str, list[dict[str, Any]], int]]:
    """Each population with its rows and its number of tracks; pooled only when the setting says so."""
    if mixed:
        if rows:
            yield "mixed", rows, sum(tracks.values())
        return
    for population in ("real", "simulated"):
        if members := [row for row in rows if row["population"] == population]:
            yield population, members, tracks.get(population == "simulated", 0)
    foreign = {row["track_id"] for row in rows if row["population"] == "real tracks, simulated analyst"}
    if foreign:
        members = [row for row in rows if row["track_id"] in foreign]
        yield "real tracks, simulated analyst", members, tracks.get(False, 0)
