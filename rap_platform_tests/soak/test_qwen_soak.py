"""2,000 songs through a model that fails in every way it can, two processes asking at once, killed and started again."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from rap_platform.analyses import checks
from rap_platform.analyses.results import FailureKind
from rap_platform.resources.llm_ledger import lose, spending
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings, get_settings
from rap_platform.world import songwriter
from rap_platform.world.llm_habits import SPOILT
from rap_platform_tests import worlds
from rap_platform_tests.conftest import REPOSITORY
from rap_platform_tests.embeddings.conftest import add_track
from rap_platform_tests.soak.ingesting import STARTED

__all__ = ["add_track"]

CLOCK_RATE = 10.0
PER_MINUTE = 160  # of the world's clock: 27 a second, of which the platform allows itself 90 %
CONCURRENCY = 6  # in each of two processes: if all of them are late at once, they still fit into the other 10 %
RANGES = (("00", "07"), ("08", "15"))  # of two processes that ask at once
MOST_RUNS = 12
HABITS = {
    "think": 0.05, "unterminated_think": 0.02, "fence": 0.05, "cut_off": 0.02, "broken_json": 0.03, "eight_of_ten": 0.02,
    "null_content": 0.02, "null_with_reasoning": 0.02, "wrong_language": 0.02, "prose": 0.02, "misquote": 0.06,
}  # fmt: skip
OUTAGES = {
    "http_429": 0.008, "http_500": 0.012, "http_503": 0.006, "hang": 0.004, "page": 0.005, "challenge": 0.004, "reset": 0.004,
    "malformed": 0.004, "truncated": 0.003, "slow_ms": 120,
}  # fmt: skip
PLAN: dict[str, Any] = {"clock_rate": CLOCK_RATE, "llm": {"requests_per_minute": PER_MINUTE, **HABITS, **OUTAGES}}
PRICE = 1.0  # USD per million tokens
AddTrack = Callable[..., int]


def write_songs(add: AddTrack, songs: int) -> None:
    """Tracks of different lyrics, spread over all shards."""
    written: dict[str, int] = {}
    for number in range(2 * songs):
        artist, song = divmod(number, 10)
        written.setdefault(songwriter.write(2026, artist, song).lyrics, artist)
        if len(written) == songs:
            break
    for number, (lyrics, artist) in enumerate(written.items()):
        add(f"Song {number}", [lyrics], slot=number * 1024 // songs, simulated=True, artist=f"Artist {artist}")


def asking(first: str, last: str, log: Path) -> subprocess.Popen[str]:
    """The process, at the moment at which it begins."""
    with log.open("a") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "rap_platform_tests.soak.asking", str(CLOCK_RATE), first, last],
            cwd=REPOSITORY, env=dict(os.environ), stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline().strip() == STARTED, log.read_text()[-4000:]
    return child


def two_at_once(log: Path) -> list[subprocess.Popen[str]]:
    return [asking(*shards, log) for shards in RANGES]


def to_the_end(log: Path) -> list[str]:
    """Let both processes work until they are done; gives how they say that they ended."""
    children = two_at_once(log)
    told = [child.communicate(timeout=600)[0].strip() for child in children]
    return [text or f"failed ({child.returncode})" for text, child in zip(told, children, strict=True)]


def killed_at(conn: psycopg.Connection, rows: int, log: Path, chance: random.Random) -> int:
    """Start both, kill -9 both at so many rows; gives how many calls were in flight then."""
    children = two_at_once(log)
    deadline = time.monotonic() + 300
    while count(conn, "select count(*) from analysis_results") < rows and any(
        child.poll() is None for child in children
    ):
        assert time.monotonic() < deadline, log.read_text()[-4000:]
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.2))
    for child in children:
        child.kill()
        child.communicate()
    time.sleep(0.5)  # PostgreSQL notices that they are gone
    return lose(conn)


def count(conn: psycopg.Connection, query: str) -> int:
    row = conn.execute(query).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return int(row[0])


def pending(conn: psycopg.Connection) -> int:
    return count(conn, "select (select count(*) from tracks) - (select count(*) from analysis_results)")


def budget_stops_both(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, budget_usd: float, log: Path) -> None:
    """With a budget that is too small both processes end well and say why, and no more than one call passes the cap."""
    monkeypatch.setenv("RAP_LLM__BUDGET_USD", str(budget_usd))
    for told in to_the_end(log):
        assert told.startswith("stopped: ") and "RAP_LLM__BUDGET_USD" in told, log.read_text()[-4000:]
    spent, in_flight, calls = spending(conn, 30, simulated=True)
    dearest = conn.execute("select max(coalesce(cost_usd, most_usd))::float8 from llm_calls").fetchone()
    assert dearest is not None
    print(
        {
            "budget": budget_usd,
            "spent": spent,
            "dearest call": dearest[0],
            "calls": count(conn, "select count(*) from llm_calls"),
        }
    )
    assert (in_flight, calls) == (0.0, 0)
    assert budget_usd <= spent < budget_usd + dearest[0]
    monkeypatch.delenv("RAP_LLM__BUDGET_USD")


def check_rows(conn: psycopg.Connection, songs: int) -> dict[str, int]:
    """Every song has one row: an analysis of the closed vocabularies, or a failure of a known kind that carries no score."""
    kinds = dict(conn.execute(
        "select coalesce(split_part(error, ':', 1), 'ok'), count(*) from analysis_results group by 1"
    ).fetchall())  # fmt: skip
    assert sum(kinds.values()) == songs == count(conn, "select count(distinct track_id) from analysis_results")
    assert set(kinds) <= {"ok", *FailureKind.__args__}  # type: ignore[attr-defined]
    assert kinds["ok"] > 0.9 * songs
    assert checks._in_range(PostgresResource(), "qwen").passed
    assert checks._honest(PostgresResource(), "qwen", needs_response=True).passed
    return kinds


def check_ledger(conn: psycopg.Connection, killed_in_flight: int, asked_at_the_server: int) -> dict[str, int]:
    """All that the server was asked stands in the table; nothing was answered twice; what a kill cost is what was in flight."""
    states = dict(conn.execute("select state, count(*) from llm_calls group by state").fetchall())
    gone = count(conn, "select count(*) from llm_calls where error = 'the asking process is gone'")
    twice = count(conn, "select count(*) - count(distinct request_sha256) from llm_calls where state = 'answered'")
    calls = sum(states.values())
    assert states.get("in_flight", 0) == 0
    assert gone == killed_in_flight
    assert twice == 0, "an answer that was there was paid for again"
    assert calls - gone <= asked_at_the_server <= calls
    return states


def soak(
    songs: int,
    kills: int,
    add: AddTrack,
    conn: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    log: Path,
) -> None:
    write_songs(add, songs)
    chance = random.Random(7)
    with worlds.running(folder, songs=1, artists=1) as world:
        httpx.put(f"{world}/faults", json=PLAN).raise_for_status()
        for name, value in {
            "RAP_WORLD": "on", "RAP_WORLD_URL": world, "RAP_LLM__BASE_URL": f"{world}/llm/v1", "RAP_LLM__TIMEOUT_S": "4",
            "RAP_LLM__REQUESTS_PER_MINUTE": str(PER_MINUTE), "RAP_LLM__CONCURRENCY": str(CONCURRENCY),
            "RAP_LLM__PROMPT_USD_PER_MILLION": str(PRICE), "RAP_LLM__COMPLETION_USD_PER_MILLION": str(PRICE),
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        began = time.monotonic()
        budget_stops_both(conn, monkeypatch, songs * 0.0003, log)
        done = count(conn, "select count(*) from analysis_results")
        lost = []
        for number in range(1, kills + 1):
            lost.append(killed_at(conn, done + (songs - done) * number // (kills + 1), log, chance))
            assert lost[-1] <= len(RANGES) * CONCURRENCY
        ended = [to_the_end(log)]
        while pending(conn) and len(ended) < MOST_RUNS:
            ended.append(to_the_end(log))
        told = httpx.get(f"{world}/faults").json()
    kinds = check_rows(conn, songs)
    states = check_ledger(conn, sum(lost), told["requests"]["llm"])
    faults = {name.removeprefix("llm."): done for name, done in told["faults"].items()}
    print({"rows": kinds, "calls": states, "lost at the kills": lost, "runs": len(ended), "faults": faults,
           "most in a minute": told["llm_most_in_a_minute"], "seconds": round(time.monotonic() - began)})  # fmt: skip
    assert faults.get("above_the_limit", 0) == 0
    assert told["llm_most_in_a_minute"] <= PER_MINUTE
    if songs >= 1000:
        assert {*SPOILT, "think", "fence", "misquote", *OUTAGES} - {"slow_ms"} <= set(faults), (
            "a kind of fault never came"
        )
        assert sum(lost) > 0, "no kill hit a call in flight"


@pytest.mark.parametrize(
    ("songs", "kills"), [(80, 1), pytest.param(2000, 5, marks=[pytest.mark.soak, pytest.mark.timeout(1500)])]
)
def test_all_songs_get_their_rows_over_faults_and_kills(
    songs: int,
    kills: int,
    settings: Settings,
    add_track: AddTrack,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    servers_dir: Path,
    tmp_path: Path,
) -> None:
    del settings
    with psycopg.connect(database, autocommit=True) as conn:
        soak(songs, kills, add_track, conn, monkeypatch, servers_dir, tmp_path / "log")
