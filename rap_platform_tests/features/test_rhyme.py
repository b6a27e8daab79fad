"""What rhymes, and what only looks as if it did. All lines here are our own."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rap_platform.features import rhyme
from rap_platform.features.bars import bars
from rap_platform.features.rhyme import (
    end_rhymes,
    find_rhymes,
    hear,
    measure,
    rhyme_factor,
    rhyme_groups,
    rhymes,
    scheme,
)
from rap_platform.features.syllables import Syllable

COUPLETS = """[Verse 1]
The lamp is low, the night is long
I hum the pieces of a song
The window rattles in the rain
I write it down and start again

[Hook]
Over the water and over the hill
Nobody's talking and everything's still
Over the harbour the morning is grey
Nobody's asking and nobody's to stay
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [("night", "light"), ("money", "honey"), ("through", "blue"), ("enough", "stuff"), ("rain", "again"), ("love", "prove"),
     ("rollin'", "stolen"), ("eternity", "liberty"), ("poet", "poet"), ("flow", "though"), ("crown'd", "sound")],
)  # fmt: skip
def test_words_that_rhyme_to_the_ear(one: str, other: str) -> None:
    assert rhymes(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cough", "though"),
        ("making", "going"),
        ("night", "day"),
        ("heart", "heard"),
        ("rock", "rob"),
        ("money", "lonely"),
        ("go", "you"),
    ],
)
def test_words_that_do_not(one: str, other: str) -> None:
    assert not rhymes(one, other)


def test_headers_and_directions_are_no_bars() -> None:
    found = bars(COUPLETS + "[Gunshot]\n")
    assert [bar.line_no for bar in found] == [1, 2, 3, 4, 7, 8, 9, 10]
    assert [bar.hook for bar in found] == [False] * 4 + [True] * 4


def test_the_scheme_is_that_of_the_first_section_with_four_lines() -> None:
    sound = hear(bars(COUPLETS))
    assert scheme(sound, end_rhymes(sound)) == "AABB"
    alternate = "He took the road\nAnd left the town\nHe dropped the load\nThe sun went down"
    sound = hear(bars(alternate))
    assert scheme(sound, end_rhymes(sound)) == "ABAB"
    assert scheme(hear(bars("one line\nand another")), []) is None


def test_a_repeated_word_keeps_its_letter_but_is_no_rhyme() -> None:
    sound = hear(bars("I said my name\nYou said my name\nThe cat went out\nA bird flew in"))
    figures = measure(sound)
    assert figures.scheme == "AABC"
    assert figures.end_share == 0.0
    assert figures.density == 0.0


def test_a_mosaic_rhyme_crosses_words() -> None:
    sound = hear(bars("they call me a poet\nand all of you know it"))
    assert end_rhymes(sound) == [(0, 1, False)]


def test_internal_and_multisyllabic_rhymes_are_found() -> None:
    sound = hear(bars("the city was gritty and nothing was pretty"))
    internal = [rhyme for rhyme in find_rhymes(sound) if rhyme.same_bar and rhyme.length == 2]
    words = [(sound.texts[rhyme.first], sound.texts[rhyme.second]) for rhyme in internal]
    assert ("city", "gritty") in words


def test_prose_rhymes_less_than_verse() -> None:
    prose = "\n".join(
        ["the committee met on tuesday", "a report about drainage was read", "nobody had any questions",
         "the chairman thanked the secretary", "coffee was served at eleven", "the next meeting is in april"]
    )  # fmt: skip
    assert measure(hear(bars(prose))).density < measure(hear(bars(COUPLETS))).density / 2


def test_the_rhyme_factor_counts_vowels_as_malmi_does() -> None:
    # "plate" e-i looks back at "late" e-i: a run of two; "late" has nothing before it.
    assert rhyme_factor(bars("late plate")) == 2.0
    # A single equal vowel counts zero, so does the same word.
    assert rhyme_factor(bars("cat hat")) == 0.0
    assert rhyme_factor(bars("late late")) == 0.0
    # A repeated line is left out, so is one in brackets.
    assert rhyme_factor(bars("late plate\nlate plate\n(late plate crate)")) == 2.0
    assert rhyme_factor(bars("alone")) is None


def test_groups_cover_the_words_that_rhyme_line_by_line() -> None:
    lines = COUPLETS.split("\n")
    spans = rhyme_groups(COUPLETS)
    assert len(spans) == len(lines)
    assert spans[0] == []
    ends = [(lines[at][spans[at][-1].start : spans[at][-1].end], spans[at][-1].group) for at in (1, 2, 3, 4)]
    assert [word for word, _ in ends] == ["long", "song", "rain", "again"]
    assert ends[0][1] == ends[1][1]
    assert ends[2][1] == ends[3][1]
    assert ends[0][1] != ends[2][1]
    for line, found in zip(lines, spans, strict=True):
        assert all(0 <= span.start < span.end <= len(line) for span in found)


def test_text_without_words_has_no_groups() -> None:
    assert rhyme_groups("") == [[]]
    assert rhyme_groups("[Hook]\n!!!\n") == [[], [], []]


def test_an_adlib_in_brackets_is_not_the_end_of_the_line() -> None:
    sound = hear(
        bars("I was cold in the hall (yeah)\nWith my back to the wall (uh-huh) (woo!)\n(all night)\nnothing here")
    )
    assert [bar.main for bar in sound.bars] == [6, 6, 2, 2]
    assert end_rhymes(sound) == [(0, 1, False)]


def test_a_line_without_end_takes_time_by_its_length_not_by_its_square() -> None:
    line = " ".join(f"{word} the cat sat on a mat" for word in ("love", "dove", "stove", "rove") * 300)
    started = time.monotonic()
    assert measure(hear(bars(line))).longest >= 1
    assert time.monotonic() - started < 10


def test_two_threads_never_give_two_syllables_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rhyme, "_NUMBERS", {})
    monkeypatch.setattr(rhyme, "_MOST_NUMBERS", 1000)
    syllables = [Syllable("AA", (f"T{number}",), 1) for number in range(4000)]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(rhyme._number, syllables))
    assert len(set(numbers)) == len(syllables)
    assert len(rhyme._NUMBERS) <= 1008
