"""Alliteration, assonance, consonance, anaphora and similes, in lines made to have or lack them."""

import pytest

from rap_platform.features import devices
from rap_platform.features.bars import bars
from rap_platform.features.hearing import Sound, hear


def sound(text: str) -> Sound:
    return hear(bars(text))


def similes(text: str) -> list[str]:
    return [text[found.start : found.end] for found in devices.similes(text, sound(text))]


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("big bad boys", 2),
        ("big and the bad boys", 2),  # small words are passed over
        ("city kids", 0),  # the ear, not the eye: S and K
        ("city sun", 1),
        ("big big", 0),
        ("apple arrow", 0),
    ],
)
def test_alliteration_is_heard_in_neighbouring_words(line: str, count: int) -> None:
    assert devices.alliterations(sound(line)) == count


def test_alliteration_ends_with_the_line() -> None:
    assert devices.alliterations(sound("some bread\nbutter")) == 0


def test_assonance_is_a_stressed_vowel_heard_before_in_another_word_of_the_line() -> None:
    assert devices.assonances(sound("green trees bleed")) == 2
    assert devices.assonances(sound("green stones")) == 0
    assert devices.assonances(sound("green green")) == 0
    assert devices.assonances(sound("green\ntrees")) == 0


def test_consonance_closes_alike_after_another_vowel() -> None:
    assert devices.consonances(sound("blank think")) == 1
    assert devices.consonances(sound("blank bank")) == 0  # that is rhyme
    assert devices.consonances(sound("go see")) == 0  # open syllables close with nothing
    assert devices.consonances(sound("blank\nthink")) == 0


def test_lines_that_begin_alike_are_anaphora() -> None:
    text = "never saw the river\nnever heard the thunder\nanother line follows\nlast of them all"
    assert devices.anaphora_share(bars(text)) == pytest.approx(2 / 4)


@pytest.mark.parametrize(
    "text",
    [
        "and the river ran\nand the thunder came",  # the small words alone are alike
        "river ran\nriver ran",  # the line said again
        "[Verse 1]\nriver ran\n\n[Verse 2]\nriver went",  # two sections
    ],
)
def test_small_words_repeated_lines_and_section_borders_are_no_anaphora(text: str) -> None:
    assert devices.anaphora_share(bars(text)) == 0.0


def test_small_words_count_with_the_word_after_them() -> None:
    assert devices.anaphora_share(bars("I came to win\nI came to stay")) == 1.0


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("quiet like a thief in the night", ["like a thief"]),
        ("hands as cold as ice", ["as cold as ice"]),
        ("as quick as a fox, like my old man", ["as quick as a fox", "like my old man"]),
        ("I like the way you move", []),
        ("I would like a drink", []),
        ("as long as the road goes on", []),
        ("as much as money talks", []),
        ("he's like, the best", []),
        ("unlike a child", []),
        ("we moved like an army of kings", ["like an army"]),
        ("Like the wind", ["Like the wind"]),
        ("a child-like a thing", []),
    ],
)
def test_similes_are_told_by_their_form(line: str, found: list[str]) -> None:
    assert similes(line) == found


def test_similes_are_placed_in_the_whole_lyrics() -> None:
    text = "[Verse]\n\nnothing here\n  it’s cold like the sea"
    assert similes(text) == ["like the sea"]
    assert devices.measure(text, sound(text)).similes_per_100_lines == pytest.approx(50.0)
