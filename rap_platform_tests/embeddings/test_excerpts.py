"""The excerpt of a hit shows the line that was meant."""

from rap_platform.embeddings.search.excerpts import excerpt
from rap_platform.embeddings.search.question import Line

TEXTS = [f"line {number}" for number in range(1, 11)]
NOTHING: list[list[str]] = [[] for _ in TEXTS]


def test_the_likest_line_is_marked_with_lines_around_it() -> None:
    likeness = [0.1] * 10
    likeness[6] = 0.6
    lines, words = excerpt(TEXTS, NOTHING, likeness, asked=3, first_line=21)
    assert [line.line_no for line in lines] == [25, 26, 27, 28, 29]
    assert [line.line_no for line in lines if line.matched] == [27]
    assert words == ()


def test_a_line_with_the_words_beats_a_line_that_is_only_like() -> None:
    held = [*NOTHING[:2], ["sea", "ship"], *NOTHING[3:]]
    likeness = [0.1] * 10
    likeness[6] = 0.6
    lines, words = excerpt(TEXTS, held, likeness, asked=2, first_line=1)
    assert [line for line in lines if line.matched] == [Line(3, "line 3", True)]
    assert words == ("sea", "ship")


def test_a_short_section_is_shown_whole_and_empty_lines_are_not_marked() -> None:
    lines, _ = excerpt(["", "only"], [[], []], [0.9, 0.1], asked=1, first_line=4)
    assert lines == [Line(4, "", False), Line(5, "only", True)]


def test_the_excerpt_holds_as_many_good_lines_as_fit() -> None:
    likeness = [0.0] * 10
    likeness[3], likeness[6] = 0.50, 0.49
    lines, _ = excerpt(TEXTS, NOTHING, likeness, asked=1, first_line=1)
    assert [line.line_no for line in lines if line.matched] == [4, 7]


def test_no_lines_make_no_excerpt() -> None:
    assert excerpt([], [], [], asked=1, first_line=1) == ([], ())
