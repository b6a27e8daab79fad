"""How a song moves: syllables per line and per word, their evenness, and how regular the beat of stresses is."""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pstdev

from rap_platform.features.rhyme import Sound


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
    per_line = [end - begin for begin, end in sound.bar_slices]
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
    for begin, end in sound.bar_slices:
        stressed = [at for at in range(begin, end) if sound.syllables[at].stress]
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
    for begin, end in sound.bar_slices:
        heard: dict[str, str] = {}
        for at in range(begin, end):
            syllable, text = sound.syllables[at], sound.texts[at]
            if not syllable.stress:
                continue
            if heard.get(syllable.vowel, text) != text:
                found += 1
            heard[syllable.vowel] = text
    return found


def _alliteration(sound: Sound) -> int:
    """Neighbouring different words, small words skipped, that begin with the same consonant sound."""
    found = 0
    for bar, initials in zip(sound.bars, sound.initials, strict=True):
        strong = [
            (initial, word.text) for initial, word in zip(initials, bar.words, strict=True) if initial is not None
        ]
        found += sum(one == other and text != text_2 for (one, text), (other, text_2) in pairwise(strong))
    return found
