"""The asset lyrics_embeddings. Audio is in audio/; those that wait for a later stage are in analysis_assets.py."""

import time
from functools import partial
from typing import Any

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
    description="Vectors of every section by every configured encoder, and of every track as the normalised mean of its sections.",
)
def lyrics_embeddings(
    context: dg.AssetExecutionContext, postgres: PostgresResource, embedder: EmbedderResource
) -> dg.MaterializeResult:
    """Encode what is new or reworded; equal texts (hooks) once; nothing is cut: long sections go through windows."""
    started = time.monotonic()
    encoders = embedder.encoders()
    with (
        postgres.exclusively(*(f"lyrics_embeddings/{key}" for key in context.partition_keys)),
        postgres.connection() as conn,
    ):
        figures: dict[str, dict[str, Any]] = {}
        for name in encoders.due(conn):
            before = time.monotonic()
            found = filling.fill_sections(conn, partial(encoders.get, name), slots(context), name)
            tracks = filling.fill_lyrics(conn, slots(context), name)
            sections, missing = filling.coverage(conn, slots(context), name)
            seconds = time.monotonic() - before
            figures[name] = {
                "sections": sections,
                "missing": missing,
                "rows_new": found.sections,
                "tracks_new": tracks,
                "texts_encoded": found.texts,
                "texts_over_limit": found.over_limit,
                "share_over_limit": found.over_limit / found.texts if found.texts else None,
                "computed_by": encoders.get(name).computed_by if found.texts else None,
                "word_pieces": found.word_pieces,
                "word_pieces_per_s": round(found.word_pieces / seconds, 1) if found.word_pieces else None,
                "seconds": round(seconds, 2),
            }
        ours = figures[weights.NAME]
        return dg.MaterializeResult(
            check_results=[
                dg.AssetCheckResult(
                    check_name=COVERAGE.name,
                    passed=not any(found["missing"] for found in figures.values()),
                    metadata={
                        "sections": ours["sections"],
                        "missing": sum(found["missing"] or 0 for found in figures.values()),
                    },
                )
            ],
            metadata=metadata.report(
                conn,
                table="section_vectors_minilm",
                **{key: value for key, value in ours.items() if key not in ("sections", "missing", "seconds")},
                seconds=round(time.monotonic() - started, 2),
                encoder=weights.NAME,
                encoders=dg.MetadataValue.json(figures),
            ),
        )
