"""How easily the words would read, by the formulas of Flesch. Lyrics have no sentences: a line counts as one, and every name says so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadabilityFigures:
    """Reading ease (about 100 very easy, 0 very hard, not bounded) and school grade (US, may be below 0), with a line as a sentence."""

    flesch_reading_ease_line_as_sentence: float
    flesch_kincaid_grade_line_as_sentence: float


def measure(lines: int, words: int, syllables: int) -> ReadabilityFigures:
    """Flesch (1948) and Kincaid et al. (1975) from counts of at least one line and word; the syllables are those that the ear heard."""
    per_line, per_word = words / lines, syllables / words
    return ReadabilityFigures(
        206.835 - 1.015 * per_line - 84.6 * per_word,
        0.39 * per_line + 11.8 * per_word - 15.59,
    )
