"""How a song moves, on lines whose figures can be counted by hand."""

import math

import numpy as np
import pytest

from rap_platform.features import flow
from rap_platform.features.bars import bars
from rap_platform.features.hearing import Places, hear


def lengths(*syllables: int) -> Places:
    return np.array(syllables, dtype=np.int64)


def test_syllables_are_counted_per_line_and_per_word_with_their_spread() -> None:
    figures = flow.measure(hear(bars("the cat sat down\nthe yellow river")))
    assert (figures.syllables, figures.syllables_per_line) == (9, 4.5)
    assert figures.syllables_per_line_sd == pytest.approx(0.5)  # 4 and 5
    assert figures.syllables_per_word == pytest.approx(9 / 7)
    assert figures.syllables_per_word_sd == pytest.approx(
        (2 / 7 - (2 / 7) ** 2) ** 0.5
    )  # two of seven words have one more


def test_lines_grow_shrink_or_stay_by_fifteen_percent() -> None:
    assert flow.line_shape(lengths(10, 11, 9, 12, 12)) == pytest.approx((1 / 4, 1 / 4, 2 / 4))
    assert flow.line_shape(lengths(100, 115, 132, 113)) == pytest.approx((0, 0, 1))  # exactly 15 % is even
    assert flow.line_shape(lengths(10)) is None


def test_line_lengths_that_take_turns_are_negatively_correlated_with_the_line_before() -> None:
    assert flow.autocorrelation(lengths(8, 12, 8, 12)) == pytest.approx(-3 / 4)
    assert flow.autocorrelation(lengths(8, 8, 12, 12)) == pytest.approx(1 / 4)
    assert flow.autocorrelation(lengths(9, 9, 9)) is None


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("no mark at all", 0),
        ("a mark at the end,", 0),
        ("one, two, three", 2),
        ("wait... who goes there?", 1),
        ("wait . . . . who -- - goes", 2),
        ("two  spaces", 0),
        ("wait… who goes there", 1),
        ("stop. look. listen", 2),
        ("a dash - inside", 1),
        ("a dash—inside", 1),
        ("a dash — inside", 1),
        ("count it up (yeah)", 1),
        ("I said (what), and then", 2),
        ("yeah, (what) now", 2),
        ("a hard-boiled U.S.A. man", 1),  # the full stop after the A
        ("ten, 10,000 reasons", 1),
        ("(all in brackets)", 0),
        ("- led by a dash", 0),
        ("“hi,” he said", 1),
        ('he said "go" and went', 0),
    ],
)
def test_pauses_are_marks_between_two_words(line: str, count: int) -> None:
    assert flow.pauses([line]) == count
    assert flow.pauses([line, line]) == 2 * count


def test_a_line_without_end_is_only_a_long_line() -> None:
    figures = flow.measure(hear(bars("go " * 200_000 + "\ngo")))
    assert figures.syllables_per_line_sd == pytest.approx(199_999 / 2)


def test_distances_of_four_and_five_are_told_apart() -> None:
    line = "cat of the a dog of the a and cat of the a dog of the a and cat"
    regularity = flow.measure(hear(bars("\n".join([line] * 10)))).stress_regularity
    assert regularity == pytest.approx(1 - math.log(2) / math.log(6))


def test_a_strict_metre_is_more_regular_than_prose() -> None:
    iambic = hear(bars("\n".join(["the sun will rise again today and burn"] * 10)))
    loose = hear(
        bars("\n".join(["tell nobody anything", "big red dog barks loud", "an unimaginable possibility remained"] * 5))
    )
    regular, irregular = flow.stress_regularity(iambic), flow.stress_regularity(loose)
    assert regular is not None
    assert irregular is not None
    assert regular > irregular


def test_one_spacing_throughout_is_full_regularity_and_few_stresses_are_none() -> None:
    assert flow.stress_regularity(hear(bars("\n".join(["cat dog bird fish"] * 7)))) == pytest.approx(1.0)
    assert flow.stress_regularity(hear(bars("cat dog bird fish"))) is None
