"""How a song moves: syllables per line and word, how lines grow and shrink, pauses, and how regular the beat of stresses is."""

import math
import re
from dataclasses import dataclass

import numpy as np

from rap_platform.features.hearing import Places, Sound

EVEN_PERCENT = 15  # lines whose lengths differ by no more are even (Hirjee and Brown's limit for end pairs)
LEAST_GAPS = 20
_LONGEST_GAP = 6
_MARKS = str.maketrans(dict.fromkeys(",;:.!?()[]–-", ".") | dict.fromkeys('"“”', None))  # a quotation mark is no pause
_GAPS = re.compile(r"(?<!\.)\.++ [. ]*+| \.[. ]*+")  # marks and spaces in a row, both
_EDGES = ' \t,;:.!?()[]…–—-"“”'


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """Syllable figures of a song, `_sd` the standard deviation (of all lines, of all words); shares are 0 to 1.

    `growing_line_share`, `shrinking_line_share` and `even_line_share` add up to 1; they and `line_length_autocorrelation` (-1 to 1) are
    None for a single line, the latter also where all lines are equally long. `stress_regularity` is None with few stresses.
    """

    syllables: int
    syllables_per_line: float
    syllables_per_line_sd: float
    syllables_per_word: float
    syllables_per_word_sd: float
    growing_line_share: float | None
    shrinking_line_share: float | None
    even_line_share: float | None
    line_length_autocorrelation: float | None
    pauses_per_line: float
    stress_regularity: float | None


def measure(sound: Sound) -> FlowFigures:
    """Flow of a song of at least one bar."""
    per_line = (sound.end - sound.begin).astype(np.int64)
    per_word = np.bincount(sound.word, minlength=len(sound.text))
    grow, shrink, even = line_shape(per_line) or (None, None, None)
    return FlowFigures(
        syllables=sound.syllables,
        syllables_per_line=sound.syllables / len(per_line),
        syllables_per_line_sd=_deviation(per_line),
        syllables_per_word=sound.syllables / len(per_word),
        syllables_per_word_sd=_deviation(per_word),
        growing_line_share=grow,
        shrinking_line_share=shrink,
        even_line_share=even,
        line_length_autocorrelation=autocorrelation(per_line),
        pauses_per_line=pauses([bar.text for bar in sound.bars]) / len(per_line),
        stress_regularity=stress_regularity(sound),
    )


def _deviation(counts: Places) -> float:
    """The standard deviation of whole numbers, exact as their sums are."""
    total, squares = int(counts.sum()), int(np.dot(counts, counts))
    return math.sqrt(len(counts) * squares - total * total) / len(counts)


def line_shape(lengths: Places) -> tuple[float, float, float] | None:
    """Shares of lines that are longer, shorter, or as long as the line before, give or take EVEN_PERCENT; None for a single line."""
    if len(lengths) < 2:
        return None
    before, here = lengths[:-1], 100 * lengths[1:]
    grow = int(np.count_nonzero(here > (100 + EVEN_PERCENT) * before)) / len(here)
    shrink = int(np.count_nonzero(here < (100 - EVEN_PERCENT) * before)) / len(here)
    return grow, shrink, max(0.0, 1 - grow - shrink)


def autocorrelation(lengths: Places) -> float | None:
    """How much a line's length follows the line before: the lag-1 autocorrelation r1 (Box and Jenkins), -1 to 1; None without variation."""
    centred = lengths - int(lengths.sum()) / len(lengths)
    total = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / total if total > 0 and len(lengths) > 2 else None


def pauses(lines: list[str]) -> int:
    """How often marks (comma, full stop, dash, bracket, ellipsis ...) part two words inside a line; marks in a row are one pause.

    Hyphens and full stops within a word are none, nor is the mark that ends a line.
    """
    text = "\n".join([line.strip(_EDGES) for line in lines])
    if not text.isascii():
        text = text.replace("—", " - ").replace("…", "... ")
    marked = text.translate(_MARKS).split("\n")
    return sum([len(_GAPS.findall(line)) if " ." in line else line.count(". ") for line in marked])


def stress_regularity(sound: Sound) -> float | None:
    """How even the beat is: 1 minus the normalised entropy of the distances between stressed syllables of a line (1 to 6, capped).

    0 is no pattern, 1 one spacing throughout. None below LEAST_GAPS distances: entropy of so few is noise.
    """
    at = np.flatnonzero(sound.stressed)
    bar = sound.bar[at]
    gaps = np.minimum(np.diff(at)[bar[1:] == bar[:-1]], _LONGEST_GAP)
    if len(gaps) < LEAST_GAPS:
        return None
    counts = np.bincount(gaps)
    shares = counts[counts > 0] / len(gaps)
    return max(0.0, 1.0 + float(shares @ np.log(shares)) / math.log(_LONGEST_GAP))
