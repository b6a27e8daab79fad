"""What is served while PostgreSQL, Valkey or MLflow is away, and that it comes back by itself."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr

from rap_platform.local import postgres, process, valkey
from rap_platform.resources.migrations import migrate
from rap_platform.settings import Settings

LYRICS = (
    "Rain on the window, a light in the hall\nI wrote you a letter and hung up the call\n"
    "Nobody answers, nobody at all\nI'm talking to shadows that lean on the wall"
)
QUICK_S = 2.0
Serve = Callable[[Settings], httpx.Client]


def timed(ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    started = time.perf_counter()
    answer = ask()
    return answer, time.perf_counter() - started


def wait_for(ask: Callable[[], httpx.Response], status: int, within_s: float = 10.0) -> httpx.Response:
    deadline = time.monotonic() + within_s
    while (answer := ask()).status_code != status:
        assert time.monotonic() < deadline, f"still {answer.status_code}: {answer.text[:200]}"
        time.sleep(0.1)
    return answer


@contextmanager
def started_postgres(cluster: postgres.Cluster) -> Iterator[psutil.Process]:
    child = process.spawn(postgres.launch(cluster))
    try:
        process.wait_until(lambda: postgres.answers(cluster), child, name="postgres", log=cluster.log, timeout_s=60)
        yield psutil.Process(child.pid)
    finally:
        process.stop(child, stop_signal=signal.SIGINT)  # SIGTERM would wait for the API's connections


def kill_all(server: psutil.Process) -> None:
    """kill -9 a server and what it started."""
    family = [server, *server.children(recursive=True)]
    for member in family:
        member.kill()
    psutil.wait_procs(family, timeout=10)


@contextmanager
def started_valkey(cache: valkey.Cache) -> Iterator[psutil.Process]:
    child = process.spawn(valkey.launch(cache))
    try:
        process.wait_until(lambda: valkey.answers(cache), child, name="valkey", log=cache.log, timeout_s=10)
        yield psutil.Process(child.pid)
    finally:
        process.stop(child)


def test_postgresql_killed_is_answered_with_503_and_found_again(
    serve: Serve, settings: Settings, servers_dir: Path
) -> None:
    folder = servers_dir / "killed"
    cluster = postgres.prepare(folder, process.free_port())  # durable: what was migrated must outlive the kill
    with started_postgres(cluster) as server:
        postgres.create_database(cluster.dsn(), "songs")
        migrate(cluster.dsn("songs"))
        api = serve(settings.model_copy(update={"database_url": SecretStr(cluster.dsn("songs"))}))
        search = lambda: api.get("/search", params={"q": "night at sea"})  # noqa: E731
        wait_for(search, 200)
        assert api.get("/health").json()["components"]["database"]["status"] == "up"
        kill_all(server)
        for ask in (search, lambda: api.get("/tracks/1")):
            answer, seconds = timed(ask)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == "2"
            assert answer.json()["type"] == "database-unavailable"
            assert seconds < QUICK_S
        page, seconds = timed(lambda: api.get("/", params={"q": "night"}))
        assert page.status_code == 503
        assert "The database does not answer." in page.text
        assert seconds < QUICK_S
        health = api.get("/health")
        assert health.status_code == 503
        assert health.json()["status"] == "error"
        assert 'rap_component_up{component="database"} 0.0' in api.get("/metrics").text
        assert api.post("/analyze", json={"lyrics": LYRICS, "analyzer": "rule_based"}).status_code == 200
    with started_postgres(postgres.prepare(folder, cluster.port, durable=False)):
        wait_for(search, 200, within_s=5)
        assert api.get("/health").json()["components"]["database"]["status"] == "up"


def test_frozen_postgresql_does_not_hold_requests_for_ever(serve: Serve, settings: Settings, servers_dir: Path) -> None:
    cluster = postgres.prepare(servers_dir / "frozen", process.free_port(), durable=False)
    with started_postgres(cluster) as server:
        postgres.create_database(cluster.dsn(), "songs")
        migrate(cluster.dsn("songs"))
        api = serve(settings.model_copy(update={"database_url": SecretStr(cluster.dsn("songs"))}))
        wait_for(lambda: api.get("/search", params={"q": "night at sea"}), 200)
        family = [server, *server.children(recursive=True)]
        for member in family:
            member.suspend()
        try:
            health, health_s = timed(lambda: api.get("/health"))
            answer, seconds = timed(lambda: api.get("/tracks/1"))
        finally:
            for member in family:
                member.resume()
        assert health.status_code == 503
        assert health_s < QUICK_S
        assert answer.status_code == 503
        assert seconds < 6
        wait_for(lambda: api.get("/search", params={"q": "night at sea"}), 200)


def test_valkey_killed_leaves_answers_quick_and_is_used_again(
    serve: Serve, settings: Settings, servers_dir: Path
) -> None:
    cache = valkey.prepare(servers_dir / "killed-valkey", process.free_port())
    with started_valkey(cache) as server:
        api = serve(settings.model_copy(update={"redis_url": SecretStr(cache.url)}))
        analyze = lambda: api.post("/analyze", json={"lyrics": LYRICS, "analyzer": "rule_based"})  # noqa: E731
        assert [analyze().json()["cached"] for _ in range(2)] == [False, True]
        kill_all(server)
        first, first_s = timed(analyze)
        assert first.status_code == 200
        assert first.json()["cached"] is False
        again, again_s = timed(analyze)
        assert again.json()["cached"] is True, "the process's memory takes over"
        assert again_s < 0.5
        assert first_s < QUICK_S
        assert again.json()["analysis"] == first.json()["analysis"]
        health = api.get("/health")
        assert health.status_code == 200
        assert health.json()["status"] == "degraded"
        assert health.json()["components"]["redis"]["status"] == "down"
        assert api.get("/search", params={"q": "night"}).status_code == 200
    with started_valkey(valkey.prepare(servers_dir / "killed-valkey", cache.port)):
        deadline = time.monotonic() + 10
        while api.get("/health").json()["components"]["redis"]["status"] != "up":
            assert time.monotonic() < deadline
        assert [analyze().json()["cached"] for _ in range(2)] == [False, True]


def test_frozen_valkey_costs_one_short_wait(serve: Serve, settings: Settings, servers_dir: Path) -> None:
    cache = valkey.prepare(servers_dir / "frozen-valkey", process.free_port())
    with started_valkey(cache) as server:
        api = serve(settings.model_copy(update={"redis_url": SecretStr(cache.url)}))
        ask = lambda: api.post("/analyze", json={"lyrics": LYRICS, "analyzer": "rule_based"})  # noqa: E731
        _, usual_s = timed(ask)
        server.suspend()
        try:
            first, first_s = timed(ask)
            second, second_s = timed(ask)
        finally:
            server.resume()
        assert first.status_code == second.status_code == 200
        assert first_s < usual_s + 0.6
        assert second_s < 0.5


@pytest.mark.parametrize("away", ["database_url", "redis_url"])
def test_it_starts_while_a_server_is_away(serve: Serve, settings: Settings, away: str) -> None:
    scheme = {"database_url": "postgresql", "redis_url": "redis"}[away]
    api = serve(
        settings.model_copy(update={away: SecretStr(f"{scheme}://nobody:nothing@127.0.0.1:{process.free_port()}/0")})
    )
    assert api.get("/health/live").status_code == 200
    assert api.get("/health").status_code == (503 if away == "database_url" else 200)


def test_without_a_database_it_says_what_to_set(serve: Serve, settings: Settings) -> None:
    api = serve(settings.model_copy(update={"database_url": None, "redis_url": None}))
    assert "RAP_DATABASE_URL" in api.get("/tracks/1").json()["detail"]
    assert api.get("/health").json()["components"]["redis"]["status"] == "not_configured"


def test_without_a_registry_quality_says_what_to_set(api: httpx.Client) -> None:
    answer = api.post("/predict-quality", json={"lyrics": LYRICS})
    assert answer.status_code == 503
    assert "RAP_MLFLOW_TRACKING_URI" in answer.json()["detail"]


def test_a_registry_that_does_not_answer_is_a_503(serve: Serve, settings: Settings) -> None:
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": f"http://127.0.0.1:{process.free_port()}"}))
    answer, seconds = timed(lambda: api.post("/predict-quality", json={"lyrics": LYRICS}))
    assert answer.status_code == 503
    assert answer.json()["type"] == "model-unavailable"
    assert seconds < QUICK_S
