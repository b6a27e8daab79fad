"""Search, similar and recommend in a terminal: what is printed, where it is cut, and what is refused."""

import json
import re

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from rap_platform import console
from rap_platform.cli import app
from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.serving import commands
from rap_platform.settings import Settings
from rap_platform_tests.serving import songs
from rap_platform_tests.serving.test_finding import NAMES, TEXTS

runner = CliRunner()


@pytest.fixture
def library(
    connection: psycopg.Connection, encoder: Encoder, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> dict[str, int]:
    """Five songs with vectors of their lyrics, and a data directory with the encoder."""
    monkeypatch.setenv("RAP_DATA_DIR", str(settings.data_dir))
    numbers = {
        name: songs.add_song(connection, name.title(), TEXTS[name], artist=f"The {name.title()}s") for name in NAMES
    }
    songs.add_vectors(connection, encoder)
    return numbers


def said(*arguments: str, width: int = 100) -> str:
    """What a command prints, without colours."""
    console.out.width = width
    try:
        done = runner.invoke(app, list(arguments))
    finally:
        console.out._width = None
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_search_prints_title_reason_and_lines_with_marks(library: dict[str, int]) -> None:
    told = said("search", "money makes enimies", "--limit", "1")
    assert 'searched for enemies instead of "enimies", which no song says' in told
    assert f"1. Ledger by The Ledgers, 1999  #{library['ledger']}, verse" in told
    reason = next(line for line in told.splitlines() if line.startswith("    says "))
    assert set(re.findall("“(\\w+)”", reason)) == {"money", "makes", "enemies"}
    assert re.search(r"^ +3 > \*Money\* \*makes\* \*enemies\* out of the looks$", told, re.MULTILINE)
    assert re.search(r"^ +2   Count every dollar and balance the books$", told, re.MULTILINE)


def test_the_next_page_is_asked_with_what_the_page_before_printed(library: dict[str, int]) -> None:
    first = said("search", "night and water", "--limit", "3")
    cursor = re.search(r"--more (\S+)$", first, re.MULTILINE)
    assert cursor is not None
    second = said("search", "night and water", "--limit", "3", "--more", cursor[1])
    shown = [re.findall(r"^ *\d+\. (\w+) by", page, re.MULTILINE) for page in (first, second)]
    assert (len(shown[0]), len(shown[1])) == (3, 2)
    assert set(shown[0]) | set(shown[1]) == {name.title() for name in NAMES}
    assert "--more" not in second


def test_filters_and_not_reach_the_search(library: dict[str, int]) -> None:
    only = json.loads(said("search", "night", "--artist", "the gardens", "--year-from", "1990", "--json"))
    assert [hit["title"] for hit in only["hits"]] == ["Garden"]
    plain = json.loads(said("search", "love and patience", "--json"))["hits"]
    without = json.loads(said("search", "love and patience", "--not", "grandmother's garden of roses", "--json"))[
        "hits"
    ]
    assert plain[0]["title"] == "Garden" != without[0]["title"]
    assert "take a filter away" in said("search", "night", "--artist", "nobody")


@pytest.mark.parametrize("width", [80, 120])
def test_long_lines_are_wrapped_under_themselves(
    connection: psycopg.Connection, encoder: Encoder, library: dict[str, int], width: int
) -> None:
    long = " ".join(["unmistakable"] * 12)
    songs.add_song(connection, "Long", f"{long}\nshort line here")
    connection.execute("delete from section_sounds")
    songs.add_vectors(connection, encoder)
    lines = said("search", "unmistakable", "--limit", "1", width=width).splitlines()
    assert max(map(len, lines)) <= width
    begun = next(at for at, line in enumerate(lines) if "unmistakable" in line and " > " in line)
    assert lines[begun + 1].startswith(" " * 10 + "*")


def test_a_song_is_named_by_number_title_or_artist_and_title(library: dict[str, int]) -> None:
    number = str(library["harbour"])
    answers = [
        json.loads(said("similar", name, "--by", "lyrics", "--json"))
        for name in (number, "harbour", "The Harbours - Harbour")
    ]
    assert [answer["asked"]["track_id"] for answer in answers] == [library["harbour"]] * 3
    assert answers[0]["results"] == answers[1]["results"]
    assert answers[0]["results"][0]["title"] == "Anchor"
    assert "like Harbour by The Harbours, 1999 by lyrics" in said("similar", number, "--by", "lyrics")


def test_a_title_that_two_songs_have_is_not_guessed(
    connection: psycopg.Connection, encoder: Encoder, library: dict[str, int]
) -> None:
    other = songs.add_song(
        connection, "Harbour", "Another song of the same name\nnothing else is here the same", artist="Someone"
    )
    done = runner.invoke(app, ["similar", "Harbour"])
    assert done.exit_code == 2
    for part in (
        f"{library['harbour']} The Harbours - Harbour",
        f"{other} Someone - Harbour",
        "give the number of one",
    ):
        assert part in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", [["similar", "9" * 5000], ["similar", "no\udcff"], ["recommend", "1", "--without", "\udcff"]]
)
def test_absurd_names_are_refused(library: dict[str, int], arguments: list[str]) -> None:
    arguments = [str(library["harbour"]) if argument == "1" else argument for argument in arguments]
    done = runner.invoke(app, arguments)
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.startswith("error: ")


def test_a_title_that_would_steer_the_terminal_does_not(
    connection: psycopg.Connection, library: dict[str, int]
) -> None:
    for artist in ("One\x1b[2J", "Two\x1b]0;owned\x07"):
        songs.add_song(connection, "Escape", f"Words of {artist[:3]}\nand no more", artist=artist)
    done = runner.invoke(app, ["similar", "Escape"])
    assert done.exit_code == 2
    assert "One�[2J - Escape" in " ".join(done.stderr.split())
    assert "\x1b" not in done.stderr and "\x07" not in done.stderr


def test_recommendations_say_why(library: dict[str, int]) -> None:
    told = said("recommend", str(library["harbour"]), "--by", "lyrics", "--dislike", str(library["party"]), "-n", "2")
    assert told.startswith("because you like Harbour by The Harbours, 1999")
    assert re.search(r"1\. Anchor by The Anchors.*\n +(very close|close|somewhat close) to “Harbour” in lyrics", told)
    assert "Party" not in told


def test_songs_that_are_not_there_are_refused(library: dict[str, int]) -> None:
    for arguments, part in (
        (["recommend", "999999"], "there is no track 999999"),
        (["similar", "Nobody - Nothing"], "no song is called"),
    ):
        done = runner.invoke(app, arguments)
        assert done.exit_code == 2
        assert part in done.stderr


def test_what_would_steer_the_terminal_is_shown_as_a_mark(capsys: pytest.CaptureFixture[str]) -> None:
    shown = commands._line(1, "a\x1b[31mred \u202ebar", ((0, 1),), matched=True).plain
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "*a*" in shown


def test_the_scaler_is_shown_and_fitted(connection: psycopg.Connection, settings: Settings) -> None:
    assert "no scaler yet" in said("scaler", "show")
    fitted = json.loads(said("scaler", "fit", "--json"))
    assert (fitted["version"], fitted["fitted_to"]) == ("0", 0)
    assert "version 0, the published ranges" in said("scaler", "show")
    assert isinstance(app, typer.Typer)
