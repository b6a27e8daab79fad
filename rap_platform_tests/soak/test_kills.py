"""kill -9 of the process that fetches songs and makes tracks, then again: the tables end as if nobody had killed it."""

import os
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from rap_platform.local.postgres import Cluster
from rap_platform.lyrics import watching
from rap_platform.settings import Settings, get_settings
from rap_platform_tests import worlds
from rap_platform_tests.conftest import REPOSITORY, TEMPLATE
from rap_platform_tests.soak.ingesting import FETCHED, STARTED

# Every column of every row, but ids and times; what follows from ids is compared by what the id stands for.
CONTENTS = {
    "raw_songs": "select to_jsonb(r) - array['raw_song_id', 'fetched_at'] from raw_songs r",
    "tracks": """
        select to_jsonb(t) - array['track_id', 'raw_song_id', 'artist_id', 'duplicate_of', 'created_at', 'updated_at']
               || jsonb_build_object('artist', to_jsonb(a) - array['artist_id', 'created_at', 'fetched_at', 'fetch_tried_at'],
                                     'of', o.source || '/' || o.source_id, 'raw', r.source || '/' || r.source_id)
        from tracks t join artists a using (artist_id) join raw_songs r using (raw_song_id)
        left join tracks o on o.track_id = t.duplicate_of
    """,
    "track_sections": """
        select to_jsonb(s) - array['section_id', 'track_id', 'created_at', 'updated_at'] || jsonb_build_object('of', t.source_id)
        from track_sections s join tracks t using (track_id)
    """,
    "set_aside": """
        select to_jsonb(s) - array['raw_song_id', 'set_aside_at'] || jsonb_build_object('of', r.source_id)
        from set_aside s join raw_songs r using (raw_song_id)
    """,
}  # fmt: skip


@contextmanager
def a_database(server: Cluster) -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute(f"create database {name} template {TEMPLATE} strategy file_copy")
    yield server.dsn(name)
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute(f"drop database if exists {name} with (force)")


def ingestion(dsn: str, log: Path) -> subprocess.Popen[str]:
    """The process, at the moment at which it begins with its work."""
    with log.open("a") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "rap_platform_tests.soak.ingesting"],
            cwd=REPOSITORY, env={**os.environ, "RAP_DATABASE_URL": dsn}, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline().strip() == STARTED, log.read_text()[-4000:]
    return child


def to_the_end(dsn: str, log: Path) -> float:
    """Let the process work until it is done; gives how many seconds the making of tracks took."""
    child = ingestion(dsn, log)
    assert child.stdout is not None
    told = child.stdout.readline().strip()
    began = time.monotonic()
    child.communicate(timeout=600)
    assert (child.returncode, told) == (0, FETCHED), log.read_text()[-4000:]
    return time.monotonic() - began


def killed_while_fetching(child: subprocess.Popen[str], dsn: str, songs: int, delay_s: float) -> bool:
    """Kill the process soon after there are so many songs; False when it was done before."""
    deadline = time.monotonic() + 120
    with psycopg.connect(dsn, autocommit=True) as conn:
        while child.poll() is None and progress(conn)[0] < songs:
            assert time.monotonic() < deadline, f"stuck at {progress(conn)}"
            time.sleep(0.005)
    return killed_after(child, delay_s)


def killed_while_making_tracks(child: subprocess.Popen[str], delay_s: float) -> bool:
    """Kill the process so long after it had all songs; False when it was done before."""
    assert child.stdout is not None
    assert child.stdout.readline().strip() == FETCHED
    return killed_after(child, delay_s)


def killed_after(child: subprocess.Popen[str], delay_s: float) -> bool:
    time.sleep(delay_s)
    alive = child.poll() is None
    child.kill()
    child.communicate()
    return alive


def watch(dsn: str, settings: Settings) -> None:
    with psycopg.connect(dsn) as conn:
        watching.sync_watch_list(conn, settings)


def contents(dsn: str) -> dict[str, list[str]]:
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select count(*) from fetched_songs").fetchone() == (0,), "a song was never read"
        return {name: sorted(repr(row) for (row,) in conn.execute(query)) for name, query in CONTENTS.items()}  # type: ignore[call-overload]


def progress(conn: psycopg.Connection) -> tuple[int, int]:
    """How many songs and how many tracks there are."""
    row = conn.execute("select (select count(*) from raw_songs), (select count(*) from tracks)").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def progress_of(dsn: str) -> tuple[int, int]:
    with psycopg.connect(dsn) as conn:
        return progress(conn)


def killed_and_resumed(
    server: Cluster,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    world: str,
    kills: tuple[int, int],
    seed: str,
) -> list[tuple[int, int]]:
    """Ingest a world twice, once without and once with kills (while fetching, while making tracks), and compare; gives the
    progress at each kill.
    """
    monkeypatch.setenv("RAP_WORLD", "on")
    monkeypatch.setenv("RAP_WORLD_URL", world)
    monkeypatch.setenv("RAP_GENIUS__MAX_SONGS_PER_ARTIST", "1000")
    get_settings.cache_clear()
    moments, log = random.Random(seed), tmp_path / "ingesting.log"
    with a_database(server) as undisturbed, a_database(server) as disturbed:
        watch(undisturbed, get_settings())
        watch(disturbed, get_settings())
        seconds = to_the_end(undisturbed, log)
        expected = contents(undisturbed)
        assert all(expected.values()), "an empty table would not show a loss"
        step = 1.8 * progress_of(undisturbed)[0] / (kills[0] + 1)
        reached: list[tuple[int, int]] = []
        for _ in range(kills[0]):
            songs = progress_of(disturbed)[0] + round(moments.uniform(0, step))
            assert killed_while_fetching(ingestion(disturbed, log), disturbed, songs, moments.uniform(0, 0.02))
            reached.append(progress_of(disturbed))
        for _ in range(kills[1]):
            assert killed_while_making_tracks(ingestion(disturbed, log), moments.uniform(0, seconds / (kills[1] + 1)))
            reached.append(progress_of(disturbed))
        to_the_end(disturbed, log)
        found = contents(disturbed)
        for table, rows in expected.items():
            assert found[table] == rows, table
            assert len(set(rows)) == len(rows), f"{table}: a row twice"
    return reached


@pytest.mark.timeout(240)
def test_ingestion_that_is_killed_twice_ends_like_one_that_is_not(
    postgres_server: Cluster, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: str
) -> None:
    httpx.delete(f"{world}/faults").raise_for_status()
    killed_and_resumed(postgres_server, settings, tmp_path, monkeypatch, world, kills=(1, 1), seed="twice")


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_ingestion_that_is_killed_twenty_times_ends_like_one_that_is_not(
    postgres_server: Cluster,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    servers_dir: Path,
) -> None:
    with worlds.running(servers_dir, songs=400, artists=40) as world:
        slow = {"genius_api": {"slow_ms": 40}, "genius_web": {"slow_ms": 40}}
        httpx.put(f"{world}/faults", json=slow).raise_for_status()
        reached = killed_and_resumed(
            postgres_server, settings, tmp_path, monkeypatch, world, kills=(14, 6), seed="twenty times"
        )
    assert len(reached) == 20
    assert len({songs for songs, _ in reached[:14]}) >= 8, "the kills fell on too few moments of the fetching"
