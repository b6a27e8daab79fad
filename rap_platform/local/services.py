"""What the services of the stack are: their commands, their readiness, what each one waits for.

Not here: supervising them.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import SecretStr

from rap_platform.local import postgres, process, valkey
from rap_platform.local.environment import child_environment, create_dagster_database, create_mlflow_database
from rap_platform.local.process import HOST, Launch
from rap_platform.local.supervisor import Service
from rap_platform.resources.migrations import migrate
from rap_platform.settings import Settings

DATABASE = "rap"  # Dagster's and MLflow's lie beside it


def embedded(settings: Settings) -> set[str]:
    """Which servers are ours to start: those that no setting places elsewhere."""
    ours = set()
    if settings.database_url is None:
        ours.add("postgres")
    if settings.redis_url is None:
        ours.add("valkey")
    if settings.mlflow_tracking_uri is None:
        ours.add("mlflow")
    if settings.world and settings.world_url is None:
        ours.add("world")
    return ours


def connected(settings: Settings, ours: set[str]) -> Settings:
    """The settings with the URLs of the embedded servers in `ours` filled in; they answer once they are started."""
    data_dir, ports = settings.data_dir.resolve(), settings.ports
    urls: dict[str, object] = {"data_dir": data_dir}
    if "postgres" in ours:
        cluster = postgres.prepare(data_dir, ports.postgres)
        urls["database_url"] = SecretStr(cluster.dsn(DATABASE))
    if "valkey" in ours:
        urls["redis_url"] = SecretStr(valkey.prepare(data_dir, ports.valkey).url)
    if "mlflow" in ours:
        urls["mlflow_tracking_uri"] = f"http://{HOST}:{ports.mlflow}"
    if "world" in ours:
        urls["world_url"] = f"http://{HOST}:{ports.world}"
    return settings.model_copy(update=urls)


def postgres_service(settings: Settings, once_ready: Callable[[], None]) -> Service:
    """The embedded PostgreSQL; a leftover of a dead server is cleared before each start."""
    data_dir, port = settings.data_dir, settings.ports.postgres
    cluster = postgres.prepare(data_dir, port)

    def populate() -> None:
        postgres.create_database(cluster.dsn(), DATABASE)
        once_ready()

    return Service(
        "postgres",
        launch=lambda: postgres.launch(postgres.prepare(data_dir, port), child_environment(settings)),
        ready=lambda: postgres.answers(cluster),
        port=port,
        port_setting="RAP_PORTS__POSTGRES",
        once_ready=populate,
        start_timeout_s=postgres.START_TIMEOUT_S,
        stop_signal=signal.SIGINT,
        stop_timeout_s=30.0,
    )


def prepare_databases(settings: Settings, ours: set[str]) -> None:
    """Create the databases beside the application's that are missing, and bring the schema of that one up to date."""
    create_dagster_database(settings)
    if "mlflow" in ours:
        create_mlflow_database(settings)
    migrate(settings.require_database_url())


def valkey_service(settings: Settings) -> Service:
    """The embedded Valkey."""
    cache = valkey.prepare(settings.data_dir, settings.ports.valkey)
    return Service(
        "valkey",
        launch=lambda: valkey.launch(cache, child_environment(settings)),
        ready=lambda: valkey.answers(cache),
        port=cache.port,
        port_setting="RAP_PORTS__VALKEY",
        start_timeout_s=15.0,
    )


def world_service(settings: Settings) -> Service:
    """The simulated Genius, Spotify and LLM."""
    port = settings.ports.world
    return _python(
        settings, "world", port, "RAP_PORTS__WORLD", _uvicorn("rap_platform.world.app:create_app", port),
        ready=lambda: process.answers_http(f"http://{HOST}:{port}/health"),
    )  # fmt: skip


def mlflow_service(settings: Settings, needs: tuple[str, ...]) -> Service:
    """The MLflow tracking server with one worker; its store is a database beside the application's."""
    port = settings.ports.mlflow
    artifacts = settings.data_dir / "mlflow-artifacts"
    names = [f"{host}{suffix}" for host in ("localhost", HOST) for suffix in ("", f":{port}")]
    argv = [
        sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1",
        "--artifacts-destination", artifacts.as_uri(), "--allowed-hosts", ",".join(names),
    ]  # fmt: skip
    return _python(
        settings, "mlflow", port, "RAP_PORTS__MLFLOW", argv, needs=needs,
        ready=lambda: process.answers_http(f"http://{HOST}:{port}/health"),
        # the store's password stays out of the process list
        more={"MLFLOW_BACKEND_STORE_URI": settings.mlflow_database_url(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )  # fmt: skip


def code_server_service(settings: Settings, needs: tuple[str, ...]) -> Service:
    """The one process that has the asset definitions loaded; the runs that Dagster launches are its children."""
    port = settings.ports.code_server
    argv = [
        sys.executable, "-m", "dagster", "api", "grpc", "--host", HOST, "--port", str(port),
        "--module-name", "rap_platform.definitions", "--location-name", "rap_platform",
    ]  # fmt: skip
    return _python(
        settings, "code_server", port, "RAP_PORTS__CODE_SERVER", argv, needs=needs,
        ready=lambda: process.accepts_connections(port),
    )  # fmt: skip


def dagster_service(settings: Settings, workspace: Path) -> Service:
    """The Dagster UI."""
    port = settings.ports.dagster
    argv = [sys.executable, "-m", "dagster_webserver", "--host", HOST, "--port", str(port),
            "--workspace", str(workspace), "--suppress-warnings", "--uvicorn-log-level", "warning"]  # fmt: skip
    return _python(
        settings, "dagster", port, "RAP_PORTS__DAGSTER", argv, needs=("code_server",),
        ready=lambda: process.answers_http(f"http://{HOST}:{port}/server_info"),
    )  # fmt: skip


def daemon_service(settings: Settings, workspace: Path) -> Service:
    """Sensors, schedules, the run queue, run monitoring. It listens on no port: alive a moment after start is ready."""
    argv = [sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(workspace)]
    return _python(settings, "daemon", 0, "", argv, needs=("code_server",), ready=lambda: True)


def api_service(settings: Settings, needs: tuple[str, ...]) -> Service:
    """The API and its web page; ready as soon as it answers at all, since it says itself what it lacks."""
    port = settings.ports.api
    return _python(
        settings, "api", port, "RAP_PORTS__API", _uvicorn("rap_platform.serving.api.app:create_app", port), needs=needs,
        ready=lambda: process.answers_http(f"http://{HOST}:{port}/health", below=600),
    )  # fmt: skip


def _uvicorn(factory: str, port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", factory, "--factory", "--host", HOST, "--port", str(port),
            "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--timeout-graceful-shutdown", "5"]  # fmt: skip


def _python(
    settings: Settings, name: str, port: int, port_setting: str, argv: Sequence[str], *,
    ready: Callable[[], bool], needs: tuple[str, ...] = (), more: dict[str, str] | None = None,
) -> Service:  # fmt: skip
    log = settings.data_dir / "logs" / f"{name}.log"
    return Service(
        name,
        launch=lambda: Launch(argv, log, child_environment(settings) | (more or {})),
        ready=ready,
        port=port,
        port_setting=port_setting,
        needs=needs,
    )
