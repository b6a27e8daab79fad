"""`rap-platform evaluate` and `rap-platform champion …` against a real database and a real registry."""

import json
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from typer.testing import CliRunner, Result

from rap_platform.cli import app
from rap_platform.evaluation import queries, wording
from rap_platform.local.environment import dagster_instance
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.settings import Settings, get_settings
from rap_platform_tests.evaluation import contestants as given
from rap_platform_tests.evaluation import registry

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow about its own models


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch, settings: Settings, tracking: MlflowResource) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr("rap_platform.console.out.width", 400)
    monkeypatch.setenv("RAP_MLFLOW_TRACKING_URI", str(tracking.tracking_uri))
    get_settings.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def told(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_evaluate_prints_the_table_of_the_report(connection: psycopg.Connection) -> None:
    missing = run("evaluate")
    assert missing.exit_code == 1
    assert "no evaluation yet" in missing.stderr
    connection.execute(
        "insert into dataset_versions (version, content_digest, seed, train_count, eval_count, simulated, card) "
        "values ('simulated-0f3a', repeat('a', 64), 1, 480, 120, true, '{}')"
    )
    body = given.body()
    queries.insert_evaluation(
        connection, dataset_version="simulated-0f3a", digest="a" * 64, report=body, markdown="", pictures={}, mlflow_run_id=None,
        simulated=True, predictions=[],
    )  # fmt: skip
    connection.commit()
    shown = told("evaluate")
    mae = body["predictors"]["quality_model"]["mae"]  # type: ignore[index]
    for figure in (f"{mae['value']:.3f} ", f"{mae['low']:.3f} to {mae['high']:.3f}", "best baseline"):
        assert figure in shown
    assert "qwen_zero_shot failed on 3: invalid_answer" in shown
    assert "Everything here is simulated." in shown
    assert "verdict: better than the best baseline; its MAE" in shown
    assert "1990s" not in shown
    for heading in wording.SHORT:
        assert heading in shown
    sliced = told("evaluate", "--slices")
    assert "1990s" in sliced
    assert "too small: 5 tracks of 5 groups" in sliced
    assert json.loads(told("evaluate", "--json"))["report"] == json.loads(json.dumps(body))


def test_a_title_is_shown_taken_back_and_given_again(
    connection: psycopg.Connection, tracking: MlflowResource, settings: Settings, tmp_path: Path
) -> None:
    assert run("champion", "show").exit_code == 1
    assert "no decision yet" in told("champion", "history")
    for _ in range(2):
        registry.register(tracking)
    registry.evaluation(connection, "2")
    assert "Version 1 is champion (simulated), promoted by hand" in told(
        "champion", "promote", "1", "--reason", "a start"
    )
    told("champion", "promote", "2", "--reason", "it is newer")
    back = told("champion", "rollback", "--reason", "it liked ballads")
    assert "Version 1 is champion (simulated), rolled back by" in back
    assert "it liked ballads" in back
    assert "rap-platform run" in back
    alias = tracking.alias("quality_model", "champion")
    assert alias is not None
    assert str(alias.version) == "1"
    assert "version 1 is champion already" in told("champion", "rollback", "--to", "1")
    shown = json.loads(told("champion", "show", "--json"))
    assert (shown["version"], shown["previous"], shown["action"], shown["reason"]) == (
        "1",
        "2",
        "rolled back",
        "it liked ballads",
    )
    assert "it liked ballads" in told("champion", "show")
    rows = json.loads(told("champion", "history", "--json"))
    assert [(row["action"], row["version"]) for row in rows] == [
        ("rolled back", "1"), ("promoted by hand", "2"), ("promoted by hand", "1"),
    ]  # fmt: skip
    assert told("champion", "history", "--limit", "1").count("rolled back") == 1
    with dagster_instance(settings) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("champion"))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["reason"].value == "it liked ballads"


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["rollback"], "no earlier champion to go back to"),
        (["rollback", "--to", "7"], "quality_model has no version 7; registered: none"),
        (["rollback", "--to", "newest"], "a version is a number"),
        (["promote", "1", "--reason", " "], "--reason is empty"),
    ],
)
def test_what_cannot_be_decided_is_refused_with_the_remedy(arguments: list[str], remedy: str) -> None:
    done = run("champion", *arguments)
    assert done.exit_code == 2
    assert remedy in " ".join(done.stderr.split())
