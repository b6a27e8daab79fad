"""The excerpt of a hit shows the line that was meant and marks what was found in it."""

import psycopg
import pytest

from rap_platform.embeddings.search import terms, words
from rap_platform.embeddings.search.excerpts import Evidence, excerpt, word_weights
from rap_platform.embeddings.search.question import Line
from rap_platform.embeddings.search.soundalikes import Alike, Ear
from rap_platform.embeddings.search.terms import Terms
from rap_platform.embeddings.search.words import Held

TEXTS = [f"line {number}" for number in range(1, 11)]
WEIGHTS = {"sea": 0.5, "ship": 0.5}


def evidence(**lines: Evidence) -> list[Evidence]:
    """Evidence of ten lines; `line_7` is the seventh, others are a bit like the question."""
    return [lines.get(f"line_{number}", Evidence(likeness=0.1)) for number in range(1, 11)]


def matched(lines: list[Line]) -> list[int]:
    return [line.line_no for line in lines if line.matched]


def test_the_likest_line_matches_with_lines_around_it() -> None:
    found = excerpt(TEXTS, evidence(line_7=Evidence(likeness=0.6)), WEIGHTS, first_line=21)
    assert [line.line_no for line in found.lines] == [25, 26, 27, 28, 29]
    assert matched(found.lines) == [27]
    assert (found.words, found.sounds) == ((), ())


def test_a_line_with_the_words_beats_a_line_that_is_only_like() -> None:
    held = Evidence([Held("ship", 0, 4), Held("sea", 5, 6)], likeness=0.1)
    found = excerpt(TEXTS, evidence(line_3=held, line_7=Evidence(likeness=0.6)), WEIGHTS, first_line=1)
    assert [line for line in found.lines if line.matched] == [Line(3, "line 3", True, ((0, 4), (5, 6)))]
    assert found.words == ("sea", "ship")


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    rare, common = Evidence([Held("ship", 0, 4)]), Evidence([Held("sea", 0, 4)])
    found = excerpt(TEXTS, evidence(line_2=common, line_9=rare), {"sea": 0.2, "ship": 0.8}, first_line=1)
    assert matched(found.lines) == [9]


def test_a_line_that_sounds_like_the_question_matches_and_says_how() -> None:
    heard = Evidence(alike=[Alike("sea", "see", 0, 3)], likeness=0.1)
    found = excerpt(TEXTS, evidence(line_5=heard), WEIGHTS, first_line=1)
    assert [line for line in found.lines if line.matched] == [Line(5, "line 5", True, ((0, 3),))]
    assert (found.words, found.sounds) == ((), (("sea", "see"),))


def test_words_are_marked_in_every_line_shown_and_sounds_where_the_line_matches() -> None:
    best = Evidence([Held("sea", 0, 2), Held("ship", 3, 4)])
    beside = Evidence([Held("sea", 1, 3)], [Alike("boat", "bote", 4, 6)])
    found = excerpt(TEXTS, evidence(line_4=best, line_5=beside), WEIGHTS, first_line=1)
    spans = {line.line_no: line.spans for line in found.lines}
    assert (spans[4], spans[5]) == (((0, 2), (3, 4)), ((1, 3),))
    assert found.sounds == ()


def test_marks_that_overlap_are_one() -> None:
    line = Evidence([Held("ship", 0, 4), Held("sea", 8, 10)], [Alike("sea ship", "see sheep", 2, 6)])
    (shown,) = excerpt(["0123456789"], [line], WEIGHTS, first_line=1).lines
    assert shown.spans == ((0, 6), (8, 10))


def test_a_short_section_is_shown_whole_and_empty_lines_never_match() -> None:
    found = excerpt(["", "only"], [Evidence(likeness=0.9), Evidence(likeness=0.1)], WEIGHTS, first_line=4)
    assert found.lines == [Line(4, "", False), Line(5, "only", True)]


def test_the_excerpt_holds_as_many_good_lines_as_fit() -> None:
    good = evidence(line_4=Evidence(likeness=0.50), line_7=Evidence(likeness=0.49))
    assert matched(excerpt(TEXTS, good, {}, first_line=1).lines) == [4, 7]


def test_no_lines_make_no_excerpt() -> None:
    assert excerpt([], [], WEIGHTS, first_line=1).lines == []


def asked(**weights: float) -> Terms:
    stems = {word: (word,) if weight else () for word, weight in weights.items()}
    lexemes = {word: weight for word, weight in weights.items() if weight}
    return Terms("", tuple(weights), {}, stems, lexemes, {}, (), 0)


def test_words_share_the_question_by_how_rare_they_are() -> None:
    assert word_weights(asked(the=0.0, sea=1.0, harbour=3.0)) == {"sea": 0.25, "harbour": 0.75}
    assert word_weights(asked(the=0.0)) == {}


@pytest.mark.parametrize(
    ("question", "line", "marked"),
    [
        ("counting dollars", "He counts every Dollar twice", ["counts", "Dollar"]),
        ("café nights", "Cafe\u0301 night, CAFÉ nights", ["Cafe\u0301", "night", "CAFÉ", "nights"]),
        ("fire", "🔥🔥 fire 👩‍👩‍👧 fires", ["fire", "fires"]),
        ("money", "שלום money עולם", ["money"]),
        ("море", "чёрное море и моря", ["море"]),
        ("don't stop", "DON’T you stop, don't", ["stop"]),
        ("resume", "resume\u0301 resume", ["resume\u0301", "resume"]),
        ("sea", "x" * 50_000 + " sea " + "y" * 50_000, ["sea"]),
    ],
)
def test_marks_are_the_characters_of_the_words_in_any_writing(
    connection: psycopg.Connection, question: str, line: str, marked: list[str]
) -> None:
    read = terms.read(connection, question)
    (held,), (alike,) = words.held(connection, read, [line]), [Ear(read).alike(line)]
    (shown,) = excerpt([line], [Evidence(held, alike)], word_weights(read), first_line=1).lines
    assert [line[start:end] for start, end in shown.spans] == marked
