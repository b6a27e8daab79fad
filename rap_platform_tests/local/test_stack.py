"""`up`, `down`, `status` and the servers of a single command."""

import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from pydantic import SecretStr

from rap_platform.local import lock, process, stack
from rap_platform.local.environment import child_environment, export_environment
from rap_platform.local.stack import StackError
from rap_platform.settings import Settings, get_settings
from rap_platform_tests.local.conftest import free_ports


def test_a_command_gets_the_servers_it_needs_and_they_are_gone_afterwards(alone: Settings) -> None:
    with stack.services(alone, "postgres", "redis") as ready:
        with psycopg.connect(ready.require_database_url()) as conn:
            assert conn.execute("select count(*) from tracks").fetchone() == (0,)
        assert get_settings().require_database_url() == ready.require_database_url()
        rows = {row["name"]: row["state"] for row in stack.status(alone)}
        assert rows == {"postgres": "ready", "valkey": "ready"}
    assert stack.status(alone) == []
    assert "RAP_DATABASE_URL" not in os.environ
    assert process.port_is_free(alone.ports.postgres)


def test_two_commands_share_the_servers_and_the_first_waits_for_the_second(alone: Settings) -> None:
    script = (
        "import sys, time\n"
        "from rap_platform.local import stack\n"
        "from rap_platform.resources.postgres import connect\n"
        "from rap_platform.settings import load\n"
        "with stack.services(load(), 'postgres'):\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    with connect() as conn:\n"
        "        print(conn.execute('select count(*) from tracks').fetchone()[0], flush=True)\n"
    )

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script], env={**os.environ, **export_environment(alone)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    with start() as first:
        assert first.stdout is not None and first.stdin is not None
        assert first.stdout.readline() == "ready\n"
        with start() as second:
            assert second.stdout is not None and second.stdin is not None
            assert second.stdout.readline() == "ready\n"
            first.stdin.write("\n")
            first.stdin.flush()
            assert first.stdout.readline() == "0\n"
            with pytest.raises(subprocess.TimeoutExpired):
                first.wait(1.0)
            second.stdin.write("\n")
            second.stdin.flush()
            assert second.stdout.readline() == "0\n"
        assert first.wait(30) == 0


def test_a_second_up_on_the_same_data_directory_is_refused_by_name(alone: Settings) -> None:
    with lock.owner(alone.data_dir):
        (alone.data_dir / stack.RECORD).write_text(json.dumps({"who": "up", "pid": 4711, "services": []}))
        with pytest.raises(StackError, match=r"`rap-platform up` \(pid 4711\) already runs on .*rap-platform down"):
            stack.up(alone)


def test_a_taken_port_is_refused_before_anything_starts(alone: Settings) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", alone.ports.api))
        holder.listen()
        with pytest.raises(StackError) as refusal:
            stack.up(alone)
    message = str(refusal.value)
    assert f"port {alone.ports.api}, wanted for api, is taken by " in message
    assert f"(pid {os.getpid()})" in message
    assert "RAP_PORTS__API=" in message
    assert process.port_is_free(alone.ports.postgres)
    assert not lock.is_owned(alone.data_dir)


def test_children_read_the_very_settings_of_their_parent(alone: Settings) -> None:
    ours = alone.model_copy(update={"genius": alone.genius.model_copy(update={"artists": ["Käptn, Peng", "Nas"]})})
    script = "from rap_platform.settings import load; s = load(); print(s.model_dump_json())"
    ran = subprocess.run(
        [sys.executable, "-c", script], env=child_environment(ours), capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == json.loads(ours.model_dump_json())


def test_servers_of_the_settings_are_used_and_none_is_started(settings: Settings, data_dir: Path) -> None:
    ours = settings.model_copy(update={"data_dir": data_dir})
    with stack.services(ours, "postgres", "redis") as ready:
        assert ready.require_database_url() == settings.require_database_url()
        assert list(data_dir.iterdir()) == []
        with psycopg.connect(ready.require_dagster_database_url()) as conn:
            assert (
                conn.info.dbname
                == psycopg.conninfo.conninfo_to_dict(settings.require_database_url())["dbname"] + "_dagster"
            )  # type: ignore[operator]
    with psycopg.connect(settings.require_database_url(), autocommit=True) as conn:
        conn.execute(f"drop database {conn.info.dbname}_dagster")


def test_an_embedded_mlflow_keeps_its_store_beside_a_database_that_is_not_ours(
    settings: Settings, data_dir: Path
) -> None:
    ours = settings.model_copy(update={"data_dir": data_dir, "ports": free_ports()})
    with psycopg.connect(settings.require_database_url(), autocommit=True) as conn:
        name = conn.info.dbname
        conn.execute("drop schema public cascade")
        conn.execute("create schema public")
        with stack.services(ours, "postgres", "mlflow") as ready:
            assert process.answers_http(f"{ready.mlflow_tracking_uri}/health")
            with psycopg.connect(ready.mlflow_database_url()) as store:
                assert store.info.dbname == f"{name}_mlflow"
                assert store.execute("select count(*) > 0 from experiments").fetchone() == (True,)
            assert conn.execute("select count(*) from tracks").fetchone() == (0,), "the schema was not applied"
        for beside in ("mlflow", "dagster"):
            conn.execute(f"drop database {name}_{beside} with (force)")


def test_a_database_address_that_can_not_be_read_is_refused_without_being_shown(alone: Settings) -> None:
    odd = alone.model_copy(update={"database_url": SecretStr("host:u:hush@somewhere")})
    expected = r"RAP_DATABASE_URL.*no postgresql:// address"
    with pytest.raises(StackError, match=expected) as refusal, stack.services(odd, "postgres"):
        pass
    assert "hush" not in str(refusal.value)


def test_whoever_looks_whether_the_platform_runs_does_not_keep_another_from_starting_it(alone: Settings) -> None:
    path = alone.data_dir / lock.OWNER
    path.touch()
    with path.open() as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        assert not lock.is_owned(alone.data_dir)
        looked = threading.Timer(0.05, fcntl.flock, [look, fcntl.LOCK_UN])
        looked.start()
        with lock.owner(alone.data_dir):
            assert lock.is_owned(alone.data_dir)
        looked.join()


def test_servers_outlive_a_command_that_fails_while_another_uses_them(alone: Settings) -> None:
    script = (
        "import sys\n"
        "from rap_platform.local import stack\n"
        "from rap_platform.resources.postgres import connect\n"
        "from rap_platform.settings import load\n"
        "with stack.services(load(), 'postgres'), connect() as conn:\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    print(conn.execute('select count(*) from tracks').fetchone()[0], flush=True)\n"
    )

    def finish_after_a_moment() -> None:
        time.sleep(1.0)
        second.stdin.write("\n")  # type: ignore[union-attr]
        second.stdin.flush()  # type: ignore[union-attr]

    environment = {**os.environ, **export_environment(alone)}  # inside the block the servers would stand in it
    with pytest.raises(ZeroDivisionError), stack.services(alone, "postgres"):
        second = subprocess.Popen(
            [sys.executable, "-c", script], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert second.stdout is not None
        assert second.stdout.readline() == "ready\n"
        threading.Thread(target=finish_after_a_moment).start()
        1 / 0  # noqa: B018
    with second:
        assert second.stdout.readline() == "0\n"
        assert second.wait(30) == 0


def test_a_database_that_does_not_answer_is_named_by_its_setting(alone: Settings) -> None:
    port = process.free_port()
    gone = Settings(data_dir=alone.data_dir, world=False, database_url=f"postgresql://u:hush@127.0.0.1:{port}/rap")  # type: ignore[arg-type]
    with pytest.raises(StackError, match="RAP_DATABASE_URL") as refusal, stack.services(gone, "postgres"):
        pass
    assert "hush" not in str(refusal.value)


def test_down_without_a_platform_says_that_none_ran(alone: Settings) -> None:
    assert stack.down(alone) is False


def start_up(settings: Settings, *options: str) -> subprocess.Popen[bytes]:
    log = (settings.data_dir / "up.log").open("wb")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "rap_platform.cli", "up", *options],
            env={**os.environ, **export_environment(settings)}, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def wait_for(
    settings: Settings, names: set[str], up: subprocess.Popen[bytes], seconds: float = 120
) -> dict[str, dict[str, object]]:
    """The rows of `status` once all of these services are ready."""
    deadline = time.monotonic() + seconds
    while True:
        rows = {str(row["name"]): row for row in stack.status(settings)}
        if names <= {name for name, row in rows.items() if row["state"] == "ready"}:
            return rows
        assert up.poll() is None, (settings.data_dir / "up.log").read_text()
        assert time.monotonic() < deadline, (rows, (settings.data_dir / "up.log").read_text())
        time.sleep(0.2)


EVERYTHING = {"postgres", "valkey", "mlflow", "code_server", "dagster", "api", "daemon"}


def test_up_survives_kills_and_ends_cleanly(alone: Settings) -> None:
    """One long story, since a start takes its time: up, a killed server, a killed supervisor, up again, down."""
    up = start_up(alone, "--no-fill")
    try:
        rows = wait_for(alone, EVERYTHING, up)
        assert stat.S_IMODE((alone.data_dir / stack.RECORD).stat().st_mode) == 0o600
        for port in (alone.ports.api, alone.ports.dagster, alone.ports.mlflow):
            assert process.answers_http(f"http://127.0.0.1:{port}/", below=500)

        # a second up is refused while this one runs
        refused = start_up(alone, "--no-fill")
        assert refused.wait(60) == 1
        assert f"(pid {up.pid}) already runs on" in " ".join((alone.data_dir / "up.log").read_text().split())

        # PostgreSQL is killed: the supervisor brings it back with its data
        killed = rows["postgres"]["pid"]
        assert isinstance(killed, int)
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while stack.status(alone)[0]["pid"] == killed or stack.status(alone)[0]["state"] != "ready":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with stack.services(alone, "postgres") as ready, psycopg.connect(ready.require_database_url()) as conn:
            assert conn.execute("select count(*) from tracks").fetchone() == (0,)

        # the supervisor is killed: the next up finds a clean place
        below = psutil.Process(up.pid).children(recursive=True)
        up.kill()
        up.wait()
        up = start_up(alone, "--no-fill")
        wait_for(alone, EVERYTHING, up)
        assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in below)

        below = psutil.Process(up.pid).children(recursive=True)
        assert stack.down(alone) is True
        assert up.wait(10) == 0
        assert not any(member.is_running() for member in below)
        assert all(process.port_is_free(port) for port in alone.ports.model_dump().values())
    finally:
        if up.poll() is None:
            up.terminate()
            up.wait(60)
