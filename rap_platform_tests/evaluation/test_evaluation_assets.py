"""The report and the champion against a real database and a real MLflow store."""

from types import SimpleNamespace

import dagster as dg
import numpy as np
import psycopg
import pytest

from rap_platform.evaluation import assets, checks, floor_benchmark, picture_titles, queries, report
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings
from rap_platform.training import assets as training
from rap_platform.world.corpus import Corpus
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, figures, verdicts

LEARN = (training.training_dataset, training.quality_model, assets.evaluation_report, assets.champion)


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAP_EVALUATION__BOOTSTRAP", "500")


@pytest.fixture
def evaluated(connection: psycopg.Connection, settings: Settings) -> psycopg.Connection:
    """A database with an evaluation of baselines on 16 tracks, without MLflow."""
    songs.insert(connection, 80, artists=40)
    resources = {"postgres": PostgresResource(), "mlflow": MlflowResource()}
    assert dg.materialize([training.training_dataset, assets.evaluation_report], resources=resources).success
    return connection


def test_a_model_that_learned_something_becomes_champion_and_says_why(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 300, artists=100)
    result = materialize(*LEARN, checks=checks.CHECKS)
    crowned = figures(result, "champion")
    assert (crowned["status"], crowned["champion"], crowned["promoted"]) == ("changed", "version 1", True)
    assert verdicts(result) == {
        "errors_differ": True,
        "held_out_labels_differ": True,
        "groups_stand_on_one_side": True,
        "report_is_what_was_predicted": True,
        "champion_beats_best_baseline": True,
    }
    version = tracking.alias("quality_model", "champion")
    assert version is not None
    assert (version.description or "").startswith("**Champion.** Version 1 is champion (simulated), promoted: its MAE ")
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


def test_every_figure_can_be_recomputed_from_the_stored_predictions(evaluated: psycopg.Connection) -> None:
    latest = queries.latest_evaluation(evaluated)
    assert latest is not None
    rows = evaluated.execute(
        """select predictor, avg(abs(predicted - label)), count(*) from predictions
           join dataset_members using (track_id) where evaluation_id = %s and version = %s group by predictor""",
        [latest["evaluation_id"], latest["dataset_version"]],
    ).fetchall()
    assert {predictor for predictor, _, _ in rows} == {
        "random", "mean", "median", "length_only", "bag_of_words", "rule_based", "rule_based_recalibrated",
    }  # fmt: skip
    for predictor, mae, count in rows:
        assert count == 16
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
    skill = (report.load_latest(connection) or {})["report"]["predictors"]["quality_model"]["skill"]
    assert skill["low"] < 0 < skill["high"]
    (warned,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert (warned.check_name, warned.severity) == ("champion_beats_best_baseline", dg.AssetCheckSeverity.WARN)


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


def test_what_the_training_run_says_of_itself_stands_in_the_report(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 80, artists=40)
    materialize(training.training_dataset, training.quality_model)
    (version,) = tracking.versions("quality_model")
    client = tracking.client()
    client.log_text(version.run_id, "[[16, 1.2], [64, 0.9]]", "learning_curve.json")
    client.log_text(version.run_id, '[["rhyme_density", 0.3]]', "importance.json")
    materialize(assets.evaluation_report)
    body = (report.load_latest(connection) or {})["report"]
    assert body["learning_curve"] == [[16.0, 1.2], [64.0, 0.9]]
    assert body["importance"] == [["rhyme_density", 0.3]]
    pictures = connection.execute("select array(select jsonb_object_keys(pictures)) from evaluations").fetchone()
    assert {"learning_curve", "importance"} <= set((pictures or ([],))[0])


PLANTED = [
    (
        "errors_differ",
        "update predictions p set predicted = m.label - 0.45 from dataset_members m where p.track_id = m.track_id and predictor = 'mean'",
        "mean: MAE = RMSE = 0.450, the same error on all 16 tracks",
    ),
    (
        "held_out_labels_differ",
        "update dataset_members set label = 5.5 where split = 'eval'",
        "all 16 held-out labels lie between 5.5 and 5.5",
    ),
    (
        "groups_stand_on_one_side",
        "update dataset_members set group_key = 'the same crew' where track_id in "
        "(select distinct on (split) track_id from dataset_members order by split, track_id)",
        "in train and in eval: the same crew",
    ),
    (
        "report_is_what_was_predicted",
        "update predictions set predicted = predicted + 1 where predictor = 'median'",
        "median: MAE ",
    ),
    (
        "report_is_what_was_predicted",
        "delete from predictions where predictor = 'random' and track_id = (select min(track_id) from predictions)",
        "random: 15 of 15 tracks are predicted, the report says 16 tracks, 0 failed",
    ),
    (
        "report_is_what_was_predicted",
        "update predictions set predictor = 'somebody' where predictor = 'median'",
        "median has no predictions; somebody has predictions and is not in the report",
    ),
]


def test_a_planted_fault_is_found_and_named(evaluated: psycopg.Connection) -> None:
    tables = ("predictions", "dataset_members")
    for table in tables:
        evaluated.execute(f"create table sound_{table} as table {table}")
    by_name = {one.check_key.name: one for one in checks.CHECKS}
    for check, planted, named in PLANTED:
        evaluated.commit()
        assert by_name[check](PostgresResource()).passed
        evaluated.execute(planted)
        evaluated.commit()
        found = by_name[check](PostgresResource())
        assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR), planted
        assert (found.description or "").startswith(named)
        for table in tables:
            evaluated.execute(f"truncate {table}")
            evaluated.execute(f"insert into {table} table sound_{table}")


def test_a_reader_gets_from_the_registry_to_the_data_and_to_dagster_and_back(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 120, artists=60)
    result = materialize(*LEARN)
    client = tracking.client()
    body = (report.load_latest(connection) or {})["report"]
    digest = connection.execute("select content_digest from dataset_versions").fetchone()

    # from Dagster to MLflow
    reported, crowned = figures(result, "evaluation_report"), figures(result, "champion")
    parent = client.get_run(reported["mlflow_run_id"])
    assert crowned["mlflow_run_id"] == parent.info.run_id
    training_run = client.get_run(reported["training_run_id"])

    # from the evaluation's run to the model, the run it was trained in, the data, Dagster
    assert parent.data.params["model_version"] == "1"
    assert client.get_model_version("quality_model", "1").run_id == training_run.info.run_id
    for run in (parent, training_run):
        assert run.data.tags["dagster.run_id"] == result.run_id
        (given,) = [data.dataset for data in run.inputs.dataset_inputs]
        assert (given.name, given.digest) == (body["dataset"], (digest or ("",))[0][:36])
    note = parent.data.tags["mlflow.note.content"]
    title = f"Version 1 is champion (simulated), {crowned['decision']}" if crowned["promoted"] else "Nobody is champion"
    assert note.startswith(f"**{title}")
    for told in (training_run.info.run_id, body["dataset"], result.run_id[:8], "| **quality_model** |", "Verdict: "):
        assert told in note
    assert parent.data.tags["champion"] == ("quality_model version 1" if crowned["promoted"] else "none")
    assert crowned["reason"] in parent.data.tags["champion_reason"]

    # from the model version back to its evaluation
    version = client.get_model_version("quality_model", "1")
    assert version.tags["evaluation_run_id"] == parent.info.run_id
    assert version.tags["dataset"] == version.tags["decided_on_dataset"] == body["dataset"]
    assert result.run_id in version.tags["dagster.url"]
    assert result.run_id in version.tags["decided_in_dagster"]

    # the children
    experiment = client.get_experiment_by_name("evaluation")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    children = {run.data.params["predictor"]: run for run in runs if "mlflow.parentRunId" in run.data.tags}
    assert len(runs) == len(children) + 1
    assert set(children) == set(body["predictors"])
    assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {parent.info.run_id}
    measured = children["quality_model"].data.metrics
    assert measured["mae_low"] < measured["mae"] < measured["mae_high"]
    assert measured["vs_best_baseline"] == body["predictors"]["quality_model"]["vs_best_baseline"]["value"]
    assert "spearman" not in children["mean"].data.metrics
    marked = {name for name, run in children.items() if run.data.tags["champion"] == "true"}
    assert marked == ({"quality_model"} if crowned["promoted"] else set())
    assert {run.info.status for run in runs} == {"FINISHED"}
    files = {a.path for folder in (None, "plots") for a in client.list_artifacts(parent.info.run_id, folder)}
    plots = {f"plots/{name}.png" for name in picture_titles.TITLES}
    assert files == {"report.html", "report.md", "report.json", "plots"} | plots


def test_a_version_of_one_model_is_not_taken_for_that_of_the_other() -> None:
    third = SimpleNamespace(version=3)
    assert assets._judged(third, None) == "quality_model 3"
    assert assets._judged(None, third) == "commercial_model 3"
    assert assets._judged(None, None) is None


def test_nothing_evaluated_is_no_failure(connection: psycopg.Connection, materialize: Materialize) -> None:
    result = materialize(assets.evaluation_report, assets.champion, checks=checks.CHECKS)
    assert figures(result, "evaluation_report")["status"] == "no dataset"
    assert figures(result, "champion")["status"] == "no dataset"
    assert report.load_latest(connection) is None
