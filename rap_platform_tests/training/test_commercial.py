"""Commercial potential: labels where they exist, a model of its own, and words where they don't."""

import psycopg
import pytest

from rap_platform.evaluation import report
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.training import assets, commercial, commercial_assets
from rap_platform.training.commercial import Attention, NoTarget, Target
from rap_platform_tests.training import songs
from rap_platform_tests.training.tracking import Materialize, figures


def test_views_come_first_popularity_second_and_the_two_are_never_mixed() -> None:
    known = [Attention(n, 999 if n < 40 else None, 50 if n >= 30 else None) for n in range(100)]
    by_views = commercial.target(known, 40)
    assert isinstance(by_views, Target)
    assert (by_views.name, by_views.labels[0], len(by_views.labels)) == ("log10 of views", 3.0, 40)
    by_popularity = commercial.target(known, 60)
    assert isinstance(by_popularity, Target)
    assert (by_popularity.name, by_popularity.labels[99], len(by_popularity.labels)) == ("Spotify popularity", 50.0, 70)
    none = commercial.target(known, 80)
    assert isinstance(none, NoTarget)
    assert "40 have views and 70 a popularity; a model needs 80" in none.missing


def test_without_labels_the_asset_says_so_and_fails_not(
    connection: psycopg.Connection, materialize: Materialize
) -> None:
    songs.insert(connection, 80, artists=20)
    found = figures(materialize(assets.training_dataset, commercial_assets.commercial_model), "commercial_model")
    assert found["status"] == "no labels"
    assert "0 have views" in found["missing"]
    assert "views" in found["remedy"]


def test_labels_on_one_side_of_the_split_alone_are_no_labels() -> None:
    target = Target("log10 of views", "log10 of views", {}, (0.0, 12.0), "")
    both = [("train", "a"), ("train", "b"), ("eval", "c"), ("eval", "c")]
    assert commercial.lacking(both, target) is None
    for labelled in (both[:2], both[:3], both[1:]):
        assert isinstance(commercial.lacking(labelled, target), NoTarget)


@pytest.mark.filterwarnings("ignore")  # MLflow warns while it is imported
def test_views_of_tracks_to_learn_from_alone_are_reported_and_break_nothing(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    songs.insert(connection, 80, artists=20)
    materialize(assets.training_dataset)
    connection.execute(
        "update tracks set views = 100 + track_id where track_id in (select track_id from dataset_members where split = 'train')"
    )
    connection.commit()
    found = figures(materialize(commercial_assets.commercial_model), "commercial_model")
    assert found["status"] == "no labels"
    assert "0 of them are held out" in found["missing"]
    assert tracking.versions("commercial_model") == []


@pytest.mark.filterwarnings("ignore")  # MLflow warns while it is imported
def test_with_views_it_is_a_model_of_its_own_and_a_second_table(
    connection: psycopg.Connection, materialize: Materialize, tracking: MlflowResource
) -> None:
    from rap_platform.evaluation import assets as evaluation

    book = songs.insert(connection, 120, artists=40)
    rows = [(int(10 ** (2 + craft / 4)), track_id) for craft, track_id in zip(book.craft, book.track_ids, strict=True)]
    with connection.cursor() as cursor:
        cursor.executemany("update tracks set views = %s where track_id = %s", rows[:110])
    connection.commit()
    steps = (assets.training_dataset, commercial_assets.commercial_model, evaluation.evaluation_report)
    first = materialize(*steps)
    made = figures(first, "commercial_model")
    assert (made["status"], made["target"], made["labelled"]) == ("new version", "log10 of views", 110)
    assert [version.tags["target"] for version in tracking.versions("commercial_model")] == ["log10 of views"]

    latest = report.load_latest(connection)
    assert latest is not None
    body = latest["report"]["commercial"]
    assert set(body["predictors"]) == {"median", "length_only", "commercial_model"} | {"bag_of_words"}
    assert body["train_tracks"] + body["eval_tracks"] == 110
    assert body["predictors"]["commercial_model"]["mae"]["value"] < body["predictors"]["median"]["mae"]["value"]
    assert body["verdict"]["promote"] is False
    assert "Commercial potential (log10 of views): " in latest["markdown"]
    assert "commercial_model" not in latest["report"]["predictors"]

    again = materialize(*steps)
    assert [figures(again, name)["status"] for name in ("commercial_model", "evaluation_report")] == ["unchanged"] * 2
