"""The benchmarks that print the project's figures, by name; each stage keeps its own."""

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import httpx
import psutil

WORLD_STARTS_S = 60.0

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
    "embed": ("rap_platform.embeddings.benchmarks:embed", ()),
    "search": ("rap_platform.embeddings.benchmarks:search", ("postgres",)),
}


@dataclass(frozen=True)
class Bench:
    """A measurement beside its reference from the same run; `ratio` is ours over the reference."""

    bench: str
    figures: dict[str, float]
    reference: dict[str, float]
    ratio: float


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
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    size = {"RAP_WORLD": "on", "RAP_WORLD_SEED": seed, "RAP_WORLD_SONGS": songs, "RAP_WORLD_ARTISTS": artists}
    argv = [sys.executable, "-m", "uvicorn", "rap_platform.world.app:create_app", "--factory", "--host", "127.0.0.1",
            "--port", str(port), "--no-access-log", "--log-level", "critical"]  # fmt: skip
    env = os.environ | {name: str(value) for name, value in size.items()}
    root = f"http://127.0.0.1:{port}"
    with subprocess.Popen(argv, env=env) as child:  # noqa: S603 -- our own interpreter and module
        try:
            _wait_for(f"{root}/health", child)
            yield root
        finally:
            child.terminate()


def _wait_for(url: str, child: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + WORLD_STARTS_S
    while child.poll() is None and time.monotonic() < until:
        try:
            httpx.get(url, timeout=2, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the world of the bench did not start: nothing answers at {url}")
