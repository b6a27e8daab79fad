"""The asset audio_embeddings and its check. How features are scaled is in audio.py."""

import time

import dagster as dg

from rap_platform.embeddings import audio, audio_filling, audio_queries
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources.postgres import PostgresResource
from rap_platform.spotify import assets as spotify

TOLERANCE = 0.005  # half precision


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(len(SHARDS.get_partition_keys())),
    deps=[spotify.audio_features],
    code_version=audio.SCALER_VERSION,
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="Nine audio features per track under a frozen scaler.",
)
def audio_embeddings(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """Scale complete feature rows; a track that lacks one is skipped and counted by what it lacks."""
    started = time.monotonic()
    keys = [f"audio_embeddings/{key}" for key in context.partition_keys]
    with postgres.exclusively(*keys), postgres.connection() as conn:
        found = audio_filling.fill_audio(conn, slots(context))
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="track_vectors_audio",
                rows_new=found.tracks,
                rows_skipped=found.skipped,
                missing_features=found.incomplete,
                rows_removed=found.removed,
                scaler_version=audio.SCALER_VERSION,
                seconds=round(time.monotonic() - started, 2),
            )
        )


@dg.asset_check(asset=audio_embeddings, blocking=True)
def audio_vectors_are_scaled(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Audio vectors have nine values between 0 and 1, so a length of at most 3, all under one scaler."""
    with postgres.connection() as conn:
        row = conn.execute(audio_queries.AUDIO_RANGE, {"scaler_version": audio.SCALER_VERSION}).fetchone()
    if row is None:
        raise RuntimeError("an aggregate returned no row")
    count, shortest, longest, norm, foreign = row
    scaled = count == 0 or (shortest == longest == audio.DIMENSION and norm <= audio.DIMENSION**0.5 + TOLERANCE)
    return dg.AssetCheckResult(
        passed=bool(scaled and foreign == 0),
        metadata={"vectors": int(count), "longest": float(norm), "other_scalers": int(foreign)},
    )
