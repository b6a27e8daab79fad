"""The asset commercial_model: the second target, where labels of it exist. What is a label is decided in commercial.py."""

import time

import dagster as dg

from rap_platform.embeddings import assets as embeddings
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import nightly_if_changed
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured, get_settings
from rap_platform.spotify import assets as spotify
from rap_platform.training import assets, commercial, learning, plots, queries
from rap_platform.training import features as feature_rows


@dg.asset(
    deps=[assets.training_dataset, embeddings.lyrics_embeddings, spotify.spotify_tracks],
    code_version=commercial.CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "scikitlearn", "mlflow"},
    owners=[metadata.TEAM],
    description="Predicts how often lyrics are looked up (or Spotify's popularity) from what the quality model sees; where enough tracks have such a label.",
    retry_policy=failures.RETRY,
)
def commercial_model(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    started = time.monotonic()
    settings = get_settings()
    try:
        mlflow.uri()
    except NotConfigured as reason:
        return metadata.unavailable(reason)
    with postgres.exclusively("commercial_model"):
        with postgres.connection() as conn:
            version = queries.current_dataset(conn, settings.population)
            if version is None:
                return assets.no_dataset()
            target = commercial.target(queries.attention(conn, version.version), settings.dataset.minimum)
            if isinstance(target, commercial.NoTarget):
                return _no_labels(target)
            quality_key = assets.training_key(version.digest, queries.input_versions(conn, version.version))
            key = commercial.training_key(target, quality_key)
            if known := mlflow.versions(commercial.MODEL_NAME, {"key": key}):
                return assets.registered(mlflow, known[0], version, name=commercial.MODEL_NAME, status="unchanged")
            members = [m for m in queries.members(conn, version.version) if m.track_id in target.labels]
            if (lacking := commercial.lacking([(m.split, m.group_key) for m in members], target)) is not None:
                return _no_labels(lacking)
            ears = queries.feature_rows(conn, version.version, feature_rows.EAR)
            vectors = queries.lyric_vectors(conn, version.version)
        x = feature_rows.frame([member.track_id for member in members], ears, vectors)
        train, held_out = learning.sides([(m.split, target.labels[m.track_id], m.group_key) for m in members], x)
        learned = learning.learn(
            train, held_out, seed=settings.dataset.seed, scale=target.scale, label="commercial model"
        )
        made, run = learning.register(
            mlflow,
            learned,
            train,
            name=commercial.MODEL_NAME,
            version=version,
            folder=settings.data_dir / "datasets" / version.version,
            seed=settings.dataset.seed,
            tags=assets.model_tags(context, version, key, code_version=commercial.CODE_VERSION, target=target.name),
            unit=target.unit,
        )
        return assets.registered(
            mlflow,
            made,
            version,
            name=commercial.MODEL_NAME,
            status="new version",
            run_url=run.url,
            target=target.name,
            labelled=len(target.labels),
            **learning.shown(learned),
            plot_importance=plots.importance(learned.fitted.permutation, target.unit),
            seconds=round(time.monotonic() - started, 2),
        )


def _no_labels(lacking: commercial.NoTarget) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"status": "no labels", "missing": lacking.missing, "remedy": lacking.remedy, "rows_new": 0}
    )


ASSETS = [commercial_model]
