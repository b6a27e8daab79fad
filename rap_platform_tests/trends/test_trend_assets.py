"""The trend report against a real database."""

import psycopg

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
    result = materialize(assets.trend_report, checks=checks.CHECKS)
    made = figures(result, "trend_report")
    assert verdicts(result) == {"populations_are_apart": True}
    assert (made["status"], made["rows_new"]) == ("new report", 2)
    simulated, real = queries.latest(connection, True), queries.latest(connection, False)
    assert simulated is not None
    assert real is not None
    assert (simulated["body"]["songs"], real["body"]["songs"], real["body"]["songs_without_year"]) == (250, 98, 2)
    assert "**simulated**" in made["report_simulated"]
    assert "**simulated**" not in made["report_real"]
    density = simulated["body"]["rhyme_density"]["by_year"]
    assert (len(density), density[0]["songs"]) == (25, 10)
    assert density[0]["low"] < density[0]["value"] < density[0]["high"]
    assert {point["value"] for point in real["body"]["rhyme_density"]["by_year"]} == {None}


def test_nothing_new_means_no_work(connection: psycopg.Connection, materialize: Materialize) -> None:
    songs.insert(connection, 60, artists=20, rated=False)
    materialize(assets.trend_report)
    before = connection.execute("select count(*) from reports").fetchone()
    assert figures(materialize(assets.trend_report), "trend_report")["status"] == "unchanged"
    assert connection.execute("select count(*) from reports").fetchone() == before == (1,)


def test_a_simulated_analysis_of_real_songs_makes_no_themes(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 60, artists=20, simulated=False, rated=False, analysis_simulated=True)
    materialize(assets.trend_report)
    stored = queries.latest(connection, False)
    assert stored is not None
    assert stored["body"]["analyzer"] is None
    assert stored["body"]["themes"] == {"by_year": {}, "slopes": []}


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
    assert (body["songs"], body["songs_with_rhyme"], body["songs_with_themes"], body["analyzer"]) == (60, 0, 0, None)


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


def test_no_songs_make_no_report(connection: psycopg.Connection, materialize: Materialize) -> None:
    assert figures(materialize(assets.trend_report), "trend_report")["status"] == "no songs"
