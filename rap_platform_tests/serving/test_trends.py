"""GET /trends: the stored report as JSON, one series of it, and the page for a browser."""

import httpx
import numpy as np
import psycopg
import pytest

from rap_platform.trends import markdown, queries, report
from rap_platform.trends.panel import of_songs
from rap_platform.trends.report import Inputs


@pytest.fixture
def reported(connection: psycopg.Connection) -> dict[str, object]:
    """A stored report of simulated songs in which a theme named with a sharp tongue jumps in 2005."""
    years = [1990 + n % 30 for n in range(1500)]
    artists = [n % 71 for n in range(1500)]
    chance = np.random.default_rng(3)
    held = chance.random((1500, 2)) < np.array([[0.5 if year >= 2005 else 0.05, 0.3] for year in years])
    themes = of_songs("share", ["<b>loud</b>", "love"], years, artists, held.astype(float))
    nothing = of_songs("share", [], [], [], np.zeros((0, 0)))
    composition = [(year, "en", "genius", 50) for year in range(1990, 2020)]
    body = report.build(Inputs(True, "rule_based", 1500, 3, themes, nothing, nothing, (), composition=composition))
    queries.insert(connection, "0" * 64, body, markdown.markdown(body))
    connection.commit()
    return body


def test_the_report_comes_with_series_changes_and_forecasts(api: httpx.Client, reported: dict[str, object]) -> None:
    answer = api.get("/trends")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["population"], body["simulated"], body["songs"], body["songs_without_year"]) == (
        "simulated",
        True,
        1500,
        3,
    )
    part = body["parts"]["themes"]
    assert [(one["name"], one["year"]) for one in part["changes"]] == [("<b>loud</b>", 2005)]
    assert len(part["by_year"]["love"]) == 30
    assert {one["year"] for one in part["outlook"]["forecasts"]} == {2020, 2021, 2022}
    assert [test["ahead"] for test in part["outlook"]["backtests"]] == [1, 2, 3]


def test_one_series_can_be_asked_for(api: httpx.Client, reported: dict[str, object]) -> None:
    parts = api.get("/trends", params={"name": "love"}).json()["parts"]
    assert list(parts) == ["themes"]
    assert list(parts["themes"]["by_year"]) == ["love"]
    assert {one["name"] for one in parts["themes"]["outlook"]["forecasts"]} == {"love"}
    assert api.get("/trends", params={"name": "hate"}).json()["type"] == "no-such-series"
    assert api.get("/trends", params={"nmae": "love"}).status_code == 422


def test_a_browser_gets_pictures_with_the_numbers_and_no_markup_of_names(
    api: httpx.Client, reported: dict[str, object]
) -> None:
    answer = api.get("/trends", headers={"accept": "text/html,application/xhtml+xml"})
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["vary"].lower().split(", ")[0] == "accept" or "accept" in answer.headers["vary"].lower()
    assert '<svg class="chart"' in answer.text
    assert "<b>loud" not in answer.text
    assert "&lt;b&gt;loud" in answer.text
    assert "2005" in answer.text
    assert "simulated" in answer.text


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_without_a_report_the_answer_says_what_to_do(api: httpx.Client, accept: str) -> None:
    answer = api.get("/trends", headers={"accept": accept})
    assert answer.status_code == 503
    assert "rap-platform run" in answer.text


def test_a_report_of_simulated_songs_is_none_of_real_ones(api: httpx.Client, reported: dict[str, object]) -> None:
    assert api.get("/trends", params={"population": "real"}).status_code == 503
