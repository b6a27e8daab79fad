"""Connections to PostgreSQL and its advisory locks, for processes that do without Dagster too; the resource is in postgres.py."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from pgvector.psycopg import register_vector

from rap_platform.settings import get_settings

CONNECT_TIMEOUT_S = 5
LOCK_POLL_S = 0.1


def connect(
    dsn: str | None = None, *, autocommit: bool = False, application_name: str = "rap_platform"
) -> psycopg.Connection:
    """Open a connection with the vector types registered; without `dsn` to the configured database.

    Raises NotConfigured without a database, psycopg.OperationalError when it can't be reached.
    """
    conn = psycopg.connect(
        dsn or get_settings().require_database_url(),
        autocommit=autocommit,
        application_name=application_name,
        connect_timeout=CONNECT_TIMEOUT_S,
    )
    try:
        register_vector(conn)
        if not autocommit:
            conn.rollback()  # looking up the type ids opened a transaction
    except BaseException:
        conn.close()
        raise
    return conn


def lock_id(key: str) -> int:
    """The advisory lock of a name: 64 signed bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)


@contextmanager
def advisory_lock(conn: psycopg.Connection, key: str) -> Iterator[None]:
    """Hold the session lock `key` on an autocommit connection; PostgreSQL frees it when the process dies.

    It is asked for again and again: a statement that waits for it keeps a snapshot, and `create index concurrently` of the one who
    holds the lock would wait for that snapshot, and neither ever end.
    """
    while conn.execute("select pg_try_advisory_lock(%s)", [lock_id(key)]).fetchone() != (True,):
        time.sleep(LOCK_POLL_S)
    try:
        yield
    finally:
        if not conn.closed and not conn.broken:
            conn.execute("select pg_advisory_unlock(%s)", [lock_id(key)])
