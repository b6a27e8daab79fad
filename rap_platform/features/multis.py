"""The strongest multisyllabic rhymes of a song, as one would quote them. Where rhymes are is found in rhyme.py."""

from typing import NamedTuple

import numpy as np

from rap_platform.features.bars import bars
from rap_platform.features.hearing import Sound, hear
from rap_platform.features.rhyme import find_rhymes


class Multi(NamedTuple):
    """Two stretches of whole words that rhyme over `syllables` syllables, as written, with their lines (from 0)."""

    first: str
    second: str
    syllables: int
    first_line: int
    second_line: int


def longest_rhymes(lyrics: str, most: int = 3) -> list[Multi]:
    """The longest rhymes of two or more syllables, likelier before less likely ones, each pair of words once."""
    sound = hear(bars(lyrics))
    if not sound.syllables:
        return []
    lines = lyrics.split("\n")
    rhymes = find_rhymes(sound)
    found: dict[tuple[str, str], Multi] = {}
    for at in np.lexsort((-rhymes.score, -rhymes.length)).tolist():
        length = int(rhymes.length[at])
        if length < 2 or len(found) == most:
            break
        first, first_line = _quoted(lines, sound, int(rhymes.first[at]), length)
        second, second_line = _quoted(lines, sound, int(rhymes.second[at]), length)
        found.setdefault((first.lower(), second.lower()), Multi(first, second, length, first_line, second_line))
    return list(found.values())


def _quoted(lines: list[str], sound: Sound, syllable: int, length: int) -> tuple[str, int]:
    """The whole words that hold these syllables, and their line."""
    line, start, _ = sound.span(int(sound.word[syllable]))
    _, _, end = sound.span(int(sound.word[syllable + length - 1]))
    return lines[line][start:end], line
