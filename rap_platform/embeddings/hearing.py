"""Hears sections that were not heard yet and stores their keys in small transactions. What a key is, is in search/sound_keys.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from rap_platform.embeddings.search import saying, sound_keys, term_queries
from rap_platform.orchestration import progress

SECTIONS_PER_COMMIT = 1000


@dataclass(frozen=True)
class Figures:
    """What a run heard: sections, distinct texts among each thousand, keys stored (one in several lines counts in each)."""

    sections: int
    texts: int
    keys: int


def fill(conn: psycopg.Connection[Any], slots: Sequence[int]) -> Figures:
    """Store the keys of every section of these slots that lacks those of its present text; equal texts of a batch are heard once.

    Commits every thousand sections, and hears outside of any transaction: a killed run loses at most one batch.
    """
    with conn.transaction():
        unheard = conn.execute(term_queries.UNHEARD, {"slots": list(slots), "version": sound_keys.STORED}).fetchall()
    section_ids = [row[0] for row in unheard]
    batches = range(0, len(section_ids), SECTIONS_PER_COMMIT)
    sections = texts = keys = 0
    for start in progress.track(batches, len(batches), "sections heard ×1000"):
        found = _hear(conn, section_ids[start : start + SECTIONS_PER_COMMIT])
        sections += _store(conn, found)
        texts += len({sha for _, sha, _ in found})
        keys += sum(len(heard) for _, _, (heard, _) in found)
    return Figures(sections, texts, keys)


def missing(conn: psycopg.Connection[Any], slots: Sequence[int]) -> tuple[int, int]:
    """The number of sections in these slots, and how many of them lack the keys of their present text."""
    with conn.transaction():
        row = conn.execute(term_queries.UNHEARD_COUNT, {"slots": list(slots), "version": sound_keys.STORED}).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def unknown_words(conn: psycopg.Connection[Any], limit: int = 500) -> tuple[int, list[str]]:
    """How many of a sample of sections were looked at, and their words that neither the distinct words nor the noted changes know."""
    with conn.transaction():
        rows = conn.execute(term_queries.UNKNOWN_WORDS, {"limit": limit}).fetchall()
    return int(rows[0][0]), sorted(word for _, word in rows if word is not None)


def distinct_words(conn: psycopg.Connection[Any]) -> int:
    """How many distinct words are sung."""
    return _count(conn, term_queries.WORDS)


def tidy(conn: psycopg.Connection[Any]) -> None:
    """Merge what the indexes of the lexical sides have pending and free what was taken, so that no search reads through it.

    The connection must not be in a transaction.
    """
    conn.commit()
    conn.autocommit = True
    try:
        for statement in term_queries.TIDY:
            conn.execute(statement)
    finally:
        conn.autocommit = False


def _count(conn: psycopg.Connection[Any], statement: str) -> int:
    with conn.transaction():
        row = conn.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _hear(
    conn: psycopg.Connection[Any], section_ids: Sequence[int]
) -> list[tuple[int, str, tuple[list[int], list[int]]]]:
    """Of each section its number, the digest of its text, its keys and where those of its lines end."""
    with conn.transaction():
        rows = conn.execute(term_queries.TEXTS, {"section_ids": list(section_ids)}).fetchall()
        heard = {sha: text for _, sha, text in rows}
        saying.recall(conn, heard.values())
    keys = {sha: sound_keys.by_line(text) for sha, text in heard.items()}
    with conn.transaction():
        saying.store(conn, heard.values())
    return [(section_id, sha, keys[sha]) for section_id, sha, _ in rows]


def _store(conn: psycopg.Connection[Any], found: Sequence[tuple[int, str, tuple[list[int], list[int]]]]) -> int:
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(term_queries.CREATE_STAGED)
        with cursor.copy(term_queries.COPY_STAGED) as copy:
            for section_id, sha, heard in found:  # written by hand: a dumper per number would take longer than hearing
                keys, ends = (f"{{{','.join(map(str, numbers))}}}" for numbers in heard)
                copy.write(f"{section_id}\t{sha}\t{keys}\t{ends}\n")
        cursor.execute(term_queries.STORE_STAGED, {"version": sound_keys.STORED})
        return cursor.rowcount
