"""Songs with a known craft, put into the database as the earlier stages would: tracks, features, vectors, analyses, ratings."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
from pgvector import HalfVector

RATERS = {"ann": 0.8, "bo": -0.6, "cy": 0.0, "di": -0.2}


@dataclass(frozen=True)
class Songbook:
    """What was inserted: track ids in order, the craft that ratings follow (1..10) and each track's artist."""

    track_ids: tuple[int, ...]
    craft: np.ndarray
    artist_ids: tuple[int, ...]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def insert(
    conn: psycopg.Connection,
    count: int,
    *,
    artists: int,
    simulated: bool = True,
    rated: bool = True,
    seed: int = 1,
    confidence: float = 0.8,
    analysis_simulated: bool | None = None,
) -> Songbook:
    """Insert `count` songs by `artists` artists; craft shows in the features and the vector, with noise, and in the ratings."""
    chance = np.random.default_rng(seed)
    mark = f"{'s' if simulated else 'r'}{seed}"
    artist_ids = [_artist(conn, f"Artist {mark} {number}", simulated) for number in range(artists)]
    style = chance.normal(0, 0.7, artists)
    owner = np.array([number % artists for number in range(count)])
    craft = np.clip(5.5 + style[owner] + chance.normal(0, 1.3, count), 1.5, 9.5)
    direction = chance.normal(0, 1, 384)
    track_ids = []
    for number in range(count):
        year = 1995 + number % 25
        lyrics = f"line {mark} {number} " * int(12 + 8 * chance.random())
        track_ids.append(
            _track(
                conn,
                artist_ids[owner[number]],
                f"Artist {mark} {owner[number]}",
                f"{mark}-{number}",
                year,
                lyrics,
                simulated,
            )
        )
    texts = texts_of(conn)
    with conn.cursor() as cursor:
        cursor.executemany(
            """insert into lyric_features (track_id, version, input_sha256, status, bars, words, rhyme_density, end_rhyme_share,
                   multisyllabic_share, type_token_ratio, mattr_50)
               values (%s, '1', %s, 'ok', 40, 300, %s, %s, %s, %s, null)""",
            [
                (
                    track_id,
                    texts[track_id],
                    *(float(np.clip(0.1 + craft[k] * 0.06 + chance.normal(0, 0.06), 0, 1)) for _ in range(3)),
                    float(chance.random()),
                )
                for k, track_id in enumerate(track_ids)
            ],
        )
        vectors = chance.normal(0, 1, (count, 384)) + 0.25 * np.outer(craft - craft.mean(), direction)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        cursor.executemany(
            "insert into track_vectors_minilm (track_id, kind, input_sha256, embedding, simulated) values (%s, 'lyrics', %s, %s, %s)",
            [(t, sha(str(t)), HalfVector(vectors[k]), simulated) for k, t in enumerate(track_ids)],
        )
    opinion = np.clip(5 + 0.4 * (craft - 5.5) + chance.normal(0, 1.2, count), 1, 10)
    analyse(
        conn,
        track_ids,
        "rule_based",
        opinion,
        confidence=confidence,
        simulated=simulated if analysis_simulated is None else analysis_simulated,
    )
    if rated:
        rate(conn, track_ids, craft, simulated=simulated, seed=seed)
    conn.commit()
    return Songbook(tuple(track_ids), craft, tuple(artist_ids[k] for k in owner))


def analyse(
    conn: psycopg.Connection,
    track_ids: Sequence[int],
    analyzer: str,
    quality: Sequence[float | None] | np.ndarray,
    *,
    confidence: float = 0.8,
    simulated: bool = True,
) -> None:
    """Store an opinion per track; None is a failed analysis."""
    moods = ("calm", "angry")
    texts = texts_of(conn)
    with conn.cursor() as cursor:
        cursor.executemany(
            """insert into analysis_results (track_id, analyzer, model, prompt_version, input_sha256, status, primary_mood, themes,
                   quality, raw_confidence, error, simulated)
               values (%s, %s, 'm', '1', %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                (t, analyzer, texts[t], "failed", None, None, None, None, "invalid JSON: no brace", simulated)
                if q is None
                else (t, analyzer, texts[t], "ok", moods[k % 2], ["money"], float(q), confidence, None, simulated)
                for k, (t, q) in enumerate(zip(track_ids, quality, strict=True))
            ],
        )


def texts_of(conn: psycopg.Connection) -> dict[int, str]:
    """The sha256 of each track's lyrics."""
    return dict(conn.execute("select track_id, lyrics_sha256 from tracks").fetchall())


def rate(
    conn: psycopg.Connection,
    track_ids: Sequence[int],
    craft: np.ndarray,
    *,
    simulated: bool = True,
    seed: int = 1,
    noise: float = 0.5,
) -> None:
    """Three of four raters mark each track, each with a habit of their own."""
    chance = np.random.default_rng(seed + 100)
    rows = []
    for track_id, truth in zip(track_ids, craft, strict=True):
        for rater in chance.choice(list(RATERS), 3, replace=False):
            mark = float(np.clip(truth + RATERS[rater] + chance.normal(0, noise), 1, 10))
            rows.append((track_id, rater, "panel" if simulated else "human", mark, simulated))
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ratings (track_id, rater, source, rating, simulated) values (%s, %s, %s, %s, %s)", rows
        )


def _artist(conn: psycopg.Connection, name: str, simulated: bool) -> int:
    row = conn.execute(
        "insert into artists (name, normalised_name, slug, simulated) values (%s, %s, %s, %s) returning artist_id",
        [name, name.lower(), name.lower().replace(" ", "-"), simulated],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _track(
    conn: psycopg.Connection, artist_id: int, artist: str, source_id: str, year: int, lyrics: str, simulated: bool
) -> int:
    raw = conn.execute(
        """insert into raw_songs (source, source_id, artist, title, status, payload, body, content_sha256, simulated)
           values ('genius', %s, %s, %s, 'ok', '{}', %s, %s, %s) returning raw_song_id""",
        [source_id, artist, f"Song {source_id}", lyrics, sha(lyrics), simulated],
    ).fetchone()
    assert raw is not None
    row = conn.execute(
        """insert into tracks (raw_song_id, source, source_id, artist_id, artist, title, normalised_title, year, language, lyrics,
               lyrics_sha256, line_count, word_count, cleaning, cleaner_version, raw_sha256, slot, simulated)
           values (%s, 'genius', %s, %s, %s, %s, %s, %s, 'en', %s, %s, 10, %s, '{}', '1', %s, %s, %s) returning track_id""",
        [
            raw[0],
            source_id,
            artist_id,
            artist,
            f"Song {source_id}",
            f"song {source_id}",
            year,
            lyrics,
            sha(lyrics),
            len(lyrics.split()),
            sha(lyrics),
            int.from_bytes(hashlib.sha256(f"genius:{source_id}".encode()).digest()[:2], "big") % 1024,
            simulated,
        ],
    ).fetchone()
    assert row is not None
    return int(row[0])
