"""The real servers, started once per test session: PostgreSQL with pgvector, Valkey, the simulated world."""

import gc
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from rap_platform.local import postgres, process, valkey
from rap_platform.local.postgres import Cluster
from rap_platform.resources.migrations import migrate
from rap_platform.resources.postgres import connect
from rap_platform.settings import Settings, get_settings
from rap_platform_tests import worlds

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY / ".rap_platform"  # where the exported encoder lies between test runs
TEMPLATE = "rap_template"
LONGEST = "test_kill.py"  # a fifth of the whole: begun first, the other process has work until it ends


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first, the others in their order."""
    items.sort(key=lambda item: item.path.name != LONGEST)


def pytest_collection_finish() -> None:
    """The collector leaves alone what was imported, a million objects which it would read through time and again: a tenth of all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)  # what the tests leave in cycles is large: it may not wait for long


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_heard() -> None:
    """A shell has what it starts in the background ignore SIGINT, and Dagster would have this process ignore SIGTERM then."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_this_machine() -> None:
    """Tests see defaults: neither the RAP_ variables nor the .env and config.yaml of whoever runs them."""
    for name in [name for name in os.environ if name.upper().startswith("RAP_")]:
        del os.environ[name]
    Settings.model_config["env_file"] = None
    Settings.model_config["yaml_file"] = None
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def servers_dir() -> Iterator[Path]:
    """A folder for the servers of this session that other users may pass through (PostgreSQL does not run as root)."""
    folder = Path(tempfile.mkdtemp(prefix="rap_platform_tests_"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(servers_dir: Path) -> Iterator[Cluster]:
    """A PostgreSQL that forgets on a power cut, with a migrated template database."""
    with postgres.running(servers_dir, process.free_port(), durable=False) as cluster:
        postgres.create_database(cluster.dsn(), TEMPLATE)
        migrate(cluster.dsn(TEMPLATE))
        yield cluster


@pytest.fixture
def database(postgres_server: Cluster) -> Iterator[str]:
    """The DSN of a fresh, migrated database of this test's own."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as conn:
        conn.execute(f"create database {name} template {TEMPLATE} strategy file_copy")
    yield postgres_server.dsn(name)
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as conn:
        conn.execute(f"drop database if exists {name} with (force)")


@pytest.fixture
def empty_database(postgres_server: Cluster) -> Iterator[str]:
    """The DSN of a database of this test's own without a schema."""
    name = f"test_{secrets.token_hex(6)}"
    postgres.create_database(postgres_server.dsn(), name)
    yield postgres_server.dsn(name)
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as conn:
        conn.execute(f"drop database if exists {name} with (force)")


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    """A connection to this test's database, vector types registered; not committed unless the test does."""
    conn = connect(database)
    yield conn
    conn.close()


@pytest.fixture(scope="session")
def redis_url(servers_dir: Path) -> Iterator[str]:
    """A Valkey with a password."""
    with valkey.running(servers_dir, process.free_port()) as cache:
        yield cache.url


@pytest.fixture(scope="session")
def world(servers_dir: Path) -> Iterator[str]:
    """The root URL of a small simulated world: 40 songs by 10 artists."""
    with worlds.running(servers_dir, songs=40, artists=10) as root:
        yield root


@pytest.fixture
def settings(
    database: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """Settings that name the servers of the test (and its world, when the test asks for one), read by get_settings too.

    What earlier tests left in Valkey (holds, breakers, caches) is gone, as their databases are.
    """
    with redis.Redis.from_url(redis_url) as server:
        server.flushall()
    monkeypatch.setenv("RAP_DATABASE_URL", database)
    monkeypatch.setenv("RAP_REDIS_URL", redis_url)
    monkeypatch.setenv("RAP_DATA_DIR", str(tmp_path / "data"))
    if "world" in request.fixturenames:
        monkeypatch.setenv("RAP_WORLD_URL", request.getfixturevalue("world"))
        monkeypatch.setenv("RAP_WORLD_SONGS", "40")
        monkeypatch.setenv("RAP_WORLD_ARTISTS", "10")
    else:
        monkeypatch.setenv("RAP_WORLD", "off")
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()
