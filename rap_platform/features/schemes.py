"""Which lines end alike: end rhymes and the rhyme scheme of each section. Rhymes inside lines are found in rhyme.py."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rap_platform.features.endings import rhymes
from rap_platform.features.hearing import Bools, Ints, Sound
from rap_platform.features.scoring import ANCHOR, AT_ENDS, EXTEND, MEAN, same_word, scores, without_repeats

WINDOW_BARS = 4
SCHEME_BARS = 16  # the bars of a section that get letters
LEAST_BARS = 4  # a shorter section has no scheme to speak of
_LETTERS = "ABCDEFGHIJKLMNOP"
_MOSAIC = 6  # syllables across words


class EndRhyme(NamedTuple):
    """Two bars whose ends are alike: by rhyme, or because the same word ends both (`repeated`)."""

    earlier: int
    later: int
    repeated: bool


class SectionScheme(NamedTuple):
    """The rhyme scheme of one section: its first line (from 0, as `Bar.line_no`), its number of bars, a letter for each of the first."""

    line_no: int
    bars: int
    scheme: str


def end_rhymes(sound: Sound) -> list[EndRhyme]:
    """Pairs of bars within WINDOW_BARS of each other whose ends are alike, by the later bar: the nearest that rhymes, and repeats before it."""
    later = np.repeat(np.arange(len(sound.bars), dtype=np.int32), WINDOW_BARS)
    earlier = later - np.tile(np.arange(1, WINDOW_BARS + 1, dtype=np.int32), len(sound.bars))
    there = (earlier >= 0) & (sound.song[np.maximum(earlier, 0)] == sound.song[later])
    later, earlier = later[there], earlier[there]
    heard = _heard(sound, earlier, later).tolist()
    ends = np.searchsorted(sound.word_bar, np.arange(len(sound.bars))) + [bar.main - 1 for bar in sound.bars]
    same = (sound.text[ends[earlier]] == sound.text[ends[later]]).tolist()
    lasts = [bar.words[bar.main - 1] for bar in sound.bars]
    pairs: list[EndRhyme] = []
    rhymed = -1
    for one, other, sounding, repeated in zip(earlier.tolist(), later.tolist(), heard, same, strict=True):
        if other == rhymed:
            continue
        if sounding or (not repeated and rhymes(lasts[one], lasts[other])):
            pairs.append(EndRhyme(one, other, repeated=False))
            rhymed = other
        elif repeated:
            pairs.append(EndRhyme(one, other, repeated=True))
    return pairs


def _heard(sound: Sound, earlier: Ints, later: Ints) -> Bools:
    """Whether two bars end alike syllable by syllable, across words too ("know it", "poet"); neighbours may do so with one syllable."""
    if not len(earlier):
        return np.zeros(0, np.bool_)
    back = np.arange(1, _MOSAIC + 1, dtype=np.int32)
    ones, others = sound.close[earlier][:, None] - back, sound.close[later][:, None] - back
    there = (ones >= sound.begin[earlier][:, None]) & (others >= sound.begin[later][:, None])
    ones, others = np.where(there, ones, 0), np.where(there, others, 0)
    repeated = same_word(sound, ones, others)
    score = without_repeats(scores(sound, ones, others), repeated)
    carries = sound.stressed[ones] & sound.stressed[others] & ~repeated & (score >= ANCHOR)
    reached = np.logical_and.accumulate(there & (score >= EXTEND), axis=1)
    neighbours = (later - earlier == 1)[:, None]
    likely = np.cumsum(score, axis=1) >= np.where(neighbours, AT_ENDS, MEAN) * back
    found = reached & likely & ~repeated & np.logical_or.accumulate(carries, axis=1) & (neighbours | (back > 1))
    alike: Bools = found.any(axis=1)
    return alike


def rhymed_bars(pairs: Sequence[EndRhyme]) -> set[int]:
    """The bars whose end rhymes with another's; a repeated word is no rhyme."""
    return {bar for pair in pairs if not pair.repeated for bar in (pair.earlier, pair.later)}


def sections(sound: Sound, pairs: Sequence[EndRhyme]) -> list[list[SectionScheme]]:
    """For each song the schemes of its sections in order; a bar takes the letter of the nearest earlier bar of its section that ends like it."""
    alike: dict[int, list[int]] = {}
    for earlier, later, _ in pairs:
        alike.setdefault(later, []).append(earlier)
    found: list[list[SectionScheme]] = [[] for _ in range(int(sound.song[-1]) + 1)]
    numbers = list(zip(sound.song.tolist(), [bar.section for bar in sound.bars], strict=True))
    begin = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] != numbers[begin]:
            letters = _scheme(begin, min(end, begin + SCHEME_BARS), alike)
            found[numbers[begin][0]].append(SectionScheme(sound.bars[begin].line_no, end - begin, letters))
            begin = end
    return found


def _scheme(begin: int, end: int, alike: dict[int, list[int]]) -> str:
    letters = ""
    for bar in range(begin, end):
        like = next((earlier for earlier in alike.get(bar, ()) if earlier >= begin), None)
        letters += letters[like - begin] if like is not None else _LETTERS[len(set(letters))]
    return letters
