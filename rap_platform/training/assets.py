"""Assets of the stage: ratings, the dataset version, the quality model. What they compute stands in the pure modules."""

import hashlib
import importlib.metadata
import time
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import numpy as np

from rap_platform.analyses import assets as analyses
from rap_platform.embeddings import assets as embeddings
from rap_platform.features import assets as features
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import nightly_if_changed, on_new_data
from rap_platform.resources.mlflow import MlflowResource, dagster_tags
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Endpoint, NotConfigured, get_settings
from rap_platform.training import dataset, panel, quality, queries
from rap_platform.training import features as feature_rows

RATINGS_VERSION = "1"
DATASET_VERSION = "1"


@dg.asset(
    deps=[lyrics.tracks],
    code_version=RATINGS_VERSION,
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    description="Marks from 1 to 10 that people, or the simulated panel, gave to tracks. Only tracks without a panel mark are asked for.",
    retry_policy=failures.RETRY,
)
def ratings(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    started = time.monotonic()
    figures: dict[str, Any] = {"asked": 0, "rows_new": 0}
    try:
        endpoint = get_settings().panel_endpoint()
    except NotConfigured as reason:
        figures["panel"] = f"not asked: {reason}"
    else:
        with postgres.exclusively("ratings"):
            figures |= _ask_panel(postgres, endpoint)
    with postgres.connection() as conn:
        counts = queries.rating_counts(conn)
        if not counts:
            figures["missing"] = "no track has a rating, so that no dataset can be made and no model learned"
            figures["remedy"] = (
                "run with the simulated world (RAP_WORLD=on), or bring ratings of your own tracks into the table ratings"
            )
        report = metadata.report(
            conn, table="ratings", by_population=counts, seconds=round(time.monotonic() - started, 2), **figures
        )
    return dg.MaterializeResult(metadata=report)


def _ask_panel(postgres: PostgresResource, endpoint: Endpoint) -> dict[str, object]:
    with postgres.connection() as conn:
        unrated = queries.unrated_tracks(conn)
    new = 0
    # A proxy of the machine has no business between us and our own loopback server.
    with httpx.Client(trust_env=not endpoint.simulated) as client:
        for ids in panel.chunks(list(unrated)):
            try:
                marks = panel.fetch(client, endpoint, ids)
            except panel.PanelUnavailable as error:
                raise failures.TransientFailure(str(error)) from error
            except panel.PanelBroken as error:
                raise failures.PermanentFailure(str(error)) from error
            with postgres.connection() as conn:
                new += queries.upsert_panel_ratings(conn, marks, unrated)
    return {"panel": endpoint.base_url, "asked": len(unrated), "rows_new": new}


@dg.asset(
    deps=[ratings, features.lyric_features, analyses.rule_based_analyses, analyses.qwen_analyses],
    code_version=DATASET_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "postgres", "parquet"},
    owners=[metadata.TEAM],
    description="Rated tracks that pass the filters, split by groups of artists and near-duplicates, 800 to learn from and 200 held out; versioned by content.",
    retry_policy=failures.RETRY,
)
def training_dataset(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    started = time.monotonic()
    settings = get_settings()
    with postgres.exclusively("training_dataset"), postgres.connection() as conn:
        rows = queries.rated_tracks(conn)
        plan = dataset.plan(rows, queries.ratings(conn), settings.dataset, settings.population)
        if isinstance(plan, dataset.TooFew):
            context.log.warning("no dataset: %s; %s", plan.missing, plan.remedy)
            report = metadata.report(
                conn,
                table="dataset_versions",
                status="no dataset",
                missing=plan.missing,
                remedy=plan.remedy,
                dropped=plan.dropped,
                rows_new=0,
            )
            return dg.MaterializeResult(metadata=report)
        known = queries.use_again(conn, plan.digest)
        folder = settings.data_dir / "datasets" / plan.version
        if known is None or not folder.is_dir():
            texts = queries.lyrics(conn, [member.track_id for member in plan.members])
            dataset.export(folder, plan, texts, {row.track_id: row for row in rows})
        if known is None:
            simulated = any(row.simulated for row in rows if row.track_id in texts)
            queries.insert_dataset(conn, plan, seed=settings.dataset.seed, simulated=simulated)
        report = metadata.report(
            conn,
            table="dataset_members",
            rows=len(plan.members),
            status="new version" if known is None else "unchanged",
            version=plan.version,
            digest=plan.digest,
            population=plan.population,
            train=plan.count("train"),
            eval=plan.count("eval"),
            rows_new=len(plan.members) if known is None else 0,
            size_note=_size_note(plan, settings.dataset.size),
            files=str(Path("datasets") / plan.version),
            card=plan.card,
            seconds=round(time.monotonic() - started, 2),
        )
    return dg.MaterializeResult(metadata=report, data_version=dg.DataVersion(plan.digest))


def _size_note(plan: dataset.Plan, wanted: int) -> str:
    if len(plan.members) == wanted:
        return f"complete: {wanted} tracks"
    return f"smaller than asked for: {len(plan.members)} of {wanted} tracks pass the filters"


@dg.asset(
    deps=[training_dataset, embeddings.lyrics_embeddings],
    code_version=quality.CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "scikitlearn", "mlflow"},
    owners=[metadata.TEAM],
    description="Predicts a rating from what the ear hears and what the text means; chosen by grouped cross-validation inside train; registered in MLflow.",
    retry_policy=failures.RETRY,
)
def quality_model(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    started = time.monotonic()
    settings = get_settings()
    try:
        mlflow.uri()
    except NotConfigured as reason:
        return metadata.unavailable(reason)
    with postgres.exclusively("quality_model"):
        with postgres.connection() as conn:
            version = queries.current_dataset(conn, settings.population)
            if version is None:
                return _no_dataset()
            inputs = queries.input_versions(conn, version.version)
            key = training_key(version.digest, inputs)
            if registered := mlflow.versions(quality.MODEL_NAME, {"key": key}):
                return _registered(mlflow, registered[0], version, status="unchanged")
            members = queries.members(conn, version.version)
            ears = queries.feature_rows(conn, version.version, feature_rows.EAR)
            vectors = queries.lyric_vectors(conn, version.version)
        train = [member for member in members if member.split == "train"]
        x = feature_rows.frame([member.track_id for member in train], ears, vectors)
        y = np.array([member.label for member in train])
        fitted = quality.fit(x, y, [member.group_key for member in train], seed=settings.dataset.seed)
        tags = {
            **dagster_tags(context, simulated=version.simulated),
            "key": key,
            "dataset": version.version,
            "dataset_digest": version.digest,
            "code_version": quality.CODE_VERSION,
            "feature_version": feature_rows.VERSION,
            "population": version.population,
        }
        with mlflow.run("quality_model", f"{fitted.chosen} on {version.version}", tags=tags) as run:
            folder = settings.data_dir / "datasets" / version.version
            run.dataset(
                name=version.version,
                digest=version.digest,
                source=str(folder),
                rows=len(train),
                context="training",
                profile=version.card["counts"],
            )
            run.log(
                params={
                    "estimator": fitted.chosen,
                    "folds": fitted.folds,
                    "seed": settings.dataset.seed,
                    "train_tracks": len(train),
                },
                metrics={f"cv_mae/{_metric_name(name)}": error for name, error in fitted.cv_mae.items()}
                | {"cv_mae": fitted.cv_mae[fitted.chosen]},
            )
            if folder.is_dir():
                run.files(folder, "dataset")
            example = x.head(2)
            made = run.model(
                fitted.model,
                name=quality.MODEL_NAME,
                example=example,
                predicted=quality.predict(fitted.model, example),
                requirements=[
                    f"{package}=={importlib.metadata.version(package)}"
                    for package in ("scikit-learn", "skops", "pandas", "numpy")
                ],
                trusted_types=quality.TRUSTED_TYPES,
                tags=tags,
            )
            result = _registered(
                mlflow,
                made,
                version,
                status="new version",
                run_url=run.url,
                estimator=fitted.chosen,
                cv_mae=round(fitted.cv_mae[fitted.chosen], 4),
                cv_mae_by_candidate={name: round(error, 4) for name, error in fitted.cv_mae.items()},
                train=len(train),
                without_features=len(train) - sum(member.track_id in ears for member in train),
                without_embedding=len(train) - sum(member.track_id in vectors for member in train),
                seconds=round(time.monotonic() - started, 2),
            )
    return result


def training_key(dataset_digest: str, inputs: tuple[str, str]) -> str:
    """What a model was learned from, as one hash: dataset, code, features and vectors."""
    parts = "|".join([dataset_digest, quality.CODE_VERSION, feature_rows.VERSION, *inputs])
    return hashlib.sha256(parts.encode()).hexdigest()


def _metric_name(name: str) -> str:
    return name.replace("(", "_").replace(")", "").replace("=", "_")


def _no_dataset() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={
            "status": "no dataset",
            "missing": "there is no dataset version of the population that is set (RAP_POPULATION)",
            "remedy": "see the metadata of training_dataset: it says which ratings, features or analyses are missing",
            "rows_new": 0,
        }
    )


def _registered(
    mlflow: MlflowResource,
    made: Any,
    version: queries.Version,
    *,
    status: str,
    run_url: str | None = None,
    **figures: object,
) -> dg.MaterializeResult:
    links = {"mlflow_run": run_url, "mlflow_model": mlflow.model_url(quality.MODEL_NAME, made.version)}
    shown = {name: dg.MetadataValue.url(link) for name, link in links.items() if link is not None}
    return dg.MaterializeResult(
        metadata={
            "status": status,
            "model": f"{quality.MODEL_NAME} version {made.version}",
            "dataset": version.version,
            "population": version.population,
            "simulated": version.simulated,
            "rows_new": int(status == "new version"),
            **{name: metadata.value(figure) for name, figure in figures.items()},
            **shown,
        },
        data_version=dg.DataVersion(made.tags.get("key", made.version)),
    )


ASSETS = [ratings, training_dataset, quality_model]
