"""Assets of the stage: the evaluation report and the champion that rests on it."""

import hashlib
import time
from collections.abc import Sequence
from typing import Any

import dagster as dg
import numpy as np
import psycopg

from rap_platform.analyses import assets as analyses
from rap_platform.evaluation import commercial, page, pictures, plots, queries, report, titles, tracking, wording
from rap_platform.evaluation.contestants import ANALYZERS, CommercialInputs, Inputs, opinions
from rap_platform.evaluation.contestants import contestants as enter
from rap_platform.evaluation.predictors import MODEL, Opinion, Predictions, Tracks
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import nightly_if_changed
from rap_platform.resources.mlflow import MlflowResource, dagster_tags
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured, Settings, get_settings
from rap_platform.training import assets as training
from rap_platform.training import commercial as sales
from rap_platform.training import commercial_assets, quality
from rap_platform.training import features as feature_rows
from rap_platform.training import queries as datasets
from rap_platform.training.commercial import NoTarget, Target
from rap_platform.training.finetuning import assets as finetuning
from rap_platform.training.finetuning import opinions as finetuned

CODE_VERSION = "3"


@dg.asset(
    deps=[
        training.training_dataset,
        training.quality_model,
        commercial_assets.commercial_model,
        finetuning.adapters,
        analyses.rule_based_analyses,
        analyses.qwen_analyses,
    ],
    code_version=CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "postgres", "mlflow"},
    owners=[metadata.TEAM],
    description="Every predictor on the same held-out tracks: errors with intervals over groups of artists, paired differences, noise floor, coverage, slices.",
    retry_policy=failures.RETRY,
)
def evaluation_report(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    started = time.monotonic()
    settings = get_settings()
    with postgres.exclusively("evaluation_report"):
        with postgres.connection() as conn:
            version = datasets.current_dataset(conn, settings.population)
            if version is None:
                return _nothing_to_evaluate()
            key = training.training_key(version.digest, datasets.input_versions(conn, version.version))
            model = _registered(mlflow, key)
            sold = _commercial(conn, mlflow, version, key, settings.dataset.minimum)
            digest = input_digest(conn, version, _judged(model, sold[1]), settings.evaluation.bootstrap)
            if queries.use_again(conn, digest) is not None:
                return _result(conn, status="unchanged", seconds=round(time.monotonic() - started, 2))
            train, test = _sides(conn, version.version)
            contestants = enter(_inputs(conn, mlflow, version.version, train, test, model, settings))
            traits = queries.traits(conn, version.version)
        learned = _learned(mlflow, model)
        body = report.build(
            contestants,
            test,
            resamples=settings.evaluation.bootstrap,
            seed=settings.dataset.seed,
            best_possible=report.ceiling(version.card),
            traits=traits,
            header=_header(context, mlflow, version, model, len(train)),
            **learned,
        )
        if (second := _second_table(mlflow, train, test, sold, body, settings)) is not None:
            body["commercial"] = second
        figures = plots.draw(body, contestants, test)
        drawn = {name: pictures.svg(figure, name) for name, figure in figures.items()}
        plotted = {name: pictures.png(figure) for name, figure in figures.items()}
        logged = _log(context, mlflow, version, digest, body, plotted, drawn)
        with postgres.connection() as conn:
            queries.insert_evaluation(
                conn,
                dataset_version=version.version,
                digest=digest,
                report=body,
                markdown=wording.markdown(body),
                pictures=drawn,
                mlflow_run_id=None if logged is None else logged.run_id,
                simulated=version.simulated,
                predictions=prediction_rows(contestants, test),
            )
        shown = {f"plot_{name}": metadata.picture(png) for name, png in plotted.items()}
        with postgres.connection() as conn:
            return _result(conn, status="new report", seconds=round(time.monotonic() - started, 2), **shown)


def input_digest(conn: psycopg.Connection, version: datasets.Version, model_version: str | None, resamples: int) -> str:
    """What an evaluation rests on, as one hash."""
    said = queries.opinions_digest(conn, version.version, ANALYZERS)
    tuned = finetuned.digest(conn, version.version)
    parts = [CODE_VERSION, version.digest, version.version, str(model_version), str(resamples), said, tuned]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _judged(model: Any, second: Any) -> str | None:
    """The registered versions that take part, each with its model's name, None when there is none."""
    known = ((quality.MODEL_NAME, model), (sales.MODEL_NAME, second))
    return " and ".join(f"{name} {found.version}" for name, found in known if found is not None) or None


def prediction_rows(
    contestants: Sequence[Predictions], test: Tracks
) -> list[tuple[int, str, float | None, str | None]]:
    """One (track, predictor, predicted, failure) per contestant and held-out track."""
    return [
        (track_id, predictor.name, float(value) if np.isfinite(value) else None, predictor.failures.get(track_id))
        for predictor in contestants
        for track_id, value in zip(test.track_ids, predictor.values, strict=True)
    ]


def _registered(mlflow: MlflowResource, key: str) -> Any:
    """The model version that was learned from exactly this dataset, or None."""
    try:
        mlflow.uri()
    except NotConfigured:
        return None
    found = mlflow.versions(quality.MODEL_NAME, {"key": key})
    return found[0] if found else None


def _commercial(
    conn: psycopg.Connection, mlflow: MlflowResource, version: datasets.Version, key: str, minimum: int
) -> tuple[Target | NoTarget, Any]:
    """What commercial potential is measured by, and the model that was learned from exactly that, or None."""
    target = sales.target(datasets.attention(conn, version.version), minimum)
    if isinstance(target, NoTarget):
        return target, None
    try:
        mlflow.uri()
    except NotConfigured:
        return target, None
    found = mlflow.versions(sales.MODEL_NAME, {"key": sales.training_key(target, key)})
    return target, found[0] if found else None


def _second_table(
    mlflow: MlflowResource,
    train: Tracks,
    test: Tracks,
    sold: tuple[Target | NoTarget, Any],
    body: dict[str, Any],
    settings: Settings,
) -> dict[str, Any] | None:
    target, model = sold
    if isinstance(target, NoTarget) or model is None:
        return None
    loaded = mlflow.load(sales.MODEL_NAME, model.version)
    inputs = CommercialInputs(
        train, test, target.labels, target.name, target.scale, settings.dataset.seed, loaded, str(model.version)
    )
    header = {name: body[name] for name in ("dataset", "population", "simulated")}
    learned = sum(track_id in target.labels for track_id in train.track_ids)
    header |= {"train_tracks": learned, "model_version": str(model.version)}
    return commercial.table(inputs, resamples=settings.evaluation.bootstrap, header=header)


def _learned(mlflow: MlflowResource, model: Any) -> dict[str, Any]:
    """What the training run says of itself besides the model: learning curve and importance, where it says so."""
    if model is None or model.run_id is None:
        return {}
    found = {name: mlflow.read_json(model.run_id, f"{name}.json") for name in ("learning_curve", "importance")}
    return {name: told for name, told in found.items() if told}


def _header(
    context: dg.AssetExecutionContext, mlflow: MlflowResource, version: datasets.Version, model: Any, train_tracks: int
) -> dict[str, Any]:
    """What the report is about, and the links to what it rests on."""
    tags = dagster_tags(context, simulated=version.simulated)
    links: dict[str, Any] = {"dagster_run": tags["dagster.url"], "dagster_run_id": tags["dagster.run_id"]}
    if model is not None:
        links["mlflow_model"] = mlflow.model_url(quality.MODEL_NAME, model.version)
        links["training_run_id"] = model.run_id
        links["training_run"] = None if model.run_id is None else mlflow.run_url(model.run_id)
        links["training_dagster_run"] = model.tags.get("dagster.url")
    return {
        "dataset": version.version,
        "dataset_digest": version.digest,
        "population": version.population,
        "simulated": version.simulated,
        "train_tracks": train_tracks,
        "raters": version.card.get("raters"),
        "model_version": None if model is None else str(model.version),
        "links": links,
    }


def _sides(conn: psycopg.Connection, version: str) -> tuple[Tracks, Tracks]:
    words = queries.words(conn, version)
    members = datasets.members(conn, version)
    texts = datasets.lyrics(conn, [member.track_id for member in members])
    ears = datasets.feature_rows(conn, version, feature_rows.EAR)
    vectors = datasets.lyric_vectors(conn, version)

    def side(split: str) -> Tracks:
        rows = [member for member in members if member.split == split]
        return Tracks(
            tuple(row.track_id for row in rows),
            np.array([row.label for row in rows]),
            tuple(row.group_key for row in rows),
            np.array([words[row.track_id] for row in rows], dtype=float),
            tuple(texts[row.track_id] for row in rows),
            feature_rows.frame([row.track_id for row in rows], ears, vectors),
        )

    return side("train"), side("eval")


def _inputs(
    conn: psycopg.Connection,
    mlflow: MlflowResource,
    version: str,
    train: Tracks,
    test: Tracks,
    model: Any,
    settings: Settings,
) -> Inputs:
    """What the contestants are given; the fine-tuned model is among them where one was asked."""
    said = opinions(queries.opinions(conn, version, ANALYZERS))
    tuned = finetuned.opinions(conn, version) or {}
    said["qwen_lora"] = {track_id: Opinion(told.quality, told.failure) for track_id, told in tuned.items()}
    loaded = None if model is None else mlflow.load(quality.MODEL_NAME, model.version)
    return Inputs(train, test, settings.dataset.seed, said, loaded, None if model is None else str(model.version))


def _log(
    context: dg.AssetExecutionContext,
    mlflow: MlflowResource,
    version: datasets.Version,
    digest: str,
    body: dict[str, Any],
    plotted: dict[str, bytes],
    drawn: dict[str, str],
) -> tracking.Logged | None:
    """Log the report in MLflow; without MLflow it stands in Dagster and in the database alone."""
    try:
        mlflow.uri()
    except NotConfigured as reason:
        context.log.warning("the report is not in MLflow: %s", reason)
        return None
    tags = dagster_tags(context, simulated=version.simulated) | {"key": digest}
    source = str(get_settings().data_dir / "datasets" / version.version)
    return tracking.log_report(mlflow, body, page.html(body, drawn), plotted, dataset=version, source=source, tags=tags)


def _result(conn: psycopg.Connection, *, status: str, **figures: Any) -> dg.MaterializeResult:
    """The newest evaluation, which is that of the present input, as metadata."""
    stored = queries.latest_evaluation(conn)
    if stored is None:
        raise LookupError("the evaluation was deleted while it was reported")
    body = stored["report"]
    mae = {f"mae_{name}": entry["mae"]["value"] for name, entry in body["predictors"].items() if "mae" in entry}
    model = body["predictors"].get(MODEL, {})
    headline = {
        name: model[key]["value"]
        for name, key in (("model_vs_best_baseline", "vs_best_baseline"), ("model_skill", "skill"))
        if key in model
    }
    return dg.MaterializeResult(
        metadata=metadata.report(
            conn,
            table="predictions",
            status=status,
            dataset=body["dataset"],
            simulated=body["simulated"],
            evaluation_id=stored["evaluation_id"],
            best_baseline=body["best_baseline"],
            verdict=body["verdict"]["reason"],
            report=dg.MetadataValue.md(stored["markdown"]),
            page=dg.MetadataValue.url(f"http://127.0.0.1:{get_settings().ports.api}/evaluation"),
            **mae,
            **headline,
            **_links(body["links"], "mlflow_run", "mlflow_run_id", "mlflow_model", "training_run", "training_run_id"),
            **figures,
        )
    )


def _links(links: dict[str, Any], *names: str) -> dict[str, Any]:
    """The links that exist, addresses as links and run ids as text."""
    return {
        name: address if name.endswith("_id") else dg.MetadataValue.url(address)
        for name in names
        if (address := links.get(name)) is not None
    }


def _nothing_to_evaluate() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={
            "status": "no dataset",
            "missing": "nothing can be evaluated without rated, held-out tracks",
            "remedy": "see the metadata of training_dataset: it says which ratings, features or analyses are missing",
            "rows_new": 0,
        }
    )


@dg.asset(
    deps=[evaluation_report],
    code_version=CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "postgres", "mlflow"},
    owners=[metadata.TEAM],
    description="The quality model that may be served: better than the best baseline and than the champion before it, beyond doubt, or not promoted.",
    retry_policy=failures.RETRY,
)
def champion(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    try:
        mlflow.uri()
    except NotConfigured as reason:
        return metadata.unavailable(reason)
    with postgres.exclusively("champion"), postgres.connection() as conn:
        latest = queries.latest_evaluation(conn)
        if latest is None:
            return _nothing_to_evaluate()
        if latest["report"]["model_version"] is None:
            why = latest["report"]["verdict"]["reason"]
            return dg.MaterializeResult(metadata={"status": "no model", "reason": why, "rows_new": 0})
        tags = dagster_tags(context, simulated=latest["simulated"])
        links = {"champion_dagster_run": tags["dagster.url"], "champion_dagster_run_id": tags["dagster.run_id"]}
        decision, new = titles.judge(conn, mlflow, latest, seed=get_settings().dataset.seed, links=links)
        return _decided(decision, new)


def _decided(decision: dict[str, Any], new: bool) -> dg.MaterializeResult:
    def holder(version: str | None) -> str:
        return "none" if version is None else f"version {version}"

    return dg.MaterializeResult(
        metadata={
            "status": "changed" if new else "unchanged",
            "champion": holder(decision["version"]),
            "champion_before": holder(decision["previous"]),
            "judged": holder(decision["judged"]),
            "decision": decision["action"],
            "promoted": decision["action"] == "promoted",
            "reason": decision["reason"],
            "decided_by": decision["actor"],
            "simulated": decision["simulated"],
            "evidence": dg.MetadataValue.json(decision["evidence"]),
            "rows_new": int(new),
            **_links(decision["links"], "champion_model", "mlflow_model", "mlflow_run", "mlflow_run_id"),
        }
    )


ASSETS = [evaluation_report, champion]
