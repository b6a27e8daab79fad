"""How words that no dictionary lists are said: guessed once where sections are heard, stored, and read by whoever searches."""

from collections.abc import Iterable
from typing import Any

import psycopg

from rap_platform.embeddings.search import sound_keys, term_queries
from rap_platform.features import phonetics


def recall(conn: psycopg.Connection[Any], texts: Iterable[str]) -> None:
    """Read how the words of these texts are said that no list has and this process has not met; one statement, if there are any.

    What is not stored is guessed when it is needed.
    """
    unlisted = phonetics.unlisted(_words(texts))
    if unlisted:
        parameters = {"words": sorted(unlisted), "version": sound_keys.VERSION}
        rows = conn.execute(term_queries.WORD_SOUNDS, parameters).fetchall()
        phonetics.tell(unlisted, {word: tuple(phones.split(" ")) for word, phones in rows})


def store(conn: psycopg.Connection[Any], texts: Iterable[str]) -> int:
    """Keep the guesses of the words of these texts, in the transaction that is open; returns how many were new.

    The words go in by the alphabet, so that writers side by side wait for one another instead of deadlocking.
    """
    return store_sounds(conn, phonetics.guessed(_words(texts)))


def store_sounds(conn: psycopg.Connection[Any], sounds: dict[str, phonetics.Phones]) -> int:
    """Keep how these words are said, in the transaction that is open."""
    words = sorted(sounds)
    parameters = {
        "words": words,
        "phones": [" ".join(sounds[word]) for word in words],
        "version": sound_keys.VERSION,
    }
    return conn.execute(term_queries.STORE_WORD_SOUNDS, parameters).rowcount if words else 0


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for line in text.split("\n") for word in sound_keys.line_words(line)}
