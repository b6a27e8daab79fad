"""Lines of stored sections as questions: what people type, and no vector of the index. Recall is measured with them in indexing.py."""

import hashlib
from collections.abc import Iterable
from functools import partial
from typing import Any

import psycopg
from pgvector import HalfVector

from rap_platform.embeddings import index_queries, queries
from rap_platform.embeddings.encoders.encoding import NotConfiguredHere
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.indexing import QUERIES, Ask, Target

LEAST_WORDS = 4
READ = 5 * QUERIES  # sections: some have a single line, some are sung again
AT_ONCE = 16  # an endpoint gives few seconds to a call


def asking(conn: psycopg.Connection[Any], encoders: Encoders) -> Ask:
    """Asks the section index of each encoder that is configured here with lines that it encodes; encoders are loaded when called for."""

    def ask(target: Target) -> partial[list[HalfVector]] | None:
        if target.encoder not in encoders.names() or target.index != queries.section_index(target.encoder):
            return None
        return partial(_encoded, conn, encoders, target.encoder)

    return ask


def _encoded(conn: psycopg.Connection[Any], encoders: Encoders, name: str) -> list[HalfVector]:
    stored = conn.execute(queries.FINGERPRINT, {"name": name}).fetchone()
    if stored is None or stored[0] != encoders.fingerprint(name):
        raise NotConfiguredHere(f"the encoder {name} of these settings is not the one whose vectors are stored")
    texts = [row[0] for row in conn.execute(index_queries.sample_texts(name), {"limit": READ}).fetchall()]
    lines = a_line_each(texts)
    encode = encoders.get(name).encode
    return [
        HalfVector(vector)
        for start in range(0, len(lines), AT_ONCE)
        for vector in encode(lines[start : start + AT_ONCE])
    ]


def a_line_each(texts: Iterable[str], most: int = QUERIES) -> list[str]:
    """A line of at least LEAST_WORDS words from each of the first texts of several lines, chosen by hash; different ones, `most` at most."""
    chosen: dict[str, None] = {}
    for text in texts:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        long = [line for line in lines if len(line.split()) >= LEAST_WORDS]
        if len(lines) > 1 and long and len(chosen) < most:
            digest = hashlib.sha256(text.encode()).digest()
            chosen[long[int.from_bytes(digest[:8]) % len(long)]] = None
    return list(chosen)
