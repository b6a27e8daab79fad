"""Whatever comes in: the parser, the cleaner, the sections and the names never raise, and keep what they promise."""

import html
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rap_platform.lyrics import cleaning
from rap_platform.lyrics.cleaning import clean
from rap_platform.lyrics.duplicates import band_keys, shingles, signature, version_of
from rap_platform.lyrics.identity import normalise, normalise_title, parse_title, same_artist, slug, split_names
from rap_platform.lyrics.parsing import PageStatus, parse_page
from rap_platform.lyrics.sections import header_of, kind_of, number_of, performers_of, split_sections

VERDICTS = {
    None, "empty", "no_letters", "markup", "instrumental", "unreleased", "no_line_breaks", "interview", "credits", "list", "calendar", "prose",
}  # fmt: skip

SOUP = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "<!doctype html>",
                "<html>",
                "<body>",
                "</body>",
                '<div data-lyrics-container="true">',
                "</div>",
                "<br>",
                "<br/>",
                "<i>",
                "</i>",
                "<b",
                "<a href='/1'>",
                "</a>",
                '<div data-exclude-from-selection="true">',
                '<div class="LyricsHeader__Container">',
                "<script>",
                "</script>",
                "<!--",
                "-->",
                "<script>window.__PRELOADED_STATE__ = JSON.parse('",
                "');</script>",
                "<script>window.__PRELOADED_STATE__ = {",
                "}</script>",
                '{\\"songPage\\":{\\"song\\":1,\\"lyricsData\\":{\\"body\\":{\\"html\\":\\"<p>rain</p>\\"}}},\\"entities\\":{\\"songs\\":{\\"1\\":{\\"title\\":7}}}}',
                '{"songPage":{"song":[1],"lyricsData":[]},"entities":{"songs":{"a":{"primaryArtist":5,"instrumental":true}}}}',
                '"songPage":null',
                '"entities":{"songs":[],"artists":3}',
                "\\",
                "\\u00",
                "\\x4",
                "'",
                '"',
                "[Verse 1]",
                "rain on the window",
                "&amp;",
                "&#0;",
                "&#xD800;",
                "\0",
                "\ufeff",
                "<?xml version='1.0' encoding='utf-16'?>",
                "<title>Just a moment...</title>",
                "<svg>",
                "<template>",
                "<![CDATA[",
                "<p>" * 40,
            ]
        ),
        st.text(max_size=12),
    ),
    max_size=30,
).map("".join)

DIRT = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "Embed",
                "12Embed",
                "1.2KEmbedShare URLCopyEmbedCopy",
                "You might also like",
                "See Vale Live",
                "Get tickets as low as $20",
                "3 Contributors",
                "3 ContributorsTranslations",
                "Vale Lyrics",
                " Lyrics",
                "[Hook]",
                "[Hook]\n[Hook]\n",
                "[Verse 1: Vale]",
                "[",
                "]",
                "(",
                "\n",
                "\n\n\n",
                "\r\n",
                "\u2028",
                "\x85",
                "<br>",
                "\u200b",
                "\u200d",
                "\u00a0",
                "\u2005",
                "е",
                "wоrd",
                "o",
                "e\u0301",
                "Read More",
                "…",
                " ",
                "1992",
                "\x1b",
                "\ud800",
                "rain",
                "Host: ",
                "1. ",
                "7/10",
                "Jan 5: ",
                "Translated by Ada",
                "[Instrumental]",
                "Verse 2:",
                "(Chorus)",
            ]
        ),
        st.text(alphabet=st.characters(exclude_characters="&"), max_size=12),
    ),
    max_size=25,
).map("".join)

NAMES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "Sky",
                "Vale",
                " ",
                "(",
                ")",
                "[",
                "]",
                "feat. ",
                "Ft. ",
                " ft ",
                "f/ ",
                "with ",
                " x ",
                " X ",
                " & ",
                ",",
                "Remix",
                "Live",
                "Remaster",
                " - ",
                "–",
                "Pt. 2",
                "2011",
                "$",
                "!!!",
                "😀",
                "Каста",
                "شعر",
                "שיר",
                "歌",
                "노래",
                "ß",
                "İ",
                "ﬁ",
                "\u0301",
                "\u200b",
                "\u00a0",
                "'",
                "’",
                "_",
                ".",
                "+",
            ]
        ),
        st.text(max_size=8),
    ),
    min_size=1,
    max_size=12,
).map("".join)


def check_parser(page: str) -> None:
    found = parse_page(page)
    assert found.status in get_args(PageStatus)
    assert (found.text is not None) == (found.status == "ok")
    assert found.reason is None or found.reason.strip()
    if found.text is not None:
        assert found.text.strip() == found.text != ""
        assert "\0" not in found.text


def folded(text: str) -> list[str]:
    """The letters of a text as cleaning may write them: look-alikes folded, accents apart."""
    latin = "".join(cleaning._LOOKALIKES.get(letter, letter) for letter in html.unescape(text))
    return [letter for letter in unicodedata.normalize("NFD", latin) if letter.isalpha()]


def check_cleaner(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.verdict in VERDICTS
    assert all(count > 0 and name in cleaning.RULES for name, count in cleaned.counts.items())
    again = clean(cleaned.text)
    assert (again.text, again.counts, again.verdict) == (cleaned.text, {}, cleaned.verdict)
    letters = iter(folded(text))
    assert all(letter in letters for letter in folded(cleaned.text)), "a letter that was not there"
    cleaned.text.encode()


def check_sections(text: str) -> None:
    lines = text.split("\n")
    before = 1
    for place, section in enumerate(split_sections(text), 1):
        assert section.section_no == place
        assert before <= section.first_line <= section.last_line <= len(lines)
        assert section.number is None or 1 <= section.number < 1000
        assert all(name.strip() for name in section.performers)
        before = section.first_line
    for line in lines:
        if (label := header_of(line)) is not None:
            assert label.strip()
            kind_of(label), number_of(label), performers_of(label)


def check_names(name: str) -> None:
    title = parse_title(name)
    if name.strip():
        assert normalise(name)
        assert normalise_title(name)
        assert title.base
        assert version_of(name) is None or version_of(name)
    assert 0 < len(slug(name)) <= 80
    assert same_artist(name, name)
    assert all(part.strip() == part != "" for part in split_names(name))
    keys = band_keys(signature(shingles(name)))
    assert len(keys) == 32
    assert all(-(2**63) <= key < 2**63 for key in keys)


CASES: dict[str, tuple[st.SearchStrategy[str], Callable[[str], None]]] = {
    "parser": (SOUP, check_parser),
    "cleaner": (DIRT, check_cleaner),
    "sections": (DIRT, check_sections),
    "sections of clean text": (DIRT.map(lambda text: clean(text).text), check_sections),
    "names": (NAMES, check_names),
}


def fuzz(case: str, examples: int) -> None:
    strategy, check = CASES[case]

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    @example("")
    def run(text: str) -> None:
        check(text)

    run()


@pytest.mark.parametrize("case", CASES)
def test_nothing_that_comes_in_raises(case: str) -> None:
    fuzz(case, 250)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", CASES)
def test_nothing_that_comes_in_raises_in_ten_thousand_cases(case: str) -> None:
    fuzz(case, 10_000)


# Each piece makes some pattern begin; repeated, it makes a pattern that looks back begin everywhere.
HOSTILE = """
import sys
from rap_platform.lyrics import identity
from rap_platform.lyrics.cleaning import clean, is_skit
from rap_platform.lyrics.duplicates import shingles, signature
from rap_platform.lyrics.parsing import parse_page
from rap_platform.lyrics.sections import split_sections

SIZE = 20_000
PIECES = [
    " ", "\\n", " \\n", "[", "[Hook]\\n", "[Hook]\\n\\n", "[a] ", "(", "1",
    "12Embed", "Embed ", "You might also like", "See a Live", "See ", "Get tickets as low as $1", "Lyrics ", "a Lyrics", "4 Contributors ",
    "Read More ", "...", "<br>", "<br ", "&amp;", "&#1", "\\u200d", "\\u00a0", "\\u0430b",
    "e\\u0301", "a: b\\n", "1. a\\n", "7/10 ", "1:23 ", "Jan 5 - a\\n", "Skit - ", "(Skit", " - Skit",
    "feat. a ", " (feat. ", " - live", "(live ", " x ", ", ", "& ", "$a", "Verse 1 ",
    "iv", "Hook: ", "na na ", "w ", "'", "ab",
]
HTML = [
    "<div>", "<br>", "<i>", "<!--", "<", "&#x", "' ", "<p ", "\\\\\\\\",
    "<script>window.__PRELOADED_STATE__ = JSON.parse('", "<div data-lyrics-container=\\"true\\">",
]
for piece in PIECES:
    many = piece * (SIZE // len(piece))
    for text in (many, "4 Contributors" + many, "[Verse]\\na" + many + "z"):
        print("text", repr(piece), flush=True)
        split_sections(clean(text).text)
        signature(shingles(text))
        print("name", repr(piece), flush=True)
        identity.normalise(text), identity.slug(text), identity.split_names(text), identity.same_title(text, "a"), is_skit(text)
        identity.is_translation_account("Genius " + text)
for piece in HTML:
    print("page", repr(piece), flush=True)
    parse_page("<html>" + piece * (SIZE // len(piece)))
    parse_page("<html><div data-lyrics-container=\\"true\\">" + piece * (SIZE // len(piece)) + "</div>")
print("done")
"""


def test_no_text_makes_a_pattern_look_for_ever() -> None:
    """In a process of its own: a pattern that hangs can't be interrupted from within."""
    try:
        ran = subprocess.run([sys.executable, "-c", HOSTILE], capture_output=True, text=True, timeout=200, check=False)
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"still looking; the last lines: {(late.stdout or b'').decode()[-200:]}")
    assert ran.stdout.endswith("done\n"), ran.stdout[-200:] + ran.stderr[-2000:]
