"""The benchmarks that print the project's figures, by name; each stage keeps its own."""

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import psutil

from rap_platform.settings import Settings

WORLD_STARTS_S = 60.0
API_STARTS_S = 180.0
# A server for loading much and asking often: it writes no log that could bring the data back after a power cut, and keeps an eighth
# of the memory for what it reads, as anybody would who serves so much.
BULK_SERVER = {
    "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "8GB", "autovacuum": "off",
    "shared_buffers": f"{max(256, psutil.virtual_memory().total // 2**23)}MB",
}  # fmt: skip

# name -> (function, what it needs running)
BENCHES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ingest": ("rap_platform.lyrics.benchmarks:ingest", ("postgres",)),
    "fetch": ("rap_platform.lyrics.fetch_benchmark:fetching", ("postgres",)),
    "import": ("rap_platform.lyrics.import_benchmark:imports", ("postgres",)),
    "identity": ("rap_platform.lyrics.identity_benchmark:identity", ("postgres",)),
    "match": ("rap_platform.spotify.benchmarks:match", ()),
    "letters": ("rap_platform.features.letter_benchmark:letters", ()),
    "rhyme": ("rap_platform.features.rhyme_benchmark:rhyme", ()),
    "features": ("rap_platform.features.benchmarks:features", ()),
    "world": ("rap_platform.features.world_benchmark:world", ()),
    "moods": ("rap_platform.analyses.benchmarks:moods", ()),
    "embed": ("rap_platform.embeddings.benchmarks:embed", ("postgres",)),
    "search": ("rap_platform.embeddings.search_benchmark:search", ()),
    "search-quality": ("rap_platform.embeddings.search_quality.benchmark:search_quality", ("postgres",)),
    "quality": ("rap_platform.evaluation.quality_benchmark:bench_quality", ()),
    "floor": ("rap_platform.evaluation.floor_benchmark:floor", ("postgres",)),
    "growth": ("rap_platform.embeddings.growth_benchmark:growth", ("postgres",)),
    "trends": ("rap_platform.trends.benchmark:trends", ()),
}
# option of the command -> the benches that take it, as a parameter of that name
OPTIONS: dict[str, tuple[str, ...]] = {
    "gold": ("rhyme",),
    "tracks": ("search", "growth", "quality", "trends"),
    "seeds": ("quality", "trends"),
    "keep": ("search",),
    "verse": ("search", "search-quality"),
    "fit": ("search-quality",),
}


def misplaced(name: str, options: Mapping[str, object]) -> str | None:
    """What is wrong with giving these options to the bench `name`; None when nothing is."""
    for option in options:
        takers = OPTIONS[option]
        if name not in takers:
            whose = " and ".join(f"`bench {taker}`" for taker in takers)
            return f"--{option} belongs to {whose}; leave it out of `bench {name}`"
    return None


@dataclass(frozen=True)
class Bench:
    """A measurement beside its reference from the same run; `ratio` is ours over the reference.

    `rows` are shown instead of the figures where a table of its own says more; `note` is what else to know of them.
    """

    bench: str
    figures: dict[str, float]
    reference: dict[str, float]
    ratio: float
    rows: tuple[dict[str, object], ...] = ()
    note: str = ""


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "load_1_min": round(psutil.getloadavg()[0], 2),
    }


def find(name: str) -> Callable[..., Bench]:
    """The benchmark `name`. Raises KeyError that lists those there are."""
    if name not in BENCHES:
        raise KeyError(f"no benchmark {name!r}; there are: {', '.join(BENCHES)}")
    module, function = BENCHES[name][0].split(":")
    bench: Callable[..., Bench] = getattr(import_module(module), function)
    return bench


@contextmanager
def world_of_its_own(*, songs: int, artists: int, seed: int) -> Iterator[str]:
    """Run a simulated world for one measurement; gives its root URL. Raises RuntimeError when it does not start."""
    port = _free_port()
    size = {"RAP_WORLD": "on", "RAP_WORLD_SEED": seed, "RAP_WORLD_SONGS": songs, "RAP_WORLD_ARTISTS": artists}
    argv = [sys.executable, "-m", "uvicorn", "rap_platform.world.app:create_app", "--factory", "--host", "127.0.0.1",
            "--port", str(port), "--no-access-log", "--log-level", "critical"]  # fmt: skip
    env = os.environ | {name: str(value) for name, value in size.items()}
    root = f"http://127.0.0.1:{port}"
    with subprocess.Popen(argv, env=env) as child:  # noqa: S603 -- our own interpreter and module
        try:
            _wait_for("world", f"{root}/health", child, WORLD_STARTS_S)
            yield root
        finally:
            child.terminate()


@contextmanager
def server_of_its_own(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL on its own folder, kept between runs; gives the DSN of its database `postgres`.

    It has the settings of the embedded one but for those of BULK_SERVER, and no durability. Raises RuntimeError when it does not start.
    """
    from rap_platform.local import postgres, process

    with ExitStack() as stack:
        try:
            cluster = stack.enter_context(postgres.running(folder, _free_port(), durable=False, tuning=BULK_SERVER))
        except process.StartFailed as error:
            raise RuntimeError(f"the PostgreSQL of the bench did not start: {error}") from error
        yield cluster.dsn()


@contextmanager
def api_of_its_own(settings: Settings) -> Iterator[str]:
    """Run the API as `up` does until it has searched once, for the settings' database and data directory; gives its root URL.

    It has no Redis and no world. Raises RuntimeError when it does not start.
    """
    with api_process(settings) as (root, child):
        _wait_for("API", f"{root}/search?q=warm", child, API_STARTS_S)
        yield root


@contextmanager
def api_process(settings: Settings) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Start the API in a process of its own, as `api_of_its_own` does, and don't wait for it; gives its root URL and the process."""
    port = _free_port()
    argv = [sys.executable, "-m", "uvicorn", "rap_platform.serving.api.app:create_app", "--factory", "--host", "127.0.0.1",
            "--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "critical"]  # fmt: skip
    of_ours = {
        "RAP_DATABASE_URL": settings.require_database_url(),
        "RAP_DATA_DIR": str(settings.data_dir.resolve()),
        "RAP_WORLD": "off",
    }
    env = {
        name: value for name, value in os.environ.items() if name not in ("RAP_REDIS_URL", "RAP_WORLD_URL")
    } | of_ours
    with subprocess.Popen(argv, env=env) as child:  # noqa: S603 -- our own interpreter and module
        try:
            yield f"http://127.0.0.1:{port}", child
        finally:
            child.terminate()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(what: str, url: str, child: "subprocess.Popen[bytes]", seconds: float) -> None:
    until = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < until:
        try:
            httpx.get(url, timeout=2, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the {what} of the bench did not start: nothing answers at {url}")
