"""Supervision, on small servers: order, restart, give up, orphans."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rap_platform.local import process
from rap_platform.local.environment import MARKER
from rap_platform.local.process import Launch, StartFailed
from rap_platform.local.supervisor import Service, State, Supervisor, end_orphans

SERVER = """
import http.server, sys, subprocess
if len(sys.argv) > 2:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def server(name: str, folder: Path, *more: str, needs: tuple[str, ...] = (), script: str = SERVER) -> Service:
    port = process.free_port()
    argv = [sys.executable, "-c", script, str(port), *more]
    return Service(
        name, lambda: Launch(argv, folder / f"{name}.log", {**os.environ, MARKER: str(folder)}),
        lambda: process.accepts_connections(port), port, "", needs=needs, start_timeout_s=20.0,
    )  # fmt: skip


@pytest.fixture
def stopping() -> Iterator[list[Supervisor]]:
    started: list[Supervisor] = []
    yield started
    for supervisor in started:
        supervisor.stop()


def supervise(services: list[Service], folder: Path, stopping: list[Supervisor]) -> Supervisor:
    supervisor = Supervisor(services, folder / "runtime.json", {"who": "test"})
    stopping.append(supervisor)
    return supervisor


def pid(supervisor: Supervisor, name: str) -> int:
    found = next(row["pid"] for row in supervisor.report() if row["name"] == name)
    assert isinstance(found, int)
    return found


def test_a_service_starts_only_when_what_it_needs_is_ready(tmp_path: Path, stopping: list[Supervisor]) -> None:
    order: list[str] = []
    first = server("first", tmp_path)
    second = server("second", tmp_path, needs=("first",))
    first = Service(**{**first.__dict__, "once_ready": lambda: order.append("database made")})
    launched = second.launch
    second = Service(**{**second.__dict__, "launch": lambda: (order.append("second launched"), launched())[1]})
    supervisor = supervise([second, first], tmp_path, stopping)
    assert supervisor.run_until(supervisor.are_ready, timeout_s=30)
    assert order == ["database made", "second launched"]


def test_a_service_that_is_killed_comes_back_and_its_children_go(tmp_path: Path, stopping: list[Supervisor]) -> None:
    supervisor = supervise([server("one", tmp_path, "with a child")], tmp_path, stopping)
    supervisor.run_until(supervisor.are_ready, timeout_s=30)
    killed = pid(supervisor, "one")
    (child,) = psutil.Process(killed).children()
    os.kill(killed, signal.SIGKILL)
    assert supervisor.run_until(lambda: supervisor.are_ready() and pid(supervisor, "one") != killed, timeout_s=30)
    assert supervisor.report()[0]["restarts"] == 1
    assert not child.is_running()


def test_a_service_that_never_starts_is_given_up_with_its_last_words(
    tmp_path: Path, stopping: list[Supervisor]
) -> None:
    supervisor = supervise([server("lame", tmp_path, script="raise SystemExit('no such song')")], tmp_path, stopping)
    with pytest.raises(StartFailed, match=r"(?s)lame ended with status 1; see .*lame.log.*no such song"):
        supervisor.run_until(supervisor.are_ready, timeout_s=30)


def test_the_waits_between_restarts_grow(tmp_path: Path, stopping: list[Supervisor]) -> None:
    supervisor = supervise([server("one", tmp_path)], tmp_path, stopping)
    supervisor.run_until(supervisor.are_ready, timeout_s=30)
    running = supervisor._services["one"]
    waits = []
    for _ in range(8):
        before = time.monotonic()
        supervisor._back_off(running)
        waits.append(round(running.not_before - before, 1))
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert running.state is State.BACKING_OFF


def test_a_service_ends_when_asked_although_we_were_started_to_ignore_it(tmp_path: Path) -> None:
    listened = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        service = server("one", tmp_path)
        child = process.spawn(service.launch())
    finally:
        for number, handler in listened.items():
            signal.signal(number, handler)
    while not service.ready():
        assert child.poll() is None
        time.sleep(0.05)
    process.stop(child, timeout_s=60)
    assert child.returncode == -signal.SIGTERM


def test_stopping_ends_every_process_and_removes_the_record(tmp_path: Path, stopping: list[Supervisor]) -> None:
    supervisor = supervise([server("one", tmp_path, "with a child"), server("two", tmp_path)], tmp_path, stopping)
    supervisor.run_until(supervisor.are_ready, timeout_s=30)
    assert stat.S_IMODE((tmp_path / "runtime.json").stat().st_mode) == 0o600
    members = [m for name in ("one", "two") for m in [psutil.Process(pid(supervisor, name))]]
    members += [child for member in members for child in member.children(recursive=True)]
    assert len(members) == 3
    supervisor.stop()
    assert not any(member.is_running() for member in members)
    assert not (tmp_path / "runtime.json").exists()


SUPERVISE = """
import sys, time
from pathlib import Path
from rap_platform.local import process
from rap_platform.local.supervisor import Supervisor
from rap_platform_tests.local.test_supervisor import server
if sys.argv[2] == "no parent-death signal":
    process._LIBC = None
folder = Path(sys.argv[1])
supervisor = Supervisor([server("one", folder, "with a child"), server("two", folder)], folder / "runtime.json", {})
supervisor.run_until(supervisor.are_ready)
print("ready", flush=True)
supervisor.run_until(lambda: False)
"""


@pytest.mark.parametrize("system", ["parent-death signal", "no parent-death signal"])
def test_whatever_a_killed_supervisor_leaves_is_ended_and_nothing_else(tmp_path: Path, system: str) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISE, tmp_path, system], stdout=subprocess.PIPE)
    bystander = subprocess.Popen([sys.executable, "-c", SERVER, str(process.free_port())])
    assert supervisor.stdout is not None
    with supervisor.stdout as output:
        assert output.readline() == b"ready\n"
        below = psutil.Process(supervisor.pid).children(recursive=True)
        assert len(below) == 3
        supervisor.kill()
        supervisor.wait()
    if system == "parent-death signal":
        gone, _ = psutil.wait_procs(below, timeout=5)
        assert len(gone) >= 2  # the servers; a child that one of them made has no such arrangement
    else:
        assert all(member.is_running() for member in below)
    # the record may be older than the last start, or name a pid that somebody else has by now
    record = tmp_path / "runtime.json"
    entries = json.loads(record.read_text())
    entries["services"][0]["pid"] = bystander.pid
    record.write_text(json.dumps(entries))
    try:
        end_orphans(record, tmp_path)
        _, alive = psutil.wait_procs(below, timeout=5)
        assert not alive
        assert bystander.poll() is None
        assert not record.exists()
    finally:
        bystander.kill()
        bystander.wait()
