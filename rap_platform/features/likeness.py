"""scaffold"""

import numpy as np

from rap_platform.features.syllables import tail_likeness, vowel_likeness

Coda = tuple[str, ...]
VOWELS = tuple(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])


def vowel_scores():
    return np.array([[2.3 if a == b else 4 * vowel_likeness(a, b) - 2 for a in VOWELS] for b in VOWELS], np.float32)


def stress_scores():
    return np.array([[0.2, -0.5], [-0.5, 0.3]], np.float32)


def coda_scores(ones, others):
    return np.array(
        [[(1.0 if not a and not b else 3.5 * tail_likeness(a, b) - 1.5) for b in others] for a in ones], np.float32
    ).reshape(len(ones), len(others))
