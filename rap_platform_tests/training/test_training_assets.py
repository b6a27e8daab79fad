"""The stage against a real database and a real MLflow store."""

import dataclasses
from pathlib import Path

import dagster as dg
import httpx
import numpy as np
import psycopg
import pytest

from rap_platform.definitions import build_defs
from rap_platform.orchestration import schedules
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.settings import Settings
from rap_platform.training import assets, checks, dataset_files, drift_assets, queries
from rap_platform.training.finetuning import assets as finetuning
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, checks_of, figures, tracked, verdicts


def experiments(tracking: MlflowResource) -> list[str]:
    return [experiment.name for experiment in tracking.client().search_experiments()]


def test_a_dataset_is_made_once_and_its_checks_pass(
    connection: psycopg.Connection, settings: Settings, materialize: Materialize
) -> None:
    songs.insert(connection, 120, artists=30)
    first = materialize(assets.training_dataset, checks=checks_of(assets.training_dataset))
    made = figures(first, "training_dataset")
    assert (made["status"], made["population"], made["train"], made["eval"]) == ("new version", "simulated", 96, 24)
    assert made["size_note"] == "smaller than asked for: 120 of 1000 tracks pass the filters"
    assert set(verdicts(first).values()) == {True}
    folder = settings.data_dir / "datasets" / made["version"]
    assert len((folder / "eval.jsonl").read_text(encoding="utf-8").splitlines()) == 24

    again = figures(materialize(assets.training_dataset), "training_dataset")
    assert (again["status"], again["version"], again["rows_new"]) == ("unchanged", made["version"], 0)
    assert connection.execute("select count(*) from dataset_versions").fetchone() == (1,)


def test_a_corrected_rating_makes_a_new_version_and_its_return_the_old_one(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    book = songs.insert(connection, 80, artists=20)
    first = figures(materialize(assets.training_dataset), "training_dataset")["version"]
    before = connection.execute(
        "select rater, rating from ratings where track_id = %s limit 1", [book.track_ids[0]]
    ).fetchone()
    assert before is not None
    change = "update ratings set rating = %s where track_id = %s and rater = %s"
    connection.execute(change, [11 - before[1], book.track_ids[0], before[0]])
    connection.commit()
    second = figures(materialize(assets.training_dataset), "training_dataset")["version"]
    assert second != first
    connection.execute(change, [before[1], book.track_ids[0], before[0]])
    connection.commit()
    assert figures(materialize(assets.training_dataset), "training_dataset")["version"] == first
    current = queries.current_dataset(connection, "auto")
    assert current is not None
    assert current.version == first


def test_what_was_said_or_heard_of_another_wording_lets_no_track_in(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    book = songs.insert(connection, 80, artists=20)
    for table, track_id in (("analysis_results", book.track_ids[0]), ("lyric_features", book.track_ids[1])):
        connection.execute(
            f"update {table} set input_sha256 = repeat('0', 64) where track_id = %s",
            [track_id],
        )
    connection.commit()
    made = figures(materialize(assets.training_dataset), "training_dataset")
    assert made["train"] + made["eval"] == 78
    assert made["card"]["dropped"] == {"no analysis": 1, "no lyric features yet": 1}


def test_too_few_ratings_say_so_and_nothing_fails(connection: psycopg.Connection, materialize: Materialize) -> None:
    songs.insert(connection, 30, artists=10)
    learning = (
        assets.ratings,
        assets.training_dataset,
        assets.quality_model,
        finetuning.adapters,
        drift_assets.drift_report,
    )
    result = materialize(*learning, checks=checks.CHECKS)
    assert set(verdicts(result).values()) == {True}
    made = figures(result, "training_dataset")
    assert made["status"] == "no dataset"
    assert made["missing"] == "30 simulated tracks pass the filters, 30 are rated; a dataset needs 50"
    assert "rap-platform ratings import FILE" in made["remedy"]
    assert figures(result, "quality_model")["status"] == "no dataset"
    assert figures(result, "drift_report")["status"] == "no dataset"
    assert "RAP_TRAINING__ADAPTER_BASE_MODEL" in figures(result, "adapters")["remedy"]
    assert connection.execute("select count(*) from dataset_versions").fetchone() == (0,)


def test_a_simulated_analysis_does_not_carry_a_real_track_into_the_dataset(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 60, artists=20, simulated=False, analysis_simulated=True)
    made = figures(materialize(assets.training_dataset), "training_dataset")
    assert made["status"] == "no dataset"
    assert made["dropped"] == {} or "no analysis" not in made["dropped"]
    rows = queries.rated_tracks(connection)
    assert {row.confidence for row in rows} == {None}


def test_real_and_simulated_tracks_are_not_mixed(connection: psycopg.Connection, materialize: Materialize) -> None:
    songs.insert(connection, 70, artists=20)
    real = songs.insert(connection, 60, artists=20, simulated=False, seed=2)
    made = figures(materialize(assets.training_dataset), "training_dataset")
    assert made["population"] == "real"
    stored = connection.execute("select track_id from dataset_members where version = %s", [made["version"]]).fetchall()
    assert {row[0] for row in stored} == set(real.track_ids)
    assert connection.execute("select simulated from dataset_versions").fetchall() == [(False,)]


def test_the_model_learns_the_craft_and_is_registered_once(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 150, artists=50)
    result = materialize(assets.training_dataset, assets.quality_model)
    made = figures(result, "quality_model")
    assert made["status"] == "new version"
    (version,) = tracking.versions("quality_model")
    assert version.tags["simulated"] == "true"
    assert version.tags["dataset_digest"] == figures(result, "training_dataset")["digest"]
    assert version.tags["dagster.asset_key"] == "quality_model"
    run = tracking.client().get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.inputs.dataset_inputs[0].dataset.name == made["dataset"]
    assert {f.path for f in tracking.client().list_artifacts(version.run_id, "dataset")} >= {
        "dataset/train.jsonl",
        "dataset/dataset.parquet",
    }
    labels = [m.label for m in queries.members(connection, made["dataset"]) if m.split == "train"]
    told = run.data.metrics
    assert made["nested_mae"] == pytest.approx(told["nested_mae"], abs=1e-4)
    assert 0.7 < told["nested_coverage"] <= 1
    assert {"cv_mae", "nested_mae_sd", "importance/rhyme", "learning_curve/50"} <= set(told)
    stored = {f.path for f in tracking.client().list_artifacts(version.run_id)}
    assert {"importance.json", "importance.md", "learning_curve.json"} <= stored
    pictures = {f.path for f in tracking.client().list_artifacts(version.run_id, "plots")}
    assert pictures == {"plots/importance.png", "plots/learning_curve.png"}
    assert made["cv_mae"] < 0.8 * float(np.mean(np.abs(np.array(labels) - np.median(labels))))

    assert figures(materialize(assets.quality_model), "quality_model")["status"] == "unchanged"
    assert len(tracking.versions("quality_model")) == 1


def test_a_model_can_be_learned_without_any_embedding(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 80, artists=30)
    connection.execute("delete from track_vectors_minilm")
    connection.commit()
    made = figures(materialize(assets.training_dataset, assets.quality_model), "quality_model")
    assert (made["status"], made["without_embedding"]) == ("new version", made["train"])


def test_without_mlflow_the_model_is_not_configured(connection: psycopg.Connection, materialize: Materialize) -> None:
    songs.insert(connection, 80, artists=30)
    result = materialize(assets.training_dataset, assets.quality_model, mlflow=MlflowResource())
    made = figures(result, "quality_model")
    assert made["status"] == "not configured"
    assert "RAP_MLFLOW_TRACKING_URI" in made["remedy"]


def test_a_run_that_a_killed_process_left_open_is_closed(tracking: MlflowResource) -> None:
    client = tracking.client()
    with tracking.run("evaluation", "first", tags={"key": "k"}) as run:
        pass
    left = client.create_run(run.experiment_id, tags={"key": "k"}).info.run_id
    other = client.create_run(run.experiment_id, tags={"key": "another"}).info.run_id
    with tracking.run("evaluation", "second", tags={"key": "k"}):
        pass
    assert client.get_run(left).info.status == "KILLED"
    assert client.get_run(other).info.status == "RUNNING"


def test_exported_files_come_back_when_somebody_deleted_them(
    connection: psycopg.Connection, settings: Settings, materialize: Materialize
) -> None:
    songs.insert(connection, 60, artists=20)
    version = figures(materialize(assets.training_dataset), "training_dataset")["version"]
    folder = Path(settings.data_dir) / "datasets" / version
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert figures(materialize(assets.training_dataset), "training_dataset")["status"] == "unchanged"
    assert (folder / "train.jsonl").read_bytes() == before["train.jsonl"]
    assert dataclasses.is_dataclass(queries.members(connection, version)[0])


def test_a_version_is_logged_once_with_its_files_its_card_and_both_its_tables(
    connection: psycopg.Connection, settings: Settings, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 80, artists=20)
    result = materialize(assets.training_dataset)
    made = figures(result, "training_dataset")
    (run,) = tracked(tracking, "datasets")
    assert run.info.status == "FINISHED"
    assert run.info.run_name == made["version"]
    tags = run.data.tags
    assert tags["dagster.run_id"] == result.run_id
    assert tags["dagster.url"].endswith(f"/runs/{result.run_id}")
    assert (tags["dagster.asset_key"], tags["simulated"], tags["key"]) == ("training_dataset", "true", made["digest"])
    assert tags["mlflow.note.content"].startswith(f"# Dataset {made['version']}")
    inputs = {i.dataset.name: i.tags[0].value for i in run.inputs.dataset_inputs}
    assert inputs == {
        f"{made['version']}/train.jsonl": "training",
        f"{made['version']}/eval.jsonl": "evaluation",
        f"{made['version']}/dataset.parquet": "training and evaluation",
    }
    assert run.data.metrics["on_both_sides/artists"] == 0
    assert run.data.metrics["train"] == 64
    files = {file.path for file in tracking.client().list_artifacts(run.info.run_id, "dataset")}
    assert files == {f"dataset/{name}" for name in dataset_files.NAMES}
    assert "data:image/png" in made["sides"]
    materialize(assets.training_dataset)
    assert len(tracked(tracking, "datasets")) == 1


def test_a_version_that_was_made_without_mlflow_is_logged_when_there_is_one(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 80, artists=20)
    alone = figures(materialize(assets.training_dataset, mlflow=MlflowResource()), "training_dataset")
    assert alone["status"] == "new version"
    with tracking.run("datasets", "killed", tags={"key": alone["digest"]}) as left:
        pass
    tracking.client().update_run(left.run_id, status="RUNNING")  # as a killed process leaves it
    later = figures(materialize(assets.training_dataset), "training_dataset")
    assert (later["status"], later["version"]) == ("unchanged", alone["version"])
    assert sorted((run.info.run_name, run.info.status) for run in tracked(tracking, "datasets")) == [
        ("killed", "KILLED"),
        (alone["version"], "FINISHED"),
    ]


def test_members_whose_tracks_came_back_under_other_ids_are_members_again(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 60, artists=20)
    made = figures(materialize(assets.training_dataset), "training_dataset")
    connection.execute("truncate artists, raw_songs cascade")
    connection.execute("alter sequence tracks_track_id_seq restart with 5000")
    songs.insert(connection, 60, artists=20)
    again = figures(materialize(assets.training_dataset), "training_dataset")
    assert (again["version"], again["status"]) == (made["version"], "unchanged")
    ids = [member.track_id for member in queries.members(connection, made["version"])]
    assert len(ids) == 60
    assert min(ids) >= 5000


def everything(connection: psycopg.Connection) -> dict[str, str]:
    """Every table with a digest of all its rows."""
    names = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    digests = {}
    for (name,) in names:
        query = f"select count(*) || ':' || md5(coalesce(string_agg(x::text, '|' order by x::text), '')) from {name} x"
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        digests[name] = row[0]
    connection.commit()
    return digests


def test_retraining_does_nothing_when_nothing_changed(
    connection: psycopg.Connection, settings: Settings, tracking: MlflowResource
) -> None:
    songs.insert(connection, 100, artists=40)
    job = build_defs({"mlflow": tracking}).resolve_job_def("retrain")
    assert schedules.weekly_retraining.job_name == job.name
    with dg.DagsterInstance.ephemeral() as instance:
        first = job.execute_in_process(instance=instance, raise_on_error=False)
        assert figures(first, "quality_model")["status"] == "new version"
        before = everything(connection)
        logged = {run.info.run_id for name in experiments(tracking) for run in tracked(tracking, name)}
        models = [version.version for version in tracking.versions("quality_model")]
        assert len(models) == 1
        files = {path: path.stat().st_mtime_ns for path in settings.data_dir.rglob("*") if path.is_file()}
        second = job.execute_in_process(instance=instance, raise_on_error=False)
    assert {"datasets", "quality_model", "evaluation"} <= set(experiments(tracking))
    for asset in ("training_dataset", "quality_model", "evaluation_report", "champion", "serving_release"):
        assert figures(second, asset)["status"] == "unchanged", asset
    after = everything(connection)
    rows = {name: (before[name].split(":")[0], after[name].split(":")[0]) for name in after}
    assert {name: both for name, both in rows.items() if both[0] != both[1]} == {}
    assert {name for name in after if name.startswith("dataset_") and before[name] != after[name]} == set()
    assert {run.info.run_id for name in experiments(tracking) for run in tracked(tracking, name)} == logged
    assert [version.version for version in tracking.versions("quality_model")] == models
    assert {path: path.stat().st_mtime_ns for path in settings.data_dir.rglob("*") if path.is_file()} == files


def test_the_simulated_panel_is_asked_once_for_each_track(
    world: str, connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 3, artists=2, rated=False)
    songs.insert(connection, 2, artists=2, rated=False, simulated=False, seed=2)
    catalogue = httpx.get(f"{world}/catalogue/artists", params={"limit": 1, "offset": 0}).json()["artists"]
    found = httpx.get(
        f"{world}/genius/api/artists/{catalogue[0]['id']}/songs",
        params={"per_page": 1},
        headers={"Authorization": "Bearer simulated"},
    ).json()
    known = str(found["response"]["songs"][0]["id"])
    connection.execute("update tracks set source_id = '99990000' || track_id where source_id <> 's1-0'")
    connection.execute("update tracks set source_id = %s where source_id = 's1-0'", [known])
    connection.commit()
    made = figures(materialize(assets.ratings, checks=checks.CHECKS[:1]), "ratings")
    assert made["asked"] == 3
    rows = connection.execute(
        "select source_id, count(*), bool_and(r.simulated) from ratings r join tracks using (track_id) group by 1"
    )
    assert rows.fetchall() == [(known, made["rows_new"], True)]
    assert made["rows_new"] > 0
    assert figures(materialize(assets.ratings), "ratings")["asked"] == 2
