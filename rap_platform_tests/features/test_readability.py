"""The formulas of Flesch and Kincaid, worked by hand."""

import pytest

from rap_platform.features import readability


def test_the_formulas_take_a_line_for_a_sentence() -> None:
    figures = readability.measure(lines=10, words=100, syllables=130)
    assert figures.flesch_reading_ease_line_as_sentence == pytest.approx(206.835 - 10.15 - 109.98)
    assert figures.flesch_kincaid_grade_line_as_sentence == pytest.approx(3.9 + 15.34 - 15.59)


def test_longer_words_are_harder() -> None:
    easy, hard = readability.measure(10, 100, 110), readability.measure(10, 100, 180)
    assert easy.flesch_reading_ease_line_as_sentence > hard.flesch_reading_ease_line_as_sentence
    assert easy.flesch_kincaid_grade_line_as_sentence < hard.flesch_kincaid_grade_line_as_sentence
