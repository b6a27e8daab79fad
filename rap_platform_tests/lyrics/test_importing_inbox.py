"""The inbox asset and the import command: what is not theirs is left alone, what is refused is told."""

import json
from pathlib import Path

import dagster as dg
import psycopg

from rap_platform.lyrics import assets
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings
from rap_platform_tests.test_cli import cli

SONGS = "artist,song,text\nVale,Tide,Rain on the window\nCrow,Rope,\n"
FEATURES = "song,artist,energy,valence,tempo\nTide,Vale,0.5,0.4,90\n"


def test_the_inbox_leaves_features_to_the_spotify_stage(settings: Settings, connection: psycopg.Connection) -> None:
    inbox = settings.data_dir / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "songs.csv").write_text(SONGS, encoding="utf-8")
    (inbox / "features.csv").write_text(FEATURES, encoding="utf-8")
    (inbox / "artists.csv").write_text("Artist,Genres,Songs,Popularity,Link\nVale,Rap,3,0.1,/vale/\n", encoding="utf-8")
    done = dg.materialize([assets.imported_songs], resources={"postgres": PostgresResource()})
    assert done.success
    (check,) = done.get_asset_check_evaluations()
    assert (check.passed, check.metadata["refused"].value) == (True, {})
    figures = done.asset_materializations_for_node("imported_songs")[0].metadata
    assert (figures["files"].value, figures["rows_new"].value) == (3, 1)
    (inbox / "rankings.csv").write_text("ID,title,artist,year,gender,points,n\n1,Tide,Vale,1990,m,3,1\n")
    again = dg.materialize([assets.imported_songs], resources={"postgres": PostgresResource()})
    (check,) = again.get_asset_check_evaluations()
    assert not check.passed
    assert "critics' points" in str(check.metadata["refused"].value)


def test_the_command_reports_a_dry_run_and_imports_features(
    settings: Settings, connection: psycopg.Connection, tmp_path: Path
) -> None:
    songs, features = tmp_path / "songs.csv", tmp_path / "features.csv"
    songs.write_text(SONGS, encoding="utf-8")
    features.write_text(FEATURES, encoding="utf-8")
    dry = json.loads(cli("import", songs, "--dry-run", "--json").stdout)
    assert (dry["new"], dry["rejected"], dry["rejected_first_lines"]) == (1, {"no_lyrics": 1}, {"no_lyrics": [3]})
    assert dry["columns"] == {"lyrics": "text", "title": "song", "artist": "artist"}
    assert dry["languages_from"] == "detected on a sample of 1 songs"
    shown = cli("import", songs, "--dry-run").stdout
    assert "lyrics <- text" in shown
    assert "rejected, no_lyrics: 1 (line 3)" in shown
    assert connection.execute("select count(*) from raw_songs").fetchone() == (0,)
    told = json.loads(cli("import", features, "--json").stdout)
    assert (told["kind"], told["new"]) == ("audio_features", 1)
    connection.rollback()
    assert connection.execute("select count(*) from imported_audio_features").fetchone() == (1,)


def test_the_command_groups_lines_when_told(settings: Settings, connection: psycopg.Connection, tmp_path: Path) -> None:
    lines = tmp_path / "lines.csv"
    lines.write_text("artist,title,line\nVale,Tide,one\nVale,Tide,two\n", encoding="utf-8")
    assert cli("import", lines).returncode == 2
    told = json.loads(cli("import", lines, "--per-line", "--json").stdout)
    assert (told["rows"], told["songs"], told["new"]) == (2, 1, 1)
    assert connection.execute("select body from raw_songs").fetchone() == ("one\ntwo",)
