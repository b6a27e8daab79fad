"""How written words sound."""

import pytest

from rap_platform.features import letter_to_sound
from rap_platform.features.phonetics import dictionary, number_words, pronounce, pronunciations, tokens


def said(word: str) -> str:
    return " ".join(pronounce(word).phones)


def test_the_dictionary_keeps_alternates() -> None:
    assert len(dictionary()) > 125_000
    assert dictionary()["live"] == (("L", "AY1", "V"), ("L", "IH1", "V"))
    assert pronunciations("read")[0] != pronunciations("read")[1]


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("night", "N AY1 T"),
        ("rollin'", "R OW1 L IH0 N"),
        ("ROLLIN’", "R OW1 L IH0 N"),
        ("gon'", "G AO1 N"),
        ("tryna", "T R AY1 N AH0"),
        ("'em", "AH0 M"),
        ("'cause", "K AH0 Z"),
        ("sooooo", "S OW1"),
        ("gangster's", "G AE1 NG S T ER0 Z"),
        ("world-wide", "W ER1 L D W AY1 D"),
        ("café", "K AH0 F EY1"),
        ("heav'n", "HH EH1 V AH0 N"),
        ("ne'er", "N EH1 R"),
        ("fix'd", "F IH1 K S T"),
        ("captivitie", "K AE0 P T IH1 V AH0 T IY0"),
        ("crownd", "K R AW1 N D"),
        ("2", "T UW1"),
        ("21", "T W EH1 N T IY0 W AH1 N"),
        ("1st", "F ER1 S T"),
        ("90's", "N AY1 N T IY0 Z"),
    ],
)
def test_words_as_rap_and_old_poems_write_them(word: str, phones: str) -> None:
    assert said(word) == phones


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (14, "fourteen"),
        (99, "ninety nine"),
        (100, "one hundred"),
        (365, "three hundred sixty five"),
        (1999, "nineteen ninety nine"),
        (1900, "nineteen hundred"),
        (1917, "nineteen seventeen"),
        (1805, "eighteen oh five"),
        (2000, "two thousand"),
        (2026, "twenty twenty six"),
        (50000, "fifty thousand"),
        (2_000_000, "two million"),
    ],
)
def test_numbers_are_read_as_people_read_them(number: int, words: str) -> None:
    assert " ".join(number_words(number)) == words


def test_the_source_says_how_a_word_was_found() -> None:
    assert pronounce("money").source == "dictionary"
    assert pronounce("tryna").source == "rap"
    assert pronounce("moonblossom").source == "rule"
    assert pronounce("zorbatrix").source == "letters"
    assert pronounce("日本").source == "none"
    assert pronounce("日本").phones == ()


def test_a_guess_has_exactly_one_primary_stress_and_sounds_right() -> None:
    assert letter_to_sound.guess("blingtastic")[-4:] == ("S", "T", "IH0", "K")
    for word in ("zorbatrix", "flamzoid", "brixelation"):
        assert sum(phone.endswith("1") for phone in letter_to_sound.guess(word)) == 1


def test_a_tree_grown_from_few_words_repeats_what_it_was_taught() -> None:
    taught = [
        ("bat", ("B", "AE1", "T")),
        ("bit", ("B", "IH1", "T")),
        ("tab", ("T", "AE1", "B")),
        ("tip", ("T", "IH1", "P")),
    ]
    tree = letter_to_sound.grow(taught, least=1)
    assert [letter_to_sound.guess(word, tree) for word, _ in taught] == [phones for _, phones in taught]


def test_tokens_know_where_they_stand() -> None:
    line = "I'm ridin' — 24/7, don’t stop!"
    assert [(token.text, line[token.start : token.end]) for token in tokens(line)] == [
        ("i'm", "I'm"),
        ("ridin'", "ridin'"),
        ("24", "24"),
        ("7", "7"),
        ("don't", "don’t"),
        ("stop", "stop"),
    ]
