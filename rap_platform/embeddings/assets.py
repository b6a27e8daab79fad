"""The asset lyrics_embeddings. Audio is in audio/; those that wait for a later stage are in analysis_assets.py."""

import time

import dagster as dg

from rap_platform.embeddings import filling
from rap_platform.embeddings.encoders import weights
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources.embedder import EmbedderResource
from rap_platform.resources.postgres import PostgresResource

# Checked inside the asset, because only there it is known which shards the run was for.
COVERAGE = dg.AssetCheckSpec(
    "every_section_has_its_vector",
    asset="lyrics_embeddings",
    blocking=True,
    description="No section of the shards of this run is without the vector of its present text.",
)


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(len(SHARDS.get_partition_keys())),
    deps=[lyrics.tracks],
    code_version="1",
    automation_condition=on_new_data(),
    kinds={"python", "onnx", "postgres"},
    owners=[metadata.TEAM],
    pool="embedder",
    retry_policy=failures.RETRY,
    check_specs=[COVERAGE],
    description="MiniLM vectors of every section, and of every track as the normalised mean of its sections.",
)
def lyrics_embeddings(
    context: dg.AssetExecutionContext, postgres: PostgresResource, embedder: EmbedderResource
) -> dg.MaterializeResult:
    """Encode what is new or reworded; equal texts (hooks) once; nothing is cut: long sections go through windows."""
    started = time.monotonic()
    keys = [f"lyrics_embeddings/{key}" for key in context.partition_keys]
    with postgres.exclusively(*keys), postgres.connection() as conn:
        found = filling.fill_sections(conn, embedder.encoder, slots(context))
        tracks = filling.fill_lyrics(conn, slots(context))
        sections, missing = filling.coverage(conn, slots(context))
        seconds = time.monotonic() - started
        return dg.MaterializeResult(
            check_results=[
                dg.AssetCheckResult(
                    check_name=COVERAGE.name,
                    passed=missing == 0,
                    metadata={"sections": sections, "missing": missing},
                )
            ],
            metadata=metadata.report(
                conn,
                table="section_vectors_minilm",
                rows_new=found.sections,
                texts_encoded=found.texts,
                tracks_new=tracks,
                texts_over_limit=found.over_limit,
                share_over_limit=found.over_limit / found.texts if found.texts else None,
                word_pieces=found.word_pieces,
                word_pieces_per_s=round(found.word_pieces / seconds, 1) if found.word_pieces else None,
                seconds=round(seconds, 2),
                encoder=weights.NAME,
            ),
        )
