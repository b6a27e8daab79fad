"""Near-miss spelling: a question's word that no section holds becomes the sung word it is nearest to (SymSpell; Garbe 2012)."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

import psycopg
from rapidfuzz.distance import OSA

from rap_platform.embeddings.search import sound_keys, term_queries

SHORTEST, LONGEST = 4, 40  # letters of a word that is corrected
TWO_EDITS_FROM = 7  # letters; shorter words have one edit
BEGINNING = 7  # letters whose deletions are stored: enough to find every word within two edits (Garbe)
MOST_CORRECTED = 8  # words of a question
SECTIONS_PER_COMMIT = 20_000
LOCK = "rap_platform distinct words"


def correct(conn: psycopg.Connection[Any], words: Sequence[str]) -> dict[str, str]:
    """The nearest sung word for each of `words` that has one; `words` are some that no section holds, at most eight are looked at.

    One edit (a letter more, less or other, or two neighbours swapped) for 4 to 6 letters, two from 7 on. Among the nearest the one
    that sounds the same wins, then the most common.
    """
    corrected = {}
    for word in [word for word in words if SHORTEST <= len(word) <= LONGEST and word.isalpha()][:MOST_CORRECTED]:
        edits = edits_allowed(word)
        parameters = {
            "deletes": sorted(deletes(word, edits)),
            "shortest": len(word) - edits,
            "longest": len(word) + edits,
        }
        near = conn.execute(term_queries.NEAR_WORDS, parameters).fetchall()
        nearest = choose(word, near)
        if nearest is not None:
            corrected[word] = nearest
    return corrected


def choose(word: str, candidates: Iterable[tuple[str, int]]) -> str | None:
    """The best of (sung word, sections that hold it) for a misspelled word; None when none is near enough."""
    edits = edits_allowed(word)
    near = [
        (distance, sung, sections)
        for sung, sections in candidates
        if (distance := OSA.distance(word, sung, score_cutoff=edits)) <= edits
    ]
    if not near:
        return None
    nearest = min(distance for distance, _, _ in near)
    said = set(sound_keys.word_keys(word))
    best = min(
        (said.isdisjoint(sound_keys.word_keys(sung)), -sections, sung)
        for distance, sung, sections in near
        if distance == nearest
    )
    return best[2]


def edits_allowed(word: str) -> int:
    """How many edits a word of this length is corrected by."""
    return 0 if len(word) < SHORTEST else 1 if len(word) < TWO_EDITS_FROM else 2


def deletes(word: str, edits: int) -> set[int]:
    """Hashes, 32 bits signed, of the word's first seven letters with up to `edits` of them left out."""
    beginning = word[:BEGINNING]
    kept = max(0, len(beginning) - edits)
    return {
        _hash("".join(letters))
        for length in range(kept, len(beginning) + 1)
        for letters in combinations(beginning, length)
    }


def sum_up(conn: psycopg.Connection[Any]) -> int:
    """Add what was noted of changed sections to the distinct words; returns how many sections' changes were summed.

    Only one process sums at a time, a second one waits. Commits every 20,000 sections; words that nobody sings any more are deleted.
    """
    summed = 0
    while True:
        with conn.transaction():
            conn.execute(term_queries.LOCK, {"lock": LOCK})
            conn.execute(term_queries.CREATE_CHANGED)
            taken = conn.execute(term_queries.TAKE_CHANGES, {"limit": SECTIONS_PER_COMMIT}).fetchone()
            count = int(taken[0]) if taken else 0
            if count:
                conn.execute(term_queries.ADD_CHANGES)
                _store_new(conn)
                conn.execute(term_queries.DELETE_UNSUNG)
            conn.execute(term_queries.DROP_CHANGED)
        summed += count
        if count < SECTIONS_PER_COMMIT:
            return summed


def _store_new(conn: psycopg.Connection[Any]) -> None:
    """Add the words that were not there; only words of letters can be what a misspelled one meant."""
    new = conn.execute(term_queries.NEW_WORDS).fetchall()
    with conn.cursor() as cursor, cursor.copy(term_queries.COPY_WORDS) as copy:
        copy.set_types(["text", "int4", "int4[]"])
        for word, sections in new:
            copy.write_row((word, sections, sorted(_stored_deletes(word))))


def _stored_deletes(word: str) -> Iterator[int]:
    if word.isalpha() and SHORTEST - 1 <= len(word) <= LONGEST + 2:
        yield from deletes(word, 2 if len(word) >= TWO_EDITS_FROM - 2 else 1)


def _hash(letters: str) -> int:
    value = zlib.crc32(letters.encode())
    return value - (1 << 32) if value >= 1 << 31 else value
