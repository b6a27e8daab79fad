"""Connections for readers of the API: a pool that opens while PostgreSQL is away and finds it again by itself."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from pgvector.psycopg import register_vector
from psycopg import Connection, InterfaceError, OperationalError
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from rap_platform.resources.machine import cores
from rap_platform.serving.api.problems import DatabaseAway
from rap_platform.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
Row = tuple[Any, ...]
Pool = ConnectionPool[Connection[Row]]

CONNECTIONS = 10
WAIT_S = 1.0  # for a connection
SPARE_WAIT_S = 0.01  # for one that is idle, which somebody else may have taken meanwhile
PATIENCE_S = 5.0  # for a whole answer; a server that is frozen rather than dead never answers
OPTIONS = "-c statement_timeout=4000 -c default_transaction_read_only=on"


def new_pool(settings: Settings) -> Pool | None:
    """A closed pool of read-only connections, or None when no database is configured.

    It gives up reconnecting after a second and starts anew at the next request, so that the wait after an outage
    does not grow with its length.
    """
    if settings.database_url is None:
        return None
    return ConnectionPool(
        settings.require_database_url(),
        kwargs={"connect_timeout": 2, "application_name": "rap_platform api", "options": OPTIONS},
        configure=_prepare,
        check=ConnectionPool.check_connection,
        min_size=2,  # a search uses two when nobody else asks
        max_size=CONNECTIONS,
        max_waiting=100,
        timeout=WAIT_S,
        reconnect_timeout=1.0,
        open=False,
        name="api",
    )


def _prepare(connection: Connection[Row]) -> None:
    register_vector(connection)
    connection.rollback()  # looking up the type ids opened a transaction


@contextmanager
def reading(pool: Pool | None, wait_s: float = WAIT_S) -> Iterator[Connection[Row]]:
    """A connection to read with. Raises DatabaseAway when PostgreSQL does not answer in time."""
    if pool is None:
        raise DatabaseAway(
            "No database is configured: set RAP_DATABASE_URL, or start everything with `rap-platform up`."
        )
    try:
        with pool.connection(timeout=wait_s) as connection:
            yield connection
    except (PoolTimeout, TooManyRequests, OperationalError, InterfaceError) as error:
        raise DatabaseAway("PostgreSQL is down or overloaded. The API reconnects by itself; try again.") from error


@contextmanager
def spare(pool: Pool | None) -> Iterator[Connection[Row] | None]:
    """A second connection for who has one, when it is idle and there are cores for both; else None, without a wait to speak of."""
    with ExitStack() as stack:
        connection = None
        if pool is not None and _has_room(pool):
            with suppress(PoolTimeout, TooManyRequests, OperationalError, InterfaceError):
                connection = stack.enter_context(pool.connection(timeout=SPARE_WAIT_S))
        yield connection


def _has_room(pool: Pool) -> bool:
    stats = pool.get_stats()
    idle = stats.get("pool_available", 0)
    return idle > 0 and 2 * (stats.get("pool_size", 0) - idle) <= cores()


async def in_thread(seconds: float | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function in a worker thread. Raises TimeoutError after `seconds`; the thread is left to end by itself."""
    work: Awaitable[T] = anyio.to_thread.run_sync(partial(function, *args, **kwargs), abandon_on_cancel=True)
    with anyio.fail_after(seconds):
        return await work


async def read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function that reads the database. Raises DatabaseAway when it takes too long."""
    try:
        return await in_thread(PATIENCE_S, function, *args, **kwargs)
    except TimeoutError as error:
        raise DatabaseAway(f"PostgreSQL did not answer within {PATIENCE_S:g} s.") from error
