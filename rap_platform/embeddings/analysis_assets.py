"""The assets of this stage that wait for the analyses: analysis_embeddings, and vector_index over all vectors."""

import time
from dataclasses import asdict
from functools import partial

import dagster as dg

from rap_platform.analyses import assets as analyses
from rap_platform.embeddings import assets as embeddings
from rap_platform.embeddings import fact_assets as facts
from rap_platform.embeddings import filling, indexing, lines
from rap_platform.embeddings import term_assets as terms
from rap_platform.embeddings.audio import assets as audio
from rap_platform.embeddings.encoders import switching, weights
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import on_any_new_partition, on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources.embedder import EmbedderResource
from rap_platform.resources.postgres import PostgresResource


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(len(SHARDS.get_partition_keys())),
    deps=[analyses.rule_based_analyses, analyses.qwen_analyses],
    code_version="1",
    automation_condition=on_new_data(),
    kinds={"python", "onnx", "postgres"},
    owners=[metadata.TEAM],
    pool="embedder",
    retry_policy=failures.RETRY,
    description="Vectors, by every configured encoder, of what the best analysis of each track says: moods, themes, summary.",
)
def analysis_embeddings(
    context: dg.AssetExecutionContext, postgres: PostgresResource, embedder: EmbedderResource
) -> dg.MaterializeResult:
    """Encode the text of the best analysis (QWEN before the rules); simulated when the analysis or the track is."""
    started = time.monotonic()
    encoders = embedder.encoders()
    with (
        postgres.exclusively(*(f"analysis_embeddings/{key}" for key in context.partition_keys)),
        postgres.connection() as conn,
    ):
        found = {
            name: filling.fill_analyses(conn, partial(encoders.get, name), slots(context), name)
            for name in encoders.due(conn)
        }
        ours = found[weights.NAME]
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="track_vectors_minilm",
                rows_new=ours.tracks,
                texts_encoded=ours.texts,
                analyzers=ours.analyzers,
                rows_removed=ours.removed,
                seconds=round(time.monotonic() - started, 2),
                encoder=weights.NAME,
                encoders=dg.MetadataValue.json({name: asdict(figures) for name, figures in found.items()}),
            )
        )


@dg.asset(
    deps=[
        embeddings.lyrics_embeddings,
        audio.audio_embeddings,
        analysis_embeddings,
        terms.section_sounds,
        facts.track_facts,
    ],
    code_version=indexing.VERSION,
    automation_condition=on_any_new_partition(),
    kinds={"postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="HNSW indexes over all vectors, each with the breadth that finds what an exact scan finds; what searches read is then complete.",
)
def vector_index(
    context: dg.AssetExecutionContext, postgres: PostgresResource, embedder: EmbedderResource
) -> dg.MaterializeResult:
    """Build the indexes that are missing and measure those whose vectors changed; nothing when they are those of the last report."""
    started = time.monotonic()
    with postgres.exclusively(indexing.LOCK), postgres.connection() as conn:
        with conn.transaction():
            found = indexing.inventory(conn)
            known = indexing.is_reported(conn, found)
        if known:
            context.log.info("the vectors are those of the last report")
            return dg.MaterializeResult(
                metadata=metadata.report(conn, table="section_vectors_minilm", status="unchanged", digest=found.digest)
            )
        built = indexing.build_missing(conn, found.vectors)
        switching.sweep(conn)
        with conn.transaction():
            ask = lines.asking(conn, embedder.encoders(batch=False))
            reports = indexing.measure(conn, found.vectors, indexing.latest_reports(conn), ask)
            indexing.store(conn, found, reports, built)
        recall = {report.index: report.recall_at_10 for report in reports if report.recall_at_10 is not None}
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="section_vectors_minilm",
                status="measured",
                digest=found.digest,
                vectors=found.vectors,
                built_s=built,
                carried=[report.index for report in reports if report.carried],
                recall_at_10_minimum=min(recall.values(), default=None),
                ef_search={report.index: report.ef_search for report in reports if report.ef_search is not None},
                seconds=round(time.monotonic() - started, 2),
                indexes=dg.MetadataValue.md(indexing.table(reports)),
            )
        )
