"""Simulated worlds of a test's own, as large as it wants them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rap_platform.local import process
from rap_platform.local.process import Launch


@contextmanager
def running(servers_dir: Path, *, songs: int, artists: int) -> Iterator[str]:
    """A world on a port of its own; gives its root URL."""
    port = process.free_port()
    env = {**os.environ, "RAP_WORLD": "on", "RAP_WORLD_SONGS": str(songs), "RAP_WORLD_ARTISTS": str(artists)}
    argv = [sys.executable, "-m", "uvicorn", "rap_platform.world.app:create_app", "--factory",
            "--host", process.HOST, "--port", str(port), "--no-access-log"]  # fmt: skip
    log = servers_dir / "logs" / f"world-{port}.log"
    child = process.spawn(Launch(argv, log, env, Path(__file__).resolve().parents[1]))
    try:
        process.wait_until(
            lambda: process.answers_http(f"http://{process.HOST}:{port}/health"),
            child, name="world", log=log, timeout_s=60.0,
        )  # fmt: skip
        yield f"http://{process.HOST}:{port}"
    finally:
        process.stop(child)
