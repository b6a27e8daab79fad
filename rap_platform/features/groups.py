"""Which words of a song sound alike, for colouring: rhymes of rhyme.py and schemes.py joined into groups."""

from typing import NamedTuple

import numpy as np

from rap_platform.features import schemes
from rap_platform.features.bars import bars
from rap_platform.features.hearing import Sound, gathered, hear
from rap_platform.features.rhyme import find_rhymes

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Span(NamedTuple):
    """A rhyming word in its line: first and last + 1 character, and the number of its rhyme group within the song."""

    start: int
    end: int
    group: int


def rhyme_groups(lyrics: str) -> list[list[Span]]:
    """The rhyming words of every line of the lyrics: words of one group sound alike.

    One list per line of `lyrics.split("\\n")`, header and empty lines included; groups are numbered from 0 as they first appear and have
    two words or more. A word belongs to the group of its last rhyming syllable; small words inside a line belong to none.
    """
    spans: list[list[Span]] = [[] for _ in lyrics.split("\n")]
    sound = hear(bars(lyrics))
    if not sound.syllables:
        return spans
    of_word = _groups_of_words(sound)
    sizes: dict[int, int] = {}
    for group in of_word.values():
        sizes[group] = sizes.get(group, 0) + 1
    numbers: dict[int, int] = {}
    kept = [(word, group) for word, group in sorted(of_word.items()) if sizes[group] > 1]
    for (_, group), (line, start, end) in zip(kept, sound.spans([word for word, _ in kept]), strict=True):
        spans[line].append(Span(start, end, numbers.setdefault(group, len(numbers))))
    return spans


def letter(group: int) -> str:
    """The group as people write it: A, B, ... Z, AA, AB, ... for 0, 1, ..."""
    before, at = divmod(group, len(LETTERS))
    return (letter(before - 1) if before else "") + LETTERS[at]


def syllable_groups(sound: Sound) -> list[int | None]:
    """For every syllable of a song the number of its rhyme group, which is that of its first member; None where it rhymes with nothing."""
    parent = list(range(sound.syllables))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    rhymes = find_rhymes(sound)
    ones, others = gathered(rhymes.first, rhymes.length).tolist(), gathered(rhymes.second, rhymes.length).tolist()
    joins = list(zip(ones, others, strict=True))
    for pair in schemes.end_rhymes(sound):
        last, last_2 = int(sound.close[pair.earlier]), int(sound.close[pair.later])
        if last > sound.begin[pair.earlier] and last_2 > sound.begin[pair.later]:
            joins.append((last - 1, last_2 - 1))
    linked: set[int] = set()
    for one, other in joins:
        linked.update((one, other))
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return [root(at) if at in linked else None for at in range(sound.syllables)]


def _groups_of_words(sound: Sound) -> dict[int, int]:
    """Word -> group, for words with a stressed syllable and words that end a line."""
    strong = set(sound.word[sound.stressed].tolist())
    strong.update(sound.word[np.maximum(sound.close - 1, 0)].tolist())
    return {
        word: group
        for word, group in zip(sound.word.tolist(), syllable_groups(sound), strict=True)
        if group is not None and word in strong
    }
