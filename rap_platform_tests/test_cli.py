"""The console script: help everywhere, bad input refused with exit code 2 and nothing stored."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from rap_platform.console import table
from rap_platform.settings import Settings

COMMANDS = [
    "up",
    "down",
    "status",
    "run",
    "import",
    "search",
    "similar",
    "recommend",
    "scaler",
    "analyze",
    "evaluate",
    "champion",
    "bench",
    "purge",
    "doctor",
    "artists",
    "spotify",
    "ratings",
    "dataset",
    "adapters",
    "style",
]
LYRICS = "Rain on the window, a light in the hall\\nI wrote you a letter and hung up the call"


def cli(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rap_platform.cli", *map(str, arguments)],
        check=False, capture_output=True, text=True, timeout=120, input=stdin, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = cli(command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


BAD_FILES: dict[str, tuple[bytes, list[str]]] = {
    "no-lyrics.csv": (b"artist,song\nA,B\n", ["lyrics", "--map", "artist"]),
    "empty.csv": (b"", ["empty"]),
    "binary.csv": (bytes(range(256)) * 40, ["binary"]),
    "latin1.csv": ("artist,song,text\nA,B,ok\nA,C,caf\xe9\n".encode("latin-1"), ["UTF-8", "line 3", "--encoding"]),
    "nul.csv": (b"artist,song,text\nA,B,one\nA,C,tw\0o\n", ["NUL", "line 3"]),
    "long.csv": (b"artist,song,text\nA,B," + b"x" * 20_000_000 + b"\n", ["line 2", "MB"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_input_is_refused_with_the_place_and_the_remedy_and_nothing_is_stored(
    name: str, tmp_path: Path, settings: Settings, connection: psycopg.Connection
) -> None:
    content, expected = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    done = cli("import", path)
    assert done.returncode == 2, done.stdout + done.stderr
    for word in [name, *expected]:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert connection.execute("select count(*) from raw_songs").fetchone() == (0,)


def test_a_file_that_is_not_there_is_refused(settings: Settings, tmp_path: Path) -> None:
    done = cli("import", tmp_path / "nowhere.csv")
    assert done.returncode == 2
    assert "nowhere.csv" in done.stderr


def test_importing_twice_stores_nothing_new_and_an_edit_is_one_change(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    rows = [f'Poet {n},Song {n},"{LYRICS.replace(chr(92) + "n", chr(10))} {n}"' for n in range(3)]
    path.write_text("artist,song,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    first = json.loads(cli("import", path, "--json").stdout)
    assert (first["rows"], first["new"], first["unchanged"], first["rejected"]) == (3, 3, 0, {})
    second = json.loads(cli("import", path, "--json").stdout)
    assert (second["rows"], second["new"], second["unchanged"]) == (3, 0, 3)
    rows[1] = rows[1].replace("letter", "postcard")
    path.write_text("artist,song,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    third = json.loads(cli("import", path, "--json").stdout)
    assert (third["new"], third["changed"], third["unchanged"]) == (0, 1, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "  "],
        ["search", "night", "--mood", "hangry"],
        ["search", "night", "--include-features"],
        ["search", "night", "--rating", "X"],
        ["search", "night", "--year-from", "2000", "--year-to", "1990"],
        ["search", "night", "--more", "nonsense"],
        ["similar", "999"],
        ["similar", "Nobody - Nothing"],
        ["similar", "1", "--by", "smell"],
        ["recommend", "999"],
        ["analyze", "nowhere.txt"],
        ["bench", "nothing"],
        ["purge"],
    ],
)
def test_bad_arguments_are_refused(arguments: list[str], settings: Settings) -> None:
    done = cli(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_folder_is_no_lyrics(settings: Settings, tmp_path: Path) -> None:
    done = cli("analyze", tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "directory" in done.stderr


def test_a_table_shows_brackets_as_they_are() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table([{"title": "Hook [/bold] [Remix]", "plays": 1200, "score": 0.5, "year": None, "live": True}]))
    shown = console.export_text()
    for text in ("Hook [/bold] [Remix]", "1,200", "0.500", "True"):
        assert text in shown


def test_a_misspelt_setting_is_refused_before_anything_starts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAP_WORLD_SED", "3")
    done = cli("status")
    assert done.returncode == 2
    assert "RAP_WORLD_SEED" in done.stderr


def test_doctor_names_what_is_simulated_what_is_not_configured_and_what_to_set(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = {finding["system"]: finding for finding in json.loads(cli("doctor", "--json").stdout)}
    assert findings["PostgreSQL"]["state"] == "ok"
    assert findings["Genius"]["state"] == "not configured"
    assert "RAP_GENIUS__TOKEN" in findings["Genius"]["remedy"]
    monkeypatch.setenv("RAP_WORLD", "on")
    findings = {finding["system"]: finding for finding in json.loads(cli("doctor", "--json").stdout)}
    assert findings["Genius"]["state"] == "simulated"


def test_doctor_fails_when_something_that_is_set_does_not_work(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAP_DATABASE_URL", "postgresql://rap:hush@127.0.0.1:9/rap")
    done = cli("doctor", "--json")
    assert done.returncode == 1
    assert "hush" not in done.stdout + done.stderr
    broken = [finding["system"] for finding in json.loads(done.stdout) if finding["state"] == "broken"]
    assert broken == ["PostgreSQL"]
