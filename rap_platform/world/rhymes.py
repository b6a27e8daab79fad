"""Sounds of the songwriter's own words, read once from the pronouncing dictionary. Knows nothing about bars or themes."""

import gzip
from collections.abc import Collection
from functools import cache, lru_cache
from pathlib import Path

DICTIONARY = Path(__file__).parents[1] / "data" / "cmudict.txt.gz"


def load(wanted: Collection[str]) -> dict[str, tuple[str, ...]]:
    """First pronunciation of each wanted lower-case word: phones with stress digits. Words not found are absent."""
    found: dict[str, tuple[str, ...]] = {}
    with gzip.open(DICTIONARY, "rt", encoding="utf-8") as lines:
        for line in lines:
            word, _, phones = line.partition(" ")
            if word in wanted and word not in found:
                found[word] = tuple(phones.split())
    return found


def rhyme_key(phones: tuple[str, ...]) -> str:
    """Everything from the last stressed vowel on, stress digits dropped; two words rhyme when their keys are equal."""
    last = 0
    for position, phone in enumerate(phones):
        if phone[-1] in "12":
            last = position
    return " ".join(phone.rstrip("012") for phone in phones[last:])


def vowels(phones: tuple[str, ...]) -> tuple[str, ...]:
    """Vowels in order, stress digits dropped."""
    return tuple(phone[:-1] for phone in phones if phone[-1].isdigit())


@lru_cache(maxsize=20_000)
def assonance(key: str) -> str:
    """The vowels of a rhyme key, marked so that they are no key."""
    return "~" + " ".join(phone for phone in key.split() if phone[0] in "AEIOU")


@cache
def starts_with_vowel_letter(word: str) -> bool:
    """A guess by spelling for words the dictionary lacks."""
    return word[:1] in "aeiou"
