"""The stage against a real database and a real MLflow store."""

import dataclasses
from pathlib import Path

import httpx
import numpy as np
import psycopg

from rap_platform.resources.mlflow import MlflowResource
from rap_platform.settings import Settings
from rap_platform.training import assets, checks, queries
from rap_platform.training.finetuning import assets as finetuning
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, figures, verdicts


def test_a_dataset_is_made_once_and_its_checks_pass(
    connection: psycopg.Connection, settings: Settings, materialize: Materialize
) -> None:
    songs.insert(connection, 120, artists=30)
    first = materialize(assets.training_dataset, checks=checks.CHECKS[1:])
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
    result = materialize(
        assets.ratings, assets.training_dataset, assets.quality_model, finetuning.adapters, checks=checks.CHECKS
    )
    made = figures(result, "training_dataset")
    assert made["status"] == "no dataset"
    assert made["missing"] == "30 simulated tracks pass the filters, 30 are rated; a dataset needs 50"
    assert figures(result, "quality_model")["status"] == "no dataset"
    assert "RAP_TRAINING__ADAPTER_BASE_MODEL" in figures(result, "adapters")["remedy"]
    assert connection.execute("select count(*) from dataset_versions").fetchone() == (0,)


def test_without_ratings_and_without_a_panel_the_remedy_is_named(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 5, artists=2, simulated=False, rated=False)
    made = figures(materialize(assets.ratings), "ratings")
    assert made["panel"].startswith("not asked: the panel of raters is not configured")
    assert made["missing"] == "no track has a rating, so that no dataset can be made and no model learned"


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


def test_a_planted_artist_on_both_sides_is_caught_and_named(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 80, artists=20)
    version = figures(materialize(assets.training_dataset), "training_dataset")["version"]
    connection.execute(
        """update dataset_members set split = 'eval'
           where version = %(v)s and track_id = (select min(track_id) from dataset_members where version = %(v)s and split = 'train')""",
        {"v": version},
    )
    connection.commit()
    result = materialize(assets.training_dataset, checks=checks.CHECKS[1:])
    assert not result.success
    assert verdicts(result) == {
        "no_artist_on_both_sides": False,
        "no_duplicate_on_both_sides": True,
        "labels_are_ratings": True,
        "labels_are_not_constant": True,
    }
    (failed,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert (failed.description or "").startswith("in train and in eval: Artist s1 ")


def test_a_planted_duplicate_across_the_split_and_constant_labels_are_caught(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 80, artists=20)
    version = figures(materialize(assets.training_dataset), "training_dataset")["version"]
    connection.execute(
        """update tracks set duplicate_score = 0.9, duplicate_of = (select min(track_id) from dataset_members where version = %(v)s and split = 'eval')
           where track_id = (select min(track_id) from dataset_members where version = %(v)s and split = 'train')""",
        {"v": version},
    )
    assert len(queries.duplicates_on_both_sides(connection, version)) == 1
    connection.execute("update dataset_members set label = 5 where version = %s", [version])
    assert queries.label_summary(connection, version) == (80, 5.0, 5.0, 1, 0.0)


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
