"""Finds what has no vector yet, encodes it and stores it in small transactions. Asset definitions are in assets.py."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from pgvector import HalfVector

from rap_platform.embeddings import queries
from rap_platform.embeddings.encoders.onnx import Encoder
from rap_platform.orchestration import progress

TEXTS_PER_COMMIT = 128

T = TypeVar("T")


@dataclass(frozen=True)
class SectionFigures:
    """What a fill of section vectors did; `over_limit` texts were longer than the encoder reads and went through windows."""

    sections: int
    texts: int
    over_limit: int
    word_pieces: int


@dataclass(frozen=True)
class AnalysisFigures:
    """What a fill of analysis vectors did, and which analyzers speak for the tracks."""

    tracks: int
    texts: int
    analyzers: dict[str, int]
    removed: int


def fill_sections(conn: psycopg.Connection[Any], load: Callable[[], Encoder], slots: Sequence[int]) -> SectionFigures:
    """Give every section of these slots the vector of its present text; equal texts are encoded once.

    The encoder is loaded when there is something to encode, so that a run without work costs two queries.

    Commits every 128 texts, and encodes outside of any transaction: a killed run loses at most one batch.
    """
    with conn.transaction():
        pending = conn.execute(queries.PENDING_TEXTS, {"slots": list(slots)}).fetchall()
    sections = over_limit = word_pieces = 0
    for batch in progress.track(_batches(pending, TEXTS_PER_COMMIT), _count(pending), "section texts ×128"):
        holders = {sha: section_ids for sha, section_ids, _ in batch}
        with conn.transaction():
            found = conn.execute(queries.TEXTS, {"section_ids": [ids[0] for ids in holders.values()]}).fetchall()
        texts = {sha: text for sha, text in found if sha in holders}
        encoded = load().encode_whole(list(texts.values()))
        parameters = [
            {"text_sha256": sha, "section_ids": holders[sha], "embedding": HalfVector(vector)}
            for sha, vector in zip(texts, encoded.vectors, strict=True)
        ]
        with conn.transaction(), conn.cursor() as cursor:
            cursor.executemany(queries.UPSERT_SECTION_VECTORS, parameters)
            sections += cursor.rowcount
        over_limit += encoded.over_limit
        word_pieces += encoded.word_pieces
    return SectionFigures(sections, len(pending), over_limit, word_pieces)


def coverage(conn: psycopg.Connection[Any], slots: Sequence[int]) -> tuple[int, int]:
    """The number of sections in these slots, and how many of them lack the vector of their present text."""
    row = conn.execute(queries.UNCOVERED_SECTIONS, {"slots": list(slots)}).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def fill_lyrics(conn: psycopg.Connection[Any], slots: Sequence[int]) -> int:
    """Give every track whose sections all have vectors their normalised mean; returns the number of tracks written."""
    with conn.transaction():
        return conn.execute(queries.UPSERT_LYRICS_VECTORS, {"slots": list(slots)}).rowcount


def fill_analyses(conn: psycopg.Connection[Any], load: Callable[[], Encoder], slots: Sequence[int]) -> AnalysisFigures:
    """Encode what the best analysis of each track says: its moods, its themes and its summary; equal texts once in a batch."""
    with conn.transaction():
        removed = conn.execute(queries.DELETE_STALE_ANALYSES, {"slots": list(slots)}).rowcount
        rows = conn.execute(queries.ANALYSES, {"slots": list(slots)}).fetchall()
    analyzers: dict[str, int] = {}
    pending = []
    for track_id, analyzer, mood, moods, themes, summary, simulated, stored_sha256, stored_simulated in rows:
        analyzers[analyzer] = analyzers.get(analyzer, 0) + 1
        text = analysis_text(mood, moods or [], themes or [], summary)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if (digest, simulated) != (stored_sha256, stored_simulated):
            pending.append((text, {"track_id": track_id, "input_sha256": digest, "simulated": simulated}))
    pending.sort(key=lambda item: (len(item[0]), item[0]))
    texts = 0
    for batch in progress.track(_batches(pending, TEXTS_PER_COMMIT), _count(pending), "analysis texts ×128"):
        distinct = list(dict.fromkeys(text for text, _ in batch))
        vectors = dict(zip(distinct, map(HalfVector, load().encode_whole(distinct).vectors), strict=True))
        with conn.transaction(), conn.cursor() as cursor:
            cursor.executemany(
                queries.UPSERT_ANALYSIS_VECTOR, [row | {"embedding": vectors[text]} for text, row in batch]
            )
        texts += len(distinct)
    return AnalysisFigures(len(pending), texts, analyzers, removed)


def analysis_text(mood: str, moods: Sequence[str], themes: Sequence[str], summary: str | None) -> str:
    """What is encoded of an analysis, as English: moods (the primary one first), themes, then the summary when there is one."""
    named = dict.fromkeys([mood, *moods])
    parts = [f"Mood: {', '.join(named)}."]
    if themes:
        parts.append(f"Themes: {', '.join(theme.replace('_', ' ') for theme in themes)}.")
    if summary:
        parts.append(summary)
    return " ".join(parts)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _count(items: Sequence[object]) -> int:
    return -(-len(items) // TEXTS_PER_COMMIT)
