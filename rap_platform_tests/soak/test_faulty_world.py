"""2,000 songs through a Genius that fails, refuses, dawdles, cuts its answers short and twice goes out: all arrive, at little cost."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from rap_platform.local.postgres import Cluster
from rap_platform.lyrics import assets, watching
from rap_platform.resources import politeness, service_state
from rap_platform.settings import Settings, get_settings
from rap_platform.world.corpus import Corpus
from rap_platform.world.faults import WebFaults
from rap_platform.world.genius import fate
from rap_platform_tests import worlds
from rap_platform_tests.conftest import TEMPLATE
from rap_platform_tests.soak.ingesting import run, watched

SONGS, ARTISTS, SEED = 2000, 80, 2026
CLOCK_RATE = 3600.0  # an hour's wait after a bot check takes a second
MOST_RUNS = 150
STATUS = {"song": "ok", "non_lyrics": "ok", "missing": "missing", "unreleased": "unreleased", "instrumental": "instrumental"}  # fmt: skip
TROUBLE = {
    "http_500": 0.04, "http_503": 0.01, "http_429": 0.03, "challenge": 0.01, "truncated": 0.01, "drip": 0.02, "drip_ms": 300,
}  # fmt: skip
OUTAGE = 60
FAULTLESS = {"clock_rate": CLOCK_RATE, "genius_api": {"http_429": 0}, "genius_web": {"http_429": 0}}
FAULTY: dict[str, Any] = {
    "clock_rate": CLOCK_RATE, "dated": 0.2, "genius_api": TROUBLE, "genius_web": TROUBLE,
    "outages": [
        {"family": "genius_web", "kind": "http_503", "first_request": 500, "requests": OUTAGE},
        {"family": "genius_api", "kind": "reset", "first_request": 1400, "requests": OUTAGE},
    ],
}  # fmt: skip


@contextmanager
def a_database(server: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A database that the settings name while it is there."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute(f"create database {name} template {TEMPLATE} strategy file_copy")
    monkeypatch.setenv("RAP_DATABASE_URL", server.dsn(name))
    get_settings.cache_clear()
    with psycopg.connect(server.dsn(name), autocommit=True) as conn:
        watching.sync_watch_list(conn, get_settings())
        yield conn
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute(f"drop database if exists {name} with (force)")


def unfinished(conn: psycopg.Connection) -> int:
    """How many artists were not gone through completely, and songs that are to be asked for again."""
    row = conn.execute(
        "select (select count(*) from artists where watched and (fetched_at is null or fetch_error is not null))"
        " + (select count(*) from raw_songs where status in ('failed', 'blocked')) + (select count(*) from fetched_songs)"
    ).fetchone()
    assert row is not None
    return int(row[0])


def fetch_everything(conn: psycopg.Connection) -> int:
    """Run the asset until there is nothing left to fetch, each time when the service wants to be asked again; gives the runs."""
    slugs = watched()
    for runs in range(1, MOST_RUNS + 1):
        run(assets.genius_songs, slugs, clock_rate=CLOCK_RATE)
        if not unfinished(conn):
            return runs
        hold = service_state.hold_of(conn, "genius")
        if hold is not None:
            wait_s = hold.until.timestamp() - time.time()
            assert wait_s < 60, hold
            time.sleep(max(0.0, wait_s) + 0.01)
    raise AssertionError(f"{unfinished(conn)} artists or songs left after {MOST_RUNS} runs")


def songs(conn: psycopg.Connection) -> dict[str, tuple[str, str]]:
    """Status and digest of what came, by song."""
    rows = conn.execute("select source_id, status, content_sha256 from raw_songs where source = 'genius'").fetchall()
    assert len(rows) == len({source_id for source_id, *_ in rows})
    return {source_id: (status, digest) for source_id, status, digest in rows}


def requests_of(world: str) -> tuple[int, dict[str, int], dict[str, int]]:
    """Requests of Genius in all, of each song's own addresses, and what went wrong."""
    told = httpx.get(f"{world}/faults").json()
    asked = sum(count for family, count in told["requests"].items() if family.startswith("genius"))
    paths = httpx.get(f"{world}/faults/paths", params={"prefix": "/genius/"}).json()
    own = {path: count for path, count in paths.items() if "/artists/" not in path}
    return asked, own, told["faults"]


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_all_songs_arrive_from_a_faulty_world_at_little_cost(
    postgres_server: Cluster, settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch, servers_dir: Path
) -> None:
    monkeypatch.setenv("RAP_WORLD", "on")
    monkeypatch.setenv("RAP_GENIUS__MAX_SONGS_PER_ARTIST", str(SONGS))
    corpus = Corpus(SEED, ARTISTS, SONGS)
    truth = {
        str(corpus.song_id(*one)): STATUS[fate(corpus, *one, WebFaults())]
        for one in (corpus.at(number) for number in range(SONGS))
    }
    assert set(truth.values()) == set(STATUS.values())
    server = redis.Redis.from_url(redis_url)
    with worlds.running(servers_dir, songs=SONGS, artists=ARTISTS) as world:
        monkeypatch.setenv("RAP_WORLD_URL", world)
        httpx.put(f"{world}/faults", json=FAULTLESS).raise_for_status()
        server.flushall()
        with a_database(postgres_server, monkeypatch) as conn:
            assert fetch_everything(conn) == 1
            expected = songs(conn)
        faultless, of_songs, _ = requests_of(world)
        assert max(of_songs.values()) == 1

        httpx.put(f"{world}/faults", json=FAULTY).raise_for_status()
        server.flushall()
        with a_database(postgres_server, monkeypatch) as conn:
            runs = fetch_everything(conn)
            found = songs(conn)
        asked, of_songs, faults = requests_of(world)
    print({"runs": runs, "requests": asked, "without faults": faultless, "ratio": asked / faultless, "faults": faults})

    assert {source_id: status for source_id, (status, _) in found.items()} == truth
    assert found == expected, "what came is not what comes without faults"
    assert runs > 1, "no challenge stopped a run"
    assert faults["genius_web.outage"] == faults["genius_api.outage"] == OUTAGE
    for fault in ("http_500", "http_503", "http_429", "challenge", "truncated", "drip"):
        assert faults[f"genius_api.{fault}"] > 0 and faults[f"genius_web.{fault}"] > 0
    assert asked <= 1.25 * faultless
    breaker = politeness.snapshot(server, "genius")
    assert breaker is not None
    server.close()
    # a probe that fails opens it again, so that it opens often in an outage and closes once after it
    assert (breaker.breaker, breaker.closings) == ("closed", len(FAULTY["outages"]))
    assert breaker.openings >= breaker.closings
    assert breaker.transitions[-1].after == "closed"
