"""Sections: by headers, else by stanzas; nothing is lost and nothing too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rap_platform.lyrics.cleaning import clean
from rap_platform.lyrics.sections import (
    MOST_LINES,
    MOST_WORDS,
    header_of,
    kind_of,
    number_of,
    performers_of,
    split_sections,
)

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
    cut = [
        (s.section_no, s.kind, s.label, s.number, s.performers, s.first_line, s.last_line) for s in split_sections(SONG)
    ]
    assert cut == [
        (1, "intro", "Intro: Vale", None, ("Vale",), 4, 4),
        (2, "verse", "Verse 1: Vale & Crow", 1, ("Vale", "Crow"), 7, 9),
        (3, "hook", "Hook", None, (), 12, 12),
    ]
    assert split_sections(SONG)[1].text.split("\n")[1] == "[Gunshot]"


@pytest.mark.parametrize(
    ("label", "kind"),
    [("Couplet 1", "verse"), ("Refrain", "hook"), ("Coro", "hook"), ("Pre-Chorus", "hook"), ("Part I", "part"), ("Part 2: Vale", "verse"), ("Puente", "bridge"),
     ("Припев", "hook"), ("Куплет 2", "verse"), ("Outro", "outro"), ("Skit", "skit"), ("Beat Switch", "interlude"), ("Estribillo", "hook"),
     ("Strophe 2", "verse"),
     ("Zwrotka 1", "verse"), ("Nakarat", "hook"), ("Ritornello", "hook"), ("Pont", "bridge"), ("Brücke", "bridge"),
     ("Refrão", "hook"), ("Интро", "intro"), ("Аутро", "outro"), ("Hookah", "other"), ("Vale", "other")],
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


@pytest.mark.parametrize(
    ("label", "number"),
    [("Verse 2", 2), ("Verse 2: Vale", 2), ("Verse II: Vale", 2), ("Verse Two", 2), ("Hook #3", 3), ("Couplet 1", 1), ("Part IV", 4), ("Куплет 2", 2),
     ("Verse1", 1),
     ("Hook", None), ("Hook x2", None), ("Hook 2x", None), ("Hook (x2)", None), ("Hook x 2", None), ("Chorus: 2 Vale", None), ("Verse 0", None),
     ("Verse 2004", None), ("Vale 2", None), ("Verse Oneness", None)],
)  # fmt: skip
def test_a_header_gives_the_number_of_its_section(label: str, number: int | None) -> None:
    assert number_of(label) == number


def test_the_parts_of_a_long_verse_share_its_header() -> None:
    cut = split_sections("[Verse 2: Vale]\n" + "\n".join(f"line {n}" for n in range(40)))
    assert [(s.section_no, s.label, s.number, s.performers) for s in cut] == [
        (n, "Verse 2: Vale", 2, ("Vale",)) for n in (1, 2)
    ]


def test_a_text_of_a_hundred_thousand_lines_is_cut() -> None:
    cut = split_sections("one more line of the song\n" * 100_000)
    assert cut[-1].last_line == 100_000
    assert [s.section_no for s in cut] == list(range(1, len(cut) + 1))


def test_performers_are_read() -> None:
    assert performers_of("Verse 2: Vale, Crow & Ada (Quill)") == ("Vale", "Crow", "Ada", "Quill")
    assert performers_of("Chorus - Vale") == ("Vale",)
    assert performers_of("Hook: Vale x Crow") == ("Vale", "Crow")
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
