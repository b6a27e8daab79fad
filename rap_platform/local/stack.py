"""`up`, `down`, `status`, and the servers that a single command needs.

Here: the order of things. Not here: what a service is (services.py), how one is kept alive (supervisor.py).
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from pydantic import SecretStr
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from rap_platform.local import lock, process, queries
from rap_platform.local import services as catalogue
from rap_platform.local.environment import activated, child_environment, prepare_dagster_home
from rap_platform.local.process import HOST
from rap_platform.local.reconcile import reconcile
from rap_platform.local.supervisor import Service, Supervisor, end_orphans
from rap_platform.settings import Settings

RECORD = "runtime.json"
STOP_TIMEOUT_S = 90.0
START_TIMEOUT_S = 180.0
LOCK_PATIENCE_S = 600.0
URLS = ("database_url", "dagster_database_url", "redis_url", "mlflow_tracking_uri", "world_url")
# The fill starts with these, while the rest still starts. MLflow is needed only after many steps: its client waits for it.
FILL_NEEDS = ("postgres", "valkey", "world")
MLFLOW_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7"}
NAMES = {"postgres": "postgres", "redis": "valkey", "mlflow": "mlflow", "world": "world"}

console = Console(stderr=True)


class StackError(Exception):
    """The stack can't do what was asked; the message says why and what to do."""


class _Stopped(Exception):
    """Somebody asked us to end."""


@dataclass(frozen=True)
class Filling:
    """How the fill went: exit status (None when there was none) and seconds."""

    status: int | None
    seconds: float


def up(settings: Settings, *, fill: bool = True, exit_after_fill: bool = False) -> int:
    """Start everything, fill it, keep it running until Ctrl-C; returns the exit status. Raises StackError.

    With `exit_after_fill` everything is stopped when the fill has ended. The status is that of the fill.
    """
    data_dir = _data_dir(settings)
    started = time.monotonic()
    with _owning(data_dir), _stop_signals() as asked_to_stop:
        _sweep(data_dir)
        ours = catalogue.embedded(settings)
        supervisor: Supervisor | None = None
        filling = Filling(None, 0.0)
        told: set[str] = set()
        try:
            settings = _start_settings(settings, ours)
            home = prepare_dagster_home(settings, code_server_port=settings.ports.code_server)
            specs = _all_services(settings, ours, home / "workspace.yaml")
            _refuse_taken_ports(specs)
            supervisor = Supervisor(specs, data_dir / RECORD, _facts(settings, "up"))
            console.print(f"starting {', '.join(service.name for service in specs)}; logs in {data_dir / 'logs'}")
            if "postgres" not in ours:
                _external(settings, ours)
                _report_reconciled(settings)
            if fill:
                names = [service.name for service in specs if service.name in FILL_NEEDS]
                _await(supervisor, names, asked_to_stop, told)
                filling = _fill(settings, supervisor, asked_to_stop)
                if (filling.status or 0) < 0:  # killed: nobody else will say that its run is over
                    _report_reconciled(settings)
            _await(supervisor, [service.name for service in specs], asked_to_stop, told)
            _panel(settings, supervisor, filling, time.monotonic() - started, stays=not exit_after_fill)
            if not exit_after_fill:
                supervisor.add(catalogue.daemon_service(settings, home / "workspace.yaml"))
                supervisor.run_until(lambda: bool(asked_to_stop))
        except _Stopped:
            console.print("stopping")
        except process.StartFailed as error:
            raise StackError(str(error)) from None
        finally:
            if supervisor is not None:
                supervisor.stop()
        if filling.status:
            console.print(f"[bold red]the fill failed[/bold red] with status {filling.status}: its output stands above; "
                          f"the logs are in {data_dir / 'logs'}. `rap-platform run` tries again.")  # fmt: skip
    return filling.status or 0


def down(settings: Settings) -> bool:
    """Stop the platform that runs on this data directory and wait for its end; says whether one ran.

    Raises StackError when it does not end in time.
    """
    data_dir = _data_dir(settings)
    runtime = _runtime(data_dir)
    if not lock.is_owned(data_dir):
        try:
            with lock.owner(data_dir):
                return bool(end_orphans(data_dir / RECORD, data_dir))
        except lock.Taken:
            runtime = _runtime(data_dir)
    if runtime is None or not process.is_alive(runtime["pid"], runtime["create_time"]):
        raise StackError(f"a process that is just starting or ending holds {data_dir / lock.OWNER}: try again")
    os.kill(runtime["pid"], signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while lock.is_owned(data_dir):
        if time.monotonic() > deadline:
            raise StackError(f"pid {runtime['pid']} did not end within {STOP_TIMEOUT_S:.0f} s: see {data_dir / 'logs'}")
        time.sleep(0.1)
    return True


def status(settings: Settings) -> list[dict[str, object]]:
    """One row per service of the running platform: name, state, pid, port, restarts, rss_mib; empty when none runs."""
    data_dir = _data_dir(settings)
    runtime = _runtime(data_dir)
    if runtime is None or not lock.is_owned(data_dir):
        return []
    rows = []
    for entry in runtime["services"]:
        alive = entry["pid"] is not None and process.is_alive(entry["pid"], entry["create_time"])
        rows.append(
            {
                "name": entry["name"],
                "state": entry["state"] if alive or entry["pid"] is None else "dead",
                "pid": entry["pid"],
                "port": entry["port"] or None,
                "restarts": entry["restarts"],
                "ready_after_s": entry["ready_after_s"],
                "rss_mib": process.session_rss_mib(entry["pid"]) if alive else None,
                "log": entry["log"],
            }
        )
    return rows


@contextmanager
def services(settings: Settings, *needs: str) -> Iterator[Settings]:
    """Settings with the URLs of what the caller needs, of `postgres`, `redis`, `mlflow`, `world`; they answer inside.

    Uses the platform that runs on this data directory; else starts what is needed and stops it afterwards. Inside the
    block `get_settings()` and the environment of child processes agree with it. Raises StackError.
    """
    wanted = {NAMES[need] for need in needs} & catalogue.embedded(settings)
    if "mlflow" in wanted and settings.database_url is None:
        wanted.add("postgres")
    data_dir = _data_dir(settings)
    with ExitStack() as stack:
        if settings.database_url is not None and ("postgres" in needs or "mlflow" in wanted):
            _external(settings, wanted)
        if not wanted:
            yield stack.enter_context(activated(settings))
            return
        deadline, told = time.monotonic() + LOCK_PATIENCE_S, False
        while True:
            try:
                stack.enter_context(lock.owner(data_dir))
            except lock.Taken:
                stack.enter_context(lock.user(data_dir))
                joined = _join(settings, data_dir, wanted)
                if joined is not None:
                    yield stack.enter_context(activated(joined))
                    return
                stack.pop_all().close()
            else:
                yield stack.enter_context(_started(settings, data_dir, wanted))
                return
            if time.monotonic() > deadline:
                raise StackError(f"{_holder(data_dir)} has kept {data_dir} for {LOCK_PATIENCE_S:.0f} s: end it first")
            if not told:
                console.print(f"[dim]waiting for {_holder(data_dir)}[/dim]")
                told = True
            time.sleep(0.1)


@contextmanager
def _started(settings: Settings, data_dir: Path, wanted: set[str]) -> Iterator[Settings]:
    _sweep(data_dir)
    try:
        settings = _start_settings(_free_ports(settings, wanted), wanted)
        specs = _servers(settings, wanted)
        supervisor = Supervisor(specs, data_dir / RECORD, _facts(settings, f"rap-platform {' '.join(sys.argv[1:2])}"))
        try:
            _await(supervisor, [service.name for service in specs], [])
            with activated(settings):
                yield settings
        finally:
            try:
                with lock.without_users(data_dir):
                    supervisor.stop()
            except KeyboardInterrupt:  # whoever is asked twice waits for nobody
                supervisor.stop()
                raise
    except process.StartFailed as error:
        raise StackError(str(error)) from None


def _start_settings(settings: Settings, ours: set[str]) -> Settings:
    for folder in ("logs", "inbox", "mlflow-artifacts"):
        (_data_dir(settings) / folder).mkdir(parents=True, exist_ok=True)
    return catalogue.connected(settings, ours)


def _servers(settings: Settings, ours: set[str]) -> list[Service]:
    """The embedded servers in `ours`, in the order in which they start."""
    found = []
    if "postgres" in ours:

        def populate() -> None:
            catalogue.prepare_databases(settings, ours)
            _report_reconciled(settings)

        found.append(catalogue.postgres_service(settings, populate))
    if "valkey" in ours:
        found.append(catalogue.valkey_service(settings))
    if "world" in ours:
        found.append(catalogue.world_service(settings))
    if "mlflow" in ours:
        found.append(catalogue.mlflow_service(settings, ("postgres",) if "postgres" in ours else ()))
    return found


def _all_services(settings: Settings, ours: set[str], workspace: Path) -> list[Service]:
    database = ("postgres",) if "postgres" in ours else ()
    return [
        *_servers(settings, ours),
        catalogue.code_server_service(settings, database),
        catalogue.dagster_service(settings, workspace),
        catalogue.api_service(settings, database),
    ]


def _report_reconciled(settings: Settings) -> None:
    done = reconcile(settings)
    if done.failed or done.freed:
        console.print(
            f"[yellow]after a crash: {done.failed} runs marked failed, pool slots of {done.freed} freed[/yellow]"
        )


def _await(
    supervisor: Supervisor, names: Sequence[str], asked_to_stop: list[int], told: set[str] | None = None
) -> None:
    """Supervise until the named services are ready; with `told`, tells of each that is not in it yet."""

    def done() -> bool:
        for row in supervisor.report():
            if told is not None and row["state"] == "ready" and row["name"] not in told:
                told.add(str(row["name"]))
                console.print(f"[dim]{row['name']} ready after {row['ready_after_s']} s[/dim]", highlight=False)
        return bool(asked_to_stop) or supervisor.are_ready(*names)

    if not supervisor.run_until(done, timeout_s=START_TIMEOUT_S):
        late = [str(row["name"]) for row in supervisor.report() if row["state"] != "ready"]
        raise process.StartFailed(f"not ready after {START_TIMEOUT_S:.0f} s: {', '.join(late)}")
    if asked_to_stop:
        raise _Stopped


def _fill(settings: Settings, supervisor: Supervisor, asked_to_stop: list[int]) -> Filling:
    """Run the fill as a child in this terminal while the services are supervised."""
    started = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", "rap_platform.cli", "run"],
        env=child_environment(settings) | MLFLOW_PATIENCE,
        preexec_fn=process.die_with_us(),  # noqa: PLW1509 - three system calls; we start no threads
    )
    try:
        supervisor.run_until(lambda: child.poll() is not None or bool(asked_to_stop))
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(10.0)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
    if asked_to_stop:
        raise _Stopped
    return Filling(child.returncode, time.monotonic() - started)


def _panel(settings: Settings, supervisor: Supervisor, filling: Filling, seconds: float, *, stays: bool) -> None:
    """Say where everything answers and what the platform holds."""
    grid = Table.grid(padding=(0, 2))
    for name, url in _addresses(settings).items():
        grid.add_row(f"[bold]{name}[/bold]", url)
    try:
        held = queries.counts(settings.require_database_url())
    except psycopg.Error as error:
        grid.add_row("contents", f"[red]can't be counted: {error}[/red]")
    else:
        grid.add_row("", "")
        for name, count in held.items():
            if count:
                grid.add_row(name, f"{count:,}")
    grid.add_row("", "")
    if filling.status is not None:
        grid.add_row("filled in", f"{filling.seconds:.1f} s" + (" [red]with failures[/red]" if filling.status else ""))
    memory = supervisor.memory
    grid.add_row("start to here", f"{seconds:.1f} s")
    grid.add_row(
        "peak memory", f"{memory.peak_mib:,.0f} MiB of all processes together ({memory.kind}, sampled every second)"
    )
    failed = bool(filling.status)
    title = "[red]rap_platform runs, but the fill failed[/red]" if failed else "rap_platform"
    console.print(
        Panel(
            grid,
            title=title,
            subtitle="Ctrl-C stops it" if stays else None,
            border_style="red" if failed else "green",
            expand=False,
        )
    )


def _addresses(settings: Settings) -> dict[str, str]:
    found = {
        "web page": f"http://{HOST}:{settings.ports.api}/",
        "API": f"http://{HOST}:{settings.ports.api}/docs",
        "Dagster": f"http://{HOST}:{settings.ports.dagster}/",
        "MLflow": settings.mlflow_tracking_uri or "",
    }
    if settings.world:
        found["simulated world"] = settings.world_root
    return {name: process.without_password(url) for name, url in found.items()}


def _refuse_taken_ports(specs: Sequence[Service]) -> None:
    taken = []
    for service in specs:
        if service.port and not process.port_is_free(service.port):
            holder = process.port_holder(service.port) or "another process"
            taken.append(
                f"port {service.port}, wanted for {service.name}, is taken by {holder}: "
                f"stop that, or choose another port, e.g. {service.port_setting}={process.free_port()}"
            )
    if taken:
        raise StackError("\n".join(taken))


def _free_ports(settings: Settings, wanted: set[str]) -> Settings:
    """The configured ports, with free ones in place of those that are taken: a single command need not fail for that."""
    moved: dict[str, int] = {
        name: process.free_port()
        for name in ("postgres", "valkey", "mlflow", "world")
        if name in wanted and not process.port_is_free(getattr(settings.ports, name))
    }
    return settings.model_copy(update={"ports": settings.ports.model_copy(update={**moved})})


def joined(settings: Settings) -> Settings | None:
    """The settings that name the servers of whoever runs them on this data directory, ready or not; None when nobody does."""
    data_dir = _data_dir(settings)
    return _join(settings, data_dir, set()) if lock.is_owned(data_dir) else None


def _join(settings: Settings, data_dir: Path, wanted: set[str]) -> Settings | None:
    """The settings that name the servers of whoever owns the data directory; None while they aren't all ready."""
    runtime = _runtime(data_dir)
    if runtime is None or not process.is_alive(runtime["pid"], runtime["create_time"]):
        return None
    ready = {entry["name"] for entry in runtime["services"] if entry["state"] == "ready"}
    if not wanted <= ready:
        return None
    urls: dict[str, object] = {
        name: SecretStr(url) if name in ("database_url", "dagster_database_url", "redis_url") else url
        for name, url in runtime["urls"].items()
        if url is not None
    }
    return settings.model_copy(update={"data_dir": data_dir} | urls)


def _external(settings: Settings, ours: set[str]) -> None:
    """Bring a database that is not ours up to date before it is used, and make those that our servers keep beside it."""
    try:
        catalogue.prepare_databases(settings, ours)
    except (psycopg.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        # what a DSN that can't be read provokes quotes the DSN, password included
        unread = isinstance(cause, psycopg.ProgrammingError) and cause.sqlstate is None
        reason = "it is no postgresql:// address" if unread else str(cause).strip()
        raise StackError(f"the database of RAP_DATABASE_URL can't be used: {reason}") from None


def _facts(settings: Settings, who: str) -> dict[str, object]:
    urls = {name: getattr(settings, name) for name in URLS}
    shown = {name: url.get_secret_value() if isinstance(url, SecretStr) else url for name, url in urls.items()}
    return {"who": who, "started_at": time.time(), "urls": shown, "addresses": _addresses(settings)}


def _data_dir(settings: Settings) -> Path:
    return settings.data_dir.resolve()


def _runtime(data_dir: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((data_dir / RECORD).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found


def _holder(data_dir: Path) -> str:
    runtime = _runtime(data_dir)
    if runtime is None:
        return "another rap-platform process"
    who = "`rap-platform up`" if runtime["who"] == "up" else f"`{runtime['who']}`"
    return f"{who} (pid {runtime['pid']})"


@contextmanager
def _owning(data_dir: Path) -> Iterator[None]:
    try:
        with lock.owner(data_dir):
            yield
    except lock.Taken:
        raise StackError(
            f"{_holder(data_dir)} already runs on {data_dir}: stop it with `rap-platform down`, "
            "or choose another data directory with RAP_DATA_DIR"
        ) from None


def _sweep(data_dir: Path) -> None:
    for orphan in end_orphans(data_dir / RECORD, data_dir):
        console.print(f"[yellow]ended {orphan}, left over from a run that was killed[/yellow]")


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that holds the signals that asked us to end; a third interrupts at once."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        received.append(number)
        if len(received) > 2:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
