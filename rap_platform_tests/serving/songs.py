"""Rows for tests of serving: small songs of our own, with or without vectors."""

import hashlib
import json
from typing import Any

import psycopg

from rap_platform.embeddings import filling, hearing, indexing
from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.embeddings.search import facts, spelling
from rap_platform.lyrics.identity import normalise
from rap_platform.lyrics.sections import split_sections

HARBOUR = (
    "[Verse 1]\nAlone on the water the night came down\nI steered by the lights of a faraway town\n"
    "The waves kept counting the hours to me\nA lonely man and a lonely sea\n\n"
    "[Hook]\nRow me home, row me slow\nThere is nowhere else to go"
)
PARTY = (
    "[Verse 1]\nFriday night and the bass is loud\nHands in the air in the middle of the crowd\n"
    "Dance till the morning, spin till it's bright\nEverybody shines in the neon light"
)
HOSTILE = "<img src=x onerror=\"document.title='hacked'\">\n<script>document.title='hacked'</script>\nand the rain came down on the town"


def sha256(text: str) -> str:
    """Hex digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def add_song(
    conn: psycopg.Connection[Any],
    title: str,
    lyrics: str,
    *,
    artist: str = "Test Artist",
    simulated: bool = False,
    year: int | None = 1999,
    language: str | None = "en",
    explicit: bool | None = False,
) -> int:
    """A cleaned song with its sections; its number."""
    slug = f"{artist.lower()}-{'simulated' if simulated else 'real'}"
    artist_id = _value(
        conn,
        """insert into artists (name, normalised_name, slug, simulated) values (%s, %s, %s, %s)
           on conflict (slug) do update set name = excluded.name returning artist_id""",
        artist, normalise(artist), slug, simulated,
    )  # fmt: skip
    raw_song_id = _value(
        conn,
        """insert into raw_songs (source, source_id, artist, title, status, payload, body, content_sha256, simulated)
           values ('import', %s, %s, %s, 'ok', %s, %s, %s, %s) returning raw_song_id""",
        f"{slug}/{title}", artist, title, json.dumps({"url": "https://example.org/song"}), lyrics, sha256(lyrics), simulated,
    )  # fmt: skip
    track_id = _value(
        conn,
        """insert into tracks (raw_song_id, source, source_id, artist_id, artist, title, normalised_title, year, language, explicit,
                               lyrics, lyrics_sha256, line_count, word_count, cleaning, cleaner_version, raw_sha256, slot, simulated)
           values (%s, 'import', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '{"headers": 2}', '1', %s, 7, %s) returning track_id""",
        raw_song_id, f"{slug}/{title}", artist_id, artist, title, title.lower(), year, language, explicit,
        lyrics, sha256(lyrics), lyrics.count("\n") + 1, len(lyrics.split()), sha256(lyrics), simulated,
    )  # fmt: skip
    for section in split_sections(lyrics):
        conn.execute(
            """insert into track_sections (track_id, section_no, kind, label, performers, first_line, last_line, text, text_sha256)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [track_id, section.section_no, section.kind, section.label, list(section.performers),
             section.first_line, section.last_line, section.text, sha256(section.text)],
        )  # fmt: skip
    conn.commit()
    return track_id


def add_vectors(conn: psycopg.Connection[Any], encoder: Encoder) -> None:
    """Vectors, facts, sounds and words of all sections and tracks, and the indexes."""
    slots = list(range(1024))
    filling.fill_sections(conn, lambda: encoder, slots)
    filling.fill_lyrics(conn, slots)
    facts.state_facts(conn, slots)
    hearing.fill(conn, slots)
    spelling.sum_up(conn)
    conn.commit()
    indexing.build_missing(conn, {})
    conn.commit()


def add_analysis(
    conn: psycopg.Connection[Any],
    track_id: int,
    *,
    analyzer: str = "qwen",
    simulated: bool = False,
    mood: str = "lonely",
    themes: tuple[str, ...] = ("travel",),
    error: str | None = None,
) -> None:
    """What an analyzer said of a track, or how it failed."""
    scores = (None, None, None, None, None, None) if error else (mood, [mood], list(themes), 6.5, 5.0, 0.8)
    conn.execute(
        """insert into analysis_results (track_id, analyzer, model, prompt_version, input_sha256, status, primary_mood, moods, themes,
                                         quality, complexity, raw_confidence, error, simulated)
           select track_id, %s, 'a model', '1', lyrics_sha256, %s, %s, %s, %s, %s, %s, %s, %s, %s from tracks where track_id = %s""",
        [analyzer, "failed" if error else "ok", *scores, error, simulated, track_id],
    )
    conn.commit()


def _value(conn: psycopg.Connection[Any], statement: str, *parameters: object) -> int:
    row = conn.execute(statement, parameters).fetchone()
    assert row is not None
    return int(row[0])
