"""Finds what has no vector of an encoder yet, encodes it and stores it in small transactions. Asset definitions are in assets.py."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from pgvector import HalfVector

from rap_platform.embeddings import queries
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.encoding import Encoder, Vectors
from rap_platform.embeddings.encoders.registering import make_tables, register
from rap_platform.orchestration import progress

TEXTS_PER_COMMIT = 128
SLOTS_AT_ONCE = 64  # of 1,024: what analyses say is read for so many at a time

Staged = tuple[str, int | None, HalfVector, bool | None]  # input_sha256, track_id, embedding, simulated
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


def fill_sections(
    conn: psycopg.Connection[Any], load: Callable[[], Encoder], slots: Sequence[int], name: str = weights.NAME
) -> SectionFigures:
    """Give every section of these slots the vector of its present text by the encoder `name`; equal texts are encoded once.

    The encoder is loaded when there is something to encode, so that a run without work costs two queries. Commits every 128 texts,
    and encodes outside of any transaction: a killed run loses at most one batch. Raises EncoderError.
    """
    conn.commit()  # in a transaction that the caller left open nothing would be stored before its end
    make_tables(conn, load, name)
    sections = done = over_limit = word_pieces = 0
    with _pending(conn, slots, name) as texts:
        batches = range(0, texts, TEXTS_PER_COMMIT)
        for after in progress.track(batches, len(batches), f"section texts ×{TEXTS_PER_COMMIT}"):
            with conn.transaction():
                rows = conn.execute(queries.NEXT_TEXTS, {"after": after, "count": TEXTS_PER_COMMIT}).fetchall()
            if not rows:
                continue
            encoder = load()
            if not done:
                _prepare(conn, encoder)
            encoded = encoder.encode_whole([text for _, text in rows])
            staged = (
                (sha, None, vector, None) for (sha, _), vector in zip(rows, _halves(encoded.vectors), strict=True)
            )
            sections += _store(conn, staged, queries.store_sections(name))
            done += len(rows)
            over_limit += encoded.over_limit
            word_pieces += encoded.word_pieces
    return SectionFigures(sections, done, over_limit, word_pieces)


def coverage(conn: psycopg.Connection[Any], slots: Sequence[int], name: str = weights.NAME) -> tuple[int, int]:
    """The number of sections in these slots, and how many of them lack the vector of their present text."""
    row = conn.execute(queries.uncovered_sections(name), {"slots": list(slots)}).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def fill_lyrics(conn: psycopg.Connection[Any], slots: Sequence[int], name: str = weights.NAME) -> int:
    """Give every track whose sections all have vectors their normalised mean; returns the number of tracks written."""
    conn.commit()
    written = 0
    for some in _batches(slots, SLOTS_AT_ONCE):
        with conn.transaction():
            written += conn.execute(queries.store_lyrics(name), {"slots": list(some)}).rowcount
    return written


def fill_analyses(
    conn: psycopg.Connection[Any], load: Callable[[], Encoder], slots: Sequence[int], name: str = weights.NAME
) -> AnalysisFigures:
    """Encode what the best analysis of each track says: its moods, its themes and its summary; equal texts once in a batch."""
    conn.commit()  # in a transaction that the caller left open nothing would be stored before its end
    make_tables(conn, load, name)
    analyzers: dict[str, int] = {}
    tracks = texts = removed = 0
    for some in _batches(slots, SLOTS_AT_ONCE):
        with conn.transaction():
            removed += conn.execute(queries.delete_stale_analyses(name), {"slots": list(some)}).rowcount
            rows = conn.execute(queries.analyses(name), {"slots": list(some)}).fetchall()
        for row in rows:
            analyzers[row[1]] = analyzers.get(row[1], 0) + 1
        pending = _stale_analyses(rows)
        for batch in progress.track(_batches(pending, TEXTS_PER_COMMIT), _count(pending), "analysis texts ×128"):
            encoder = load()
            if not tracks:
                _prepare(conn, encoder)
            distinct = list(dict.fromkeys(text for text, _, _, _ in batch))
            vectors = dict(zip(distinct, _halves(encoder.encode_whole(distinct).vectors), strict=True))
            staged = ((sha, track_id, vectors[text], simulated) for text, sha, track_id, simulated in batch)
            tracks += _store(conn, staged, queries.store_analyses(name))
            texts += len(distinct)
    with conn.transaction():
        conn.execute(queries.DROP_PENDING)
    return AnalysisFigures(tracks, texts, analyzers, removed)


def _stale_analyses(rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, str, int, bool]]:
    """Text, its sha256, track_id and simulated of the analyses whose vector is absent or of another text, shortest first."""
    pending = []
    for track_id, _, mood, moods, themes, summary, simulated, stored_sha256, stored_simulated in rows:
        text = analysis_text(mood, moods or [], themes or [], summary)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if (digest, simulated) != (stored_sha256, stored_simulated):
            pending.append((text, digest, track_id, simulated))
    return sorted(pending, key=lambda item: (len(item[0]), item[0]))


def analysis_text(mood: str, moods: Sequence[str], themes: Sequence[str], summary: str | None) -> str:
    """What is encoded of an analysis, as English: moods (the primary one first), themes, then the summary when there is one."""
    named = dict.fromkeys([mood, *moods])
    parts = [f"Mood: {', '.join(named)}."]
    if themes:
        parts.append(f"Themes: {', '.join(theme.replace('_', ' ') for theme in themes)}.")
    if summary:
        parts.append(summary)
    return " ".join(parts)


@contextmanager
def _pending(conn: psycopg.Connection[Any], slots: Sequence[int], name: str) -> Iterator[int]:
    """The number of texts to encode; they stand in a temporary table of this session as long as the block lasts."""
    with conn.transaction():
        conn.execute(queries.DROP_PENDING)
        conn.execute(queries.pending_texts(name), {"slots": list(slots)})
        row = conn.execute(queries.COUNT_PENDING).fetchone()
        count = int(row[0]) if row else 0
        for statement in queries.INDEX_PENDING if count else ():
            conn.execute(statement)
    yield count
    with conn.transaction():
        conn.execute(queries.DROP_PENDING)


def _prepare(conn: psycopg.Connection[Any], encoder: Encoder) -> None:
    """Before the first batch: the encoder is the one of its name, and there is a table to copy into."""
    register(conn, encoder)
    with conn.transaction():
        conn.execute(queries.DROP_STAGED)
        conn.execute(queries.staging(encoder.dimension))


def _store(conn: psycopg.Connection[Any], staged: Iterable[Staged], statement: str) -> int:
    """Copy a batch in and put it where it belongs, in one transaction; returns the number of rows written."""
    with conn.transaction(), conn.cursor() as cursor:
        with cursor.copy(queries.COPY_STAGED) as copy:
            copy.set_types(queries.STAGED_TYPES)
            for row in staged:
                copy.write_row(row)
        return cursor.execute(statement).rowcount


def _halves(vectors: Vectors) -> Iterator[HalfVector]:
    return map(HalfVector, vectors)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _count(items: Sequence[object]) -> int:
    return -(-len(items) // TEXTS_PER_COMMIT)
