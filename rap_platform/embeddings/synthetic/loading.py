"""Loads a synthetic library by COPY into the real tables, indexes and words after it; only ever into a database of a benchmark."""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector
from psycopg.types.json import Jsonb

from rap_platform.embeddings.encoders.encoding import Encoder
from rap_platform.embeddings.search import saying, sound_keys, spelling, terms
from rap_platform.embeddings.synthetic import load_queries
from rap_platform.embeddings.synthetic.library import Library, Song
from rap_platform.embeddings.synthetic.vectors import Surrogate, Vectors
from rap_platform.embeddings.synthetic.verse import Book, as_heard, made_up
from rap_platform.features.phonetics import guessed, normal, pronounce, words
from rap_platform.lyrics.identity import normalise, slot_of, slug
from rap_platform.orchestration import progress
from rap_platform.resources.postgres import connect

VERSION = "2"
BUILD_MEMORY = "1GB"  # of the indexes that are no vector indexes
CHUNK = 250  # songs per transaction of a worker
MOST_SECTIONS = 32  # of a song: section_id is track_id * 32 + section_no
MAKER = "synthetic"


@dataclass(frozen=True)
class Source:
    """What a worker needs to make its part of a library: small enough to be sent to a process of its own."""

    book: Book
    surrogate: Surrogate


@dataclass(frozen=True)
class Loaded:
    """What a load did; seconds by step, in order."""

    sections: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class _Section:
    section_id: int
    track_id: int
    section_no: int
    kind: str
    first_line: int
    text: str
    language: str

    @property
    def sha256(self) -> str:
        return _sha256(self.text)


def load(library: Library, source: Source, dsn: str, *, workers: int) -> Loaded:
    """Fill an empty, migrated database. The HNSW indexes are left to embeddings/indexing.py.

    With `workers` 0 everything happens in this process, else in so many others.
    """
    seconds: dict[str, float] = {}
    started = time.monotonic()

    def lap(step: str) -> None:
        nonlocal started
        seconds[step] = round(time.monotonic() - started, 2)
        started = time.monotonic()

    with closing(connect(dsn, autocommit=True)) as conn:
        indexes = conn.execute(load_queries.INDEXES, {"tables": list(load_queries.TABLES)}).fetchall()
        for name, _ in indexes:
            conn.execute(f"drop index {name}")
        _copy_artists(conn, library)
        sections = sum(_in_chunks(library, source, dsn, workers))
        conn.execute(load_queries.SEQUENCES)
        lap("copy")
        conn.execute(load_queries.BUILD_MEMORY, {"memory": BUILD_MEMORY, "workers": "2"})
        for name, definition in progress.track(indexes, len(indexes), "indexes of words, sounds and keys"):
            conn.execute(definition)
            lap(f"index {name}")
        conn.execute(load_queries.NOTE_WORDS)
        spelling.sum_up(conn)
        lap("distinct words")
        for statement in load_queries.VACUUM:
            conn.execute(statement)
        terms.sample(conn)
        lap("vacuum and samples")
    return Loaded(sections, seconds)


def _copy_artists(conn: psycopg.Connection[Any], library: Library) -> None:
    with conn.cursor() as cursor, cursor.copy(load_queries.COPY_ARTISTS) as copy:
        for number, name in enumerate(library.names, start=1):
            copy.write_row((number, name, normalise(name), f"{slug(name)}-{number}", True))


def _in_chunks(library: Library, source: Source, dsn: str, workers: int) -> Iterator[int]:
    """Sections loaded, chunk by chunk."""
    starts = range(0, library.songs, CHUNK)
    label = f"songs ×{CHUNK}"
    if workers == 0:
        with closing(_Maker(library, source.surrogate, dsn)) as maker:
            yield from progress.track(map(maker.load, starts), len(starts), label)
        return
    start = (library.seed, library.songs, source, dsn)
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=start
    ) as pool:
        yield from progress.track(pool.map(_load_chunk, starts), len(starts), label)


_maker: "_Maker | None" = None  # of a worker process


def _start_worker(seed: int, songs: int, source: Source, dsn: str) -> None:
    global _maker
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # workers side by side, each with one core
    _maker = _Maker(Library(seed, songs, source.book), source.surrogate, dsn)


def _load_chunk(start: int) -> int:
    assert _maker is not None
    return _maker.load(start)


class _Maker:
    """Makes songs with their vectors and sounds, and copies them in."""

    def __init__(self, library: Library, surrogate: Surrogate, dsn: str) -> None:
        self._library = library
        self._surrogate = surrogate
        self._conn = connect(dsn, application_name="rap_platform bench load")
        self._stored: set[str] = set()  # words whose sound is stored
        self._conn.execute(load_queries.NO_TRIGGERS)
        self._conn.commit()

    def close(self) -> None:
        self._conn.close()

    def load(self, start: int) -> int:
        """Make and copy the songs from `start` on, one chunk; returns the number of sections."""
        songs = [self._library.song(number) for number in range(start, min(start + CHUNK, self._library.songs))]
        sections = [section for song in songs for section in sections_of(song)]
        vectors = self._surrogate.encode([section.text for section in sections])
        with self._conn.transaction(), self._conn.cursor() as cursor:
            self._copy_songs(cursor, songs)
            _copy_sections(cursor, sections, vectors)
            _copy_track_vectors(cursor, sections, vectors)
        self._store_sounds(sections)
        return len(sections)

    def _store_sounds(self, sections: Sequence[_Section]) -> None:
        """How words are said that no dictionary lists: made-up ones as the dictionary words that were heard for them."""
        texts = {section.text for section in sections}
        heard = made_up(texts)
        sounds = guessed(word for text in texts for word in words(as_heard(text))) | {
            normal(word): tuple(phone for part in said.split() for phone in pronounce(part).phones)
            for word, said in heard.items()
        }
        new = {word: phones for word, phones in sounds.items() if word not in self._stored}
        with self._conn.transaction():
            saying.store_sounds(self._conn, new)
        self._stored.update(new)

    def _copy_songs(self, cursor: psycopg.Cursor[Any], songs: Sequence[Song]) -> None:
        names = self._library.names
        with cursor.copy(load_queries.COPY_RAW_SONGS) as copy:
            for song in songs:
                artist = names[song.artist]
                copy.write_row(
                    (
                        song.number + 1,
                        "import",
                        _source_id(song),
                        artist,
                        song.title,
                        "ok",
                        Jsonb({}),
                        _lyrics_sha256(song),
                        True,
                    )
                )
        with cursor.copy(load_queries.COPY_TRACKS) as copy:
            for song in songs:
                copy.write_row(_track_row(song, names))
        with cursor.copy(load_queries.COPY_FACTS) as copy:
            for song in songs:
                original = song.number if song.copy_of is None else song.copy_of
                guests = [normalise(names[guest]) for guest in song.guests]
                copy.write_row((
                    song.number + 1, original + 1, song.artist + 1, guests, song.year, song.language, song.explicit, song.rating,
                    list(song.moods), list(song.themes), _sha256(_source_id(song)), True, True,
                ))  # fmt: skip


def sections_of(song: Song) -> list[_Section]:
    """The rows of track_sections of a song; sections lie a blank line apart."""
    track_id, first, found = song.number + 1, 1, []
    for number, passage in enumerate(song.passages, start=1):
        section_id = track_id * MOST_SECTIONS + number
        found.append(_Section(section_id, track_id, number, passage.kind, first, passage.text, song.language))
        first += len(passage.lines) + 1
    return found


def _track_row(song: Song, names: Sequence[str]) -> tuple[object, ...]:
    lyrics = _lyrics(song)
    sha256 = _sha256(lyrics)
    copied = None if song.copy_of is None else song.copy_of + 1
    return (
        song.number + 1, song.number + 1, "import", _source_id(song), song.artist + 1, names[song.artist], song.title,
        normalise(song.title) or song.title, [names[guest] for guest in song.guests], song.year, song.language, song.explicit,
        lyrics, sha256, lyrics.count("\n") + 1, len(lyrics.split()), Jsonb({}), MAKER, sha256, copied,
        None if copied is None else 0.95, slot_of("import", _source_id(song)), True,
    )  # fmt: skip


def _copy_sections(cursor: psycopg.Cursor[Any], sections: Sequence[_Section], vectors: Vectors) -> None:
    with cursor.copy(load_queries.COPY_SECTIONS) as copy:
        for row in sections:
            last = row.first_line + row.text.count("\n")
            copy.write_row(
                (
                    row.section_id,
                    row.track_id,
                    row.section_no,
                    row.kind,
                    row.first_line,
                    last,
                    row.text,
                    row.sha256,
                    row.language,
                )
            )
    with cursor.copy(load_queries.COPY_SECTION_VECTORS) as copy:
        copy.set_types(["int8", "int8", "text", "halfvec", "bool"])
        for row, vector in zip(sections, vectors, strict=True):
            copy.write_row((row.section_id, row.track_id, row.sha256, HalfVector(vector), True))
    with cursor.copy(load_queries.COPY_SOUNDS) as copy:
        copy.set_types(["int8", "int8", "text", "text", "int4[]", "int4[]", "bool"])
        heard: dict[str, tuple[list[int], list[int]]] = {}
        for row in sections:
            if row.text not in heard:
                heard[row.text] = sound_keys.by_line(as_heard(row.text))
            copy.write_row((row.section_id, row.track_id, sound_keys.STORED, row.sha256, *heard[row.text], True))


def _copy_track_vectors(cursor: psycopg.Cursor[Any], sections: Sequence[_Section], vectors: Vectors) -> None:
    owners = np.array([section.track_id for section in sections])
    tracks, starts = np.unique(owners, return_index=True)
    means = np.add.reduceat(vectors, starts, axis=0)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    with cursor.copy(load_queries.COPY_TRACK_VECTORS) as copy:
        copy.set_types(["int8", "text", "text", "halfvec", "bool"])
        for track_id, mean in zip(tracks, means, strict=True):
            copy.write_row((int(track_id), "lyrics", _sha256(f"{MAKER} {track_id}"), HalfVector(mean), True))


def plant(conn: psycopg.Connection[Any], encoder: Encoder, section_ids: Sequence[int]) -> int:
    """Give these sections the vector that the encoder itself makes of their text; returns how many."""
    rows = conn.execute(load_queries.TEXTS, {"section_ids": list(section_ids)}).fetchall()
    vectors = encoder.encode_whole([text for _, text in rows]).vectors
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            load_queries.PLANT,
            [
                {"section_id": row[0], "embedding": HalfVector(vector)}
                for row, vector in zip(rows, vectors, strict=True)
            ],
        )
    return len(rows)


def _source_id(song: Song) -> str:
    return f"{MAKER}:{song.number}"


def _lyrics(song: Song) -> str:
    return "\n\n".join(passage.text for passage in song.passages)


def _lyrics_sha256(song: Song) -> str:
    return _sha256(_lyrics(song))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
