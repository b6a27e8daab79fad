"""From one song to one row, and what a row says when there is too little to hear."""

import sys
from dataclasses import asdict, fields
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rap_platform.features.analysis import LISTS, LyricFeatures, analyse, restored
from rap_platform.features.usual import USUAL

VERSE = [
    "I came up from the cellar with a pocket full of chalk",
    "I drew the way to heaven on the corner of the block",
    "My mother kept the radio on low throughout the night",
    "I learned to count the bars before I ever learned to write",
    "The teacher said be quiet and the preacher said be good",
    "I listened to the pavement and I answered like I should",
    "Now every single syllable is heavier than stone",
    "I built a tower out of them and climbed it all alone",
]


def song(verses: int) -> str:
    return "\n\n".join(f"[Verse {number}]\n" + "\n".join(VERSE) for number in range(1, verses + 1))


def test_a_song_of_couplets_is_heard_as_such() -> None:
    features = analyse(song(4))
    assert features.status == "ok"
    assert features.reason is None
    assert (features.bars, features.words) == (32, 4 * sum(len(line.split()) for line in VERSE))
    assert features.rhyme_scheme == "AABBCCDD"
    assert features.end_rhyme_share == 1.0
    assert features.syllables_per_line == pytest.approx(14.0, abs=0.6)
    assert features.hook_share == 1.0  # every line comes again
    assert features.out_of_vocabulary_share == 0.0
    assert features.profanity_rating == "G"
    assert (features.sections, features.verses, features.hooks, features.bars_per_verse) == (4, 4, 0, 8.0)
    assert features.section_schemes is not None
    assert [section.scheme for section in features.section_schemes] == ["AABBCCDD"] * 4
    assert features.repeated_line_share == 0.75
    assert features.distinct_words == len({word for line in VERSE for word in line.lower().split()})


def test_every_figure_of_a_song_that_is_heard_is_there() -> None:
    figures = asdict(analyse(song(4)))
    assert {name for name, value in figures.items() if value is None} == {"reason"}


def test_a_row_comes_back_from_its_columns_as_it_was() -> None:
    heard = analyse(song(4) + "\nthe damn night is cold like a stone")
    assert heard.profanities
    assert heard.similes
    columns = [field.name for field in fields(LyricFeatures)]
    row = {name: getattr(heard, name) for name in columns}
    stored = {name: [item._asdict() for item in row[name]] if name in LISTS else row[name] for name in columns}
    assert restored(columns, list(stored.values())) == heard


def test_what_is_usual_is_said_of_figures_that_exist_and_names_its_source() -> None:
    names = {field.name for field in fields(LyricFeatures)}
    for name, usual in USUAL.items():
        assert name in names
        assert usual.low < usual.mean < usual.high
        assert "Hirjee and Brown" in usual.source or "Malmi" in usual.source
    assert USUAL["rhyme_density"].place(0.154) == 0.0
    assert USUAL["rhyme_density"].place(0.354) == pytest.approx(1.0)
    assert USUAL["rhyme_density"].place(0.554) == pytest.approx(2.0)


def test_a_short_song_says_so_and_gives_no_figure() -> None:
    features = analyse("one line\nand another line")
    assert (features.status, features.bars, features.words) == ("too_short", 2, 5)
    assert features.reason == "2 bars; figures need 8"
    figures = asdict(features)
    assert {name for name, value in figures.items() if value is not None} == {"status", "reason", "bars", "words"}


def test_eight_bars_are_measured_with_low_confidence() -> None:
    features = analyse(song(1))
    assert features.status == "low_confidence"
    assert features.rhyme_density is not None
    assert "8 bars" in (features.reason or "")


def test_another_language_is_not_measured_with_english_ears() -> None:
    features = analyse("\n".join(["le ciel est bleu ce soir"] * 12), "fr")
    assert features.status == "not_english"
    assert features.rhyme_density is None
    assert "fr" in (features.reason or "")


def test_an_unnamed_language_is_told_by_its_words() -> None:
    foreign = "\n".join(["mä kävelen kotiin yöllä hiljaa", "sä nukut vielä äläkä herää"] * 6)
    assert analyse(foreign, None).status == "not_english"
    assert analyse(song(4), None).status == "ok"


def test_lines_without_a_speakable_word_do_not_break_the_song() -> None:
    assert analyse("\n".join(["..."] * 20)).status == "too_short"
    assert analyse("\n".join(["日本"] * 20)).reason == "no word can be spoken"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=20), st.sampled_from(["en", None]))
def test_any_text_gives_figures_in_range(lines: list[str], language: str | None) -> None:
    features = analyse("\n".join([*lines, *VERSE]), language)
    assert isinstance(features, LyricFeatures)
    for name, value in asdict(features).items():
        if name.endswith("_share") or name in ("rhyme_density", "type_token_ratio", "mattr_50", "stress_regularity"):
            assert value is None or 0 <= value <= 1, name


def _calls(text: str) -> int:
    """How many functions are called to analyse a text: the work, whatever the machine is busy with."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        analyse(text)
    finally:
        sys.setprofile(before)
    return calls


def test_a_long_poem_costs_in_proportion() -> None:
    analyse(song(1))
    short, long = song(20), song(200)
    assert _calls(long) < 12 * _calls(short)
