"""Runs services: starts each when what it needs is ready, restarts what dies, stops all in reverse order.

Here: supervision of any list of services. Not here: which services the platform has.
"""

import contextlib
import enum
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from rap_platform.local import process
from rap_platform.local.environment import MARKER
from rap_platform.local.process import Launch, StartFailed, tail
from rap_platform.local.secrets import write_private

TICK_S = 0.1
SAMPLE_S = 1.0
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0
STEADY_S = 60.0  # a service that ran this long starts its next back-off from the bottom
FIRST_START_ATTEMPTS = 3


class State(enum.StrEnum):
    """What a service is doing."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    BACKING_OFF = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Service:
    """One server: how to start it (asked anew at each start), how to see that it is ready, what must be ready before.

    `once_ready` runs after the first readiness and before anything that needs this service.
    """

    name: str
    launch: Callable[[], Launch]
    ready: Callable[[], bool]
    port: int
    port_setting: str
    needs: tuple[str, ...] = ()
    once_ready: Callable[[], None] | None = None
    start_timeout_s: float = 90.0
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 10.0


@dataclass
class _Running:
    service: Service
    state: State = State.WAITING
    child: subprocess.Popen[bytes] | None = None
    log: Path | None = None
    started: float = 0.0
    created: float = 0.0
    ready_after_s: float | None = None
    restarts: int = 0
    failures: int = 0
    not_before: float = 0.0
    was_ready: bool = False


@dataclass
class Memory:
    """Proportional memory of a process tree, in MiB; resident memory where the system doesn't tell the proportional."""

    now_mib: float = 0.0
    peak_mib: float = 0.0
    kind: str = "PSS"
    _sampled: float = field(default=0.0, repr=False)

    def sample(self) -> None:
        """Add up this process and everything below it, at most once a second."""
        if time.monotonic() - self._sampled < SAMPLE_S:
            return
        self._sampled = time.monotonic()
        us = psutil.Process()
        self.now_mib = sum(self._one(member) for member in [us, *us.children(recursive=True)])
        self.peak_mib = max(self.peak_mib, self.now_mib)

    def _one(self, member: psutil.Process) -> float:
        try:
            for line in Path(f"/proc/{member.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) / 1024
        except (FileNotFoundError, ProcessLookupError):
            if not Path("/proc/self/smaps_rollup").exists():
                self.kind = "RSS"  # else it has just ended
        except OSError:
            self.kind = "RSS"
        try:
            return float(member.memory_info().rss) / 2**20
        except psutil.Error:
            return 0.0


class Supervisor:
    """Keeps services running. Drive it with `tick`, or with `run_until`; every child dies with the calling thread."""

    def __init__(self, services: Sequence[Service], record: Path, facts: dict[str, object]) -> None:
        """`record` is the file (mode 0600) in which whoever comes next finds our processes, beside `facts`."""
        self._services = {service.name: _Running(service) for service in services}
        self._record = record
        self._facts = facts
        self.memory = Memory()
        us = psutil.Process()
        self._facts |= {"pid": us.pid, "create_time": us.create_time()}

    def tick(self) -> None:
        """Look at every service once and do what is due. Raises StartFailed when one can't be started at all."""
        changed = False
        for running in self._services.values():
            before = running.state
            self._advance(running)
            changed |= running.state is not before
        if changed:
            self._write()
        self.memory.sample()

    def run_until(self, done: Callable[[], bool], *, timeout_s: float | None = None) -> bool:
        """Tick until `done` says so (True) or the time is over (False)."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not done():
            if deadline is not None and time.monotonic() > deadline:
                return False
            self.tick()
            time.sleep(TICK_S if all(r.state is State.READY for r in self._services.values()) else TICK_S / 4)
        return True

    def are_ready(self, *names: str) -> bool:
        """Whether the named services (all when none is named) are ready now."""
        return all(self._services[name].state is State.READY for name in names or self._services)

    def add(self, service: Service) -> None:
        """Take one more service; it starts at the next tick when what it needs is ready."""
        self._services[service.name] = _Running(service)

    def report(self) -> list[dict[str, object]]:
        """One row per service: name, state, pid, port, restarts, seconds to readiness, and what identifies its process."""
        return [
            {
                "name": running.service.name,
                "state": str(running.state),
                "pid": running.child.pid if running.child is not None else None,
                "port": running.service.port,
                "restarts": running.restarts,
                "ready_after_s": running.ready_after_s,
                "create_time": running.created,
                "log": str(running.log) if running.log else None,
            }
            for running in self._services.values()
        ]

    def stop(self) -> None:
        """Stop every service, each after all that need it; those that don't need each other end side by side."""
        left = dict(self._services)
        while left:
            needed = {name for running in left.values() for name in running.service.needs}
            last = {name: running for name, running in left.items() if name not in needed} or dict(left)
            process.stop_all(
                [
                    (running.child, running.service.stop_signal, running.service.stop_timeout_s)
                    for running in last.values()
                    if running.child is not None
                ]
            )
            for name, running in last.items():
                running.state = State.STOPPED
                del left[name]
        self._record.unlink(missing_ok=True)

    def _advance(self, running: _Running) -> None:
        now = time.monotonic()
        match running.state:
            case State.WAITING if self._needs_met(running):
                self._start(running)
            case State.BACKING_OFF if now >= running.not_before and self._needs_met(running):
                self._start(running)
            case State.STARTING:
                self._look_at_start(running, now)
            case State.READY if running.child is not None and running.child.poll() is not None:
                if now - running.started > STEADY_S:
                    running.failures = 0
                self._back_off(running)

    def _needs_met(self, running: _Running) -> bool:
        return all(self._services[name].state is State.READY for name in running.service.needs)

    def _start(self, running: _Running) -> None:
        launch = running.service.launch()
        running.log = launch.log
        running.child = process.spawn(launch)
        running.started = time.monotonic()
        running.created = process.create_time(running.child.pid)
        running.state = State.STARTING
        self._write()

    def _look_at_start(self, running: _Running, now: float) -> None:
        assert running.child is not None
        if running.child.poll() is not None:
            self._give_up_or_back_off(running, f"ended with status {running.child.returncode}")
        elif running.service.ready():
            if not running.was_ready and running.service.once_ready is not None:
                running.service.once_ready()
            running.was_ready = True
            running.ready_after_s = round(now - running.started, 2)
            running.state = State.READY
        elif now - running.started > running.service.start_timeout_s:
            process.stop(running.child, stop_signal=running.service.stop_signal, timeout_s=2.0)
            self._give_up_or_back_off(running, f"was not ready after {running.service.start_timeout_s:.0f} s")

    def _give_up_or_back_off(self, running: _Running, reason: str) -> None:
        if not running.was_ready and running.failures + 1 >= FIRST_START_ATTEMPTS:
            assert running.log is not None
            raise StartFailed(f"{running.service.name} {reason}; {tail(running.log)}")
        self._back_off(running)

    def _back_off(self, running: _Running) -> None:
        if running.child is not None:
            process.stop(running.child, timeout_s=2.0)  # what the dead leader left in its session
        wait = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2**running.failures)
        running.failures += 1
        running.restarts += 1
        running.not_before = time.monotonic() + wait
        running.state = State.BACKING_OFF

    def _write(self) -> None:
        write_private(self._record, json.dumps(self._facts | {"services": self.report()}, indent=2))


def end_orphans(record: Path, data_dir: Path) -> list[str]:
    """End what a killed supervisor of this data directory left behind; returns `name (pid)` of each.

    Call it with the lock of the data directory held. A process is ours when its pid and start time stand in the record,
    or when its environment names this data directory; nothing else is touched.
    """
    ours = {member.pid: member for member in (*_recorded(record), *_marked(data_dir))}
    keep = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    orphans = [member for pid, member in ours.items() if pid not in keep]
    names = []
    for orphan in orphans:
        try:
            names.append(f"{orphan.name()} (pid {orphan.pid})")
        except psutil.Error:
            names.append(f"pid {orphan.pid}")
    for orphan, name in zip(orphans, names, strict=True):
        if name.startswith("postgres "):
            with contextlib.suppress(psutil.Error):
                orphan.send_signal(signal.SIGINT)  # its fast shutdown; SIGTERM would wait for every client
    process.end_all(orphans, patience_s=5.0)
    record.unlink(missing_ok=True)
    return names


def _recorded(record: Path) -> list[psutil.Process]:
    try:
        entries = json.loads(record.read_text())["services"]
    except (FileNotFoundError, ValueError, KeyError):
        return []
    return [
        psutil.Process(entry["pid"])
        for entry in entries
        if entry["pid"] is not None and process.is_alive(entry["pid"], entry["create_time"])
    ]


def _marked(data_dir: Path) -> list[psutil.Process]:
    marked = []
    for member in psutil.process_iter():
        try:
            if member.environ().get(MARKER) == str(data_dir):
                marked.append(member)
        except (psutil.Error, OSError):
            continue
    return marked
