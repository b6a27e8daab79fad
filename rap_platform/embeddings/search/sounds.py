"""The side of the sounds: sections that sound like the question, and which words of a line do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from rap_platform.embeddings.search.filtering import Filtering
from rap_platform.embeddings.search.question import Found
from rap_platform.embeddings.search.terms import Terms


@dataclass(frozen=True)
class Alike:
    """Words asked for and words sung, spelled otherwise, that sound alike; the sung ones are the characters [start, end) of a line."""

    asked: str
    sung: str
    start: int
    end: int


def by_sound(conn: psycopg.Connection[Any], terms: Terms, filtering: Filtering, wanted: int) -> list[Found]:
    """Up to `wanted` sections by the summed weight of the question's sounds they hold."""
    raise NotImplementedError


def alike(terms: Terms, lines: Sequence[str]) -> list[list[Alike]]:
    """For each line what sounds like the question but is spelled otherwise: single words, and runs of words over their borders."""
    raise NotImplementedError
