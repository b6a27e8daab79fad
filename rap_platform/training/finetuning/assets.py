"""The asset of the fine-tuned models: trains what is not trained yet, asks it about the held-out tracks. The work is in lora.py and asking.py."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from rap_platform.analyses.asking import Outcome
from rap_platform.orchestration import failures, metadata, progress
from rap_platform.orchestration.automation import nightly_if_changed
from rap_platform.resources.mlflow import MlflowResource, dagster_tags
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured, Settings, get_settings
from rap_platform.training import assets as training
from rap_platform.training import queries as datasets
from rap_platform.training.finetuning import adapters as store
from rap_platform.training.finetuning import asking, lora, making, packages, plots, queries, serving
from rap_platform.training.finetuning import rows as chat
from rap_platform.training.finetuning.adapters import Adapter

EXPERIMENT = store.PREDICTOR


@dg.asset(
    deps=[training.training_dataset],
    code_version=store.CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "pytorch", "mlflow"},
    owners=[metadata.TEAM],
    description="Qwen3 fine-tuned (LoRA) on the dataset's chat rows, and what it says of the held-out tracks. Off until base weights are set.",
    retry_policy=failures.RETRY,
)
def adapters(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    """One adapter per base, dataset and parameters; one row per adapter and held-out track."""
    started = time.monotonic()
    settings = get_settings()
    try:
        given = making.base_given(settings)
        mlflow.uri()
        packages.require()
    except NotConfigured as reason:
        return metadata.unavailable(reason)
    except packages.PackagesMissing as reason:
        return _nothing("not installed", str(reason))
    with postgres.exclusively("adapters"):
        with postgres.connection() as conn:
            version = datasets.current_dataset(conn, settings.population)
        if version is None:
            return _nothing("no dataset", "see the metadata of training_dataset: it says what is missing")
        try:
            adapter, fresh = making.trained(settings, given, version)
            asked = _ask(postgres, settings, adapter, version, context.run.run_id)
        except (packages.BadBase, chat.BadRows) as error:
            raise failures.PermanentFailure(str(error)) from error
        except serving.NotServed as error:
            remedy = f"{error}. To serve it: {' '.join(adapter.vllm_command())}"
            return _nothing("trained, not served", remedy, adapter=adapter.name)
        with postgres.connection() as conn:
            summary = queries.summary(conn, adapter.key, version.version)
            failed = queries.failures(conn, adapter.key)
            url = _log(context, mlflow, settings, adapter, version, summary, failed)
            report = metadata.report(
                conn,
                table="adapter_answers",
                rows=summary.rows,
                status="new adapter" if fresh else "asked again" if asked else "unchanged",
                dataset=version.version,
                simulated=version.simulated,
                rows_new=asked,
                seconds=round(time.monotonic() - started, 2),
                **_figures(adapter, summary, failed),
            )
        if url is not None:
            report["mlflow_run"] = dg.MetadataValue.url(url)
        report["loss"] = metadata.png(plots.loss_curve(adapter.losses, adapter.name))
    return dg.MaterializeResult(metadata=report, data_version=dg.DataVersion(adapter.key))


def _figures(adapter: Adapter, summary: queries.Summary, failed: dict[str, int]) -> dict[str, object]:
    """What the training came to and what the answers add up to."""
    told = adapter.manifest
    return {
        "adapter": adapter.name,
        "train": told["rows"]["trained"],
        "cut_share": making.cut_share(adapter),
        "left_out": len(told["rows"]["left_out"]),
        "steps": len(adapter.losses),
        "resumed_at": told["resumed_at"],
        "loss_first": round(adapter.losses[0][1], 4),
        "loss_last": round(adapter.losses[-1][1], 4),
        "device": told["device"],
        "asked": summary.rows,
        "asked_cut": summary.cut,
        "answered": summary.answered,
        "failures": failed,
        "mae": summary.mae,
    }


def _ask(
    postgres: PostgresResource, settings: Settings, adapter: Adapter, version: datasets.Version, run_id: str
) -> int:
    """Ask about the held-out tracks that were not asked about; each answer is committed as it comes. How many they were."""
    rows = chat.read(making.folder_of(settings, version) / "eval.jsonl")
    with postgres.connection() as conn:
        queries.remember(conn, adapter)
        done = queries.answered(conn, adapter.key)
    pending = [row for row in rows if row.track_id not in done]
    if not pending:
        return 0
    outcome: Outcome[chat.Row] = Outcome()
    log = settings.data_dir / "logs" / "adapter_server.log"
    with _endpoint(settings, adapter, log) as base_url, postgres.connection() as conn:
        key = settings.training.adapter_api_key
        with asking.client_of(settings, base_url, key, adapter.name, simulated=version.simulated) as client:
            answers = asking.ask_about(
                client, pending, lora.load_tokenizer(adapter.folder), settings.training.adapter_max_tokens, outcome
            )
            for row, answer in progress.track(answers, len(pending), adapter.name):
                queries.store(conn, adapter.key, row.track_id, answer)
                conn.commit()
    if outcome.unanswered:
        trouble = outcome.stopped_by or outcome.last_trouble
        raise failures.TransientFailure(
            f"{len(outcome.unanswered)} of {len(pending)} tracks were not answered; what was answered is stored: {trouble}"
        )
    return len(pending)


@contextmanager
def _endpoint(settings: Settings, adapter: Adapter, log: Path) -> Iterator[str]:
    """Where the adapter is served: by the vLLM of the settings, else by a server of our own for as long as the block lasts."""
    told = settings.training
    if told.adapter_base_url is not None:
        key = told.adapter_api_key.get_secret_value() if told.adapter_api_key else None
        serving.served(told.adapter_base_url, key, adapter.name)
        yield told.adapter_base_url
    else:
        with serving.serving(lora.merged(adapter), log) as base_url:
            yield base_url


def _log(
    context: dg.AssetExecutionContext,
    mlflow: MlflowResource,
    settings: Settings,
    adapter: Adapter,
    version: datasets.Version,
    summary: queries.Summary,
    failed: dict[str, int],
) -> str | None:
    """The run of this adapter in MLflow, made once; its URL."""
    if (known := _logged(mlflow, adapter.key)) is not None:
        return mlflow.url(*known)
    from mlflow.entities import Metric

    told = adapter.manifest
    tags = {
        **dagster_tags(context, simulated=version.simulated),
        "key": adapter.key,
        "adapter": adapter.name,
        "dataset": version.version,
        "dataset_digest": version.digest,
        "base_sha256": told["base"]["sha256"],
        "population": version.population,
        "code_version": store.CODE_VERSION,
    }
    with mlflow.run(EXPERIMENT, f"{adapter.name} on {version.version}", tags=tags) as run:
        for context_name, count in (("training", version.train_count), ("evaluation", version.eval_count)):
            run.dataset(
                name=version.version,
                digest=version.digest,
                source=str(making.folder_of(settings, version)),
                rows=count,
                context=context_name,
                profile=version.card.get("counts"),
            )
        run.log(
            params={
                **told["params"],
                "device": told["device"],
                "base": Path(told["base"]["folder"]).name,
                **told["packages"],
            },
            metrics={
                "train_tracks": told["rows"]["trained"],
                "cut_share": making.cut_share(adapter),
                "left_out": len(told["rows"]["left_out"]),
                "asked": summary.rows,
                "answered": summary.answered,
                "mae": summary.mae,
                **{f"failed/{kind}": count for kind, count in failed.items()},
            },
        )
        now = int(time.time() * 1000)
        losses: Sequence[Any] = [Metric("loss", loss, now, step) for step, loss in adapter.losses]
        for first in range(0, len(losses), 1000):  # the most that one request may hold
            run.client.log_batch(run.run_id, metrics=losses[first : first + 1000])
        run.figures({"loss": plots.loss_curve(adapter.losses, adapter.name)})
        for name in ("adapter_model.safetensors", "adapter_config.json", store.MANIFEST):
            run.client.log_artifact(run.run_id, str(adapter.folder / name), "adapter")
        return run.url


def _logged(mlflow: MlflowResource, key: str) -> tuple[str, str] | None:
    """(experiment, run) of the finished run of an adapter."""
    client = mlflow.client()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return None
    wanted = f"tags.key = '{key}' and attributes.status = 'FINISHED'"
    found = client.search_runs([experiment.experiment_id], wanted, max_results=1)
    return (experiment.experiment_id, found[0].info.run_id) if found else None


def _nothing(status: str, remedy: str, **figures: object) -> dg.MaterializeResult:
    told = {name: metadata.value(figure) for name, figure in figures.items()}
    return dg.MaterializeResult(metadata={"status": status, "remedy": remedy, "rows_new": 0, **told})


ASSETS = [adapters]
