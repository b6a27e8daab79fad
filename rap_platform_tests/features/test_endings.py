"""Which words that end lines rhyme, how well, and which perfectly."""

import pytest

from rap_platform.features.endings import FEMININE, PROMOTED, SMALL, STRESSED, endings, rhyme_score, rhymes
from rap_platform.features.likeness import shipped


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("night", "light"), ("money", "honey"), ("through", "blue"), ("enough", "stuff"), ("rain", "again"), ("rollin'", "stolen"),
        ("eternity", "liberty"), ("eternity", "sea"), ("flow", "though"), ("crown'd", "sound"), ("fire", "desire"), ("liar", "fire"),
        ("hour", "power"), ("playa", "slaya"), ("NYC", "see"), ("gettin'", "sweatin'"), ("yeaaah", "yeah"),
    ],
)  # fmt: skip
def test_words_that_rhyme_to_the_ear(one: str, other: str) -> None:
    assert rhymes(one, other)
    assert rhymes(other, one)
    assert rhyme_score(one, other) == rhyme_score(other, one) >= shipped().threshold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cough", "though"), ("making", "going"), ("night", "day"), ("heart", "heard"), ("rock", "rob"), ("money", "lonely"), ("go", "you"),
        ("power", "poor"), ("begin", "begging"), ("日本", "night"), ("日本", "中国"),
    ],
)  # fmt: skip
def test_words_that_do_not(one: str, other: str) -> None:
    assert not rhymes(one, other)


def test_a_word_rhymes_with_itself() -> None:
    assert rhymes("flow", "flow")
    assert rhymes("日本", "日本")


def test_what_cannot_be_said_scores_below_everything() -> None:
    assert rhyme_score("日本", "night") == float("-inf")


def test_more_sound_in_common_scores_higher() -> None:
    assert rhyme_score("city", "pretty") > rhyme_score("city", "sea") > rhyme_score("city", "so")
    assert rhyme_score("night", "light") > rhyme_score("night", "lied") > rhyme_score("night", "loan")


def test_endings_are_of_four_kinds_one_for_each_way_to_say_the_word() -> None:
    assert [ending.kind for ending in endings("night")] == [STRESSED]
    assert {ending.kind for ending in endings("it")} == {SMALL}
    assert [ending.kind for ending in endings("making")] == [FEMININE]
    assert [ending.kind for ending in endings("eternity")] == [PROMOTED]
    assert {ending.kind for ending in endings("fire")} == {FEMININE, STRESSED}
    assert endings("日本") == ()
