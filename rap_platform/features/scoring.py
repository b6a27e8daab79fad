"""How likely two syllables of a song rhyme, in log-odds, and what a rhyme needs. Where rhymes are is found in rhyme.py and schemes.py."""

from typing import Final

import numpy as np

from rap_platform.features import likeness
from rap_platform.features.hearing import Bools, Floats, Places, Sound

# Natural-log units, as in Hirjee and Brown (2010): what a syllable needs to go on with a rhyme, to carry one, to stand alone,
# and what the syllables of a longer rhyme need on the mean.
EXTEND: Final = 0.0
ANCHOR: Final = 1.0
ALONE: Final = 3.6
MEAN: Final = 2.7
AT_ENDS: Final = 1.0
# A repeated word may run on inside a rhyme ("know it", "row it"); it neither begins nor carries one.
REPEATED: Final = 1.5


def _table() -> Floats:
    """Scores of vowel and stress together, (2v, 2v) raveled: row and column are 2 * vowel + stressed."""
    vowels, stresses = likeness.vowel_scores(), likeness.stress_scores()
    return (np.kron(vowels, np.ones((2, 2))) + np.tile(stresses, vowels.shape)).astype(np.float32).ravel()


_SIZE = 2 * len(likeness.VOWELS)
_SCORES = _table()


def scores(sound: Sound, ones: Places, others: Places) -> Floats:
    """Log-odds of pairs of syllables, given by their numbers (any shape, the same)."""
    tails = sound.lexicon.tail_scores()
    nucleus = sound.vowel * np.int64(2) + sound.stressed
    tail = sound.tail.astype(np.int64)
    found: Floats = _SCORES.take((nucleus * _SIZE)[ones] + nucleus[others])
    found += tails.ravel().take((tail * len(tails))[ones] + tail[others])
    return found


def without_repeats(score: Floats, repeated: Bools) -> Floats:
    """Scores in which a syllable of a word that is repeated counts REPEATED at most."""
    return np.where(repeated, np.minimum(score, np.float32(REPEATED)), score)
