"""Profane words, masked ones too, where they stand, and innocent words that look like them."""

import pytest

from rap_platform.features import profanity
from rap_platform.features.bars import bars
from rap_platform.features.hearing import hear


def measured(text: str) -> profanity.ProfanityFigures:
    return profanity.measure(text, hear(bars(text)))


def found(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.strength) for span in measured(text).spans]


@pytest.mark.parametrize(
    ("line", "rating"),
    [("a quiet day", "G"), ("a damn quiet day " + "and on " * 60, "PG"), ("damn this day", "PG-13"), ("one shit day", "PG-13"),
     ("shit day and shit night " + "and on " * 60, "R"), ("fuck this cunt", "NC-17"), ("one cunt " + "and on " * 60, "R"),
     ("the class assessed the grass in Scunthorpe", "G")],
)  # fmt: skip
def test_ratings_follow_strength_and_rate(line: str, rating: str) -> None:
    assert measured(line).rating == rating


@pytest.mark.parametrize(
    "line",
    ["cockpit cocktail peacock", "Scunthorpe", "assassin classic grass pass", "hello he'll shell", "push-it wash-it up",
     "P!nk and Ke$ha and A$AP", "M*A*S*H reruns", "*sighs* and as* a footnote", "wow! yes! stop!", "niggardly shiitake shitake", "Fukushima",
     "Dickens and Dickinson", "craps at the table", "a pussycat", "$100 and #1 at 5 @ home", "Hitchcock", "f*** no: f******************",
     "b*Witched"],
)  # fmt: skip
def test_innocent_words_are_not_hit(line: str) -> None:
    hits = [text for text, _ in found(line)]
    assert hits == (["f***"] if line.startswith("f***") else [])


@pytest.mark.parametrize(
    ("word", "strength"),
    [("f**k", "strong"), ("F*CK", "strong"), ("f***ing", "strong"), ("f**kin'", "strong"), ("sh*t", "strong"), ("b!tch", "strong"),
     ("a$$", "mild"), ("a$$hole", "strong"), ("@ss", "mild"), ("$hit", "strong"), ("f#ck", "strong"), ("d**n", "mild"), ("n***a", "severe"),
     ("c**t", "severe"), ("motherf**ker", "severe"), ("b**ches", "strong"), ("f-ck", "strong"), ("b-tch", "strong"), ("sh1t", "strong"),
     ("fuuuuck", "strong"), ("assss", "mild"), ("bad-ass", "mild"), ("a-s-s", "mild"), ("clusterfuck", "strong"), ("bitch's", "strong")],
)  # fmt: skip
def test_masked_and_drawn_out_words_are_seen_through(word: str, strength: str) -> None:
    assert found(f"say {word} now") == [(word.rstrip("'"), strength)]


def test_spans_are_places_in_the_whole_lyrics_in_order() -> None:
    text = "[Verse 1]\nthe class is damn quiet\n\n  b!tch, it’s a damn b!tch!\nfuck"
    assert found(text) == [
        ("damn", "mild"),
        ("b!tch", "strong"),
        ("damn", "mild"),
        ("b!tch", "strong"),
        ("fuck", "strong"),
    ]


def test_a_masked_word_and_what_is_left_of_it_are_one_word() -> None:
    assert found("b!tch-ass") == [("b!tch", "strong")]


def test_the_rate_counts_words_of_any_strength() -> None:
    assert measured("damn this shit " + "and on " * 48 + "now").per_100_words == pytest.approx(2.0)
