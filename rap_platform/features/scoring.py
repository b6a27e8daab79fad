"""How likely two syllables of a song rhyme, in log-odds, and what a rhyme needs. Where rhymes are is found in rhyme.py and schemes.py."""

from typing import Final

import numpy as np

from rap_platform.features import likeness
from rap_platform.features.hearing import Bools, Floats, Places, Sound

# Natural-log units: what a syllable needs to go on with a rhyme, to carry one, to stand alone, and what the syllables of a longer
# rhyme need on the mean; AT_ENDS takes the place of the last two where both parts end their lines, as line ends rhyme more often than
# not. The kinds are Hirjee and Brown's (2010). The values are ours, as our scores are learned from poetry and theirs from rap: they were set
# once, so that released songs of 13 artists of their table come out on its scale (0.21, 0.14 to 0.28; its 603 songs 0.24, 0.15 to 0.35).
EXTEND: Final = 0.0
ANCHOR: Final = 1.0
ALONE: Final = 2.2
MEAN: Final = 1.3
AT_ENDS: Final = 0.5
# Unstressed syllables are much the same in English (a schwa in half of them): alike they say this much at most.
UNSTRESSED: Final = 0.7
# Vowels less alike than this never rhyme, whatever follows them.
FAR: Final = -1.0
# A repeated word may run on inside a rhyme ("know it", "row it"); it neither begins nor carries one.
REPEATED: Final = 1.0


def _table() -> Floats:
    """Scores of vowel and stress together, (2v, 2v) raveled: row and column are 2 * vowel + stressed.

    Stress is counted from two stressed syllables, which the thresholds are for. Unstressed AH and IH are one vowel, as most speakers say them.
    """
    vowels, stresses = likeness.vowel_scores(), likeness.stress_scores()
    table: Floats = np.kron(vowels, np.ones((2, 2))) + np.tile(stresses - stresses[1, 1], vowels.shape)
    schwa, near_schwa = (2 * likeness.VOWELS.index(vowel) for vowel in ("AH", "IH"))
    table[schwa, near_schwa] = table[near_schwa, schwa] = table[schwa, schwa]
    return table.astype(np.float32).ravel()


_SIZE = 2 * len(likeness.VOWELS)
_SCORES = _table()


def near(sound: Sound, ones: Places, others: Places) -> tuple[Places, Places, Floats]:
    """The pairs of syllables whose vowels are near enough for a rhyme, and their log-odds: most pairs are told apart by vowels alone."""
    nucleus = sound.vowel * np.int64(2) + sound.stressed
    score: Floats = _SCORES.take((nucleus * _SIZE)[ones] + nucleus[others])
    kept = (score >= FAR).nonzero()[0]
    ones, others = ones[kept], others[kept]
    return ones, others, _with_tails(sound, ones, others, score[kept])


def scores(sound: Sound, ones: Places, others: Places) -> Floats:
    """Log-odds of pairs of syllables, given by their numbers (any shape, the same)."""
    nucleus = sound.vowel * np.int64(2) + sound.stressed
    score: Floats = _SCORES.take((nucleus * _SIZE)[ones] + nucleus[others])
    return _with_tails(sound, ones, others, np.where(score >= FAR, score, np.float32(-np.inf)))


def _with_tails(sound: Sound, ones: Places, others: Places, score: Floats) -> Floats:
    tails = sound.lexicon.tail_scores()
    tail = sound.tail.astype(np.int64)
    score += tails.ravel().take((tail * len(tails))[ones] + tail[others])
    weak = ~(sound.stressed[ones] & sound.stressed[others])
    np.minimum(score, np.float32(UNSTRESSED), out=score, where=weak)
    return score


def same_word(sound: Sound, ones: Places, others: Places) -> Bools:
    """Whether the syllables of each pair belong to the same word, said twice."""
    texts = sound.text[sound.word]
    same: Bools = texts[ones] == texts[others]
    return same


def without_repeats(score: Floats, repeated: Bools) -> Floats:
    """Scores in which a syllable of a word that is repeated counts REPEATED at most."""
    return np.where(repeated, np.minimum(score, np.float32(REPEATED)), score)
