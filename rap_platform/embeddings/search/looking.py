"""Lets several sides look for sections side by side: on one connection in one go, or beside each other on two."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg

from rap_platform.embeddings.search import queries, term_queries
from rap_platform.embeddings.search.question import Found


@dataclass(frozen=True)
class Look:
    """A statement that a side wants to be asked, its parameters, and whether its values come as PostgreSQL keeps them."""

    statement: str
    parameters: Mapping[str, Any]
    binary: bool = False


Rows: TypeAlias = Sequence[tuple[Any, ...]]
# What a side asks, one after another, and what it found in the end.
Looking: TypeAlias = Generator[Look, Rows, list[Found]]


@dataclass(frozen=True)
class Beside:
    """A second connection, idle, and the `snapshot` of the transaction whose moment it is to see."""

    conn: psycopg.Connection[Any]
    snapshot: str

    @contextmanager
    def opened(self) -> Iterator[psycopg.Connection[Any]]:
        """The connection in a transaction that sees this moment, in a pipeline: what is sent waits for no answer. Rolled back after.

        What it asks may raise LockNotAvailable.
        """
        try:
            with self.conn.pipeline():
                self.conn.execute(queries.ONE_MOMENT)
                self.conn.execute(queries.same_moment(self.snapshot))
                self.conn.execute(queries.BRIEF_LOCK_WAITS)
                self.conn.execute(queries.OPENING)
                self.conn.execute(term_queries.BY_INDEX)
                yield self.conn
        finally:
            self.conn.rollback()


def look(
    conn: psycopg.Connection[Any], *sides: Looking, meanwhile: Callable[[], object] = lambda: None
) -> list[list[Found]]:
    """What each side found, in their order. The first statements of all are sent in one go; then `meanwhile` is called."""
    with conn.pipeline():
        sent = [_Sent(conn, side) for side in sides]
        meanwhile()
        return [side.found() for side in sent]


class _Sent:
    """A side whose first statement was sent; for a connection in a pipeline."""

    def __init__(self, conn: psycopg.Connection[Any], side: Looking) -> None:
        self._conn = conn
        self._side = side
        self._found: list[Found] | None = None
        self._cursor = self._ask(None)

    def found(self) -> list[Found]:
        """What the side found in the end; waits, and asks what it asks next."""
        while self._cursor is not None:
            self._cursor = self._ask(self._cursor.fetchall())
        return self._found or []

    def _ask(self, rows: Rows | None) -> psycopg.Cursor[Any] | None:
        try:
            look = next(self._side) if rows is None else self._side.send(rows)
        except StopIteration as done:
            self._found = done.value
            return None
        return self._conn.cursor(binary=look.binary).execute(look.statement, look.parameters)
