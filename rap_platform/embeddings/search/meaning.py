"""The side of the meaning: the sections whose vectors are nearest to the question's, and away from what it must not be like."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from pgvector import HalfVector

from rap_platform.embeddings.search import queries
from rap_platform.embeddings.search.filtering import Filtering
from rap_platform.embeddings.search.question import Found, Side

MAX_EF_SEARCH = 1000  # of pgvector
NOISE = 0.1  # cosine that texts without anything in common reach
PUSH = 2.5  # how hard a section is pushed down for what it shares with the unwanted alone
FULL_EXCESS = 0.2  # of that, with which the question's words and sounds in a section count for nothing
MARGIN = 0.1  # a section that is nearer to the unwanted than to the question by more is out
LEAST_ANGLE = 0.1  # sine between question and unwanted, below which they can hardly be told apart


@dataclass(frozen=True)
class Breadth:
    """How far the index is walked: `sections` wanted, vectors looked at before it gives up, memory as a multiple of work_mem."""

    sections: int
    ef_search: int
    max_scan_tuples: int
    scan_mem_multiplier: int

    def settings(self, *, filtered: bool) -> dict[str, str]:
        """The parameters of queries.BREADTH.

        The index goes on only where one walk may not give enough, for it is slower when ready to: under filters, and where fewer than
        twice as many are walked as are wanted, for deleted rows count among them until the next vacuum.
        """
        ef_search = min(MAX_EF_SEARCH, max(self.ef_search, self.sections))
        return {
            "ef_search": str(ef_search),
            "iterative_scan": "relaxed_order" if filtered or ef_search < 2 * self.sections else "off",
            "max_scan_tuples": str(self.max_scan_tuples),
            "scan_mem_multiplier": str(self.scan_mem_multiplier),
        }


def by_meaning(
    conn: psycopg.Connection[Any],
    encoder: str,
    query: HalfVector,
    filtering: Filtering,
    breadth: Breadth,
) -> list[Found]:
    """The nearest sections that pass, nearest first: through the index, or exactly where few tracks pass.

    Fewer than are wanted mean that there are no more where few tracks pass, else that the index gave up.
    """
    with conn.pipeline():
        nearest = by_meaning_sent(conn, encoder, query, filtering, breadth)
    return nearest()


def by_meaning_sent(
    conn: psycopg.Connection[Any], encoder: str, query: HalfVector, filtering: Filtering, breadth: Breadth
) -> Callable[[], list[Found]]:
    """As `by_meaning`, sent on a connection in a pipeline; what is returned waits and gives what was found."""
    if filtering.track_ids is not None:
        among = {"query": query, "track_ids": filtering.track_ids, "wanted": breadth.sections}
        nearest = conn.execute(queries.by_meaning_among(encoder), among)
    else:
        parameters = {**filtering.parameters, "query": query, "wanted": breadth.sections}
        conn.execute(queries.BREADTH, breadth.settings(filtered=bool(filtering.where)))
        nearest = conn.execute(queries.by_meaning(encoder, filtering.where), parameters)
    return lambda: _found(nearest.fetchall())


def by_meaning_exactly(
    conn: psycopg.Connection[Any], encoder: str, query: HalfVector, filtering: Filtering, tracks: int
) -> list[Found]:
    """The nearest section of each of the nearest `tracks` tracks that pass, without the index: reads all of their vectors."""
    parameters = {**filtering.parameters, "query": query, "wanted": tracks}
    conn.execute(queries.EVERYTHING)
    return _found(conn.execute(queries.by_meaning_exactly(encoder, filtering.where), parameters).fetchall())


def by_meaning_of(
    conn: psycopg.Connection[Any], encoder: str, query: HalfVector, sections: Sequence[Found]
) -> list[Found]:
    """These sections, as many as have a vector, nearest first."""
    parameters = {"query": query, "section_ids": [section.section_id for section in sections]}
    distances = dict(conn.execute(queries.distances(encoder), parameters).fetchall())
    return _found(
        [
            (section.section_id, section.track_id, section.original_id, distances[section.section_id])
            for section in sections
            if section.section_id in distances
        ]
    )


def _found(rows: Sequence[tuple[Any, ...]]) -> list[Found]:
    found = [
        Found(section_id, track_id, original, 1.0 - distance, 1.0) for section_id, track_id, original, distance in rows
    ]
    return sorted(found, key=lambda section: (-section.score, section.section_id))


@dataclass(frozen=True)
class Unwanted:
    """What the question must not be like: its text, its vector, and the cosine of that to the question's."""

    text: str
    vector: HalfVector
    cosine: float

    def excess(self, to_question: float, to_unwanted: float) -> float:
        """How much a section, by its two cosines, shares with the unwanted that is not in the question as well; 0 or more.

        The unwanted vector y is split into its part along the question q and the rest: y = cos(q, y) q + r, as in orthogonal
        negation (Widdows 2003). What a section x shares with r is (cos(x, y) - cos(q, y) cos(x, q)) / |r|; the excess is what of
        that is above NOISE.
        """
        rest = math.sqrt(max(0.0, 1.0 - self.cosine**2))
        return max(0.0, (to_unwanted - self.cosine * to_question) / max(rest, LEAST_ANGLE) - NOISE)


def excesses(
    conn: psycopg.Connection[Any], encoder: str, query: HalfVector, unwanted: Unwanted, section_ids: Sequence[int]
) -> dict[int, float]:
    """The excess of each section that stays; out is one that holds all of the unwanted's words or is nearer to it by MARGIN.

    A section that has no vector yet is told by its words alone.
    """
    parameters = {
        "query": query,
        "unwanted": unwanted.vector,
        "but_not": unwanted.text,
        "section_ids": list(section_ids),
    }
    kept: dict[int, float] = {}
    rows = conn.execute(queries.compared(encoder), parameters).fetchall()
    for section_id, to_question, to_unwanted, holds in rows:
        near = (0.0, 0.0) if to_question is None else (to_question, to_unwanted)
        if not holds and near[1] - near[0] <= MARGIN:
            kept[section_id] = unwanted.excess(*near)
    return kept


def pushed(side: Side, found: Sequence[Found], excess: Mapping[int, float]) -> list[Found]:
    """The hits that stay: for meaning by cosine less PUSH times the excess; for other sides in their order, covering less."""
    kept = [section for section in found if section.section_id in excess]
    if side != "meaning":
        return [
            replace(section, coverage=section.coverage * max(0.0, 1.0 - excess[section.section_id] / FULL_EXCESS))
            for section in kept
        ]
    scored = [replace(section, score=section.score - PUSH * excess[section.section_id]) for section in kept]
    return sorted(scored, key=lambda section: (-section.score, section.section_id))
