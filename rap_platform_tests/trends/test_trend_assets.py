"""The trend reports against a real database."""

import psycopg
import pytest

from rap_platform.trends import assets, checks, queries
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, figures, verdicts


def test_real_and_simulated_songs_stand_in_reports_of_their_own(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 250, artists=40, rated=False)
    songs.insert(connection, 100, artists=20, simulated=False, rated=False, seed=2)
    connection.execute("update tracks set year = null where source_id in ('r2-1', 'r2-2')")
    connection.commit()
    result = materialize(*assets.ASSETS, checks=checks.CHECKS)
    made = figures(result, "trend_report")
    assert verdicts(result) == {"populations_are_apart": True, "forecasts_are_backtested": True}
    assert (made["status"], made["rows_new"]) == ("new report", 2)
    simulated, real = queries.latest(connection, True), queries.latest(connection, False)
    assert simulated is not None
    assert real is not None
    assert (simulated["body"]["songs"], real["body"]["songs"], real["body"]["songs_without_year"]) == (250, 98, 2)
    assert "**simulated**" in made["report_simulated"]
    assert "**simulated**" not in made["report_real"]
    density = simulated["body"]["parts"]["figures"]["by_year"]["rhyme_density"]
    assert (len(density), density[0]["songs"], density[0]["artists"]) == (25, 10, 8)
    assert density[0]["low"] < density[0]["value"] < density[0]["high"]
    assert {p["value"] for p in real["body"]["parts"]["figures"]["by_year"]["rhyme_density"]} == {None}


def test_the_report_shows_words_groups_and_a_forecast_with_its_backtest(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 250, artists=40, rated=False)
    connection.execute("update tracks set lyrics = lyrics || ' drip ' where year > 2010")
    connection.commit()
    result = materialize(*assets.ASSETS, checks=checks.CHECKS)
    assert verdicts(result) == {"populations_are_apart": True, "forecasts_are_backtested": True}
    stored = queries.latest(connection, True)
    assert stored is not None
    body = stored["body"]
    (drip,) = (one for one in body["words"]["rising"] if one["word"] == "drip")
    assert (drip["first_year"], drip["songs"], drip["before"] < drip["recent"]) == (2011, 90, True)
    assert [one["word"] for one in body["words"]["new"]] == ["drip"]
    assert sum(one["songs"] for one in body["clusters"]["clusters"]) == 250
    outlook = body["parts"]["figures"]["outlook"]
    assert [test["ahead"] for test in outlook["backtests"]] == [1, 2, 3]
    assert {one["year"] for one in outlook["forecasts"]} == {2020, 2021, 2022}
    assert "Back-test" in stored["markdown"]


def test_nothing_new_means_no_work(connection: psycopg.Connection, materialize: Materialize) -> None:
    songs.insert(connection, 60, artists=20, rated=False)
    materialize(*assets.ASSETS)
    before = connection.execute("select count(*) from reports").fetchone()
    again = materialize(*assets.ASSETS)
    assert {figures(again, one.key.to_user_string())["status"] for one in assets.ASSETS} == {"unchanged"}
    assert connection.execute("select count(*) from reports").fetchone() == before == (3,)


def test_a_simulated_analysis_of_real_songs_makes_no_themes(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 60, artists=20, simulated=False, rated=False, analysis_simulated=True)
    materialize(assets.trend_report)
    stored = queries.latest(connection, False)
    assert stored is not None
    assert stored["body"]["analyzer"] is None
    assert stored["body"]["parts"]["themes"]["by_year"] == {}


def test_what_was_said_of_an_earlier_wording_stands_in_no_series(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 60, artists=20, rated=False)
    connection.execute("update analysis_results set input_sha256 = repeat('0', 64)")
    connection.execute("update lyric_features set input_sha256 = repeat('0', 64)")
    connection.commit()
    materialize(assets.trend_report)
    stored = queries.latest(connection, True)
    assert stored is not None
    body = stored["body"]
    assert (body["songs"], body["analyzer"]) == (60, None)
    assert {name: part["by_year"] for name, part in body["parts"].items()} == {kind: {} for kind in body["parts"]}


def test_a_near_duplicate_counts_once(connection: psycopg.Connection, materialize: Materialize) -> None:
    book = songs.insert(connection, 60, artists=20, rated=False)
    connection.execute(
        "update tracks set duplicate_of = %s, duplicate_score = 0.9 where track_id = %s",
        [book.track_ids[0], book.track_ids[1]],
    )
    connection.commit()
    materialize(assets.trend_report)
    stored = queries.latest(connection, True)
    assert stored is not None
    assert stored["body"]["songs"] == 59
    assert stored["body"]["parts"]["moods"]["songs"] == 59


def test_a_change_of_sources_is_warned_of(connection: psycopg.Connection, materialize: Materialize) -> None:
    songs.insert(connection, 100, artists=20, rated=False)
    connection.execute("update tracks set language = 'fr' where year > 2010")
    connection.commit()
    materialize(assets.trend_report)
    stored = queries.latest(connection, True)
    assert stored is not None
    assert [warning.split(":")[0] for warning in stored["body"]["composition"]["warnings"]] == [
        "language en",
        "language fr",
    ]
    assert "**Beware**" in stored["markdown"]


def test_no_songs_make_no_report(connection: psycopg.Connection, materialize: Materialize) -> None:
    assert figures(materialize(assets.trend_report), "trend_report")["status"] == "no songs"


@pytest.mark.parametrize("without", [None, "money"])
def test_labels_are_counted_by_artist_and_year(connection: psycopg.Connection, without: str | None) -> None:
    songs.insert(connection, 50, artists=10, rated=False)
    connection.execute("update analysis_results set themes = '{love}' where track_id % 5 = 0")
    queries.hear(connection, True, "rule_based")
    panel = queries.labels(connection, "themes", without=without)
    total = connection.execute("select count(*) from tracks where track_id % 5 = 0").fetchone()
    assert total is not None
    expected = {"love": 1.0} if without else {"love": total[0] / 50, "money": 1 - total[0] / 50}
    assert {name: panel.sums[:, :, k].sum() / panel.songs.sum() for k, name in enumerate(panel.names)} == pytest.approx(
        expected
    )
