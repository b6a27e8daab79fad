"""The lines of an artist, and which of them teach, judge and test. No SQL, no models."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

Part = Literal["teach", "judge", "test"]
LEAST_WORDS: Final = 4  # of a line that is worth saying otherwise
TEACH_UNTIL: Final = 0.6  # of the songs; then those that fit the judge, then those that are rewritten for the test
JUDGE_UNTIL: Final = 0.8
_WORD: Final = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True)
class Section:
    """A section that the artist performs; `family` is the original at the end of the chain of near-duplicates."""

    track_id: int
    family: int
    section_no: int
    text: str
    simulated: bool


@dataclass(frozen=True)
class Line:
    """A line of a song, as written."""

    family: int
    text: str


def part_of(family: int) -> Part:
    """Which songs teach the model, fit the judge of styles, and are rewritten for the test: by a stable hash, near-duplicates together."""
    place = int.from_bytes(hashlib.sha256(f"style:{family}".encode()).digest()[:4], "big") / 2**32
    return "teach" if place < TEACH_UNTIL else "judge" if place < JUDGE_UNTIL else "test"


def of_part(sections: Iterable[Section], part: Part) -> list[Section]:
    """The sections of one part."""
    return [section for section in sections if part_of(section.family) == part]


def lines(sections: Iterable[Section]) -> list[Line]:
    """The lines of sections that hold a few words, each wording once, where it stands first."""
    found: dict[str, Line] = {}
    for section in sections:
        for text in section.text.split("\n"):
            told = wording(text)
            if len(told.split()) >= LEAST_WORDS:
                found.setdefault(told, Line(section.family, text.strip()))
    return list(found.values())


def wording(text: str) -> str:
    """The words of a line in lower case: lines that share it say the same."""
    return " ".join(_WORD.findall(text.lower()))


def distinct_2(texts: Sequence[str]) -> float | None:
    """Different pairs of neighbouring words over all of them (Li and others 2016, distinct-2); None where there is no pair."""
    pairs = [pair for text in texts for words in [wording(text).split()] for pair in pairwise(words)]
    return len(set(pairs)) / len(pairs) if pairs else None
