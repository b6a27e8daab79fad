"""`rap-platform dataset ...` over real versions in a real database."""

import json
import re

import psycopg
import pytest
from typer.testing import CliRunner

from rap_platform import console
from rap_platform.cli import app
from rap_platform.training import assets
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, figures

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.out, "width", 160)
    monkeypatch.setattr(console.err, "width", 160)


def cli(*arguments: str) -> str:
    done = RUNNER.invoke(app, ["dataset", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def versions(connection: psycopg.Connection, materialize: Materialize) -> tuple[str, str]:
    """Two versions: the second after a rating was corrected, a track deleted and thirty songs came."""
    book = songs.insert(connection, 80, artists=20)
    old = figures(materialize(assets.training_dataset), "training_dataset")["version"]
    connection.execute("update ratings set rating = 11 - rating where track_id = %s", [book.track_ids[3]])
    connection.execute("delete from ratings where track_id = %s", [book.track_ids[5]])
    connection.commit()
    songs.insert(connection, 30, artists=10, seed=2)
    return old, figures(materialize(assets.training_dataset), "training_dataset")["version"]


def test_versions_are_listed_shown_and_compared(versions: tuple[str, str], connection: psycopg.Connection) -> None:
    old, new = versions
    listed = json.loads(cli("list", "--json"))
    assert [(one["version"], one["current"], one["files"]) for one in listed] == [(new, True, True), (old, False, True)]
    assert old in cli("list")

    assert json.loads(cli("show", "--json"))["version"] == new
    shown = cli("show", old[:16])
    assert f"Dataset {old}" in shown
    assert "Raters" in shown

    found = json.loads(cli("diff", old, new, "--json"))
    assert (len(found["added"]), found["removed"]) == (30, ["Artist s1 5, Song s1-5"])
    assert found["relabelled"][0]["name"] == "Artist s1 3, Song s1-3"
    assert found["tracks"] == {"before": 80, "after": 109, "in_both": 79}
    moved = connection.execute(
        """select count(*) from dataset_members o join dataset_members n using (track_id)
           where o.version = %s and n.version = %s and o.split = 'eval' and n.split = 'train'""",
        [old, new],
    ).fetchone()
    assert moved is not None
    assert len(found["contaminated"]) == moved[0] > 0
    told = RUNNER.invoke(app, ["dataset", "diff", old, new])
    assert re.search(rf"warning: {moved[0]} of 16 tracks that were held out", " ".join(told.output.split()))
    assert "Artist s1 5, Song s1-5" in told.output
    assert "same tracks" in cli("diff", new, new)


def test_a_version_that_does_not_exist_is_refused_with_those_that_do(versions: tuple[str, str]) -> None:
    done = RUNNER.invoke(app, ["dataset", "show", "real-123"])
    assert done.exit_code == 2
    assert versions[0] in done.output.replace("\n", "")
    assert RUNNER.invoke(app, ["dataset", "diff", "simulated", versions[1]]).exit_code == 2


def test_without_any_version_the_way_to_one_is_named(materialize: Materialize) -> None:
    assert "rap-platform ratings import FILE" in " ".join(cli("list").split())
    assert RUNNER.invoke(app, ["dataset", "show"]).exit_code == 1
