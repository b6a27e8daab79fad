"""A cursor says what was shown, to the question it belongs to, and nothing when it is damaged."""

import random
from dataclasses import replace

import pytest

from rap_platform.embeddings.search import cursor
from rap_platform.embeddings.search.question import Filters, Question, SearchError

QUESTION = Question("every dollar has a price", but_not="love", filters=Filters(artist="Big Tally", year_from=1990))


@pytest.mark.parametrize(
    "shown",
    [
        [],
        [1],
        [7, 3, 128, 127, 16384],
        list(range(1, cursor.MAX_DEPTH + 1)),
        [2**63 - 1 - number for number in range(cursor.MAX_DEPTH)],
        random.Random(1).sample(range(1, 2**40), cursor.MAX_DEPTH),
    ],
)
def test_a_cursor_holds_what_was_shown(shown: list[int]) -> None:
    text = cursor.dump(QUESTION, shown)
    assert cursor.load(replace(QUESTION, cursor=text)) == set(shown)
    assert len(text) <= cursor.MAX_CHARACTERS
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_songs_of_a_large_library_take_about_three_characters_each() -> None:
    shown = random.Random(2).sample(range(1, 200_000), 400)
    assert len(cursor.dump(QUESTION, shown)) < 1200


def test_without_a_cursor_nothing_was_shown() -> None:
    assert cursor.load(QUESTION) == frozenset()


def test_another_page_size_is_the_same_question() -> None:
    text = cursor.dump(QUESTION, [5])
    assert cursor.load(replace(QUESTION, text=" every dollar has a price\n", limit=50, cursor=text)) == {5}


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTION, text="every dollar has a prize"),
        replace(QUESTION, but_not=None),
        replace(QUESTION, filters=Filters(artist="Big Tally", year_to=1990)),
        replace(QUESTION, filters=Filters(artist="Big Tally", year_from=1990, simulated=False)),
        replace(QUESTION, sides=("meaning",)),
    ],
)
def test_a_cursor_of_another_question_is_refused(other: Question) -> None:
    with pytest.raises(SearchError, match="belongs to another question.*without a cursor"):
        cursor.load(replace(other, cursor=cursor.dump(QUESTION, [5, 6])))


def test_every_changed_character_is_noticed() -> None:
    text = cursor.dump(QUESTION, [3, 500, 70_000])
    for place in range(len(text)):
        for other in "AZaz09-_":
            if other != text[place]:
                with pytest.raises(SearchError, match="without a cursor"):
                    cursor.load(replace(QUESTION, cursor=text[:place] + other + text[place + 1 :]))


@pytest.mark.parametrize("length", range(0, 30, 3))
def test_a_cut_cursor_is_damaged(length: int) -> None:
    text = cursor.dump(QUESTION, [3, 500, 70_000])
    with pytest.raises(SearchError, match="copy all of it"):
        cursor.load(replace(QUESTION, cursor=text[:length]))


@pytest.mark.parametrize("text", ["", "=", "====", "page2", "a b", "ä", "\ud800", "A" * 10_000, "../../etc", "AA=="])
def test_what_is_no_cursor_is_damaged(text: str) -> None:
    with pytest.raises(SearchError, match="damaged"):
        cursor.load(replace(QUESTION, cursor=text))


def test_ids_that_no_song_has_are_damage_even_under_a_right_checksum() -> None:
    for ids in ([2**63], [2**70], range(1, cursor.MAX_DEPTH + 2)):
        with pytest.raises(SearchError, match="damaged"):
            cursor.load(replace(QUESTION, cursor=cursor.dump(QUESTION, ids)))
