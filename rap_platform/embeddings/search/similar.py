"""Tracks like a track, by lyrics, analysis or audio."""

from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from rap_platform.embeddings.search import queries, similar_queries
from rap_platform.embeddings.search.question import MAX_LIMIT, SearchError
from rap_platform.settings import get_settings

Kind = Literal["lyrics", "analysis", "audio"]


@dataclass(frozen=True)
class Similar:
    """A track like another; `distance` is cosine (lyrics, analysis) or Euclidean over nine features (audio)."""

    track_id: int
    artist: str
    title: str
    year: int | None
    distance: float
    simulated: bool


def similar_tracks(conn: psycopg.Connection[Any], track_id: int, kind: Kind, limit: int = 10) -> list[Similar]:
    """Tracks nearest to `track_id` by lyrics, analysis or audio, without itself and its duplicates.

    Raises SearchError when the track has no vector of that kind.
    """
    if kind not in similar_queries.SIMILAR_TRACKS:
        raise SearchError(f"no vectors of kind {kind!r}: one of {', '.join(similar_queries.SIMILAR_TRACKS)}")
    if not 1 <= limit <= MAX_LIMIT:
        raise SearchError(f"limit is {limit}, must be 1 to {MAX_LIMIT}")
    with conn.transaction():
        found = conn.execute(similar_queries.HAS_VECTOR[kind], {"track_id": track_id}).fetchone()
        if found is None or not found[0]:
            raise SearchError(
                f"track {track_id} has no {kind} vector: it does not exist, or that stage has not run for it"
            )
        candidates = 4 * limit + 10
        conn.execute(queries.SEARCH_SETTINGS, _breadth(candidates, filtered=True))
        rows = conn.execute(
            similar_queries.SIMILAR_TRACKS[kind], {"track_id": track_id, "candidates": candidates, "limit": limit}
        )
        return [
            Similar(row[0], row[1], row[2], row[3], distance=float(row[5]), simulated=row[4]) for row in rows.fetchall()
        ]


def _breadth(candidates: int, *, filtered: bool) -> dict[str, str]:
    ef_search = min(1000, max(get_settings().search.ef_search, candidates))
    return {"ef_search": str(ef_search), "iterative_scan": "relaxed_order" if filtered else "off"}
