"""Lets several sides look for sections side by side: what one of them found is read while the database is at the next."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg

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


def look(
    conn: psycopg.Connection[Any], *sides: Looking, meanwhile: Callable[[], None] = lambda: None
) -> list[list[Found]]:
    """What each side found, in their order. `meanwhile` is called once, while the database looks if there is anything to look for."""
    found: dict[int, list[Found]] = {}
    asking = {place: _next(side, None, found, place) for place, side in enumerate(sides)}
    waits = True
    while any(asking.values()):
        with conn.pipeline():
            sent = {place: _ask(conn, asked) for place, asked in asking.items() if asked is not None}
            if waits:
                meanwhile()
                waits = False
            asking = {place: _next(sides[place], cursor.fetchall(), found, place) for place, cursor in sent.items()}
    if waits:
        meanwhile()
    return [found[place] for place in range(len(sides))]


def _ask(conn: psycopg.Connection[Any], asked: Look) -> psycopg.Cursor[Any]:
    return conn.cursor(binary=asked.binary).execute(asked.statement, asked.parameters)


def _next(side: Looking, rows: Rows | None, found: dict[int, list[Found]], place: int) -> Look | None:
    """What the side asks next; None when it is done, and then what it found is kept."""
    try:
        return next(side) if rows is None else side.send(rows)
    except StopIteration as done:
        found[place] = done.value
        return None
