"""What must hold of all vectors and words before anything is built on them. Coverage is checked by the asset, for its own shards."""

from typing import Any

import dagster as dg
import psycopg

from rap_platform.embeddings import analysis_assets, assets, hearing, indexing, queries, term_assets
from rap_platform.embeddings.audio.assets import audio_vectors_are_scaled
from rap_platform.embeddings.encoders import weights
from rap_platform.resources.postgres import PostgresResource

NORM_TOLERANCE = 0.005  # half precision

__all__ = ["audio_vectors_are_scaled"]  # loaded with the others


@dg.asset_check(asset=assets.lyrics_embeddings, blocking=True)
def section_vectors_are_unit(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Section vectors have the encoder's dimension and length 1."""
    with postgres.connection() as conn:
        return _unit(*_row(conn, queries.SECTION_NORMS))


@dg.asset_check(asset=assets.lyrics_embeddings, blocking=True)
def lyrics_vectors_are_unit(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Track vectors of lyrics have the encoder's dimension and length 1."""
    with postgres.connection() as conn:
        return _unit(*_row(conn, queries.TRACK_NORMS, kind="lyrics"))


@dg.asset_check(asset=analysis_assets.analysis_embeddings, blocking=True)
def analysis_vectors_are_unit(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Track vectors of analyses have the encoder's dimension and length 1."""
    with postgres.connection() as conn:
        return _unit(*_row(conn, queries.TRACK_NORMS, kind="analysis"))


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
    """Every index finds at least 98 % of what an exact scan finds among the ten nearest."""
    with postgres.connection() as conn:
        recall = indexing.latest_recall(conn)
    return dg.AssetCheckResult(
        passed=recall is not None and all(value >= indexing.MINIMUM_RECALL for value in recall.values()),
        metadata={"minimum": indexing.MINIMUM_RECALL, "recall_at_10": dg.MetadataValue.json(recall or {})},
    )


def _unit(count: int, error: float, shortest: int, longest: int) -> dg.AssetCheckResult:
    right = count == 0 or (shortest == longest == weights.DIMENSION and error <= NORM_TOLERANCE)
    return dg.AssetCheckResult(
        passed=bool(right),
        metadata={"vectors": int(count), "largest_norm_error": float(error), "dimension": int(longest)},
    )


def _row(conn: psycopg.Connection, statement: str, **parameters: object) -> tuple[Any, ...]:
    row = conn.execute(statement, parameters).fetchone()
    if row is None:
        raise RuntimeError("an aggregate returned no row")
    return tuple(row)
