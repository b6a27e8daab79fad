"""Measures importing against pandas.read_csv on the same generated files; each measurement has a process of its own."""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from rap_platform.benchmarks import Bench, world_of_its_own
from rap_platform.lyrics.importing import import_file
from rap_platform.lyrics.parsing import parse_page
from rap_platform.resources.postgres import connect
from rap_platform.resources.scratch import scratch_database
from rap_platform.settings import Settings

SEED = 2026
SIZES = (10_000, 100_000, 1_000_000)
WORLD_SONGS = 300  # whose lines are recombined
LINES = (24, 48)  # of a generated song: about 300 words
HEADER = [
    "title",
    "tag",
    "artist",
    "year",
    "views",
    "features",
    "lyrics",
    "id",
    "language_cld3",
    "language_ft",
    "language",
]
TIMEOUT_S = 3600
DSN = "RAP_BENCH_DSN"  # how a measuring process is told its database; on its command line anybody could read it


def imports(settings: Settings, sizes: Sequence[int] = SIZES) -> Bench:
    """Rows per second and peak memory (MB) of a first import, and how much faster the second is with one row changed.

    The reference is pandas.read_csv of the same file, which parses and stores nothing; the ratio is that of rows per
    second at the largest size. Files and database are made for the run and dropped after it. Raises RuntimeError when
    the second import does not find exactly the one change.
    """
    with world_of_its_own(songs=WORLD_SONGS, artists=WORLD_SONGS // 10, seed=settings.world_seed) as root:
        lines = _world_lines(root)
    figures: dict[str, float] = {}
    reference: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="rap_platform_bench_") as folder:
        for size in sizes:
            path = Path(folder) / "songs.csv"
            with scratch_database(settings) as dsn:
                write_songs(path, size, lines)
                theirs = _measured("pandas", path, "")
                first = _measured("import", path, dsn)
                write_songs(path, size, lines, changed=size // 2)
                second = _measured("import", path, dsn)
            path.unlink()
            if (first["new"], second["changed"], second["unchanged"], theirs["rows"]) != (size, 1, size - 1, size):
                raise RuntimeError(f"{size} rows: not what was to be found: {first}, {second}, {theirs}")
            reference |= {f"rows_per_s_{size}": round(size / theirs["seconds"]), f"peak_mb_{size}": theirs["peak_mb"]}
            figures |= {
                f"rows_per_s_{size}": round(size / first["seconds"]),
                f"peak_mb_{size}": first["peak_mb"],
                f"second_import_times_faster_{size}": round(first["seconds"] / second["seconds"], 1),
                f"second_import_changed_{size}": second["changed"],
            }
    largest = f"rows_per_s_{max(sizes)}"
    return Bench("import", figures, reference, round(figures[largest] / reference[largest], 3))


def write_songs(path: Path, count: int, lines: Sequence[str], *, changed: int | None = None) -> None:
    """Write `count` songs of recombined lines under the Genius 5M header, the same each time; `changed` has one line more."""
    chance = np.random.default_rng(SEED)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        for number in range(count):
            said = [lines[at] for at in chance.integers(0, len(lines), int(chance.integers(*LINES)))]
            if number == changed:
                said.append("one line more")
            writer.writerow(
                [f"Song {number}", "rap", f"Poet {number % 9973}", 1980 + number % 45, number * 37 % 1_000_000, "{}", "\n".join(said),
                 number + 1, "en", "en", "en"]
            )  # fmt: skip


def _world_lines(root: str) -> list[str]:
    """Fetch the lines of all songs of a world in which nothing fails."""
    quiet = {"genius_api": {"http_429": 0}, "genius_web": {"http_429": 0, "missing": 0}}
    lines: dict[str, None] = {}
    with httpx.Client(base_url=root, headers={"authorization": "Bearer bench"}, timeout=30, trust_env=False) as client:
        client.put("/faults", json=quiet).raise_for_status()
        for artist in client.get("/catalogue/artists", params={"limit": 1000}).raise_for_status().json()["artists"]:
            listed = client.get(f"/genius/api/artists/{artist['id']}/songs", params={"per_page": 50}).raise_for_status()
            for song in listed.json()["response"]["songs"]:
                page = parse_page(client.get(f"/genius/web{song['path']}").raise_for_status().text)
                lines |= dict.fromkeys(line for line in (page.text or "").split("\n") if line)
    return list(lines)


def _measured(what: str, path: Path, dsn: str) -> dict[str, Any]:
    """Run one measurement in a process of its own, so that its peak of memory is its own too."""
    done = subprocess.run(  # noqa: S603 -- our own interpreter and module
        [sys.executable, "-m", "rap_platform.lyrics.import_benchmark", what, str(path)],
        check=False, capture_output=True, text=True, timeout=TIMEOUT_S, env={**os.environ, DSN: dsn},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"measuring {what} failed: {done.stderr.strip()[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _measure(what: str, path: Path) -> dict[str, Any]:
    if what == "pandas":
        import pandas as pd

        started = time.perf_counter()
        found: dict[str, Any] = {"rows": len(pd.read_csv(path))}
        found["seconds"] = time.perf_counter() - started
    else:
        with connect(os.environ[DSN], application_name="rap_platform bench") as conn:
            started = time.perf_counter()
            report = import_file(conn, path)
            found = {"seconds": time.perf_counter() - started}
        found |= {"new": report.new, "changed": report.changed, "unchanged": report.unchanged}
    return found | {"peak_mb": round(_peak_mb(), 1)}


def _peak_mb() -> float:
    """The most memory this process has had; getrusage's figure may be its parent's on Linux, so the kernel's own is read there."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], Path(sys.argv[2]))))
