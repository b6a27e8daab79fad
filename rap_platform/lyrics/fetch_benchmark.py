"""Measures fetching against LyricsGenius and against bare requests, on one local world that is started for it."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import httpx
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from rap_platform.benchmarks import Bench
from rap_platform.lyrics import queries
from rap_platform.lyrics.building import ensure_artists
from rap_platform.lyrics.fetching import fetch_artists, reread
from rap_platform.lyrics.queries import Artist, RawSong
from rap_platform.resources.genius import PAGE_SIZE, GeniusClient
from rap_platform.resources.migrations import migrate
from rap_platform.resources.postgres import connect
from rap_platform.settings import Endpoint, Settings

SONGS, ARTISTS = 160, 16
REPEATS = 2
LATENCY_MS: Final = 50  # of a server that is not next door
PATIENCE_S = 60.0

Catalogue = Sequence[tuple[int, str]]
NO_FAULTS: Final = {
    "genius_api": {"http_429": 0},
    "genius_web": {"http_429": 0, "missing": 0, "unreleased": 0, "instrumental": 0, "non_lyrics": 0},
}


def fetching(settings: Settings) -> Bench:
    """Songs per second of fetching, parsing and storing, of LyricsGenius, and of the same requests sent without any care.

    All make the same requests (list, song, page) of the same world, whose pages are warm; the best of two turns counts. Once
    the world answers at once, once after 50 ms. The ratio is ours over LyricsGenius when it answers at once. Ours keeps its
    limits and commits each song to PostgreSQL; the others keep nothing. Raises ValueError without LyricsGenius.
    """
    theirs = _lyricsgenius()
    with _world() as root, _scratch_database(settings) as dsn:
        artists = _catalogue(root)
        runs: dict[str, Callable[[], int]] = {
            "ours": lambda: _ours(dsn, root, artists, together=True),
            "ours_one_worker": lambda: _ours(dsn, root, artists, together=False),
            "lyricsgenius": lambda: theirs(root, artists),
            "plain_httpx": lambda: _plain(root, artists),
        }
        _plain(root, artists)  # the songs are written now, so that no run pays for it
        near = {name: max(_songs_per_s(run) for _ in range(REPEATS)) for name, run in runs.items()}
        _put_plan(root, LATENCY_MS)
        far = {name: _songs_per_s(run) for name, run in runs.items()}
    at = f"at_{LATENCY_MS}_ms"
    figures = {
        "songs": float(SONGS),
        "songs_per_s": near["ours"],
        "songs_per_s_one_worker": near["ours_one_worker"],
        "ratio_to_plain_httpx": near["ours"] / near["plain_httpx"],
        "ratio_one_worker": near["ours_one_worker"] / near["lyricsgenius"],
        f"songs_per_s_{at}": far["ours"],
        f"songs_per_s_one_worker_{at}": far["ours_one_worker"],
        f"ratio_{at}": far["ours"] / far["lyricsgenius"],
        f"ratio_to_plain_httpx_{at}": far["ours"] / far["plain_httpx"],
        "plain_httpx_songs_per_s": near["plain_httpx"],
        f"plain_httpx_songs_per_s_{at}": far["plain_httpx"],
    }
    reference = {"songs_per_s": near["lyricsgenius"], f"songs_per_s_{at}": far["lyricsgenius"]}
    return Bench(
        "fetch",
        {name: round(value, 2) for name, value in figures.items()},
        {name: round(value, 2) for name, value in reference.items()},
        round(near["ours"] / near["lyricsgenius"], 2),
    )


def _songs_per_s(run: Callable[[], int]) -> float:
    started = time.perf_counter()
    songs = run()
    seconds = time.perf_counter() - started
    if songs != SONGS:
        raise ValueError(f"{songs} of {SONGS} songs came: the runs can't be compared")
    return songs / seconds


def _ours(dsn: str, root: str, catalogue: Catalogue, *, together: bool) -> int:
    """Fetch into an empty table; `together` with all workers, else artist after artist."""
    endpoint = Endpoint("genius", f"{root}/genius/api", f"{root}/genius/web", None, None, True, 60_000)
    with connect(dsn) as conn, GeniusClient(endpoint, scrape=False) as client:
        queries.forget_raw_songs(conn)
        watched = ensure_artists(conn, [name for _, name in catalogue], simulated=True)
        artists = [_known_to_genius(watched[name], number) for number, name in catalogue]
        conn.commit()
        for group in [artists] if together else [[artist] for artist in artists]:
            for item in fetch_artists(client, group, {}, most_songs=SONGS):
                if isinstance(item, RawSong):
                    queries.store_raw_songs(conn, [item])
                    conn.commit()
        row = conn.execute("select count(*) from raw_songs where status = 'ok'").fetchone()
        return int(row[0]) if row else 0
