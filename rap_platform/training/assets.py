"""Assets of the stage: ratings, the dataset version, the quality model. What they compute stands in the pure modules."""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psycopg

from rap_platform.analyses import assets as analyses
from rap_platform.embeddings import assets as embeddings
from rap_platform.features import assets as features
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import nightly_if_changed, on_new_data
from rap_platform.resources.mlflow import MlflowResource, dagster_tags
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Endpoint, NotConfigured, get_settings
from rap_platform.training import (
    dataset,
    dataset_card,
    dataset_files,
    dataset_overlaps,
    dataset_plots,
    dataset_tracking,
    learning,
    panel,
    plots,
    quality,
    queries,
    rating_plots,
    rating_queries,
    rating_report,
)
from rap_platform.training import features as feature_rows

RATINGS_VERSION = "2"
DATASET_VERSION = "2"


@dg.asset(
    deps=[lyrics.tracks],
    code_version=RATINGS_VERSION,
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    description="Marks from 1 to 10 that people, critics or the simulated panel gave to tracks, and how far they agree. "
    "Only tracks without a panel mark are asked for.",
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
        told = rating_metadata(conn)
        report = metadata.report(conn, table="ratings", seconds=round(time.monotonic() - started, 2), **figures, **told)
    return dg.MaterializeResult(metadata=report)


def rating_metadata(conn: psycopg.Connection) -> dict[str, Any]:
    """What is shown of all marks: counts, agreement and pictures by population; or what is missing and what to do."""
    body = rating_report.load(conn)
    figures: dict[str, Any] = {"by_population": body["counts"]}
    for population, found in body["populations"].items():
        figures |= {f"{population}_{name}": value for name, value in rating_report.headline(found).items()}
        figures[f"{population}_report"] = dg.MetadataValue.md(rating_report.markdown(population, found))
        figures[f"{population}_raters"] = metadata.png(rating_plots.rater_effects(found["raters"], population))
    return figures | {name: body[name] for name in ("missing", "remedy") if name in body}


def _ask_panel(postgres: PostgresResource, endpoint: Endpoint) -> dict[str, object]:
    with postgres.connection() as conn:
        unrated = rating_queries.unrated_tracks(conn)
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
                new += rating_queries.upsert_panel_ratings(conn, marks, unrated)
    return {"panel": endpoint.base_url, "asked": len(unrated), "rows_new": new}


@dg.asset(
    deps=[ratings, features.lyric_features, analyses.rule_based_analyses, analyses.qwen_analyses],
    code_version=DATASET_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "postgres", "parquet", "mlflow"},
    owners=[metadata.TEAM],
    description="Rated tracks that pass the filters, split by groups of artists and near-duplicates, 800 to learn from and 200 held out; versioned by content.",
    retry_policy=failures.RETRY,
)
def training_dataset(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    started = time.monotonic()
    settings = get_settings()
    with postgres.exclusively("training_dataset"):
        with postgres.connection() as conn:
            rows = queries.rated_tracks(conn)
            plan = dataset.plan(
                rows,
                queries.ratings(conn),
                settings.dataset,
                settings.population,
                near=lambda track_ids: _near(conn, track_ids),
            )
            if isinstance(plan, dataset.TooFew):
                return _too_few(context, conn, plan)
            by_id = {row.track_id: row for row in rows}
            simulated = any(by_id[member.track_id].simulated for member in plan.members)
            known = queries.use_again(conn, plan)
            if known is None:
                queries.insert_dataset(conn, plan, seed=settings.dataset.seed, simulated=simulated)
            folder = settings.data_dir / "datasets" / plan.version
            if known is None or not dataset_files.complete(folder):
                texts = queries.lyrics(conn, [member.track_id for member in plan.members])
                ears = queries.feature_rows(conn, plan.version, feature_rows.EAR)
                dataset_files.export(folder, plan, texts, by_id, ears, feature_rows.EAR)
            described = metadata.report(
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
                largest_imbalance_points=plan.card["largest_imbalance"]["points"],
                near_duplicates_tied=plan.card["near_duplicates_tied"],
                files=str(Path("datasets") / plan.version),
                card=plan.card,
                card_for_people=dg.MetadataValue.md(dataset_card.markdown(plan.card)),
                sides=metadata.png(dataset_plots.sides(plan.card)),
            )
        # After the commit: when MLflow is away the version is kept, and the next run logs it.
        link = _log_dataset(context, mlflow, folder, simulated=simulated)
    seconds = {"seconds": round(time.monotonic() - started, 2)}
    return dg.MaterializeResult(metadata=described | link | seconds, data_version=dg.DataVersion(plan.digest))


def _near(conn: psycopg.Connection, track_ids: Sequence[int]) -> list[tuple[int, int]]:
    texts = queries.lyrics(conn, track_ids)
    pairs = dataset_overlaps.near_pairs(texts, queries.signatures(conn, track_ids))
    return [(pair.one, pair.other) for pair in pairs]


def _too_few(context: dg.AssetExecutionContext, conn: psycopg.Connection, plan: dataset.TooFew) -> dg.MaterializeResult:
    context.log.warning("no dataset: %s; %s", plan.missing, plan.remedy)
    return dg.MaterializeResult(
        metadata=metadata.report(
            conn,
            table="dataset_versions",
            status="no dataset",
            missing=plan.missing,
            remedy=plan.remedy,
            dropped=plan.dropped,
            rows_new=0,
        )
    )


def _log_dataset(
    context: dg.AssetExecutionContext, mlflow: MlflowResource, folder: Path, *, simulated: bool
) -> dict[str, Any]:
    """Log the version that lies in `folder` once; without MLflow it stands in the database and its files alone."""
    try:
        mlflow.uri()
    except NotConfigured as reason:
        context.log.warning("the dataset is not in MLflow: %s", reason)
        return {}
    card = json.loads((folder / dataset_files.CARD).read_text(encoding="utf-8"))
    url = dataset_tracking.log(mlflow, folder, card, dagster_tags(context, simulated=simulated))
    return {"mlflow_run": dg.MetadataValue.url(url)} if url else {}


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
    description="Predicts a rating with an interval from what the ear hears and what the text means; chosen by grouped cross-validation inside train.",
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
                return no_dataset()
            inputs = queries.input_versions(conn, version.version)
            key = training_key(version.digest, inputs)
            if known := mlflow.versions(quality.MODEL_NAME, {"key": key}):
                return registered(mlflow, known[0], version, status="unchanged")
            members = queries.members(conn, version.version)
            ears = queries.feature_rows(conn, version.version, feature_rows.EAR)
            vectors = queries.lyric_vectors(conn, version.version)
        x = feature_rows.frame([member.track_id for member in members], ears, vectors)
        train, held_out = learning.sides([(m.split, m.label, m.group_key) for m in members], x)
        learned = learning.learn(train, held_out, seed=settings.dataset.seed)
        made, run = learning.register(
            mlflow,
            learned,
            train,
            name=quality.MODEL_NAME,
            version=version,
            folder=settings.data_dir / "datasets" / version.version,
            seed=settings.dataset.seed,
            tags=model_tags(context, version, key, code_version=quality.CODE_VERSION),
            unit="rating points",
        )
        return registered(
            mlflow,
            made,
            version,
            status="new version",
            run_url=run.url,
            **learning.shown(learned),
            train=len(train.y),
            without_features=sum(member.track_id not in ears for member in members if member.split == "train"),
            without_embedding=sum(member.track_id not in vectors for member in members if member.split == "train"),
            plot_importance=plots.importance(learned.fitted.permutation),
            plot_learning_curve=plots.learning_curve(learned.curve),
            seconds=round(time.monotonic() - started, 2),
        )


def model_tags(
    context: dg.AssetExecutionContext, version: queries.Version, key: str, **more: object
) -> dict[str, object]:
    """What a registered model version says of itself: from which Dagster run, data and features it comes."""
    return {
        **dagster_tags(context, simulated=version.simulated),
        "key": key,
        "dataset": version.version,
        "dataset_digest": version.digest,
        "feature_version": feature_rows.VERSION,
        "population": version.population,
        **more,
    }


def training_key(dataset_digest: str, inputs: tuple[str, str]) -> str:
    """What a model was learned from, as one hash: dataset, code, features and vectors."""
    parts = "|".join([dataset_digest, quality.CODE_VERSION, feature_rows.VERSION, *inputs])
    return hashlib.sha256(parts.encode()).hexdigest()


def no_dataset() -> dg.MaterializeResult:
    """What an asset says that has no dataset to work on."""
    return dg.MaterializeResult(
        metadata={
            "status": "no dataset",
            "missing": "there is no dataset version of the population that is set (RAP_POPULATION)",
            "remedy": "see the metadata of training_dataset: it says which ratings, features or analyses are missing",
            "rows_new": 0,
        }
    )


def registered(
    mlflow: MlflowResource,
    made: Any,
    version: queries.Version,
    *,
    status: str,
    name: str = quality.MODEL_NAME,
    run_url: str | None = None,
    **figures: Any,
) -> dg.MaterializeResult:
    """What a learning asset says of the model version `made`; a figure that is named plot_ is a picture."""
    links = {"mlflow_run": run_url, "mlflow_model": mlflow.model_url(name, made.version)}
    shown = {link: dg.MetadataValue.url(url) for link, url in links.items() if url is not None}
    return dg.MaterializeResult(
        metadata={
            "status": status,
            "model": f"{name} version {made.version}",
            "dataset": version.version,
            "population": version.population,
            "simulated": version.simulated,
            "rows_new": int(status == "new version"),
            **{
                label: metadata.png(figure) if label.startswith("plot_") else metadata.value(figure)
                for label, figure in figures.items()
            },
            **shown,
        },
        data_version=dg.DataVersion(made.tags.get("key", made.version)),
    )


ASSETS = [ratings, training_dataset, quality_model]
