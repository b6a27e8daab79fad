"""How written words sound."""

import pytest

from rap_platform.features.phonetics import (
    dictionary,
    number_words,
    pronounce,
    pronunciations,
    rap_words,
    tokens,
    words,
)


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


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("ridin", "R AY1 D IH0 N"),
        ("hustlin'", "HH AH1 S L IH0 N"),
        ("killaz", "K IH1 L AH0 Z"),
        ("foreva", "F ER0 EH1 V AH0"),
        ("got'em", "G AA1 T AH0 M"),
        ("ima", "AY1 M AH0"),
        ("finna", "F IH1 N AH0"),
        ("NYC", "EH2 N W AY2 S IY1"),
        ("R.I.P.", "AA1 R AY1 P IY1"),
        ("DJs", "D IY1 JH EY2 Z"),
        ("yeaaahhh", "Y AE1"),
        ("pleeease", "P L IY1 Z"),
        ("brrrr", "B ER1"),
        ("skrrrt", "S K ER1 T"),
        ("xannies", "Z AE1 N IY0 Z"),
        ("balenciagas", "B AH0 L EH2 N S IY0 AA1 G AH0 Z"),
        ("9mm", "N AY1 N M IH1 L AH0 M IY2 T ER0"),
        ("40oz", "F AO1 R T IY0 AW1 N S"),
        ("$5", "F AY1 V D AA1 L ER0 Z"),
        ("$1", "W AH1 N D AA1 L ER0"),
        ("2pac", "T UW1 P AA2 K"),
        ("24/7", "T W EH1 N T IY0 F AO1 R S EH1 V AH0 N"),
        ("'96", "N AY1 N T IY0 S IH1 K S"),
        ("50-cent", "F IH1 F T IY0 S EH1 N T"),
        ("808s", "EY1 T OW1 EY1 T S"),
        ("187", "W AH1 N EY1 T IY0 S EH1 V AH0 N"),
        ("4x4", "F AO1 R B AY1 F AO1 R"),
        ("L.A.", "EH1 L EY1"),
        ("N.W.A", "EH1 N D AH1 B AH0 L Y UW0 EY1"),
        ("a.m.", "EY2 EH1 M"),
        ("rub-a-dub", "R AH1 B AH0 D AH1 B"),
        ("10,000", "T EH1 N TH AW1 Z AH0 N D"),
        ("1.5", "W AH1 N P OY1 N T F AY1 V"),
        ("clime", "K L AY1 M"),
        ("againe", "AH0 G EH1 N"),
    ],
)
def test_rap_is_said_as_rappers_say_it(word: str, phones: str) -> None:
    assert said(word) == phones


def test_every_word_of_our_own_list_is_made_of_phones_and_says_what_the_dictionary_does_not() -> None:
    known = {phone for ways in dictionary().values() for way in ways for phone in way}
    assert len(rap_words()) > 500
    for word, phones in rap_words().items():
        assert set(phones) <= known, word
        assert any(phone[-1].isdigit() for phone in phones), word
        assert dictionary().get(word, ((),))[0] != phones, word
        assert words(word) == [word], f"{word} never comes so out of a line"


def test_a_word_is_said_once() -> None:
    pronounce.cache_clear()
    pronounce("zorbatrix")
    pronounce("zorbatrix")
    assert pronounce.cache_info().misses == 1


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
