"""Enters encoders into the database and makes their tables. A name stands for one encoder for ever. Which one serves: switching.py."""

from collections.abc import Callable
from typing import Any

import psycopg

from rap_platform.embeddings import queries
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.encoding import Encoder, EncoderError


def register(conn: psycopg.Connection[Any], encoder: Encoder) -> None:
    """Enter the encoder and make its tables when it is new. Raises EncoderError when another one has its name."""
    with conn.transaction():
        entry = {name: getattr(encoder, name) for name in ("name", "model", "dimension", "fingerprint")}
        conn.execute(queries.REGISTER, entry)
        row = conn.execute(queries.FINGERPRINT, {"name": encoder.name}).fetchone()
        if row != (encoder.fingerprint, encoder.dimension):
            raise EncoderError(
                f"the encoder {encoder.name} ({encoder.model}) is not the one whose vectors are stored under that name: give it "
                f"another name, or drop the old vectors with `rap-platform encoders drop {encoder.name}`"
            )
        conn.execute(queries.CREATE_TABLES, entry)


def make_tables(conn: psycopg.Connection[Any], load: Callable[[], Encoder], name: str) -> None:
    """Register the encoder when it has no tables yet; it is loaded only then."""
    with conn.transaction():
        found = conn.execute(queries.TABLES_EXIST, {"table": queries.section_table(name)}).fetchone()
    if found != (True,):
        register(conn, load())


def registered(conn: psycopg.Connection[Any]) -> list[str]:
    """The names of the encoders that have tables, minilm first."""
    rows = conn.execute(queries.REGISTERED).fetchall()
    return list(dict.fromkeys([weights.NAME, *(str(row[0]) for row in rows)]))


def dimensions(conn: psycopg.Connection[Any]) -> dict[str, int]:
    """The dimension of every encoder that has tables."""
    rows = conn.execute(queries.REGISTERED).fetchall()
    return {weights.NAME: weights.DIMENSION} | {str(row[0]): int(row[2]) for row in rows}
