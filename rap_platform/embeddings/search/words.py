"""The side of the words: sections that hold the question's words, the rarest combinations first; which words a line holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from rap_platform.embeddings.search.filtering import Filtering
from rap_platform.embeddings.search.question import Found
from rap_platform.embeddings.search.terms import Terms


@dataclass(frozen=True)
class Held:
    """A word of the question as it was asked, and the characters [start, end) of a line that are it or a form of it."""

    word: str
    start: int
    end: int


def by_words(conn: psycopg.Connection[Any], terms: Terms, filtering: Filtering, wanted: int) -> list[Found]:
    """Up to `wanted` sections by the summed weight of the question's lexemes they hold, then by how close these stand."""
    raise NotImplementedError


def held(conn: psycopg.Connection[Any], terms: Terms, lines: Sequence[str]) -> list[list[Held]]:
    """For each line the question's words it holds, in the order of the line; compared by stem, stop words never match."""
    raise NotImplementedError
