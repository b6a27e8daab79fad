"""The drift report against a real database and a real MLflow store."""

import psycopg

from rap_platform.resources.mlflow import MlflowResource
from rap_platform.training import assets, drift_assets
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, checks_of, figures, tracked

LEARN = (assets.training_dataset, drift_assets.drift_report)
CHECK = checks_of(drift_assets.drift_report)


def dataset_then(connection: psycopg.Connection, materialize: Materialize, new: int) -> None:
    """A dataset of 120 songs, then `new` songs that nobody has rated yet."""
    songs.insert(connection, 120, artists=40)
    materialize(assets.training_dataset)
    songs.insert(connection, new, artists=30, seed=2, rated=False)


def test_few_new_tracks_are_not_compared_and_that_is_said(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    dataset_then(connection, materialize, 20)
    result = materialize(*LEARN, checks=CHECK)
    made = figures(result, "drift_report")
    assert made["status"] == "too few new tracks: 20 of the 30 that a comparison needs"
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.description) == (True, "too few new tracks: 20 of the 30 that a comparison needs")
    assert tracked(tracking, "drift") == []


def test_new_tracks_like_the_old_raise_no_alarm_and_are_reported_once(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    dataset_then(connection, materialize, 90)
    result = materialize(*LEARN, checks=CHECK)
    made = figures(result, "drift_report")
    assert (made["status"], made["new_tracks"], made["compared"], made["rated"]) == ("new report", 90, 90, 0)
    assert made["drifted_columns"] == 0
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    (run,) = tracked(tracking, "drift")
    assert run.data.metrics["compared"] == 90
    assert 0 <= run.data.metrics["psi/rhyme_density"] < 1
    assert run.data.tags["dagster.asset_key"] == "drift_report"
    assert {file.path for file in tracking.client().list_artifacts(run.info.run_id, "plots")} == {
        "plots/psi.png",
        "plots/most_moved.png",
    }
    again = figures(materialize(drift_assets.drift_report), "drift_report")
    assert (again["status"], again["rows_new"]) == ("unchanged", 0)
    assert len(tracked(tracking, "drift")) == 1
    assert connection.execute("select count(*) from reports where kind = 'drift_report'").fetchone() == (1,)


def test_drifted_columns_and_labels_are_warned_of_by_name(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    dataset_then(connection, materialize, 90)
    book = connection.execute("select track_id from tracks where source_id like 's2-%'").fetchall()
    connection.execute(
        "update lyric_features set rhyme_density = 0.9 + random() * 0.05 where track_id = any(%s)",
        [[track_id for (track_id,) in book]],
    )
    connection.execute(
        "insert into ratings (track_id, rater, source, rating, simulated) select track_id, r, 'panel', 9 + random(), true"
        " from unnest(%s::bigint[]) as t (track_id), unnest(array['ann', 'bo', 'cy']) as r",
        [[track_id for (track_id,) in book]],
    )
    connection.commit()
    result = materialize(drift_assets.drift_report, checks=CHECK)
    assert result.success
    made = figures(result, "drift_report")
    assert made["rated"] == 90
    assert set(made["drifted"]) == {"rhyme_density", "label"}
    assert "**rhyme_density**" in made["report"]
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.severity.value) == (False, "WARN")
    assert "rhyme_density (PSI " in (check.description or "")
    assert "label (PSI " in (check.description or "")


def test_new_tracks_without_vectors_are_compared_by_ear_alone(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    dataset_then(connection, materialize, 60)
    connection.execute(
        "delete from track_vectors_minilm v using tracks t where t.track_id = v.track_id and t.source_id like 's2-%'"
    )
    connection.commit()
    made = figures(materialize(drift_assets.drift_report), "drift_report")
    assert made["status"] == "new report"
    assert "embedding" not in made["report"]
