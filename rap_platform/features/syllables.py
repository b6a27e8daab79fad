"""Phones as rhyming syllables, and how alike two of them sound. What counts as a rhyme is decided in rhyme.py.

A rhyming syllable is a vowel with its stress and its tail: the consonants after it up to the next vowel of the word.
"""

from functools import lru_cache
from typing import NamedTuple

from rap_platform.features.phonetics import Phones

Tail = tuple[str, ...]


class Syllable(NamedTuple):
    """Vowel without its stress digit, the consonants after it, and stress 0, 1 or 2."""

    vowel: str
    tail: Tail
    stress: int


@lru_cache(maxsize=100_000)
def syllabify(phones: Phones) -> tuple[Syllable, ...]:
    """Split phones into rhyming syllables; the consonants before the first vowel don't rhyme and are left out."""
    found: list[Syllable] = []
    vowel, stress, tail = "", 0, []  # type: tuple[str, int, list[str]]
    for phone in phones:
        if phone[-1].isdigit():
            if vowel:
                found.append(Syllable(vowel, tuple(tail), stress))
            vowel, stress, tail = phone[:-1], int(phone[-1]), []
        elif vowel:
            tail.append(phone)
    if vowel:
        found.append(Syllable(vowel, tuple(tail), stress))
    return tuple(found)


# Vowels that poets and rappers let pass for each other, 0 to 1; every other pair is 0.
_NEAR_VOWELS: dict[frozenset[str], float] = {
    frozenset(pair.split("-")): alike
    for alike, pairs in (
        (0.9, ("AA-AO",)),
        (0.6, ("IH-EH", "AH-UH", "AH-AA", "IH-IY", "UH-UW", "AH-ER", "AH-IH", "AO-OW")),
        (0.5, ("EH-AE", "AH-AO", "AH-UW", "AH-OW", "EH-IY", "OY-AY", "EH-EY", "UW-OW", "UH-ER")),
        (0.3, ("AE-AA", "EY-AE", "AY-IY", "AW-OW", "ER-AO", "AY-IH", "EY-IY", "AH-EH", "AH-AE", "ER-AA", "EH-AH")),
    )
    for pair in pairs
}

VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()  # noqa: SIM905
# For each vowel, itself first, those near enough that the rest of the syllable can make it a rhyme.
NEAR: dict[str, tuple[str, ...]] = {
    one: (one, *(other for other in VOWELS if _NEAR_VOWELS.get(frozenset((one, other)), 0.0) >= 0.6)) for one in VOWELS
}

_CLASSES: tuple[tuple[str, float], ...] = (
    ("P B", 0.6),
    ("T D", 0.6),
    ("K G", 0.6),
    ("F V", 0.6),
    ("S Z", 0.7),
    ("TH DH", 0.8),
    ("SH ZH", 0.7),
    ("CH JH", 0.6),
    ("M N NG", 0.6),
    ("P T K", 0.5),
    ("B D G", 0.5),
    ("F TH S SH", 0.4),
    ("V DH Z ZH", 0.4),
    ("L R", 0.3),
    ("T CH", 0.3),
    ("D JH", 0.3),
)
_NEAR_CONSONANTS: dict[tuple[str, str], float] = {}
for _members, _alike in _CLASSES:
    for _first in _members.split():
        for _second in _members.split():
            if _first != _second:
                _NEAR_CONSONANTS.setdefault((_first, _second), _alike)


def vowel_likeness(first: str, second: str) -> float:
    """How alike two vowels sound, 0 to 1."""
    return 1.0 if first == second else _NEAR_VOWELS.get(frozenset((first, second)), 0.0)


@lru_cache(maxsize=50_000)
def tail_likeness(first: Tail, second: Tail) -> float:
    """How alike two consonant groups sound, 0 to 1: the best alignment, over the longer of the two; two empty tails are 1."""
    longest = max(len(first), len(second))
    if first == second:
        return 1.0
    if not first or not second:
        return 0.0
    row = [0.0] * (len(second) + 1)
    for one in first:
        previous, row = row, [0.0]
        for at, other in enumerate(second):
            same = 1.0 if one == other else _NEAR_CONSONANTS.get((one, other), 0.0)
            row.append(max(previous[at] + same, previous[at + 1], row[at]))
    return row[-1] / longest
