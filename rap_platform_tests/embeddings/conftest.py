"""The real encoder, exported once and kept under the repository's data directory, and a small library of songs."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rap_platform.embeddings.encoders.minilm import Encoder, load_encoder
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.lyrics.identity import normalise, slug
from rap_platform.settings import Settings
from rap_platform_tests.conftest import SHARED

AddTrack = Callable[..., int]


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Where the exported encoder lies between test runs."""
    (SHARED / "models").mkdir(parents=True, exist_ok=True)
    return SHARED / "models"


@pytest.fixture(scope="session")
def encoder(shared_models: Path) -> Encoder:
    """The encoder that the platform uses."""
    return load_encoder(Settings(data_dir=shared_models.parent))


@pytest.fixture(scope="session")
def encoders(shared_models: Path) -> Encoders:
    """The encoders that searches ask."""
    return Encoders(Settings(data_dir=shared_models.parent))


@pytest.fixture
def embedder_settings(settings: Settings, shared_models: Path) -> Settings:
    """Settings of the test's servers whose data directory has the shared export in it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    models = settings.data_dir / "models"
    if not models.exists():
        models.symlink_to(shared_models)
    return settings


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def add_track(connection: psycopg.Connection) -> AddTrack:
    """Insert a track by its sections; returns its track_id. Sections are a blank line apart in the lyrics."""

    def add(
        title: str,
        sections: Sequence[str],
        *,
        artist: str = "Nora Vale",
        simulated: bool = False,
        slot: int = 0,
        **columns: Any,
    ) -> int:
        lyrics = "\n\n".join(sections)
        artist_id = _one(
            connection,
            """
            insert into artists (name, normalised_name, slug, simulated) values (%s, %s, %s, %s)
            on conflict (slug) do update set name = excluded.name returning artist_id
            """,
            [artist, normalise(artist), slug(artist), simulated],
        )
        raw_song_id = _one(
            connection,
            """
            insert into raw_songs (source, source_id, artist, title, status, payload, body, content_sha256, simulated)
            values ('import', %s, %s, %s, 'ok', '{}', %s, %s, %s) returning raw_song_id
            """,
            [f"{artist}/{title}", artist, title, lyrics, sha256(lyrics), simulated],
        )
        values = {
            "raw_song_id": raw_song_id,
            "source": "import",
            "source_id": f"{artist}/{title}",
            "artist_id": artist_id,
            "artist": artist,
            "title": title,
            "normalised_title": title.lower(),
            "lyrics": lyrics,
            "lyrics_sha256": sha256(lyrics),
            "line_count": lyrics.count("\n") + 1,
            "word_count": len(lyrics.split()),
            "cleaning": "{}",
            "cleaner_version": "test",
            "raw_sha256": sha256(lyrics),
            "slot": slot,
            "simulated": simulated,
        } | columns
        names = ", ".join(values)
        marks = ", ".join(f"%({name})s" for name in values)
        track_id = _one(connection, f"insert into tracks ({names}) values ({marks}) returning track_id", values)
        first = 1
        for number, text in enumerate(sections, start=1):
            last = first + text.count("\n")
            connection.execute(
                """
                insert into track_sections (track_id, section_no, kind, first_line, last_line, text, text_sha256)
                values (%s, %s, 'verse', %s, %s, %s, %s)
                """,
                [track_id, number, first, last, text, sha256(text)],
            )
            first = last + 2
        connection.commit()
        return track_id

    return add


def _one(conn: psycopg.Connection, statement: str, parameters: Any) -> int:
    row = conn.execute(statement, parameters).fetchone()
    assert row is not None
    return int(row[0])
