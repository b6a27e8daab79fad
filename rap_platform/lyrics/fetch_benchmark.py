"""Measures fetching against LyricsGenius and against bare requests, on one local world that is started for it."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final

import httpx
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from rap_platform.benchmarks import Bench, world_of_its_own
from rap_platform.lyrics import queries
from rap_platform.lyrics.building import ensure_artists
from rap_platform.lyrics.fetching import fetch_artists, reread
from rap_platform.lyrics.queries import RawSong
from rap_platform.resources.genius import PAGE_SIZE, GeniusClient
from rap_platform.resources.postgres import connect
from rap_platform.resources.scratch import scratch_database
from rap_platform.settings import Endpoint, Settings

SONGS, ARTISTS = 160, 16
REPEATS = 2
LATENCY_MS: Final = 50  # of a server that is not next door
PATIENCE_S: Final = 60.0
TIMEOUT_S: Final = 20
TOKEN: Final = "simulated"  # noqa: S105  # the world takes any

Catalogue = Sequence[tuple[int, str]]  # Genius id and name of each artist
Run = Callable[[], tuple[int, float]]  # gives songs and seconds


def fetching(settings: Settings) -> Bench:
    """Songs per second of fetching, parsing and storing, of LyricsGenius, and of the same requests sent without any care.

    All ask the same world for list, song and page; its pages are warm, and the best of two turns counts. The ratio is ours
    over LyricsGenius while the world answers at once; with `_at_50_ms` it answers as late as a distant server. Ours asks with
    8 workers, without Redis and with a limit out of reach, and commits each song to PostgreSQL twice, as it came and as it was
    read; `one_worker` asks for artist after artist, as the others do, which keep nothing. Raises ValueError
    without LyricsGenius or when songs are missing.
    """
    lyricsgenius = _imported()
    with (
        world_of_its_own(songs=SONGS, artists=ARTISTS, seed=settings.world_seed) as root,
        scratch_database(settings) as empty,
    ):
        template = str(conninfo_to_dict(empty)["dbname"])
        artists = _catalogue(root)
        runs: dict[str, Run] = {
            "ours": lambda: _ours(settings, template, root, artists, together=True),
            "ours_one_worker": lambda: _ours(settings, template, root, artists, together=False),
            "lyricsgenius": lambda: _theirs(lyricsgenius, root, artists),
            "plain_httpx": lambda: _plain(root, artists),
        }
        _put_plan(root, latency_ms=0)
        _plain(root, artists)  # the songs are written now, so that no run pays for it
        near = {name: max(_songs_per_s(run) for _ in range(REPEATS)) for name, run in runs.items()}
        _put_plan(root, latency_ms=LATENCY_MS)
        far = {name: max(_songs_per_s(run) for _ in range(REPEATS)) for name, run in runs.items()}
    figures, reference = {"songs": float(SONGS)}, {}
    for speed, at in ((near, ""), (far, f"_at_{LATENCY_MS}_ms")):
        figures |= {
            f"songs_per_s{at}": speed["ours"],
            f"songs_per_s_one_worker{at}": speed["ours_one_worker"],
            f"plain_httpx_songs_per_s{at}": speed["plain_httpx"],
            f"ratio{at}": speed["ours"] / speed["lyricsgenius"],
            f"ratio_one_worker{at}": speed["ours_one_worker"] / speed["lyricsgenius"],
            f"ratio_to_plain_httpx{at}": speed["ours"] / speed["plain_httpx"],
        }
        reference[f"songs_per_s{at}"] = speed["lyricsgenius"]
    rounded = {name: round(value, 2) for name, value in figures.items()}
    return Bench("fetch", rounded, {name: round(value, 2) for name, value in reference.items()}, rounded["ratio"])


def _songs_per_s(run: Run) -> float:
    songs, seconds = run()
    if songs != SONGS:
        raise ValueError(f"{songs} of {SONGS} songs came: such runs can't be compared")
    return songs / seconds


def _ours(settings: Settings, template: str, root: str, catalogue: Catalogue, *, together: bool) -> tuple[int, float]:
    """Fetch into an empty database; `together` with all workers, else artist after artist."""
    endpoint = Endpoint("genius", f"{root}/genius/api", f"{root}/genius/web", SecretStr(TOKEN), None, True, 60_000)
    with (
        scratch_database(settings, template) as dsn,
        closing(connect(dsn)) as conn,
        GeniusClient(endpoint, scrape=False) as client,
    ):
        queries.commit_without_waiting(conn)
        ids = {name: number for number, name in catalogue}
        watched = ensure_artists(conn, list(ids), simulated=True)
        queries.watch_artists(conn, [(watched[name].artist_id, number) for name, number in ids.items()])
        conn.commit()
        artists = list(queries.artists_by_slug(conn, queries.watched_slugs(conn, simulated=True)).values())
        started, read = time.perf_counter(), 0
        for group in [artists] if together else [[artist] for artist in artists]:
            for item in fetch_artists(client, group, {}, most_songs=SONGS):
                if isinstance(item, RawSong):
                    queries.land_song(conn, item)
                    conn.commit()
                    judged = reread(item)
                    queries.settle_song(conn, judged)
                    conn.commit()
                    read += judged.status == "ok"
        return read, time.perf_counter() - started


def _theirs(lyricsgenius: Any, root: str, catalogue: Catalogue) -> tuple[int, float]:
    """What `Genius.search_artist` does for an artist whose id is known, without its pause after each request."""
    client = lyricsgenius.Genius(TOKEN, timeout=TIMEOUT_S, sleep_time=0, skip_non_songs=False)
    client.API_ROOT, client.WEB_ROOT = f"{root}/genius/api/", ""  # pages are named by their whole address
    client._session.trust_env = False  # no proxy stands before the world
    started, read = time.perf_counter(), 0
    with closing(client._session):
        for number, name in catalogue:
            found = client.search_artist(name, artist_id=number, per_page=PAGE_SIZE, get_full_info=True)
            read += sum(bool(song.lyrics) for song in found.songs)
    return read, time.perf_counter() - started


def _plain(root: str, catalogue: Catalogue) -> tuple[int, float]:
    """List, song and page of every song, one after the other; what comes is not even looked at."""
    started, read = time.perf_counter(), 0
    with httpx.Client(trust_env=False, timeout=TIMEOUT_S, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        for number, _ in catalogue:
            page: int | None = 1
            while page is not None:
                listed = client.get(
                    f"{root}/genius/api/artists/{number}/songs", params={"per_page": PAGE_SIZE, "page": page}
                ).json()["response"]
                for song in listed["songs"]:
                    full = client.get(f"{root}/genius/api/songs/{song['id']}").json()["response"]["song"]
                    read += client.get(full["url"]).is_success
                page = listed["next_page"]
    return read, time.perf_counter() - started


def _imported() -> Any:
    try:
        import lyricsgenius
    except ImportError as missing:
        raise ValueError("this bench needs LyricsGenius: pip install lyricsgenius==3.15.0") from missing
    return lyricsgenius


def _catalogue(root: str) -> Catalogue:
    listed = httpx.get(f"{root}/catalogue/artists", params={"limit": ARTISTS}, trust_env=False).raise_for_status()
    return [(int(artist["id"]), str(artist["name"])) for artist in listed.json()["artists"]]


def _put_plan(root: str, *, latency_ms: int) -> None:
    """No faults, a page for every song, and this latency."""
    api = {"http_429": 0, "slow_ms": latency_ms}
    web = api | {"missing": 0, "unreleased": 0, "instrumental": 0, "non_lyrics": 0}
    httpx.put(f"{root}/faults", json={"genius_api": api, "genius_web": web}, trust_env=False).raise_for_status()
