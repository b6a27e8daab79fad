"""How a song moves: syllables per line and per word, their evenness, and how regular the beat of stresses is."""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pstdev

from rap_platform.features.hearing import Sound


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """Syllable figures of a song; `stress_regularity` is 0 (no pattern) to 1 (one spacing throughout)."""

    syllables: int
    syllables_per_line: float
    syllables_per_line_sd: float
    syllables_per_word: float
    stress_regularity: float | None
    assonance_per_line: float
    alliteration_per_line: float


def measure(sound: Sound) -> FlowFigures:
    """Flow of a song of at least one bar."""
    per_line = (sound.end - sound.begin).tolist()
    words = sum(len(bar.words) for bar in sound.bars)
    return FlowFigures(
        syllables=sum(per_line),
        syllables_per_line=fmean(per_line),
        syllables_per_line_sd=pstdev(per_line),
        syllables_per_word=sum(per_line) / words,
        stress_regularity=stress_regularity(sound),
        assonance_per_line=_assonance(sound) / len(per_line),
        alliteration_per_line=_alliteration(sound) / len(per_line),
    )


def stress_regularity(sound: Sound) -> float | None:
    """How even the beat is: 1 minus the normalised entropy of the distances between stressed syllables of a line (1 to 6, capped).

    None with fewer than 20 distances: entropy of so few is noise.
    """
    counts: dict[int, int] = {}
    for begin, end in zip(sound.begin.tolist(), sound.end.tolist(), strict=True):
        stressed = [at for at in range(begin, end) if sound.stressed[at]]
        for one, other in pairwise(stressed):
            gap = min(other - one, 6)
            counts[gap] = counts.get(gap, 0) + 1
    total = sum(counts.values())
    if total < 20:
        return None
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    return max(0.0, 1.0 - entropy / math.log(6))


def _assonance(sound: Sound) -> int:
    """Stressed vowels heard before in the same line, in another word."""
    found = 0
    for begin, end in zip(sound.begin.tolist(), sound.end.tolist(), strict=True):
        heard: dict[int, int] = {}
        for at in range(begin, end):
            if not sound.stressed[at]:
                continue
            vowel, text = int(sound.vowel[at]), int(sound.text[sound.word[at]])
            found += heard.get(vowel, text) != text
            heard[vowel] = text
    return found


def _alliteration(sound: Sound) -> int:
    """Neighbouring different words, small words skipped, that begin with the same consonant sound."""
    strong = sound.initial >= 0
    initial, text, bar = sound.initial[strong], sound.text[strong], sound.word_bar[strong]
    alike = (initial[1:] == initial[:-1]) & (text[1:] != text[:-1]) & (bar[1:] == bar[:-1])
    return int(alike.sum())
