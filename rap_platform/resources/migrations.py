"""The schema: sql/NNNN_*.sql applied in order by Alembic under an advisory lock, each in its own transaction."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool
from sqlalchemy.engine import Connection

from rap_platform.resources.postgres import advisory_lock

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
LOCK = "rap_platform schema"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SQL_DIR).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The revision that this code expects."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError(f"no migrations in {SQL_DIR}")
    return revision


def migrate(dsn: str) -> list[str]:
    """Bring the database to the newest revision; returns the revisions applied now.

    Two processes may start at once: the second waits for the lock and finds nothing to do. A process that is killed
    midway leaves the last whole revision, and the lock goes with its session.
    """
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=pool.NullPool)
    with (
        psycopg.connect(dsn, autocommit=True, application_name="rap_platform migration") as guard,
        advisory_lock(guard, LOCK),
        engine.connect() as connection,
    ):
        before = _revision(connection)
        if before == head():
            return []
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        script = ScriptDirectory.from_config(config)
        return [r.revision for r in reversed(list(script.iterate_revisions("head", before or "base")))]


def _revision(connection: Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return revision
