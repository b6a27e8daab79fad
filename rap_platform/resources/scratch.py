"""Databases that live as long as a measurement, beside the platform's own, which is left alone."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from rap_platform.resources.migrations import migrate
from rap_platform.settings import Settings


@contextmanager
def scratch_database(settings: Settings, template: str | None = None) -> Iterator[str]:
    """Make a database on the configured server, with the schema or as a copy of `template`; gives its DSN, drops it at the end."""
    server, name = settings.require_database_url(), f"rap_bench_{secrets.token_hex(6)}"
    of = sql.SQL(" template {}").format(sql.Identifier(template)) if template else sql.SQL("")
    with closing(psycopg.connect(server, autocommit=True)) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)) + of)
        try:
            dsn = make_conninfo(server, dbname=name)
            if template is None:
                migrate(dsn)
            yield dsn
        finally:
            conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
