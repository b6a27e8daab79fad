"""Processes and ports: spawn a child that dies with us, stop it politely, find out who holds a port.

Here: what any server of the stack needs from the operating system. Not here: what a single server is.
"""

import contextlib
import ctypes
import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil

HOST = "127.0.0.1"
SAME_START_S = 0.02
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartFailed(Exception):
    """A server did not come up; the message names the server, the reason and its log."""


@dataclass(frozen=True)
class Account:
    """An operating system user that a server runs as."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True)
class Launch:
    """One child process: what to run, as whom, with which environment; `secret` is fed to its standard input."""

    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    account: Account | None = None
    secret: bytes | None = None
    death_signal: int = signal.SIGTERM


def spawn(launch: Launch) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, its output appended to its log.

    On Linux the child gets `launch.death_signal` when the thread that called this dies, so call it from one that
    lives as long as the child should.
    """
    launch.log.parent.mkdir(parents=True, exist_ok=True)
    account = launch.account
    with launch.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own argument lists
            list(launch.argv),
            stdin=subprocess.PIPE if launch.secret is not None else subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(launch.env) if launch.env is not None else None,
            cwd=launch.cwd,
            start_new_session=True,
            preexec_fn=die_with_us(launch.death_signal),  # noqa: PLW1509 - three system calls; we start no threads
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    if launch.secret is not None and process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(launch.secret)
            process.stdin.close()
    return process


def die_with_us(death_signal: int = signal.SIGTERM) -> Callable[[], None] | None:
    """For `preexec_fn`: the child gets this signal when the calling thread dies. None where the system can't.

    It also listens to signals again that we were started to ignore, as shells have what they put in the background ignore SIGINT:
    Dagster would then ignore SIGTERM too.
    """
    if _LIBC is None:
        return None
    libc, parent = _LIBC, os.getpid()

    def arrange() -> None:
        for ignored in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ignored, signal.SIG_DFL)
        libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def stop(process: subprocess.Popen[bytes], *, stop_signal: int = signal.SIGTERM, timeout_s: float = 15.0) -> None:
    """Ask the child to end, then end its whole session."""
    stop_all([(process, stop_signal, timeout_s)])


def stop_all(children: Sequence[tuple[subprocess.Popen[bytes], int, float]]) -> None:
    """Ask children to end, each with its signal, all at once; after their time they are killed, sessions and all."""
    sessions = [member for child, _, _ in children for member in session_members(child.pid)]
    began = time.monotonic()
    for child, stop_signal, _ in children:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(stop_signal)
    for child, _, timeout_s in children:
        try:
            child.wait(max(0.0, began + timeout_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    end_all(sessions, patience_s=3.0)


def session_members(leader: int) -> list[psutil.Process]:
    """Every live process of the session that `leader` leads, the leader itself left out."""
    members: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if process.pid != leader and os.getsid(process.pid) == leader:
                process.create_time()
                members.append(process)
    return members


def create_time(pid: int) -> float:
    """When a process started, as the system counts it; 0 when it is gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def is_alive(pid: int, created: float) -> bool:
    """Whether the process with this pid is still the one that started at `created`."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < SAME_START_S and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def session_rss_mib(leader: int) -> float:
    """Resident memory of a child and all of its session, in MiB."""
    total = 0
    for member in [psutil.Process(leader), *session_members(leader)]:
        with contextlib.suppress(psutil.Error):
            total += member.memory_info().rss
    return round(total / 2**20, 1)


def end_all(processes: Sequence[psutil.Process], *, patience_s: float) -> None:
    """Terminate, then kill; psutil compares start times, so a reused pid is never hit."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=patience_s)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5.0)


def package_folder(package: str) -> Path:
    """Where an installed package lies, found without running its code."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise StartFailed(f"the Python package {package} is missing: run `make install`")
    return Path(spec.origin).parent


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether a server could bind the port on the loopback interface now (connections in TIME_WAIT don't count)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def port_holder(port: int) -> str | None:
    """Who listens on a port, as `name (pid 123)`; None when the system doesn't tell."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.AccessDenied, PermissionError):
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            if connection.pid is None:
                return None
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                return f"pid {connection.pid}"
    return None


def accepts_connections(port: int, *, timeout_s: float = 0.5) -> bool:
    """Whether something accepts a TCP connection on the port."""
    try:
        with socket.create_connection((HOST, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def answers_http(url: str, *, below: int = 400, timeout_s: float = 2.0) -> bool:
    """Whether a GET of a loopback URL answers with a status under `below`."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or HOST, parts.port, timeout=timeout_s)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < below
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def without_password(url: str) -> str:
    """A URL as people may see it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], *, name: str, log: Path, timeout_s: float
) -> None:
    """Wait for a probe to answer; raises StartFailed when the process ends first or the time is over."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if process.poll() is not None:
            raise StartFailed(f"{name} ended with status {process.returncode} while starting; {tail(log)}")
        if time.monotonic() > deadline:
            raise StartFailed(f"{name} was not ready after {timeout_s:.0f} s; {tail(log)}")
        time.sleep(0.02)


def tail(log: Path, *, lines: int = 8) -> str:
    """The last lines of a log with its path in front, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return f"see {log}"
    last = "\n  ".join(line for line in text.splitlines()[-lines:] if line.strip())
    return f"see {log}, which ends with:\n  {last}" if last else f"see {log}, which is empty"


@contextlib.contextmanager
def private_umask() -> Iterator[None]:
    """Files made inside are readable by their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
