"""Finds sections by meaning and by words, and tracks like a track. How hits are shown is the caller's business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from pgvector import HalfVector

from rap_platform.embeddings.encoders.onnx import Encoder
from rap_platform.embeddings.search import queries
from rap_platform.embeddings.search.excerpts import excerpt
from rap_platform.embeddings.search.question import WORD, Filters, Hit, Question, Why, check, checked_text
from rap_platform.settings import get_settings

FUSION_CONSTANT = 60  # of reciprocal rank fusion (Cormack et al. 2009)


@dataclass(frozen=True)
class _Found:
    """A section as one side found it: the track it stands for is the original of a duplicate."""

    section_id: int
    track_id: int
    original: int
    rank: int  # of the section, from 1
    cosine: float | None = None


def search(
    conn: psycopg.Connection[Any], encoder: Encoder, text: str, *, limit: int = 10, filters: Filters | None = None
) -> list[Hit]:
    """The tracks that fit `text` best, by meaning and words fused by reciprocal rank; duplicates count as their original.

    Raises SearchError for an empty, too long or malformed query and for filters that contradict each other.
    """
    text = checked_text(text)
    filters = filters or Filters()
    check(Question(text, filters=filters, limit=limit))
    query = HalfVector(encoder.encode([text])[0])
    candidates = max(get_settings().search.candidates, 2 * limit)
    with conn.transaction():
        parameters = _parameters(conn, text, query, candidates, filters)
        meaning = _by_meaning(conn, parameters, filters, limit)
        words = _by_words(conn, parameters, filters)
        ranked = _fuse(meaning, words)[:limit]
        chosen = _choose_sections(conn, parameters, filters, ranked, [*meaning, *words])
        return _hits(conn, encoder, text, ranked, chosen)


def _breadth(candidates: int, *, filtered: bool) -> dict[str, str]:
    ef_search = min(1000, max(get_settings().search.ef_search, candidates))
    return {"ef_search": str(ef_search), "iterative_scan": "relaxed_order" if filtered else "off"}


def _parameters(
    conn: psycopg.Connection[Any], text: str, query: HalfVector, candidates: int, filters: Filters
) -> dict[str, Any]:
    conn.execute(queries.SEARCH_SETTINGS, _breadth(candidates, filtered=bool(filters.set_names())))
    parameters: dict[str, Any] = {name: getattr(filters, name) for name in filters.set_names()}
    if filters.artist is not None:
        named = conn.execute(queries.ARTISTS_NAMED, {"artist": filters.artist.strip()}).fetchall()
        parameters["artist_ids"] = [row[0] for row in named]
    return parameters | {"text": text, "query": query, "candidates": candidates}


def _by_meaning(
    conn: psycopg.Connection[Any], parameters: Mapping[str, Any], filters: Filters, limit: int
) -> list[_Found]:
    rows = conn.execute(queries.by_meaning(filters.set_names()), parameters).fetchall()
    if filters.set_names() and len({row[2] for row in rows}) < limit:
        # So few sections pass the filter that the index gave up looking: read them all.
        rows = conn.execute(queries.by_meaning_exactly(filters.set_names()), parameters).fetchall()
    return [_Found(row[0], row[1], row[2], rank, 1.0 - float(row[3])) for rank, row in enumerate(rows, start=1)]


def _by_words(conn: psycopg.Connection[Any], parameters: Mapping[str, Any], filters: Filters) -> list[_Found]:
    rows = conn.execute(queries.by_words(filters.set_names()), parameters).fetchall()
    return [_Found(row[0], row[1], row[2], rank) for rank, row in enumerate(rows, start=1)]


@dataclass(frozen=True)
class _Ranked:
    original: int
    score: float
    meaning_rank: int | None
    cosine: float | None
    words_rank: int | None


def _fuse(meaning: Sequence[_Found], words: Sequence[_Found]) -> list[_Ranked]:
    """Tracks by the sum of their reciprocal ranks on both sides; a track's rank is that of its best section."""
    meaning_ranks = _track_ranks(meaning)
    words_ranks = _track_ranks(words)
    cosines: dict[int, float | None] = {}
    for found in meaning:
        cosines.setdefault(found.original, found.cosine)
    ranked = [
        _Ranked(
            original,
            score=(_reciprocal(meaning_ranks.get(original)) + _reciprocal(words_ranks.get(original)))
            / (2 * _reciprocal(1)),
            meaning_rank=meaning_ranks.get(original),
            cosine=cosines.get(original),
            words_rank=words_ranks.get(original),
        )
        for original in meaning_ranks.keys() | words_ranks.keys()
    ]
    return sorted(ranked, key=lambda hit: (-hit.score, -(hit.cosine or 0.0), hit.original))


def _track_ranks(found: Sequence[_Found]) -> dict[int, int]:
    ranks: dict[int, int] = {}
    for section in found:
        ranks.setdefault(section.original, len(ranks) + 1)
    return ranks


def _reciprocal(rank: int | None) -> float:
    return 0.0 if rank is None else 1.0 / (FUSION_CONSTANT + rank)


def _choose_sections(
    conn: psycopg.Connection[Any],
    parameters: Mapping[str, Any],
    filters: Filters,
    ranked: Sequence[_Ranked],
    found: Sequence[_Found],
) -> dict[int, int]:
    """The section to show for each track: its own best, and a duplicate's only where the original fails the filters."""
    scores: dict[int, float] = {}
    sections: dict[int, _Found] = {}
    for section in found:
        scores[section.section_id] = scores.get(section.section_id, 0.0) + _reciprocal(section.rank)
        sections[section.section_id] = section
    wanted = {hit.original for hit in ranked}
    chosen: dict[int, int] = {}
    borrowed: dict[int, int] = {}
    for section_id in sorted(scores, key=lambda section_id: (-scores[section_id], section_id)):
        section = sections[section_id]
        if section.original in wanted:
            (chosen if section.track_id == section.original else borrowed).setdefault(section.original, section_id)
    missing = sorted(wanted - chosen.keys())
    if missing:
        rows = conn.execute(queries.sections_of_originals(filters.set_names()), {**parameters, "track_ids": missing})
        chosen.update({track_id: section_id for track_id, section_id, _ in rows.fetchall()})
    return borrowed | chosen


def _hits(
    conn: psycopg.Connection[Any], encoder: Encoder, text: str, ranked: Sequence[_Ranked], chosen: Mapping[int, int]
) -> list[Hit]:
    rows = {row[0]: row for row in conn.execute(queries.HITS, {"section_ids": list(chosen.values())}).fetchall()}
    # A track that was deleted since the first statement is no hit any more.
    present = [(hit, rows[chosen[hit.original]]) for hit in ranked if chosen.get(hit.original) in rows]
    sections = [row[5].split("\n") for _, row in present]
    lines = [line for section in sections for line in section]
    asked, words = _line_words(conn, text, lines)
    likeness = encoder.sketch(text, lines)
    hits: list[Hit] = []
    start = 0
    for (hit, row), section in zip(present, sections, strict=True):
        stop = start + len(section)
        likenesses = [float(value) for value in likeness[start:stop]]
        shown, held = excerpt(section, words[start:stop], likenesses, asked=asked, first_line=row[4])
        start = stop
        _, track_id, section_no, kind, _, _, artist, title, year, simulated = row
        why = Why(hit.meaning_rank, hit.cosine, hit.words_rank, held, None, ())
        hits.append(Hit(track_id, artist, title, year, hit.score, simulated, section_no, kind, shown, why))
    return hits


def _line_words(conn: psycopg.Connection[Any], text: str, lines: Sequence[str]) -> tuple[int, list[list[str]]]:
    """How many words of the query count, and which of them each line holds."""
    asked = sorted(set(WORD.findall(text.lower())))
    count = conn.execute(queries.CONTENT_WORDS, {"words": asked}).fetchone()
    rows = conn.execute(queries.LINE_WORDS, {"words": asked, "lines": list(lines)}).fetchall()
    words: list[list[str]] = [[] for _ in lines]
    for index, held in rows:
        words[index] = held
    return int(count[0]) if count else 0, words
