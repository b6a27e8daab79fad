"""Which encoder searches ask: switching to another that is complete, and dropping one that nobody asks. Filling is in filling.py."""

import random
import time
from dataclasses import dataclass
from typing import Any

import psycopg

from rap_platform.embeddings import indexing, queries
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.encoding import EncoderError
from rap_platform.embeddings.encoders.serving import serving

DROP_TRIES = 20
LOCK_WAIT_MS = 800  # PostgreSQL looks for deadlocks after a second, and would end a search
SWEEP_WAIT_MS = 50  # searches wait as long


@dataclass(frozen=True)
class Standing:
    """An encoder that has tables: how much of the library it covers, whether searches can use it, what it takes."""

    name: str
    model: str
    dimension: int
    serving: bool
    sections: int
    missing: int  # sections without the vector of their present text
    indexed: bool
    recall_at_10: float | None  # of its section index, as last measured
    size_bytes: int

    def unready(self) -> str | None:
        """Why searches can't ask it, or None."""
        if self.missing:
            return f"{self.missing} of {self.sections} sections have no vector of it: materialize lyrics_embeddings"
        if not self.indexed:
            return "its section vectors have no index: materialize vector_index"
        if self.sections and self.recall_at_10 is None:
            return "the recall of its index was never measured: materialize vector_index"
        if self.recall_at_10 is not None and self.recall_at_10 < indexing.MINIMUM_RECALL:
            return f"its index finds {self.recall_at_10:.3f} of the ten nearest, under {indexing.MINIMUM_RECALL}: {indexing.REMEDY}"
        return None


def standings(conn: psycopg.Connection[Any]) -> list[Standing]:
    """Every encoder that was registered, in the order of registration."""
    asked = serving(conn).name
    recalls = indexing.latest_recall(conn) or {}
    return [_standing(conn, entry, asked, recalls) for entry in conn.execute(queries.REGISTERED).fetchall()]


def switch(conn: psycopg.Connection[Any], name: str) -> None:
    """Let searches ask this encoder from the next one on, in one transaction. Raises EncoderError when it is not ready, and why."""
    with conn.transaction():
        conn.execute(queries.LOCK_ENCODERS)
        known = {standing.name: standing for standing in standings(conn)}
        if name not in known:
            raise EncoderError(f"no encoder {name!r} has vectors; there are: {', '.join(known) or 'none'}")
        reason = known[name].unready()
        if reason is not None:
            raise EncoderError(f"searches can't ask {name} yet: {reason}")
        conn.execute(queries.SWITCH, {"name": name})


def drop(conn: psycopg.Connection[Any], name: str) -> None:
    """Forget an encoder and all its vectors, in one transaction. Raises EncoderError for minilm and for the one that serves.

    Its tables are emptied and put away, which waits for their own readers alone. That they go wholly waits for all who read tracks,
    because of their foreign keys: see `sweep`.
    """
    if name == weights.NAME:
        raise EncoderError("minilm stays: the rules and the quality model read its vectors")
    for _ in range(DROP_TRIES):
        try:
            with conn.transaction():
                _retire(conn, name)
            sweep(conn)
        except psycopg.errors.LockNotAvailable:
            time.sleep(random.uniform(0, LOCK_WAIT_MS / 1000))  # noqa: S311 not a secret
        except psycopg.errors.DuplicateTable:
            sweep(conn)
        else:
            return
    raise EncoderError(f"the tables of {name} are in use all the time: stop what reads or fills them, and try again")


def sweep(conn: psycopg.Connection[Any]) -> int:
    """Drop the empty tables that were put away, those that nobody keeps waiting; returns how many. `vector_index` does it too."""
    dropped = 0
    with conn.transaction():
        names = [str(row[0]) for row in conn.execute(queries.PUT_AWAY).fetchall()]
    for name in names:
        try:
            with conn.transaction():
                conn.execute(queries.LOCK_TIMEOUT, {"timeout": f"{SWEEP_WAIT_MS}ms"})
                conn.execute(queries.drop_put_away(name))
            dropped += 1
        except psycopg.errors.LockNotAvailable:
            continue
    return dropped


def _retire(conn: psycopg.Connection[Any], name: str) -> None:
    conn.execute(queries.LOCK_TIMEOUT, {"timeout": f"{LOCK_WAIT_MS}ms"})
    conn.execute(queries.LOCK_ENCODERS)
    names = [str(row[0]) for row in conn.execute(queries.REGISTERED).fetchall()]
    if name not in names:
        raise EncoderError(f"no encoder {name!r} has vectors; there are: {', '.join(names) or 'none'}")
    if serving(conn).name == name:
        raise EncoderError(f"searches ask {name}: switch to another first, `rap-platform encoders switch minilm`")
    for statement in queries.retire_tables(name):
        conn.execute(statement)
    conn.execute(queries.FORGET_BREADTHS, {"indexes": [target.index for target in indexing.targets_of(name)]})
    conn.execute(queries.UNREGISTER, {"name": name})


def _standing(conn: psycopg.Connection[Any], entry: tuple[Any, ...], asked: str, recalls: dict[str, float]) -> Standing:
    name, model, dimension, _ = entry
    sections, missing = conn.execute(queries.missing_sections(name)).fetchone() or (0, 0)
    index = queries.section_index(name)
    tables = [queries.section_table(name), queries.track_table(name)]
    size = conn.execute(queries.TABLE_BYTES, {"tables": tables}).fetchone()
    return Standing(
        name=name, model=model, dimension=dimension, serving=name == asked, sections=sections, missing=missing,
        indexed=indexing.exists(conn, index), recall_at_10=recalls.get(index), size_bytes=int(size[0]) if size else 0,
    )  # fmt: skip
