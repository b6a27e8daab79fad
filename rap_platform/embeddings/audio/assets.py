"""The asset audio_embeddings and its check. How features are scaled is in scaling.py."""

import time

import dagster as dg

from rap_platform.embeddings.audio import filling, queries, scaling
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources.postgres import PostgresResource
from rap_platform.spotify import assets as spotify

TOLERANCE = 1e-3  # half precision


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(len(SHARDS.get_partition_keys())),
    deps=[spotify.audio_features],
    code_version="2",
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="Nine audio features per track as shares of songs that have less of them, under a frozen scaler.",
)
def audio_embeddings(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """Scale rows that have at least seven features, with medians for the others; the rest is counted by what it lacks.

    The first run fits the scaler; `rap-platform scaler fit` fits it again.
    """
    started = time.monotonic()
    keys = [f"audio_embeddings/{key}" for key in context.partition_keys]
    with postgres.exclusively(*keys), postgres.connection() as conn:
        found = filling.fill_audio(conn, slots(context))
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="track_vectors_audio",
                rows_new=found.tracks,
                rows_skipped=found.skipped,
                missing_features=found.incomplete,
                imputed_features=found.imputed,
                rows_removed=found.removed,
                scaler_version=found.scaler.version,
                scaler_tracks=found.scaler.tracks,
                scaler_simulated=found.scaler.simulated,
                seconds=round(time.monotonic() - started, 2),
            )
        )


@dg.asset_check(asset=audio_embeddings, blocking=True)
def audio_vectors_are_scaled(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Audio vectors have nine values between 0 and 1, all under the scaler in force."""
    with postgres.connection() as conn:
        row = conn.execute(queries.SCALED).fetchone()
    if row is None:
        raise RuntimeError("an aggregate returned no row")
    count, shortest, longest, lowest, highest, foreign = row
    scaled = shortest == longest == scaling.DIMENSION and lowest >= -TOLERANCE and highest <= 1 + TOLERANCE
    return dg.AssetCheckResult(
        passed=bool(count == 0 or (scaled and foreign == 0)),
        metadata={
            "vectors": int(count),
            "lowest": float(lowest),
            "highest": float(highest),
            "other_scalers": int(foreign),
        },
    )
