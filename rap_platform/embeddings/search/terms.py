"""What a question's text is on the lexical sides: its words, stems, phrases and sounds, and how common each is.

How sections are found by them is in words.py and sounds.py, how words are corrected in spelling.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

SAMPLED_SECTIONS = 20_000
LISTED_SHARE = 0.0005  # of the sections: rarer terms need no planning, even among millions of sections
LISTED_COUNT = 2
GROWTH = 0.1  # of the collection, after which shares are sampled again
MAX_WORDS = 64  # distinct ones of a question that count: as many as eight lines have
MAX_PLANNED = 12  # terms that are combined: the rarest ones
_PHRASE = re.compile(r'"([^"]*)"|“([^”]*)”')


@dataclass(frozen=True)
class Terms:
    """What a question's text is on the lexical sides.

    `words` are its distinct words in lower case, as asked and in order; `corrected` maps those that no section holds to the word
    looked for instead; `stems` maps each of `words` to the lexemes looked for (none for a stop word). `lexemes` and `sounds` map
    each term to ln(1 / share of the sections that hold it); `phrases` must be held as they stand. `sections` is about how many
    there are, 0 when nobody has counted yet.
    """

    text: str
    words: tuple[str, ...]
    corrected: Mapping[str, str]
    stems: Mapping[str, tuple[str, ...]]
    lexemes: Mapping[str, float]
    sounds: Mapping[int, float]
    phrases: tuple[str, ...]
    sections: int


@dataclass(frozen=True)
class Plan:
    """Which combinations of terms to ask the index for, as positions in the terms given; `whole` when nothing else could be held."""

    combinations: tuple[tuple[int, ...], ...]
    expected: float
    whole: bool


def read(conn: psycopg.Connection[Any], text: str) -> Terms:
    """Read a question: split it, correct the words that nobody sings, look up how common its terms are.

    Three statements, four when a word has to be corrected.
    """
    raise NotImplementedError
