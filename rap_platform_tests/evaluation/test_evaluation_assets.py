"""The report and the champion against a real database and a real MLflow store."""

import dagster as dg
import numpy as np
import psycopg
import pytest

from rap_platform.evaluation import assets, checks, floor_benchmark, queries, report
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.settings import Settings
from rap_platform.training import assets as training
from rap_platform.world.corpus import Corpus
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, figures, verdicts

LEARN = (training.training_dataset, training.quality_model, assets.evaluation_report, assets.champion)


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAP_EVALUATION__BOOTSTRAP", "500")


def test_a_model_that_learned_something_becomes_champion_and_says_why(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 300, artists=100)
    result = materialize(*LEARN, checks=checks.CHECKS)
    crowned = figures(result, "champion")
    assert (crowned["status"], crowned["champion"], crowned["promoted"]) == ("changed", "version 1", True)
    assert verdicts(result) == {"errors_differ": True, "champion_beats_best_baseline": True}
    version = tracking.alias("quality_model", "champion")
    assert version is not None
    assert (version.description or "").startswith("Champion: its MAE ")
    assert tracking.alias("quality_model", "challenger") is None

    body = (report.load_latest(connection) or {})["report"]
    gap = body["predictors"]["quality_model"]["vs_best_baseline"]
    assert gap["high"] < 0
    assert set(body["predictors"]) == {
        "random",
        "mean",
        "median",
        "length_only",
        "bag_of_words",
        "rule_based",
        "rule_based_recalibrated",
        "quality_model",
    }
    assert body["noise_floor"]["mae"] == pytest.approx(0.5 / np.sqrt(3) * np.sqrt(2 / np.pi), rel=0.15)

    again = materialize(*LEARN)
    assert {figures(again, asset.key.path[-1])["status"] for asset in LEARN} == {"unchanged"}
    assert connection.execute("select count(*) from evaluations").fetchone() == (1,)


def test_every_figure_can_be_recomputed_from_the_stored_predictions(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 120, artists=40)
    materialize(*LEARN)
    latest = queries.latest_evaluation(connection)
    assert latest is not None
    rows = connection.execute(
        """select predictor, avg(abs(predicted - label)), count(*) from predictions
           join dataset_members using (track_id) where evaluation_id = %s and version = %s group by predictor""",
        [latest["evaluation_id"], latest["dataset_version"]],
    ).fetchall()
    assert len(rows) == 8
    for predictor, mae, count in rows:
        assert count == 24
        assert mae == pytest.approx(latest["report"]["predictors"][predictor]["mae"]["value"], abs=1e-5)


def test_the_floor_is_of_the_held_out_tracks_and_of_no_other_world(
    connection: psycopg.Connection, materialize: Materialize, settings: Settings
) -> None:
    with pytest.raises(ValueError, match="not of a simulated world"):
        floor_benchmark.floor(settings)
    book = songs.insert(connection, 80, artists=40)
    corpus = Corpus(settings.world_seed, settings.world_artists, settings.world_songs)
    told = [(str(corpus.song_id(n, 0)), corpus.title(n, 0), track_id) for n, track_id in enumerate(book.track_ids)]
    with connection.cursor() as cursor:
        cursor.executemany("update tracks set source_id = %s, title = %s where track_id = %s", told)
    connection.commit()
    materialize(training.training_dataset, training.quality_model, assets.evaluation_report)
    bench = floor_benchmark.floor(settings)
    latest = queries.latest_evaluation(connection)
    assert latest is not None
    ours = latest["report"]["predictors"]["quality_model"]["mae"]["value"]
    assert bench.figures["mae"] == pytest.approx(ours, abs=1e-5)
    assert bench.ratio == pytest.approx(ours / bench.figures["floor"], abs=1e-5)
    connection.execute("update tracks set title = 'Elsewhere' where track_id = any(%s)", [list(book.track_ids)])
    connection.commit()
    with pytest.raises(ValueError, match="RAP_WORLD_SEED"):
        floor_benchmark.floor(settings)


def test_shuffled_labels_yield_no_champion(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    book = songs.insert(connection, 300, artists=100, rated=False)
    # A 95 % interval is wrong about one shuffle in forty; `bench quality` looks at several.
    songs.rate(connection, book.track_ids, np.random.default_rng(9).permutation(book.craft))
    connection.commit()
    result = materialize(*LEARN, checks=checks.CHECKS)
    crowned = figures(result, "champion")
    assert (crowned["champion"], crowned["promoted"]) == ("none", False)
    assert tracking.alias("quality_model", "champion") is None
    assert tracking.alias("quality_model", "challenger") is not None
    (warned,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert (warned.check_name, warned.severity) == ("champion_beats_best_baseline", dg.AssetCheckSeverity.WARN)


def test_a_champion_that_no_longer_wins_loses_the_title(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 120, artists=40)
    materialize(*LEARN)
    latest = queries.latest_evaluation(connection)
    assert latest is not None
    latest["report"]["verdict"] = {"promote": True, "reason": "better"}
    assets.crown(tracking, latest)
    assert tracking.alias("quality_model", "champion") is not None
    latest["report"]["verdict"] = {"promote": False, "reason": "the interval includes zero"}
    assets.crown(tracking, latest)
    assert tracking.alias("quality_model", "champion") is None
    assert (tracking.versions("quality_model")[0].description or "").startswith(
        "Challenger, not champion: the interval includes zero"
    )


def test_a_failed_answer_is_a_failure_and_no_number(connection: psycopg.Connection, materialize: Materialize) -> None:
    book = songs.insert(connection, 120, artists=40)
    songs.analyse(connection, book.track_ids, "qwen", [None if k % 3 == 0 else 5.0 + k % 2 for k in range(120)])
    connection.commit()
    materialize(training.training_dataset, assets.evaluation_report)
    latest = queries.latest_evaluation(connection)
    assert latest is not None
    entry = latest["report"]["predictors"]["qwen_zero_shot"]
    failed = connection.execute(
        "select count(*), count(predicted), min(failure) from predictions where predictor = 'qwen_zero_shot' and failure is not null"
    )
    count, numbers, reason = failed.fetchone() or (0, 0, "")
    assert count == entry["failed"] > 0
    assert (numbers, reason) == (0, "invalid JSON")
    assert entry["coverage"] == pytest.approx(1 - count / 24)
    assert entry["failures"] == {"invalid JSON": count}
    assert f"{entry['coverage']:.1%}" in latest["markdown"]


def test_an_answer_on_an_earlier_wording_is_no_opinion(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    book = songs.insert(connection, 80, artists=40)
    songs.analyse(connection, book.track_ids, "qwen", [6.0] * 80)
    connection.execute("update analysis_results set input_sha256 = repeat('0', 64) where analyzer = 'qwen'")
    connection.commit()
    materialize(training.training_dataset, assets.evaluation_report)
    latest = queries.latest_evaluation(connection)
    assert latest is not None
    assert "qwen_zero_shot" not in latest["report"]["predictors"]


def test_a_failure_that_was_asked_again_makes_a_new_report(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    book = songs.insert(connection, 80, artists=40)
    songs.analyse(connection, book.track_ids, "qwen", [None] * 80)
    connection.commit()
    steps = (training.training_dataset, assets.evaluation_report)
    assert figures(materialize(*steps), "evaluation_report")["status"] == "new report"
    assert figures(materialize(*steps), "evaluation_report")["status"] == "unchanged"
    connection.execute(
        """
        update analysis_results set status = 'ok', error = null, quality = 6, raw_confidence = 0.4, primary_mood = 'calm', created_at = now()
        where analyzer = 'qwen'
        """
    )
    connection.commit()
    assert figures(materialize(*steps), "evaluation_report")["status"] == "new report"
    latest = queries.latest_evaluation(connection)
    assert latest is not None
    assert latest["report"]["predictors"]["qwen_zero_shot"]["coverage"] == 1


def test_a_simulated_analysis_of_a_real_track_is_no_opinion(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    book = songs.insert(connection, 80, artists=40, simulated=False)
    songs.analyse(connection, book.track_ids, "qwen", [6.0] * 80, simulated=True)
    connection.commit()
    materialize(training.training_dataset, assets.evaluation_report)
    latest = queries.latest_evaluation(connection)
    assert latest is not None
    assert "qwen_zero_shot" not in latest["report"]["predictors"]
    assert latest["simulated"] is False


def test_equal_errors_on_every_track_are_an_error_that_names_the_predictor(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 80, artists=40)
    result = materialize(training.training_dataset, assets.evaluation_report, checks=checks.CHECKS[:1])
    assert verdicts(result) == {"errors_differ": True}
    latest = queries.latest_evaluation(connection)
    assert latest is not None
    connection.execute("update dataset_members set label = 9.5 where version = %s", [latest["dataset_version"]])
    connection.execute("update predictions set predicted = 5.0, failure = null where predictor = 'rule_based'")
    named = queries.predictors_with_equal_errors(connection, latest["evaluation_id"], report.EQUAL_ERRORS)
    assert [(name, tracks, round(error, 3)) for name, tracks, error in named if name == "rule_based"] == [
        ("rule_based", 16, 4.5)
    ]


def test_mlflow_holds_a_parent_and_a_child_per_predictor(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 80, artists=40)
    materialize(*LEARN)
    client = tracking.client()
    experiment = client.get_experiment_by_name("evaluation")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = {run.data.params["predictor"]: run for run in runs if run is not parent}
    body = (report.load_latest(connection) or {})["report"]
    assert set(children) == set(body["predictors"])
    assert children["mean"].data.metrics["mae"] == pytest.approx(body["predictors"]["mean"]["mae"]["value"])
    assert "spearman" not in {name for name, value in children["mean"].data.metrics.items() if value is None}
    assert {a.path for a in client.list_artifacts(parent.info.run_id, "plots")} >= {
        "plots/mae.png",
        "plots/residuals.png",
    }
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_nothing_evaluated_is_no_failure(connection: psycopg.Connection, materialize: Materialize) -> None:
    result = materialize(assets.evaluation_report, assets.champion, checks=checks.CHECKS)
    assert figures(result, "evaluation_report")["status"] == "no dataset"
    assert figures(result, "champion")["status"] == "no dataset"
    assert report.load_latest(connection) is None
