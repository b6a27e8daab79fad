"""States what searches filter by, one row per track, from the track and the analysis that speaks for it. No orchestration here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from rap_platform.embeddings.search import facts_queries as queries
from rap_platform.lyrics.identity import normalise
from rap_platform.orchestration import progress

VERSION = "1"  # of how facts are read; another one states all of them again
SLOTS_PER_COMMIT = 16  # of 1024: bounds what is held in memory, and what a killed run loses
ANALYZE_FROM = 1000  # rows stated; the planner learns what is rare


@dataclass(frozen=True)
class FactFigures:
    """What a run did: tracks whose facts were stated, and how many of those an analysis speaks for."""

    tracks: int
    analysed: int


def state_facts(conn: psycopg.Connection[Any], slots: Sequence[int]) -> FactFigures:
    """State the facts of the tracks in these slots that are new or changed; commits every 16 slots."""
    tracks = analysed = 0
    for batch in progress.track(_batches(slots), -(-len(slots) // SLOTS_PER_COMMIT), "facts of tracks"):
        with conn.transaction():
            rows = conn.execute(queries.STALE, {"slots": list(batch), "version": VERSION}).fetchall()
            if rows:
                tracks += _store(conn, [_stated(*row) for row in rows])
                analysed += sum(row[8] is not None for row in rows)
    if tracks >= ANALYZE_FROM:
        with conn.transaction():
            conn.execute(queries.ANALYZE)
    return FactFigures(tracks, analysed)


def coverage(conn: psycopg.Connection[Any], slots: Sequence[int]) -> tuple[int, int]:
    """The number of tracks in these slots, and how many of them have no facts."""
    row = conn.execute(queries.UNSTATED, {"slots": list(slots)}).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def guests(featured: Sequence[str]) -> list[str]:
    """Featured artists under the names that are compared, each once, in their order; blank ones are none."""
    return list(dict.fromkeys(filter(None, map(normalise, featured))))


def _stated(
    track_id: int, original_id: int, artist_id: int, featured: list[str], year: int | None, language: str | None,
    explicit: bool | None, rating: str | None, mood: str | None, moods: list[str] | None, themes: list[str] | None,
    simulated: bool, analysis_simulated: bool, input_sha256: str,
) -> tuple[Any, ...]:  # fmt: skip
    named = list(dict.fromkeys([mood, *(moods or [])] if mood else []))
    return (track_id, original_id, artist_id, guests(featured), year, language, explicit, rating, named, themes or [],
            simulated, analysis_simulated, input_sha256)  # fmt: skip


def _store(conn: psycopg.Connection[Any], rows: Sequence[tuple[Any, ...]]) -> int:
    conn.execute(queries.STAGING)
    with conn.cursor() as cursor:
        with cursor.copy(queries.COPY) as copy:
            for row in rows:
                copy.write_row(row)
        stored = cursor.execute(queries.UPSERT).rowcount
    conn.execute(queries.UNSTAGE)
    return stored


def _batches(slots: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(slots), SLOTS_PER_COMMIT):
        yield slots[start : start + SLOTS_PER_COMMIT]
