"""The benchmarks that print the project's figures, by name; each stage keeps its own."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import psutil

from rap_platform.settings import Settings

# name -> (function, what it needs running)
BENCHES: dict[str, tuple[str, tuple[str, ...]]] = {
    "rhyme": ("rap_platform.features.benchmarks:rhyme", ()),
    "embed": ("rap_platform.embeddings.benchmarks:embed", ()),
    "match": ("rap_platform.spotify.benchmarks:match", ()),
    "import": ("rap_platform.lyrics.benchmarks:imports", ("postgres", "world")),
    "identity": ("rap_platform.lyrics.identity_benchmark:identity", ("postgres",)),
    "search": ("rap_platform.embeddings.benchmarks:search", ("postgres",)),
    "fetch": ("rap_platform.lyrics.fetch_benchmark:fetching", ("postgres",)),
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


def find(name: str) -> Callable[[Settings], Bench]:
    """The benchmark `name`. Raises KeyError that lists those there are."""
    if name not in BENCHES:
        raise KeyError(f"no benchmark {name!r}; there are: {', '.join(BENCHES)}")
    module, function = BENCHES[name][0].split(":")
    bench: Callable[[Settings], Bench] = getattr(import_module(module), function)
    return bench
