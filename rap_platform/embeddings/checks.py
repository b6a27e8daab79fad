"""What must hold of all vectors and words before anything is built on them. Coverage is checked by the asset, for its own shards."""

from collections.abc import Callable

import dagster as dg
import psycopg

from rap_platform.embeddings import analysis_assets, assets, hearing, indexing, queries, term_assets
from rap_platform.embeddings.audio.assets import audio_vectors_are_scaled
from rap_platform.embeddings.encoders import registering
from rap_platform.resources.postgres import PostgresResource

NORM_TOLERANCE = 0.005  # half precision

__all__ = ["audio_vectors_are_scaled"]  # loaded with the others


@dg.asset_check(asset=assets.lyrics_embeddings, blocking=True)
def section_vectors_are_unit(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Section vectors of every encoder have its dimension and length 1."""
    with postgres.connection() as conn:
        return _unit(conn, queries.section_norms)


@dg.asset_check(asset=assets.lyrics_embeddings, blocking=True)
def lyrics_vectors_are_unit(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Track vectors of lyrics by every encoder have its dimension and length 1."""
    with postgres.connection() as conn:
        return _unit(conn, queries.track_norms, kind="lyrics")


@dg.asset_check(asset=analysis_assets.analysis_embeddings, blocking=True)
def analysis_vectors_are_unit(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Track vectors of analyses by every encoder have its dimension and length 1."""
    with postgres.connection() as conn:
        return _unit(conn, queries.track_norms, kind="analysis")


@dg.asset_check(asset=term_assets.section_sounds, blocking=False)
def sung_words_are_known(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Near-miss spelling knows every word of 500 sections: none of them would be corrected."""
    with postgres.connection() as conn:
        sections, unknown = hearing.unknown_words(conn)
    return dg.AssetCheckResult(
        passed=not unknown,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"sections": sections, "unknown": len(unknown), "examples": ", ".join(unknown[:10]) or "none"},
    )


@dg.asset_check(asset=analysis_assets.vector_index, blocking=True)
def vector_index_recall(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Every index finds, at its breadth, at least 98 % of what an exact scan finds among the ten nearest."""
    with postgres.connection() as conn:
        recall = indexing.latest_recall(conn)
    poor = sorted(index for index, value in (recall or {}).items() if value < indexing.MINIMUM_RECALL)
    return dg.AssetCheckResult(
        passed=recall is not None and not poor,
        description=f"{', '.join(poor)}: {indexing.REMEDY}" if poor else None,
        metadata={"minimum": indexing.MINIMUM_RECALL, "recall_at_10": dg.MetadataValue.json(recall or {})},
    )


def _unit(conn: psycopg.Connection, statement: Callable[[str], str], **parameters: object) -> dg.AssetCheckResult:
    wrong: list[str] = []
    vectors = 0
    errors = [0.0]
    for name, dimension in registering.dimensions(conn).items():
        count, error, shortest, longest = conn.execute(statement(name), parameters).fetchone() or (0, 0.0, 0, 0)
        vectors += count
        errors.append(float(error))
        if count and not (shortest == longest == dimension and error <= NORM_TOLERANCE):
            wrong.append(name)
    return dg.AssetCheckResult(
        passed=not wrong,
        metadata={"vectors": vectors, "largest_norm_error": max(errors), "wrong": ", ".join(wrong) or "none"},
    )
