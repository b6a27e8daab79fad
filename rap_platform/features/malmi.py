"""Malmi's rhyme factor (DopeLearning, 2016): the mean length of the vowel run that each word repeats. Consonants play no part.

Not to be compared with Hirjee and Brown's rhyme density (rhyme.py): another construct on another scale.
"""

import numpy as np

from rap_platform.features.hearing import Bools, Ints, Places, Small, Sound

LOOKBACK_WORDS = 15


def rhyme_factor(sound: Sound) -> float | None:
    """Mean over words of the longest run of equal vowels that ends this word and one of the LOOKBACK_WORDS before it; about 1 for rap.

    Diphthongs count as two vowels, the unstressed AH as none, runs of one as zero, the same word as nothing, and a run stops at
    it; repeated lines and lines in brackets are left out. None without two words.
    """
    words = _kept(sound)[sound.word_bar].nonzero()[0].astype(np.int32)
    count, stream = sound.pure_vowels(words)
    words, count = words[count > 0], count[count > 0]
    if len(words) < 2:
        return None
    last: Places = np.cumsum(count, dtype=np.int64) - 1
    owner = np.repeat(sound.text[words], count)
    first = np.arange(len(words))[:, None] - np.arange(1, LOOKBACK_WORDS + 1)
    ends = np.where(first >= 0, last[np.maximum(first, 0)], -1)
    alike = ((stream[ends] == stream[last][:, None]) & (first >= 0)).ravel().nonzero()[0]
    runs = np.zeros(first.shape, np.int32)
    runs.ravel()[alike] = _runs(stream, owner, ends.ravel()[alike], last[alike // LOOKBACK_WORDS])
    longest = runs.max(axis=1)
    return float(longest[longest > 1].sum()) / (len(words) - 1)


def _kept(sound: Sound) -> Bools:
    """Which bars count: not those in brackets, nor those that came before word for word."""
    seen: set[bytes] = set()
    kept = np.zeros(len(sound.bars), np.bool_)
    bounds = np.searchsorted(sound.word_bar, np.arange(len(sound.bars) + 1))
    for number, bar in enumerate(sound.bars):
        key = sound.text[bounds[number] : bounds[number + 1]].tobytes()
        kept[number] = not bar.aside and key not in seen
        if kept[number]:
            seen.add(key)
    return kept


def _runs(stream: Small, owner: Ints, ends: Places, ends_2: Places) -> Ints:
    """How many vowels before and with these two places are equal, up to the same word, the start, or the other's end."""
    found = np.zeros(len(ends), np.int32)
    limit = np.minimum(ends + 1, ends_2 - ends)
    alive = np.arange(len(ends))
    back = 0
    while len(alive):
        one, other = ends[alive] - back, ends_2[alive] - back
        alive = alive[(stream[one] == stream[other]) & (owner[one] != owner[other])]
        back += 1
        found[alive] = back
        alive = alive[limit[alive] > back]
    return found
