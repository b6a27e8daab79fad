"""What child processes find in their environment: the settings, DAGSTER_HOME and the storage of Dagster.

Not here: starting anything.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from rap_platform.local.postgres import create_database
from rap_platform.settings import PREFIX, Settings, get_settings, walk

if TYPE_CHECKING:
    from dagster import DagsterInstance

# Every process of a stack carries its data directory under this name, so that orphans are recognised.
MARKER = "_RAP_PLATFORM_STACK"
REPOSITORY = Path(__file__).resolve().parents[2]
RECYCLE_S = 600


def export_environment(settings: Settings) -> dict[str, str]:
    """The RAP_ variables from which a child reads these very settings: all that differ from the defaults."""
    defaults = Settings.model_construct()
    exported = {PREFIX + "DATA_DIR": str(settings.data_dir.resolve())}
    for path, _ in walk():
        ours, default = _leaf(settings, path), _leaf(defaults, path)
        name = PREFIX + "__".join(path).upper()
        if name not in exported and ours is not None and (ours != default or name in os.environ):
            exported[name] = _text(ours)
    return exported


def child_environment(settings: Settings) -> dict[str, str]:
    """The whole environment of a service: ours, the settings, Dagster's home and the mark of this stack."""
    kept = {name: text for name, text in os.environ.items() if not name.upper().startswith(PREFIX)}
    path = [str(REPOSITORY), *filter(None, [kept.get("PYTHONPATH")])]
    return (
        kept
        | export_environment(settings)
        | dagster_environment(settings)
        | {
            MARKER: str(settings.data_dir.resolve()),
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONUNBUFFERED": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # the assets' metadata link to their runs
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        }
    )


def dagster_environment(settings: Settings) -> dict[str, str]:
    """What dagster.yaml reads, once a database is known, and DAGSTER_HOME."""
    home = settings.data_dir.resolve() / "dagster_home"
    environment = {
        "DAGSTER_HOME": str(home),
        "DAGSTER_COMPUTE_LOGS_DIR": str(home / "compute_logs"),
        "DAGSTER_ARTIFACTS_DIR": str(home / "storage"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    if settings.database_url is not None or settings.dagster_database_url is not None:
        environment["DAGSTER_STORAGE_URL"] = _with_driver(settings.require_dagster_database_url())
    return environment


def prepare_dagster_home(settings: Settings, *, code_server_port: int | None = None) -> Path:
    """Make DAGSTER_HOME with the repository's dagster.yaml in it, and a workspace that names our code server."""
    home = settings.data_dir.resolve() / "dagster_home"
    for folder in (home, home / "compute_logs", home / "storage"):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPOSITORY / "dagster.yaml", home / "dagster.yaml")
    if code_server_port is not None:
        server = {"host": "127.0.0.1", "port": code_server_port, "location_name": "rap_platform"}
        (home / "workspace.yaml").write_text(json.dumps({"load_from": [{"grpc_server": server}]}))
    return home


def create_dagster_database(settings: Settings) -> None:
    """Create Dagster's database on its server when it is missing; the application's own has to be there."""
    dsn = settings.require_dagster_database_url()
    create_database(
        settings.require_database_url() if settings.dagster_database_url is None else dsn, database_name(dsn)
    )


def create_mlflow_database(settings: Settings) -> None:
    """Create the store of the embedded MLflow beside the application's database when it is missing."""
    create_database(settings.require_database_url(), database_name(settings.mlflow_database_url()))


def database_name(dsn: str) -> str:
    """The name of the database in a DSN."""
    return urlsplit(dsn).path.lstrip("/")


@contextmanager
def dagster_instance(settings: Settings) -> Iterator["DagsterInstance"]:
    """The Dagster instance of this platform, with DAGSTER_HOME set for as long as the block lasts."""
    from dagster import DagsterInstance

    create_dagster_database(settings)
    home = prepare_dagster_home(settings)
    with (
        exported(dagster_environment(settings)),
        DagsterInstance.from_config(str(home)) as instance,
        _kept_open(instance),
    ):
        yield instance


@contextmanager
def _kept_open(instance: "DagsterInstance") -> Iterator[None]:
    """Let the instance write its events over a connection that stays, tried before each use, for as long as the block lasts.

    Dagster opens one for each event: of a small platform's first fill that is a quarter.
    """
    instance.optimize_for_webserver(statement_timeout=0, pool_recycle=RECYCLE_S, max_overflow=-1)
    storages: tuple[Any, ...] = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
    engines = [storage._engine for storage in storages]
    for engine in engines:
        engine.pool._pre_ping = True  # a PostgreSQL that came back is met by a new connection, as without a pool
    try:
        yield
    finally:
        for engine in engines:
            engine.dispose()


@contextmanager
def activated(settings: Settings) -> Iterator[Settings]:
    """Make `get_settings()` of this process, and the children it starts, see these settings inside the block."""
    with exported(export_environment(settings)):
        get_settings.cache_clear()
        try:
            yield settings
        finally:
            get_settings.cache_clear()


@contextmanager
def exported(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables and put the old ones back."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, text in before.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text


def _leaf(settings: BaseModel, path: tuple[str, ...]) -> Any:
    found: Any = settings
    for name in path:
        found = getattr(found, name)
    return found


def _text(setting: object) -> str:
    if isinstance(setting, SecretStr):
        return setting.get_secret_value()
    if isinstance(setting, bool):
        return "true" if setting else "false"
    if isinstance(setting, list | dict):
        return json.dumps(setting)
    return str(setting)


def _with_driver(dsn: str) -> str:
    """The DSN with psycopg2 named: SQLAlchemy 2.1 would take psycopg 3, which dagster-postgres can't use."""
    scheme, separator, rest = dsn.partition("://")
    return f"{scheme.split('+')[0].replace('postgres', 'postgresql').replace('postgresqlql', 'postgresql')}+psycopg2{separator}{rest}"
