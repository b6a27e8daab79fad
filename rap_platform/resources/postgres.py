"""PostgreSQL with pgvector as a resource: transactions and the locks that keep two workers off the same work."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
import psycopg

from rap_platform.resources.connecting import CONNECT_TIMEOUT_S, advisory_lock, connect, lock_id

__all__ = ["CONNECT_TIMEOUT_S", "PostgresResource", "advisory_lock", "connect", "lock_id"]


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
