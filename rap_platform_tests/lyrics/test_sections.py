"""Sections: by headers, else by stanzas; nothing is lost and nothing too long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rap_platform.lyrics.cleaning import clean
from rap_platform.lyrics.sections import MOST_LINES, MOST_WORDS, header_of, kind_of, performers_of, split_sections

SONG = """[Produced by Ada Quill]

[Intro: Vale]
Check one

[Verse 1: Vale & Crow]
Rain on the window, a light in the hall
[Gunshot]
I wrote you a letter and hung up the call

[Hook]
Stay up, stay up"""


def test_headers_begin_sections_and_belong_to_none() -> None:
    cut = [(s.section_no, s.kind, s.label, s.performers, s.first_line, s.last_line) for s in split_sections(SONG)]
    assert cut == [
        (1, "intro", "Intro: Vale", ("Vale",), 4, 4),
        (2, "verse", "Verse 1: Vale & Crow", ("Vale", "Crow"), 7, 9),
        (3, "hook", "Hook", (), 12, 12),
    ]
    assert split_sections(SONG)[1].text.split("\n")[1] == "[Gunshot]"


@pytest.mark.parametrize(
    ("label", "kind"),
    [("Couplet 1", "verse"), ("Refrain", "hook"), ("Coro", "hook"), ("Pre-Chorus", "hook"), ("Part I", "part"), ("Part 2: Vale", "verse"), ("Puente", "bridge"),
     ("Припев", "hook"), ("Куплет 2", "verse"), ("Outro", "outro"), ("Skit", "skit"), ("Beat Switch", "interlude"), ("Hookah", "other"), ("Vale", "other")],
)  # fmt: skip
def test_headers_in_several_languages(label: str, kind: str) -> None:
    assert kind_of(label) == kind


@pytest.mark.parametrize(
    "line",
    [
        "Introduced by my brother",
        "(Chorus of the angels)",
        "Bridge",
        "Hook me up:",
        "A silent tarn [a ] below",
        "[2]The red rose called",
    ],
)
def test_lines_that_are_sung_are_no_headers(line: str) -> None:
    assert header_of(line) is None


@pytest.mark.parametrize("line", ["Hook:", "(Chorus)", "Verse 2:", "[Hook x2]", "(Chorus x2)", "Verse One:"])
def test_headers_without_brackets_are_known(line: str) -> None:
    assert header_of(line, "before") is not None


def test_performers_are_read() -> None:
    assert performers_of("Verse 2: Vale, Crow & Ada (Quill)") == ("Vale", "Crow", "Ada", "Quill")
    assert performers_of("Chorus - Vale") == ("Vale",)
    assert performers_of("Pre-Chorus") == ()


def test_a_poem_is_cut_at_its_stanzas_and_a_repeated_stanza_is_a_hook() -> None:
    verse, refrain = "one\ntwo\nthree\nfour", "na na\nla la\nna na\noh"
    cut = split_sections(f"{verse}\n\n{refrain}\n\nfive\nsix\nseven\neight\n\n{refrain}")
    assert [(s.kind, s.label, s.first_line, s.last_line) for s in cut] == [
        ("verse", None, 1, 4), ("hook", None, 6, 9), ("verse", None, 11, 14), ("hook", None, 16, 19)]  # fmt: skip


def test_a_line_too_long_for_a_section_is_shared() -> None:
    cut = split_sections(" ".join(f"w{n}" for n in range(400)))
    assert [(s.first_line, s.last_line, len(s.text.split())) for s in cut] == [(1, 1, 160), (1, 1, 160), (1, 1, 80)]


_LINES = st.lists(
    st.sampled_from(
        ["", "[Hook]", "[Verse 1: A]", "[Noise]", "(Chorus)", "rain on the window", "word " * 30, "so " * 170, "Hook:"]
    ),
    max_size=90,
)


@given(_LINES)
def test_sections_hold_every_sung_line_in_order_and_none_is_too_long(lines: list[str]) -> None:
    text = clean("\n".join(lines)).text
    whole = text.split("\n")
    sections = split_sections(text)
    covered: set[int] = set()
    for number, section in enumerate(sections, 1):
        assert section.section_no == number
        assert section.last_line - section.first_line < MOST_LINES
        assert len(section.text.split()) <= MOST_WORDS
        assert section.text.strip()
        assert section.first_line >= max(covered, default=1)
        covered |= set(range(section.first_line, section.last_line + 1))
        if section.first_line < section.last_line:
            assert section.text == "\n".join(whole[section.first_line - 1 : section.last_line])
    left = [line for at, line in enumerate(whole) if line.strip() and at + 1 not in covered]
    assert all(header_of(line) for line in left)


@pytest.mark.parametrize("label", ["(Chorus " + "1" * 45 + "!)", "Hook " + "iv" * 25 + " oh:"])
def test_no_line_keeps_the_reader_guessing(label: str) -> None:
    started = time.monotonic()
    assert header_of(label) is None
    assert time.monotonic() - started < 1
