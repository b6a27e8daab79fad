"""Politeness over the real Valkey: one limit, one breaker and one hold for all processes, and none lost with Redis."""

import datetime as dt
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import redis
from prometheus_client import generate_latest
from pydantic import SecretStr

from rap_platform.local import process, valkey
from rap_platform.local.valkey import Cache
from rap_platform.resources import service_state
from rap_platform.resources.politeness import (
    FAILURES,
    OPEN_S,
    BreakerOpen,
    Held,
    Hold,
    Politeness,
    Transient,
    snapshot,
)
from rap_platform.resources.redis import client
from rap_platform.serving.api.metrics import Metrics, PolitenessCollector

REPOSITORY = Path(__file__).resolve().parents[2]
FAST = OPEN_S / 1.0  # an open breaker lets a probe through after a second
SEEN_S = 0.06  # what one process does, another sees within this


@pytest.fixture
def service() -> str:
    """A service that no other test asks."""
    return f"test-{uuid4().hex[:8]}"


@pytest.fixture
def server(redis_url: str) -> redis.Redis:
    found = client(redis_url)
    assert found is not None
    return found


@pytest.fixture
def mortal(servers_dir: Path, tmp_path: Path) -> Cache:
    """A Valkey that a test may start and kill."""
    return valkey.prepare(servers_dir / tmp_path.name, process.free_port())


def started_again(cache: Cache) -> "subprocess.Popen[bytes]":
    child = process.spawn(valkey.launch(cache))
    process.wait_until(lambda: valkey.answers(cache), child, name="valkey", log=cache.log, timeout_s=10.0)
    return child


def fail(politeness: Politeness, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Transient), politeness.calling():
            raise Transient("HTTP 503")


@contextmanager
def two_processes(code: str, *arguments: object) -> Iterator[tuple[subprocess.Popen[str], subprocess.Popen[str]]]:
    """Two processes that run code; both have imported what they need and wait for a line on their standard input."""
    argv = [sys.executable, "-c", code, *map(str, arguments)]
    one, other = (
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY, text=True)
        for _ in range(2)
    )
    with one, other:
        try:
            for child in (one, other):
                assert hears(child) == "ready"
            yield one, other
        finally:
            for child in (one, other):
                child.kill()


def tell(*children: "subprocess.Popen[str]") -> None:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()


def hears(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


TURNS = """
import json, sys, time
from rap_platform.resources.politeness import Politeness
from rap_platform.resources.redis import client
url, service, per_minute, processes, turns = sys.argv[1:]
polite = Politeness(service, float(per_minute), redis=client(url), processes=int(processes))
print("ready", flush=True)
sys.stdin.readline()
arrivals = []
for _ in range(int(turns)):
    polite.wait_turn()
    arrivals.append(time.time())
print(json.dumps(arrivals), flush=True)
"""


def test_two_processes_share_one_limit_and_spread_it_evenly(redis_url: str, service: str) -> None:
    with two_processes(TURNS, redis_url, service, 600, 2, 10) as children:
        start = time.time()
        tell(*children)
        arrivals = sorted(moment for child in children for moment in json.loads(hears(child)))
    assert len(arrivals) == 20
    early = [n for n, arrival in enumerate(arrivals) if arrival < start + n * 0.1 - 0.02]
    assert early == []  # nobody runs ahead of the even pace, so nothing was sent in a burst


def test_without_redis_each_process_keeps_to_its_share(service: str) -> None:
    nobody = f"redis://127.0.0.1:{process.free_port()}/0"
    with two_processes(TURNS, nobody, service, 600, 2, 5) as children:
        start = time.time()
        tell(*children)
        for child in children:
            arrivals = json.loads(hears(child))
            assert [n for n, arrival in enumerate(arrivals) if arrival < start + n * 0.2 - 0.02] == []


def test_the_limit_is_kept_while_redis_dies_and_comes_back(mortal: Cache, service: str) -> None:
    child = started_again(mortal)
    polite = Politeness(service, 1200, redis=client(mortal.url), processes=2)

    def asking_takes(times: int) -> float:
        started = time.monotonic()
        for _ in range(times):
            polite.wait_turn()
        return time.monotonic() - started

    try:
        assert asking_takes(5) >= 4 * 0.05 - 0.02
        fail(polite, FAILURES)
        assert polite.state().shared
        child.kill()
        child.wait()
        assert asking_takes(6) >= 5 * 0.1 - 0.02
        told = polite.state()
        assert (told.shared, told.breaker, told.openings) == (False, "open", 1)
        with pytest.raises(BreakerOpen), polite.calling():
            raise AssertionError("an open breaker lets nobody through")
    finally:
        process.stop(child)
    again = started_again(mortal)
    try:
        time.sleep(1.1)
        with pytest.raises(BreakerOpen), polite.calling():
            raise AssertionError("what Redis forgot is put back")
        found = client(mortal.url)
        assert found is not None
        shared = snapshot(found, service)
        assert shared is not None
        assert (shared.breaker, shared.openings) == ("open", 1)
        assert asking_takes(5) >= 4 * 0.05 - 0.02
    finally:
        process.stop(again)


def test_five_failures_in_a_row_open_the_breaker_for_all_and_are_recorded(server: redis.Redis, service: str) -> None:
    polite, other = (Politeness(service, 60_000, redis=server, clock_rate=FAST) for _ in range(2))
    fail(polite, FAILURES - 1)
    with polite.calling():
        pass
    fail(polite, FAILURES - 1)
    assert polite.state().breaker == "closed"
    before = dt.datetime.now(dt.UTC)
    fail(polite)
    time.sleep(SEEN_S)
    for one in (polite, other):
        with pytest.raises(BreakerOpen) as refused, one.calling():
            raise AssertionError("an open breaker lets nobody through")
        assert refused.value.until >= before + dt.timedelta(seconds=0.99)
    time.sleep(1.1)
    with other.calling():
        pass
    told = polite.state()
    assert (told.breaker, told.openings, told.closings, told.failures) == ("closed", 1, 1, 0)
    assert [(one.before, one.after) for one in told.transitions] == [
        ("closed", "open"),
        ("open", "half-open"),
        ("half-open", "closed"),
    ]
    assert told.transitions[0].at >= before


def test_what_is_no_transient_failure_does_not_count(server: redis.Redis, service: str) -> None:
    polite = Politeness(service, 60_000, redis=server)
    for _ in range(FAILURES + 1):
        with pytest.raises(ValueError, match="not ours"), polite.calling():
            raise ValueError("not ours")
    assert polite.state().breaker == "closed"


PROBES = """
import sys, time
from rap_platform.resources.politeness import BreakerOpen, Politeness
from rap_platform.resources.redis import client
url, service, rate = sys.argv[1:]
polite = Politeness(service, 60_000, redis=client(url), clock_rate=float(rate))
print("ready", flush=True)
sys.stdin.readline()
try:
    with polite.calling():
        print("through", flush=True)
        sys.stdin.readline()
except BreakerOpen:
    print("refused", flush=True)
    sys.exit()
print("ended", flush=True)
"""


def test_of_two_processes_one_probes_the_open_breaker(redis_url: str, server: redis.Redis, service: str) -> None:
    polite = Politeness(service, 60_000, redis=server, clock_rate=FAST)
    fail(polite, FAILURES)
    time.sleep(1.1)
    with two_processes(PROBES, redis_url, service, FAST) as children:
        tell(*children)
        told = {hears(child): child for child in children}
        assert sorted(told) == ["refused", "through"]
        assert polite.state().breaker == "half-open"
        tell(told["through"])
        assert hears(told["through"]) == "ended"
    assert polite.state().breaker == "closed"


def test_a_failed_probe_opens_the_breaker_again(server: redis.Redis, service: str) -> None:
    polite = Politeness(service, 60_000, redis=server, clock_rate=FAST)
    fail(polite, FAILURES)
    time.sleep(1.1)
    fail(polite)
    told = polite.state()
    assert (told.breaker, told.openings, told.closings) == ("open", 2, 0)
    with pytest.raises(BreakerOpen), polite.calling():
        raise AssertionError("an open breaker lets nobody through")


def test_of_many_threads_without_redis_one_probes(service: str) -> None:
    polite = Politeness(service, 60_000, redis=None, clock_rate=FAST)
    fail(polite, FAILURES)
    time.sleep(1.1)
    through, refused = threading.Semaphore(0), threading.Semaphore(0)
    over = threading.Event()

    def call() -> None:
        try:
            with polite.calling():
                through.release()
                over.wait(30)
        except BreakerOpen:
            refused.release()

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    assert all(refused.acquire(timeout=30) for _ in range(5))
    assert through.acquire(timeout=30)
    over.set()
    for thread in threads:
        thread.join()
    assert polite.state().breaker == "closed"


def test_a_short_hold_is_waited_for_by_all_and_a_long_one_is_not(server: redis.Redis, service: str) -> None:
    polite, other = (Politeness(service, 60_000, redis=server) for _ in range(2))
    polite.hold(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.5), "HTTP 429")
    time.sleep(SEEN_S)
    started = time.monotonic()
    other.wait_turn()
    assert time.monotonic() - started >= 0.3
    until = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
    polite.hold(until, "HTTP 429")
    polite.hold(until - dt.timedelta(hours=1), "a shorter one")
    time.sleep(SEEN_S)
    assert other.held() == Hold(until, "HTTP 429")
    with pytest.raises(Held, match="until .* UTC: HTTP 429"):
        other.wait_turn()
    polite.release()
    time.sleep(SEEN_S)
    assert other.held() is None


def test_without_redis_a_hold_is_kept_by_the_process(service: str) -> None:
    polite = Politeness(service, 60_000, redis=None)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
    polite.hold(until, "HTTP 429")
    assert polite.held() == Hold(until, "HTTP 429")
    assert polite.state().hold == Hold(until, "HTTP 429")
    assert not polite.state().shared


def test_the_requests_of_the_last_minute_are_counted_over_all_and_forgotten(server: redis.Redis, service: str) -> None:
    assert snapshot(server, service) is None
    polite, other = (Politeness(service, 60_000, redis=server) for _ in range(2))
    for one in (polite, other, other):
        one.wait_turn()
    told = snapshot(server, service)
    assert told is not None
    assert (told.requests, told.breaker) == (3, "closed")
    kept = [key for key in server.scan_iter(f"*{service}*") if b"breaker" not in key]
    assert kept
    assert all(0 < server.pttl(key) <= 121_000 for key in kept)


def test_a_limit_that_is_none_is_refused(service: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Politeness(service, 0, redis=None)


def test_what_a_service_told_us_outlives_the_process(connection: psycopg.Connection) -> None:
    until = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=2)
    assert service_state.hold_of(connection, "genius") is None
    service_state.remember_hold(connection, "genius", Hold(until, "HTTP 403"))
    assert service_state.hold_of(connection, "genius") == Hold(until, "HTTP 403")
    since = service_state.recall(connection, "genius", "hold")
    service_state.remember_hold(connection, "genius", Hold(until + dt.timedelta(hours=1), "HTTP 403"))
    again = service_state.recall(connection, "genius", "hold")
    assert since is not None
    assert again is not None
    assert (again.value, again.until) == (since.value, until + dt.timedelta(hours=1))
    service_state.remember_hold(connection, "genius", Hold(until - dt.timedelta(hours=3), "HTTP 429"))
    assert service_state.hold_of(connection, "genius") is None
    service_state.forget_hold(connection, "genius")
    assert service_state.recall(connection, "genius", "hold") is None
    service_state.remember(connection, "spotify", "batches", {"allowed": False}, until, reason="HTTP 403")
    found = service_state.recall(connection, "spotify", "batches")
    assert found is not None
    assert (found.value, found.reason, found.until) == ({"allowed": False}, "HTTP 403", until)


def test_metrics_show_what_is_shared_and_nothing_while_redis_is_away(
    server: redis.Redis, redis_url: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PolitenessCollector, "services", (service,))
    told = Metrics(None, SecretStr(redis_url))
    assert service not in exposed(told)
    polite = Politeness(service, 60_000, redis=server)
    for _ in range(3):
        polite.wait_turn()
    fail(polite, FAILURES)
    polite.hold(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), "HTTP 429")
    text = exposed(told)
    for sample in (
        f'rap_service_breaker{{service="{service}",state="open"}} 1.0',
        f'rap_service_breaker{{service="{service}",state="closed"}} 0.0',
        f'rap_service_breaker_openings_total{{service="{service}"}} 1.0',
        f'rap_service_breaker_closings_total{{service="{service}"}} 0.0',
        f'rap_service_requests_last_minute{{service="{service}"}} 3.0',
    ):
        assert sample in text
    (held,) = [line for line in text.splitlines() if line.startswith("rap_service_hold_seconds{")]
    assert 3500 < float(held.rpartition(" ")[2]) <= 3600
    nobody = SecretStr(f"redis://127.0.0.1:{process.free_port()}/0")
    assert "rap_service_breaker{" not in exposed(Metrics(None, nobody))
    assert "rap_service_breaker{" not in exposed(Metrics(None))


def exposed(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()
