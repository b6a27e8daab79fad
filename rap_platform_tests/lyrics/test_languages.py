"""Languages: named when sure, otherwise unknown."""

import pytest

from rap_platform.lyrics.languages import detect_language, section_languages, song_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Rain on the window, a light in the hall\nI wrote you a letter and hung up the call", "en"),
        ("La pluie tombe sur la fenêtre et je t'écris une lettre que tu ne liras pas", "fr"),
        ("Regen am Fenster und Licht im Flur, ich schrieb dir einen Brief und legte auf", "de"),
        ("Дождь стучит в окно, и в доме снова горит свет\nЯ написал тебе письмо, но ты его не прочитала", "ru"),
        ("la la la", None),
        ("1234 !!! 5678 ... 9999 ??? 0000 ---", None),
        ("", None),
    ],
)
def test_a_language_is_named_or_unknown(text: str, language: str | None) -> None:
    assert detect_language(text) == language


ENGLISH = "Rain on the window, a light in the hall\nI wrote you a letter and hung up the call"
FRENCH = "La pluie tombe sur la fenêtre et je t'écris une lettre que tu ne liras pas"


def test_each_section_has_its_language_and_a_short_one_has_none() -> None:
    assert section_languages([ENGLISH, "yeah yeah, uh", FRENCH, ENGLISH]) == ["en", None, "fr", "en"]


def test_a_song_in_two_languages_has_the_one_it_is_mostly_in_however_it_begins() -> None:
    sections = [FRENCH, *[f"{ENGLISH}\n{ENGLISH}"] * 8]
    assert song_language(sections, section_languages(sections)) == "en"
    assert detect_language(FRENCH) == "fr"
    sections = [ENGLISH, *[f"{FRENCH}\n{FRENCH}"] * 8]
    assert song_language(sections, section_languages(sections)) == "fr"


def test_a_song_of_short_sections_is_read_as_a_whole() -> None:
    sections = ["Rain on the window, a light", "I wrote you a letter", "and hung up on the call"]
    assert section_languages(sections) == [None, None, None]
    assert song_language(sections, [None, None, None]) == "en"
    assert song_language(["la la"], [None]) is None
