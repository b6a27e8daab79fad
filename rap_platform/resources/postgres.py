"""PostgreSQL with pgvector: connections, transactions and the locks that keep two workers off the same work."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
import psycopg
from pgvector.psycopg import register_vector

from rap_platform.settings import get_settings

CONNECT_TIMEOUT_S = 5


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
    """Hold the session lock `key` on an autocommit connection; PostgreSQL frees it when the process dies."""
    conn.execute("select pg_advisory_lock(%s)", [lock_id(key)])
    try:
        yield
    finally:
        if not conn.closed and not conn.broken:
            conn.execute("select pg_advisory_unlock(%s)", [lock_id(key)])


class PostgresResource(dg.ConfigurableResource):
    """The application's database. `dsn` is for tests; deployments set RAP_DATABASE_URL."""

    dsn: str | None = None

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """A connection that commits when the block ends well and rolls back when it does not."""
        with connect(self.dsn, application_name="rap_platform asset") as conn:
            yield conn

    @contextmanager
    def exclusively(self, *keys: str) -> Iterator[None]:
        """Hold one lock per key, taken in sorted order, so that no two runs work on the same asset and partition at once."""
        with ExitStack() as stack:
            conn = stack.enter_context(connect(self.dsn, autocommit=True, application_name="rap_platform lock"))
            for key in sorted(set(keys)):
                stack.enter_context(advisory_lock(conn, key))
            yield
