"""The page of `rap-platform analyze`: what it shows, in colour and without, in narrow and wide terminals; and its command."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from rap_platform.analyses.page import Reading, _pieces, page
from rap_platform.analyses.results import Analysis, Evidence
from rap_platform.features.analysis import analyse
from rap_platform.features.groups import rhyme_groups
from rap_platform.features.multis import longest_rhymes
from rap_platform.settings import Settings
from rap_platform_tests.features.test_analysis import VERSE, song

LINE = "I drew the way to heaven on the corner of the block"


def reading(lyrics: str, title: str = "song.txt") -> Reading:
    at = lyrics.index(LINE)
    analysis = Analysis(
        sentiment="mixed", primary_mood="reflective", moods=["reflective", "lonely"], themes=["street_life"], profanity_rating="G",
        quality=7.5, complexity=5, wordplay=6, storytelling=4, raw_confidence=0.6, confidence=0.31, summary="Reflective, about street life.",
        evidence=[Evidence(quote=LINE, start=at, end=at + len(LINE), supports="theme: street_life")], explanation={},
    )  # fmt: skip
    return Reading(title, lyrics, analysis, analyse(lyrics), rhyme_groups(lyrics), longest_rhymes(lyrics))


def shown(read: Reading, width: int = 80, *, coloured: bool = False) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=coloured, color_system="truecolor")
    console.print(page(read, width=width, coloured=coloured))
    return [line.rstrip() for line in console.export_text(styles=False).split("\n")]


def line_with(lines: list[str], part: str) -> str:
    return next(line for line in lines if part in line)


def test_every_line_of_the_song_is_there_under_its_header_and_scheme() -> None:
    lines = shown(reading(song(4)))
    assert line_with(lines, "[Verse 1]") == "[Verse 1]  8 bars, AABBCCDD"
    for line in VERSE:
        assert lines.count(line) == 4


def test_without_colour_words_that_rhyme_stand_over_the_same_letter() -> None:
    lines = shown(reading(song(4)))
    places = {}
    for line in VERSE[:4]:
        under = lines[lines.index(line) + 1]
        word = line.split()[-1]
        places[word] = under[line.rindex(word) :].split()[0]
    assert places["chalk"] == places["block"]
    assert places["night"] == places["write"]
    assert places["chalk"] != places["night"]


def test_a_line_said_again_keeps_its_letters() -> None:
    lines = shown(reading(song(4)))
    where = [number for number, line in enumerate(lines) if line == VERSE[1]]
    assert len({lines[number + 1] for number in where}) == 1


def test_in_colour_rhymes_share_a_background_and_no_letter_is_printed() -> None:
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor", no_color=False)
    console.print(page(reading(song(4)), width=80, coloured=True))
    text = console.file.getvalue()
    before = {word: text[: text.index(f"{word}\x1b")].rsplit("\x1b[", 1)[1] for word in ("chalk", "block", "night")}
    assert before["chalk"] == before["block"] != before["night"]
    assert "48;2;" in before["chalk"]
    lines = shown(reading(song(4)), coloured=True)
    assert lines[lines.index(VERSE[0]) + 1] == VERSE[1]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("coloured", [True, False])
def test_nothing_is_wider_than_the_terminal_or_cut_short(width: int, coloured: bool) -> None:
    long = song(4) + "\n" + "a very long line that goes on and on without a break in it " * 4 + "\n" + "x" * 300
    lines = shown(reading(long), width, coloured=coloured)
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    assert "".join(lines).count("x" * 60) >= 4


def test_figures_stand_beside_what_is_usual() -> None:
    read = reading(song(4))
    line = line_with(shown(read), "  rhyme density")
    assert f"{read.features.rhyme_density:.2f}" in line
    assert line.endswith("0.15 to 0.35")
    per_line = line_with(shown(read), "  syllables per line")
    assert per_line.endswith("9.56 to 13.7")
    assert per_line.index("●") > per_line.index("┤")  # 14 and more syllables are beyond what is usual
    assert line_with(shown(read), "different words").split()[-1] == str(read.features.distinct_words)


def test_in_a_wide_terminal_the_figures_stand_side_by_side() -> None:
    read = reading(song(4))
    assert len(shown(read, 120)) < len(shown(read, 80)) - 8
    assert "different words" in line_with(shown(read, 120), "  rhyme density")


def test_mood_scores_structure_and_evidence_are_told() -> None:
    lines = shown(reading(song(4)))
    assert line_with(lines, "mood  ").split(maxsplit=1)[1] == "reflective, lonely (mixed)"
    assert line_with(lines, "quality").split()[1] == "7.5"
    assert "4 verses of 8 bars on average; 32 bars" in " ".join(lines)
    assert line_with(lines, "theme: street life").split("life")[1].split() == ["line", "3", *LINE.split()]


def test_profanity_is_counted_by_strength() -> None:
    lines = shown(reading(song(4) + "\nwhat the hell is this f**king damn song"))
    assert "PG-13: 1 strong, 2 mild; 0.8 in 100 words" in line_with(lines, "language")
    assert "G, clean" in line_with(shown(reading(song(4))), "language")


def test_the_longest_rhyme_is_quoted_with_its_lines() -> None:
    read = reading(song(4))
    first = read.multis[0]
    assert first.syllables == read.features.longest_rhyme_syllables
    assert len({(multi.first.lower(), multi.second.lower()) for multi in read.multis}) == len(read.multis)
    written = read.lyrics.split("\n")
    assert all(m.first in written[m.first_line] and m.second in written[m.second_line] for m in read.multis)
    assert f"{first.first} / {first.second}" in " ".join(" ".join(shown(read, 120)).split())


def test_a_short_song_says_that_its_figures_are_noisy() -> None:
    text = " ".join(shown(reading(song(1))))
    assert "Low confidence: 8 bars" in text
    assert "Low confidence" not in " ".join(shown(reading(song(4))))


def test_markup_in_lyrics_and_titles_is_shown_as_it_is() -> None:
    read = reading(song(4).replace("[Verse 2]", "[/bold] [red]tower[/red]"), title="[bold]my song[/bold]")
    lines = shown(read)
    assert "[bold]my song[/bold]" in lines[0]
    assert any("[/bold] [red]tower[/red]" in line for line in lines)


def test_a_line_of_wide_characters_is_broken_by_cells_not_by_characters() -> None:
    assert list(_pieces("日本" * 30, 40)) == [(0, 20), (20, 40), (40, 60)]
    assert list(_pieces("one two three", 8)) == [(0, 7), (8, 13)]


def test_wide_characters_do_not_shift_the_letters() -> None:
    lyrics = song(4).replace(VERSE[0], "日本 I came up with a pocket full of chalk")
    lines = shown(reading(lyrics))
    under = lines[lines.index("日本 I came up with a pocket full of chalk") + 1]
    assert len(under) - 1 == len("日本 I came up with a pocket full of ") + 2  # two columns more than characters


# --- the command -----------------------------------------------------------------------------------------------------------------


def cli(*arguments: str | Path, stdin: bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "rap_platform.cli", "analyze", *map(str, arguments)],
        check=False, capture_output=True, timeout=120, input=stdin, env={**os.environ, "COLUMNS": "80", **env},
    )  # fmt: skip


def test_a_song_from_standard_input_is_shown_without_colour(embedder_settings: Settings) -> None:
    done = cli("-", stdin=song(4).replace("\n", "\r\n").encode("utf-8-sig"))
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "standard input" in text
    assert "[Verse 1]  8 bars, AABBCCDD" in text
    assert "\x1b" not in text


def test_json_gives_everything(embedder_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text(song(4) + "\nthe damn night is cold like a stone", encoding="utf-8")
    told = json.loads(cli(path, "--json").stdout)
    assert set(told) == {"analyzer", "analysis", "features", "rhymes", "longest_rhymes"}
    assert told["features"]["section_schemes"][0] == {"line_no": 1, "bars": 8, "scheme": "AABBCCDD"}
    (swearing,) = told["features"]["profanities"]
    assert path.read_text()[swearing["start"] : swearing["end"]] == "damn"
    (simile,) = told["features"]["similes"]
    assert path.read_text()[simile["start"] : simile["end"]] == "like a stone"
    first = told["rhymes"][0]
    assert first["line_no"] == 2
    assert {"start", "end", "group", "letter"} == set(first["spans"][0])
    assert told["analysis"]["primary_mood"] in told["analysis"]["moods"]
    assert told["longest_rhymes"][0]["syllables"] >= 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "no lyrics"), (b"  \n\n", "no lyrics"), (b"a\0b", "no lyrics"), (b"caf\xe9 noir", "not UTF-8 at byte 3")],
)
def test_what_is_no_text_is_refused(settings: Settings, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    for done in (cli(path), cli("-", stdin=content)):
        assert done.returncode == 2
        assert reason in " ".join(done.stderr.decode().split())
        assert b"Traceback" not in done.stderr


def test_a_song_too_short_to_hear_is_refused_with_the_reason(embedder_settings: Settings) -> None:
    done = cli("-", stdin=b"one line\nand another")
    assert done.returncode == 2
    assert b"2 bars; figures need 8" in done.stderr


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_terminal_still_shows_every_value_and_what_is_usual(width: int) -> None:
    lines = shown(reading(song(4)), width)
    assert re.search(r"rhyme density +0\.\d\d 0\.15 to 0\.35", line_with(lines, "rhyme density"))
    assert re.search(r"rare words +\d+%", line_with(lines, "rare words"))


def test_a_file_name_cannot_steer_the_terminal(embedder_settings: Settings, tmp_path: Path) -> None:
    odd = tmp_path / "\x1b[31m\u202ered.txt"
    odd.write_text(song(4), "utf-8")
    for name in (odd, tmp_path / "\x1b[31mnone.txt"):
        done = cli(str(name))
        assert b"\x1b" not in done.stdout + done.stderr
        assert "\u202e".encode() not in done.stdout


def test_a_song_in_another_language_is_refused(embedder_settings: Settings) -> None:
    finnish = "\n".join(
        ["Minä kuljen yöllä kotiin päin ja mietin mitä tein", "Tämä kaupunki on kylmä mutta sydän lämpimin"] * 6
    )
    done = cli("-", stdin=finnish.encode())
    assert done.returncode == 2
    assert b"language is fi" in done.stderr


def test_lyrics_cannot_steer_the_terminal(embedder_settings: Settings) -> None:
    done = cli("-", stdin=(song(4) + "\n\x1b]0;owned\x07 the end \x1b[2J").encode())
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    assert b"\x07" not in done.stdout
