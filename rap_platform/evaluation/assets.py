"""Assets of the stage: the evaluation report and the champion that rests on it."""

import hashlib
import time
from collections.abc import Sequence
from typing import Any

import dagster as dg
import numpy as np
import psycopg

from rap_platform.analyses import assets as analyses
from rap_platform.evaluation import commercial, plots, queries, report
from rap_platform.evaluation.contestants import ANALYZERS, CommercialInputs, Inputs, opinions
from rap_platform.evaluation.contestants import contestants as enter
from rap_platform.evaluation.predictors import MODEL, Predictions, Tracks
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

CODE_VERSION = "2"
CHAMPION, CHALLENGER = "champion", "challenger"


@dg.asset(
    deps=[
        training.training_dataset,
        training.quality_model,
        commercial_assets.commercial_model,
        analyses.rule_based_analyses,
        analyses.qwen_analyses,
    ],
    code_version=CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "postgres", "mlflow"},
    owners=[metadata.TEAM],
    description="Every predictor on the same held-out tracks: errors with intervals over groups of artists, paired differences, noise floor, coverage.",
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
            judged = [str(found.version) for found in (model, sold[1]) if found is not None]
            digest = input_digest(conn, version, " and ".join(judged) or None, settings.evaluation.bootstrap)
            known = queries.use_again(conn, digest)
            if known is not None:
                return _result(conn, status="unchanged", seconds=round(time.monotonic() - started, 2))
            train, test = _sides(conn, version.version)
            said = opinions(queries.opinions(conn, version.version, ANALYZERS))
        contestants = enter(
            Inputs(
                train,
                test,
                settings.dataset.seed,
                said,
                None if model is None else mlflow.load(quality.MODEL_NAME, model.version),
                None if model is None else str(model.version),
            )
        )
        body = report.build(
            contestants,
            test,
            resamples=settings.evaluation.bootstrap,
            seed=settings.dataset.seed,
            noise_floor=version.card.get("noise_floor_mae"),
            header={
                "dataset": version.version,
                "dataset_digest": version.digest,
                "population": version.population,
                "simulated": version.simulated,
                "train_tracks": len(train),
                "raters": version.card.get("raters"),
                "model_version": None if model is None else str(model.version),
            },
        )
        text = report.markdown(body)
        if (second := _second_table(mlflow, train, test, sold, body, settings)) is not None:
            body["commercial"] = second
            text += f"\n\n{commercial.markdown(second)}"
        run_id, run_url, pictures = _log(context, mlflow, version, digest, body, text, contestants, test)
        with postgres.connection() as conn:
            queries.insert_evaluation(
                conn,
                dataset_version=version.version,
                digest=digest,
                report=body,
                markdown=text,
                mlflow_run_id=run_id,
                simulated=version.simulated,
                predictions=prediction_rows(contestants, test),
            )
        with postgres.connection() as conn:
            seconds = round(time.monotonic() - started, 2)
            return _result(conn, status="new report", run_url=run_url, seconds=seconds, **pictures)


def input_digest(conn: psycopg.Connection, version: datasets.Version, model_version: str | None, resamples: int) -> str:
    """What an evaluation rests on, as one hash."""
    said = queries.opinions_digest(conn, version.version, ANALYZERS)
    parts = [CODE_VERSION, version.digest, version.version, str(model_version), str(resamples), said]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


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


def _log(
    context: dg.AssetExecutionContext,
    mlflow: MlflowResource,
    version: datasets.Version,
    digest: str,
    body: dict[str, Any],
    text: str,
    contestants: Sequence[Predictions],
    test: Tracks,
) -> tuple[str | None, str | None, dict[str, Any]]:
    """Draw, and log a parent run with a child per predictor; without MLflow the pictures stand in Dagster alone."""
    settings = get_settings()
    figures = {"mae": plots.mae_bars(body)}
    model = next((predictor for predictor in contestants if predictor.name == MODEL), None)
    if model is not None:
        figures["predicted_against_actual"] = plots.predicted_against_actual(
            model.values, test.labels, f"{MODEL}, {len(test)} held-out tracks"
        )
        figures["residuals"] = plots.residuals(model.values, test.labels, MODEL)
    run_id = run_url = None
    try:
        mlflow.uri()
    except NotConfigured as reason:
        context.log.warning("the report is not in MLflow: %s", reason)
    else:
        tags = dagster_tags(context, simulated=version.simulated) | {
            "key": digest,
            "dataset": version.version,
        }
        source = str(settings.data_dir / "datasets" / version.version)
        with mlflow.run(
            "evaluation", f"evaluation of {version.version}", tags=tags | {"mlflow.note.content": text}
        ) as parent:
            parent.dataset(
                name=version.version, digest=version.digest, source=source, rows=len(test), context="evaluation"
            )
            parent.log(
                params={
                    "dataset": version.version,
                    "resamples": body["resamples"],
                    "best_baseline": body["best_baseline"],
                    "model_version": body["model_version"],
                },
                metrics={"noise_floor_mae": body["noise_floor"]["mae"], "label_sd": body["label_sd"]},
                tags={"verdict": body["verdict"]["reason"]},
            )
            parent.text(text, "report.md")
            parent.figures(figures)
            for name, entry in body["predictors"].items():
                with mlflow.run("evaluation", name, tags=tags | {"predictor": name}, parent=parent) as child:
                    child.dataset(
                        name=version.version, digest=version.digest, source=source, rows=len(test), context="evaluation"
                    )
                    child.log(
                        params={"predictor": name, "kind": entry["kind"], "note": entry["note"]}, metrics=flat(entry)
                    )
            run_id, run_url = parent.run_id, parent.url
    return run_id, run_url, {f"plot_{name}": metadata.png(figure) for name, figure in figures.items()}


def flat(entry: dict[str, Any]) -> dict[str, float | None]:
    """The measures of one predictor as MLflow metrics: mae, mae_low, mae_high, ..."""
    metrics: dict[str, float | None] = {"coverage": entry["coverage"], "failed": entry["failed"]}
    for name in ("mae", "rmse", "r2", "spearman", "calibration_slope", "vs_best_baseline"):
        figure = entry.get(name)
        if figure is not None:
            metrics |= {name: figure["value"], f"{name}_low": figure["low"], f"{name}_high": figure["high"]}
    return metrics


def _result(
    conn: psycopg.Connection, *, status: str, run_url: str | None = None, **figures: Any
) -> dg.MaterializeResult:
    """The newest evaluation, which is that of the present input, as metadata."""
    stored = queries.latest_evaluation(conn)
    if stored is None:
        raise LookupError("the evaluation was deleted while it was reported")
    body = stored["report"]
    links: dict[str, Any] = {"mlflow_run": dg.MetadataValue.url(run_url)} if run_url else {}
    mae = {f"mae_{name}": entry["mae"]["value"] for name, entry in body["predictors"].items() if "mae" in entry}
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
            **mae,
            **links,
            **figures,
        )
    )


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
    kinds={"python", "mlflow"},
    owners=[metadata.TEAM],
    description="The quality model that may be served: alias `champion` only while its paired difference to the best baseline excludes zero.",
    retry_policy=failures.RETRY,
)
def champion(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    try:
        mlflow.uri()
    except NotConfigured as reason:
        return metadata.unavailable(reason)
    with postgres.exclusively("champion"):
        with postgres.connection() as conn:
            latest = queries.latest_evaluation(conn)
        if latest is None:
            return _nothing_to_evaluate()
        return crown(mlflow, latest)


def crown(mlflow: MlflowResource, evaluation: dict[str, Any]) -> dg.MaterializeResult:
    """Move the aliases as the evaluation's verdict says; the version's description keeps the reason. Does nothing twice."""
    body = evaluation["report"]
    verdict, version = body["verdict"], body["model_version"]
    if version is None:
        return dg.MaterializeResult(metadata={"status": "no model", "reason": verdict["reason"], "rows_new": 0})
    client = mlflow.client()
    before = mlflow.alias(quality.MODEL_NAME, CHAMPION)
    gained, lost = (CHAMPION, CHALLENGER) if verdict["promote"] else (CHALLENGER, CHAMPION)
    changed = 0
    role = "Champion" if verdict["promote"] else "Challenger, not champion"
    description = (
        f"{role}: {verdict['reason']}. Evaluation {evaluation['evaluation_id']} on dataset {body['dataset']}"
        + (", simulated." if body["simulated"] else ".")
    )
    for alias, wanted in ((gained, True), (lost, False)):
        holder = mlflow.alias(quality.MODEL_NAME, alias)
        holds = holder is not None and str(holder.version) == version
        if wanted and not holds:
            client.set_registered_model_alias(quality.MODEL_NAME, alias, version)
            changed += 1
        elif holds and not wanted:
            client.delete_registered_model_alias(quality.MODEL_NAME, alias)
            changed += 1
    if (
        before is not None
        and not body["simulated"]
        and before.tags.get("simulated") == "true"
        and not verdict["promote"]
    ):
        client.delete_registered_model_alias(
            quality.MODEL_NAME, CHAMPION
        )  # simulated skill is no title once real labels judge
        changed += 1
    if (client.get_model_version(quality.MODEL_NAME, version).description or "") != description:
        client.update_model_version(quality.MODEL_NAME, version, description)
        changed += 1
    after = mlflow.alias(quality.MODEL_NAME, CHAMPION)
    shown = (
        {"mlflow_model": dg.MetadataValue.url(link)} if (link := mlflow.model_url(quality.MODEL_NAME, version)) else {}
    )
    return dg.MaterializeResult(
        metadata={
            "status": "changed" if changed else "unchanged",
            "champion": f"version {after.version}" if after else "none",
            "champion_before": f"version {before.version}" if before else "none",
            "judged": f"version {version}",
            "promoted": verdict["promote"],
            "reason": verdict["reason"],
            "simulated": body["simulated"],
            "rows_new": changed,
            **shown,
        }
    )


ASSETS = [evaluation_report, champion]
