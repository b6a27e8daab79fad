"""What the API and the page say of the newest evaluation and of the title; MLflow is not asked for either."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from rap_platform.evaluation import pictures, plots, queries
from rap_platform.local import process
from rap_platform.settings import Settings
from rap_platform_tests.evaluation import contestants as given
from rap_platform_tests.evaluation import registry

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    figures = plots.draw(given.body(), given.contestants(), given.TEST)
    return {name: pictures.svg(figure, name) for name, figure in figures.items()}


def store(conn: psycopg.Connection, drawn: dict[str, str]) -> dict[str, Any]:
    """Store the evaluation of the known contestants; its report."""
    body = given.body()
    conn.execute(
        "insert into dataset_versions (version, content_digest, seed, train_count, eval_count, simulated, card) "
        "values ('simulated-0f3a', repeat('a', 64), 1, 480, 120, true, '{}')"
    )
    queries.insert_evaluation(
        conn, dataset_version="simulated-0f3a", digest="a" * 64, report=body, markdown="", pictures=drawn, mlflow_run_id=None,
        simulated=True, predictions=[],
    )  # fmt: skip
    conn.commit()
    return body


def decide(conn: psycopg.Connection, action: str, version: str | None, judged: str, **more: Any) -> None:
    row = {
        "action": action, "version": version, "previous": None, "judged": judged, "reason": "because", "actor": "dagster",
        "evaluation_id": None, "dataset_version": None, "simulated": True, "evidence": {}, "links": {},
    } | more  # fmt: skip
    queries.insert_decision(conn, row)
    conn.commit()


def test_nothing_evaluated_is_not_found_and_nobody_is_champion(api: httpx.Client) -> None:
    answer = api.get("/evaluation")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "nothing-evaluated"
    assert "rap-platform run" in answer.json()["detail"]
    page = api.get("/evaluation", headers=BROWSER)
    assert page.status_code == 404
    assert "Nothing was evaluated yet." in page.text
    models = api.get("/models")
    assert models.status_code == 200
    assert models.json() == {
        "model": "quality_model", "champion": None, "challenger": None, "decision": None, "served": {"version": None, "trouble": None},
    }  # fmt: skip


def test_the_answer_is_the_stored_report(
    api: httpx.Client, connection: psycopg.Connection, drawn: dict[str, str]
) -> None:
    body = store(connection, drawn)
    answer = api.get("/evaluation")
    assert answer.status_code == 200, answer.text
    assert answer.headers["vary"] == "Accept"
    found = answer.json()
    assert (found["simulated"], found["model_version"], found["best_baseline"]) == (True, "3", "rule_based")
    assert (
        found["dataset"] | {"eval_tracks": 120, "noise_floor_mae": 0.3, "highest_correlation": 0.93} == found["dataset"]
    )
    assert [one["name"] for one in found["predictors"]][:2] == ["qwen_zero_shot", "quality_model"]
    for one in found["predictors"]:
        stored = body["predictors"][one["name"]]
        assert one["mae"] == stored["mae"]
        assert one["coverage"] == stored["coverage"]
        assert one["parse_failures"] == stored["parse_failures"]
    model = found["predictors"][1]
    assert model["vs_best_baseline"]["high"] < 0
    assert model["intervals"]["level"] == 0.9
    nineties = next(one for one in found["slices"] if one["slice"] == "1990s")
    assert nineties["mae_of_best_baseline"]["value"] > nineties["mae"]["value"]
    small = [one for one in found["slices"] if one["too_small"]]
    assert small
    assert all(one["mae"] is None for one in small)
    assert found["learning_curve"] == [[50.0, 0.9], [480.0, 0.4]]
    assert found["links"]["mlflow_run"] == "http://127.0.0.1:5000/#/experiments/2/runs/0f"
    assert found["verdict"]["promote"] is True


def test_an_evaluation_of_an_earlier_release_can_still_be_read(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    registry.evaluation(connection, "3")
    connection.execute(
        "update evaluations set report = report - 'slices' - 'learning_curve' - 'importance' - 'links' #- '{noise_floor,correlation}'"
    )
    connection.commit()
    assert api.get("/evaluation").json()["predictors"][0]["skill"] is None
    assert api.get("/evaluation", headers=BROWSER).status_code == 200


def test_a_browser_gets_a_page_with_the_table_and_the_pictures(
    api: httpx.Client, connection: psycopg.Connection, drawn: dict[str, str]
) -> None:
    body = store(connection, drawn)
    decide(connection, "promoted", "3", "3")
    page = api.get("/evaluation", headers=BROWSER)
    assert (page.status_code, page.headers["vary"]) == (200, "Accept")
    assert page.headers["content-type"].startswith("text/html")
    assert page.text.count('<svg role="img"') == len(drawn)
    assert not re.search(r"<style|\sstyle=|<script(?! type=\"module\" src=\"/static)", page.text), (
        "the policy forbids inline style and script"
    )
    assert "Champion: version 3" in page.text
    assert '<span class="badge simulated"' in page.text
    for name in body["predictors"]:
        assert name in page.text
    assert "too small: 5 tracks of 5 groups" in page.text
    assert 'href="/evaluation" aria-current="page"' in page.text
    assert 'href="/evaluation"' in api.get("/").text


def test_champion_and_challenger_are_told_with_their_errors_and_since_when(
    api: httpx.Client, connection: psycopg.Connection, drawn: dict[str, str]
) -> None:
    body = store(connection, drawn)
    decide(connection, "promoted", "2", "2")
    decide(
        connection,
        "kept",
        "2",
        "3",
        previous="2",
        reason="not better beyond doubt",
        links={"champion_model": "http://127.0.0.1:5000/#/two"},
    )
    since = connection.execute("select decided_at from title_decisions order by decision_id limit 1").fetchone()
    found = api.get("/models").json()
    assert found["champion"]["version"] == "2"
    assert found["champion"]["since"] == since[0].isoformat().replace("+00:00", "Z")  # type: ignore[index]
    assert (found["champion"]["mae"], found["champion"]["simulated"]) == (None, None), "version 2 was never judged here"
    assert found["champion"]["links"]["mlflow_model"] == "http://127.0.0.1:5000/#/two"
    challenger = found["challenger"]
    assert (challenger["version"], challenger["dataset"]) == ("3", "simulated-0f3a")
    assert challenger["mae"] == body["predictors"]["quality_model"]["mae"]
    assert challenger["links"]["dagster_run"] == "http://127.0.0.1:3000/runs/5d"
    assert (
        found["decision"] | {"action": "kept", "reason": "not better beyond doubt", "decided_by": "dagster"}
        == found["decision"]
    )
    decide(connection, "lost", None, "3", previous="2")
    found = api.get("/models").json()
    assert (found["champion"], found["challenger"]["version"], found["decision"]["action"]) == (None, "3", "lost")


def test_mlflow_away_breaks_neither(
    serve: Callable[[Settings], httpx.Client], settings: Settings, connection: psycopg.Connection, drawn: dict[str, str]
) -> None:
    store(connection, drawn)
    decide(connection, "promoted", "3", "3")
    away = f"http://127.0.0.1:{process.free_port()}"
    api = serve(settings.model_copy(update={"mlflow_tracking_uri": away}))
    assert api.get("/evaluation").status_code == 200
    assert api.get("/models").json()["champion"]["version"] == "3"
    assert api.get("/evaluation", headers=BROWSER).status_code == 200


def test_without_a_database_both_are_503(serve: Callable[[Settings], httpx.Client], settings: Settings) -> None:
    api = serve(settings.model_copy(update={"database_url": None}))
    for path in ("/evaluation", "/models"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["type"]) == (503, "database-unavailable")
    assert api.get("/evaluation", headers=BROWSER).status_code == 503
