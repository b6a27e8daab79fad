"""Cleaning: dirt goes, lines stay."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rap_platform.lyrics.cleaning import clean, is_skit

SONG = "[Verse 1]\nRain on the window, a light in the hall\nI wrote you a letter and hung up the call\n\n[Hook]\nStay up, stay up"
PLAIN = "Rain on the window, a light in the hall\nI wrote you a letter and hung up the call"


@pytest.mark.parametrize(
    ("dirt", "rule"),
    [
        ("12 ContributorsTranslationsTürkçePortuguêsLetter Home Lyrics" + SONG, "contributors_header"),
        ("1 ContributorLetter Home Lyrics\n" + SONG, "contributors_header"),
        ("3 ContributorsLetter Home LyricsA song about a letter… Read More\xa0\n" + SONG, "contributors_header"),
        ("Letter Home Lyrics" + SONG, "title_header"),
        ("Letter Home Lyrics\n" + SONG, "title_header"),
        (SONG + "12Embed", "embed"),
        (SONG + "\nEmbed", "embed"),
        (SONG + "1.2KEmbedShare URLCopyEmbedCopy", "embed"),
        (SONG.replace("\n\n[Hook]", "\n\nYou might also like[Hook]"), "also_like"),
        (SONG.replace("call\n\n[Hook]", "callYou might also like\n\n[Hook]"), "also_like"),
        (SONG.replace("\n\n[Hook]", "\n\nSee Vale LiveGet tickets as low as $61You might also like[Hook]"), "tickets"),
        (
            SONG.replace("\n\n[Hook]", "\n\nSee Vale Live\nGet tickets as low as $1,061\nYou might also like\n[Hook]"),
            "tickets",
        ),
        (SONG.replace("window", "windоw"), "lookalike_letters"),
        (SONG.replace("light", "li\u200bght"), "invisible_characters"),
        (SONG.replace("a light", "a\u2005light"), "exotic_spaces"),
        (SONG.replace("\n", "\r\n"), "line_endings"),
        (SONG.replace("\n\n", "\n\n\n\n"), "blank_lines"),
        (SONG.replace("hall\n", "hall<br>"), "break_tags"),
        (SONG.replace("letter and", "letter\x1b and"), "control_characters"),
        (SONG.replace("letter and", "letter\ud83d and"), "control_characters"),
        (SONG.replace("letter", "le\u200ctter"), "joiners"),
        (SONG.replace("a light", "a\u205flight"), "exotic_spaces"),
        (SONG.replace("[Hook]", "[Hook]\n[Hook]"), "repeated_headers"),
        (SONG.replace("[Hook]", "[Hook]\n\n[Hook]\n[Hook]"), "repeated_headers"),
        ("Letter Home LyricsLetter Home Lyrics" + SONG, "title_header"),
        ("5 ContributorsLetter Home LyricsLetter Home Lyrics" + SONG, "contributors_header"),
        (
            "2 ContributorsTranslationsРусскийLetter Home Lyrics\n2 ContributorsLetter Home Lyrics" + SONG,
            "contributors_header",
        ),
        (SONG.replace("call\n\n[Hook]", "callYou might also like[Hook]").replace("[Hook]", "\n[Hook]"), "also_like"),
        (SONG.replace("call\n", "call\nSee Vale LiveGet tickets as low as $61\n"), "tickets"),
    ],
)
def test_each_kind_of_dirt_is_taken_out_and_counted(dirt: str, rule: str) -> None:
    cleaned = clean(dirt)
    assert cleaned.text == SONG
    assert cleaned.counts[rule] >= 1
    assert cleaned.verdict is None


@pytest.mark.parametrize(
    "line",
    [
        "My name is embedded in the pavement, my number in the wall",
        "She Introduced me to the Skitzo in the outro of the hall",
        "You might also like it when the lyrics start to fall",
        "I asked her for two tickets as low as I could crawl",
        "Embed",
        "Мой дом стоит, тоска и дом",
        "Ελα να δεις το φως",
        "we run the block with 12 Contributors to the cause",
        "Lyrics Lyrics Lyrics",
        "Extra Credits rolling while I run it up (run it up)",
        "They Interviewed me and I never said a word",
        "[Gunshot] hit the floor (brr, brr) [laughs]",
        "[Gunshot]\n[Gunshot]",
        "Stay up, stay up\nStay up, stay up",
        "January 5 I lost my brother",
        "10/10 I gave it all",
        "В Mосква стоит один",
    ],
)
def test_what_only_looks_like_dirt_stays(line: str) -> None:
    text = f"{PLAIN}\n{line}\nStay up, stay up"
    assert clean(text).text == text


def test_a_year_at_the_end_of_a_song_is_not_the_count_of_a_button() -> None:
    assert clean(PLAIN + "\nBack in 1992Embed").text == PLAIN + "\nBack in 1992"
    assert clean(PLAIN + "\nBack in 19925Embed").text == PLAIN + "\nBack in 1992"
    assert clean(PLAIN + "\nBack in line5Embed").text == PLAIN + "\nBack in line"


def test_joiners_stay_where_a_script_needs_them() -> None:
    assert clean("می\u200cخواهم بروم\nمی\u200cخواهم بمانم").text == "می\u200cخواهم بروم\nمی\u200cخواهم بمانم"
    assert clean("wa\u200dit for me\nstay").text == "wait for me\nstay"


INTERVIEW = "\n".join(
    f"Host: What did you think when {n} happened?\nVale: I thought it was a joke, then it paid the rent."
    for n in range(5)
)
RANKING = "\n".join(f"{n}. Some Song – {n % 10}/10" for n in range(1, 26))
CREDITS = "\n".join(
    f"{role}: Ada Quill" for role in ("Mixed by", "Mastered by", "Bass", "Horns", "Artwork", "Legal", "Hair")
)
PROSE = "\n".join(["This album came out of a long winter in a small house by the road and " * 4] * 6)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("", "empty"), (" \n \u200b ", "empty"), ("[Instrumental]", "instrumental"), ("...\n!!!", "no_letters"), ("[Verse 1]\n[Hook]", "no_letters"),
     ("Lyrics for this song have yet to be released. Please check back once the song has been released.", "unreleased"),
     ("<!DOCTYPE html><html><body>no</body></html>", "markup"), ("word " * 200, "no_line_breaks"),
     (INTERVIEW, "interview"), (RANKING, "list"), (CREDITS, "credits"), (PROSE, "prose")],
)  # fmt: skip
def test_what_is_no_song_is_told_apart(text: str, verdict: str) -> None:
    assert clean(text).verdict == verdict


RATINGS = "\n".join(f"Some Song No {n}: {n % 10}.5/10" for n in range(1, 15))
TRACKLIST = "\n".join(f"{n:02d}. A Title of a Song (feat. Ada Quill)" for n in range(1, 15))
LENGTHS = "\n".join(f"Some Song of the Sea {n % 5}:{n + 10}" for n in range(1, 15))
NUMBERED = "\n".join(f"Track {n}: The Sea" for n in range(1, 15))
CALENDAR = "\n".join(["Albums of the winter", *(f"January {n}: Ada Quill – Tide {n}" for n in range(1, 9))])
DATES = "\n".join(f"1/{n}/2019 - Ada Quill - Tide" for n in range(1, 9))
TRANSLATORS = "Translated by: Ada Quill\nTraducción: Vale\nEditor: Crow"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (RATINGS, "list"), (TRACKLIST, "list"), (LENGTHS, "list"), (NUMBERED, "list"), (CALENDAR, "calendar"), (DATES, "calendar"),
        (TRANSLATORS, "credits"), ("This song is an instrumental", "instrumental"), ("[Instrumental]", "instrumental"),
    ],
)  # fmt: skip
def test_pages_about_songs_are_no_songs(text: str, verdict: str) -> None:
    assert clean(text).verdict == verdict


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{n}, I count the days until the tide" for n in range(1, 20)),
        "\n".join("Vale: I said it once\nCrow: I said it twice\nand both of us were wrong" for _ in range(8)),
        "\n".join(f"May {n} be the day you call my name" for n in range(1, 12)),
        "\n".join(["Translate my heart, it speaks in tongues", PLAIN]),
        "\n".join(
            f"Line the {n}th of a poem that goes on and on, as poems about the sea have always done"
            for n in range(2600)
        ),
        "\n".join(f"So short {n}" for n in range(5000)),
    ],
)
def test_songs_that_count_talk_and_go_on_are_songs(text: str) -> None:
    assert clean(text).verdict is None


@pytest.mark.parametrize(
    "title", ["Bus Stop (Skit)", "Bus Stop [Skit]", "Bus Stop - Skit", "Skit", "Skit 2", "Skit #3", "skit II", "Skit: The Bus", "The Bus (Phone Skit)",
              "Bus Stop (Skit 2)", "Bus Stop (Skit) [feat. Ada]", "Bus Stop (Skit) [Live]"],
)  # fmt: skip
def test_a_title_says_that_it_is_a_skit(title: str) -> None:
    assert is_skit(title)


@pytest.mark.parametrize(
    "title",
    ["Skitzo", "Skit Skat", "Skittles", "Askit", "Tide (Skitzo Remix)", "The Skit Is Over", "Skit Row", "", "Tide"],
)
def test_a_title_with_those_letters_is_a_song(title: str) -> None:
    assert not is_skit(title)


def test_length_alone_condemns_nothing() -> None:
    long = "\n".join(f"The {n}th wave comes rolling in to break upon the sand" for n in range(2300))
    assert clean(long).verdict is None
    assert clean("Stay up").verdict is None


_PIECES = st.sampled_from(
    ["Embed", "12Embed", "You might also like", "See Vale Live", "Get tickets as low as $20", "3 Contributors", "Vale Lyrics", " Lyrics", "[Hook]", "[", "\n",
     "\n\n\n", "\r\n", "\u2028", "\x85", "<br>", "&amp;", "&amp;amp;", "&#10;", "\u200b", "\u00a0", "е", "o", "e\u0301", "Read More", "…", " ", "1992", "\x1b",
     "rain"]
)  # fmt: skip
_TEXTS = st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=25).map("".join))


@given(_TEXTS)
def test_cleaning_a_cleaned_text_changes_nothing(text: str) -> None:
    once = clean(text)
    twice = clean(once.text)
    assert twice.text == once.text
    assert twice.counts == {}
    assert twice.verdict == once.verdict


@given(st.lists(st.lists(_PIECES, max_size=6).map("".join), min_size=1, max_size=12))
def test_lines_are_never_joined(pieces: list[str]) -> None:
    lines = [line for piece in pieces for line in re.split("\r\n|[\n\r\u2028\u2029\x85\x0b\x0c]|<br>", piece)]
    marked = [f"mark{n}q {line} mark{n}q" for n, line in enumerate(lines)]
    for line in clean("\n".join(marked)).text.split("\n"):
        assert len(set(re.findall(r"mark(\d+)q", line))) <= 1
