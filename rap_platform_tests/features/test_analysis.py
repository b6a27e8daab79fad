"""From one song to one row, and what a row says when there is too little to hear."""

import sys
from dataclasses import asdict
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rap_platform.features import flow, profanity, vocabulary
from rap_platform.features.analysis import LyricFeatures, analyse
from rap_platform.features.bars import bars
from rap_platform.features.rhyme import hear

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


def test_moving_ratio_is_the_mean_over_windows() -> None:
    assert vocabulary.moving_ratio(["a", "a", "b"], 2) == pytest.approx((1 / 2 + 2 / 2) / 2)
    assert vocabulary.moving_ratio(["a"], 2) is None


def test_novelty_compares_with_the_line_before() -> None:
    assert vocabulary.novel_word_share(bars("a cat sat\na dog sat")) == pytest.approx(1 / 3)
    assert vocabulary.novel_word_share(bars("alone")) is None


def test_hooks_are_headed_or_repeated_lines() -> None:
    text = "[Verse]\nnew words here\nother words there\n[Chorus]\nsing it loud\n[Verse 2]\nnew words here"
    assert vocabulary.hook_share(bars(text)) == pytest.approx(3 / 4)


def test_a_strict_metre_is_more_regular_than_prose() -> None:
    iambic = hear(bars("\n".join(["the sun will rise again today and burn"] * 10)))
    loose = hear(
        bars("\n".join(["tell nobody anything", "big red dog barks loud", "an unimaginable possibility remained"] * 5))
    )
    regular, irregular = flow.stress_regularity(iambic), flow.stress_regularity(loose)
    assert regular is not None
    assert irregular is not None
    assert regular > irregular


@pytest.mark.parametrize(
    ("line", "rating"),
    [("a quiet day", "G"), ("a damn quiet day " + "and on " * 60, "PG"), ("damn this day", "PG-13"), ("one shit day", "PG-13"),
     ("shit day and shit night " + "and on " * 60, "R"), ("the class assessed the grass in Scunthorpe", "G")],
)  # fmt: skip
def test_ratings_follow_strength_and_rate(line: str, rating: str) -> None:
    assert profanity.measure(bars(line)).rating == rating
