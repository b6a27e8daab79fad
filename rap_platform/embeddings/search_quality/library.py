"""The library that search quality is measured on: a world's songs and, when there is one, a file of verse, in a scratch database.

Alone here the bench sees the world's truth: which themes and mood a song was written to.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg

from rap_platform.embeddings.search_quality import queries
from rap_platform.lyrics import queries as lyrics_queries
from rap_platform.lyrics.building import BuildReport, build_tracks
from rap_platform.lyrics.importing import import_file
from rap_platform.orchestration.progress import track
from rap_platform.world import songwriter, truth
from rap_platform.world.corpus import Corpus

Source = Literal["world", "verse"]
WORLD = "world:"  # how the source_ids of its songs begin


@dataclass(frozen=True, slots=True)
class Song:
    """A track of the library: the track it stands for, the lines of its sections, and for a world's song its themes (main one first) and mood."""

    track_id: int
    original_id: int
    source: Source
    sections: tuple[tuple[str, ...], ...]
    themes: tuple[str, ...] = ()
    mood: str | None = None

    @property
    def lines(self) -> Iterator[str]:
        """All lines, section by section."""
        return (line for section in self.sections for line in section)


def store(conn: psycopg.Connection[Any], corpus: Corpus, verse: Path | None) -> None:
    """Write the songs of a world and of a file of verse, cleaned, cut into sections and linked to their originals.

    `verse` is any table that the importer reads; it is read from a copy, for rejects are listed beside the file. Raises
    ImportRefused when it is no such table.
    """
    _store_world(conn, corpus)
    if verse is not None:
        with tempfile.TemporaryDirectory(prefix="rap_platform_bench_") as folder:
            import_file(conn, Path(shutil.copy(verse, folder)))
    conn.commit()
    for _ in build_tracks(conn, BuildReport()):
        pass
    conn.commit()


def read(conn: psycopg.Connection[Any], corpus: Corpus) -> list[Song]:
    """The songs of the library with what the world's truth says of its own."""
    return [_song(corpus, *row) for row in queries.songs(conn)]


def _song(corpus: Corpus, track_id: int, original_id: int, source_id: str, texts: Sequence[str]) -> Song:
    sections = tuple(tuple(line for line in text.split("\n") if line.strip()) for text in texts)
    if not source_id.startswith(WORLD):
        return Song(track_id, original_id, "verse", sections)
    found = corpus.find_song(int(source_id.removeprefix(WORLD)))
    if found is None:
        raise ValueError(f"{source_id} is no song of this world: start with an empty database")
    told = truth.song(corpus.seed, *found)
    return Song(track_id, original_id, "world", sections, told.themes, told.mood)


def _store_world(conn: psycopg.Connection[Any], corpus: Corpus) -> None:
    places = [(artist, song) for artist, amount in enumerate(corpus.counts) for song in range(amount)]
    batch: list[lyrics_queries.RawSong] = []
    for artist, song in track(places, len(places), "songs of the world"):
        batch.append(_raw_song(corpus, artist, song))
        if len(batch) == 100:
            _flush(conn, batch)
    _flush(conn, batch)


def _flush(conn: psycopg.Connection[Any], batch: list[lyrics_queries.RawSong]) -> None:
    lyrics_queries.store_raw_songs(conn, batch)
    conn.commit()
    batch.clear()


def _raw_song(corpus: Corpus, artist: int, song: int) -> lyrics_queries.RawSong:
    written, told = songwriter.write(corpus.seed, artist, song), truth.song(corpus.seed, artist, song)
    released = f"{told.year:04d}-{told.month:02d}-{told.day:02d}"
    return lyrics_queries.RawSong(
        source="import", source_id=f"{WORLD}{corpus.song_id(artist, song)}", artist_slug=None, artist=corpus.name(artist),
        title=written.title, status="ok", reason=None, payload={"fields": {"release_date": released}}, body=written.lyrics,
        content_sha256=hashlib.sha256(written.lyrics.encode()).hexdigest(), simulated=True,
    )  # fmt: skip


def of(songs: Sequence[Song], source: Source) -> list[Song]:
    """The songs that came from one source."""
    return [song for song in songs if song.source == source]
