"""Phones as rhyming syllables. How alike two of them sound is in likeness.py.

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
