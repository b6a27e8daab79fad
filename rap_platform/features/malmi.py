"""Malmi's rhyme factor (DopeLearning, 2016): the mean length of the vowel run that each word repeats. Consonants play no part.

Not to be compared with Hirjee and Brown's rhyme density (rhyme.py): another construct on another scale.
"""

import numpy as np

from rap_platform.features.hearing import Bools, Ints, Places, Small, Sound

LOOKBACK_WORDS = 15


def rhyme_factors(sound: Sound) -> list[float | None]:
    """For each song the mean over words of the longest run of equal vowels that ends this word and one of the LOOKBACK_WORDS before it.

    About 1 for rap. Diphthongs count as two vowels, the unstressed AH as none, runs of one as zero, the same word as nothing, and a run stops
    at it; repeated lines, lines in brackets and words without a vowel that counts ("the") are left out. The mean is over the words after the
    first, as in the authors' own program. None without two words.
    """
    songs = int(sound.song[-1]) + 1
    words = _kept(sound)[sound.word_bar].nonzero()[0].astype(np.int32)
    count, stream = sound.pure_vowels(words)
    words, count = words[count > 0], count[count > 0]
    song = sound.song[sound.word_bar[words]]
    amounts = np.bincount(song, minlength=songs)
    if not len(words):
        return [None] * songs
    last: Places = np.cumsum(count, dtype=np.int64) - 1
    owner = sound.text[words].repeat(count)
    first = np.arange(len(words))[:, None] - np.arange(1, LOOKBACK_WORDS + 1)
    begins = amounts.cumsum() - amounts
    there = first >= begins[song][:, None]
    ends = np.where(there, last[np.maximum(first, 0)], -1)
    alike = ((stream[ends] == stream[last][:, None]) & there).ravel().nonzero()[0]
    runs = np.zeros(first.shape, np.int32)
    later = alike // LOOKBACK_WORDS
    start = (last - count + 1)[begins[song[later]]]
    runs.ravel()[alike] = _runs(stream, owner, ends.ravel()[alike], last[later], start)
    longest = runs.max(axis=1)
    sums = np.bincount(song, np.where(longest > 1, longest, 0), minlength=songs)
    return [
        total / (amount - 1) if amount > 1 else None
        for total, amount in zip(sums.tolist(), amounts.tolist(), strict=True)
    ]


def _kept(sound: Sound) -> Bools:
    """Which bars count: not those in brackets, nor those that came before in their song word for word."""
    seen: set[tuple[int, tuple[str, ...]]] = set()
    kept = []
    for song, bar in zip(sound.song.tolist(), sound.bars, strict=True):
        key = song, bar.words
        kept.append(not bar.aside and key not in seen)
        if kept[-1]:
            seen.add(key)
    return np.array(kept, np.bool_)


def _runs(stream: Small, owner: Ints, ends: Places, ends_2: Places, start: Places) -> Ints:
    """How many vowels before and with these two places are equal, up to the same word, the start of the song, or the other's end."""
    found = np.zeros(len(ends), np.int32)
    limit = np.minimum(ends - start + 1, ends_2 - ends)
    alive = np.arange(len(ends))
    back = 0
    while len(alive):
        one, other = ends[alive] - back, ends_2[alive] - back
        alive = alive[(stream[one] == stream[other]) & (owner[one] != owner[other])]
        back += 1
        found[alive] = back
        alive = alive[limit[alive] > back]
    return found
