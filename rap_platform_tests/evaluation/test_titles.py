"""The title in a real registry and a real database: judged, kept, rolled back, moved by hand, carried on after a crash."""

from typing import Any

import dagster as dg
import numpy as np
import psycopg
import pytest

from rap_platform.evaluation import asking, checks, queries, titles
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings
from rap_platform_tests.evaluation import registry
from rap_platform_tests.training import songs

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow about its own models


def judge(conn: psycopg.Connection, mlflow: MlflowResource, evaluation: dict[str, Any]) -> tuple[str, str | None, bool]:
    row, new = titles.judge(
        conn, mlflow, evaluation, seed=1, links={"champion_dagster_run": "http://127.0.0.1:3000/runs/champion"}
    )
    return row["action"], row["version"], new


def holders(mlflow: MlflowResource) -> tuple[str | None, str | None]:
    """Who carries the aliases champion and challenger."""
    found = [mlflow.alias("quality_model", alias) for alias in ("champion", "challenger")]
    return tuple(None if one is None else str(one.version) for one in found)  # type: ignore[return-value]


@pytest.fixture
def catalogue(connection: psycopg.Connection) -> tuple[int, ...]:
    """60 songs; labels are the tests' business."""
    return songs.insert(connection, 60, artists=60, rated=False).track_ids


def test_a_title_is_decided_once_per_evaluation_and_explained_in_the_registry(
    connection: psycopg.Connection, tracking: MlflowResource
) -> None:
    version = registry.register(tracking)
    evaluation = registry.evaluation(connection, version)
    assert judge(connection, tracking, evaluation) == ("promoted", "1", True)
    assert judge(connection, tracking, evaluation) == ("promoted", "1", False)
    assert holders(tracking) == ("1", None)
    (row,) = queries.decisions(connection)
    assert row["applied_at"] is not None
    (made,) = tracking.versions("quality_model")
    told = "Version 1 is champion (simulated), promoted: it beats the median"
    assert made.tags | {"role": "champion", "reason": told, "decided_on_dataset": "made-up"} == made.tags
    assert made.description is not None
    assert made.description.startswith(f"**Champion.** {told}.")
    for link in ("http://127.0.0.1:5000/#/run", "runs/training", "runs/champion"):
        assert link in made.description


def test_a_challenger_that_is_not_better_stays_challenger_and_a_loser_loses_the_alias(
    connection: psycopg.Connection, tracking: MlflowResource
) -> None:
    first = registry.register(tracking)
    assert judge(connection, tracking, registry.evaluation(connection, first, promote=False)) == ("vacant", None, True)
    assert holders(tracking) == (None, "1")
    assert judge(connection, tracking, registry.evaluation(connection, first, attempt=1)) == ("promoted", "1", True)
    assert holders(tracking) == ("1", None)
    evaluation = registry.evaluation(connection, first, promote=False, attempt=2)
    assert judge(connection, tracking, evaluation) == ("lost", None, True)
    assert holders(tracking) == (None, "1")
    description = tracking.versions("quality_model")[0].description
    assert (description or "").startswith("**Challenger.** Nobody is champion (simulated), lost, before: 1")


def test_two_models_are_compared_on_tracks_that_neither_learned_from(
    connection: psycopg.Connection, tracking: MlflowResource, catalogue: tuple[int, ...]
) -> None:
    labels = dict(zip(catalogue, np.random.default_rng(2).normal(6, 0.3, 60).clip(1, 10), strict=True))
    registry.dataset(connection, "old", list(catalogue[:10]), list(catalogue[50:]), labels)
    registry.dataset(connection, "new", list(catalogue[58:]), list(catalogue[:58]), labels)
    old = registry.register(tracking, 5.0, dataset="old")
    assert judge(connection, tracking, registry.evaluation(connection, old, name="old"))[0] == "promoted"
    new = registry.register(tracking, 6.0, dataset="new")
    said = {
        "quality_model": dict.fromkeys(catalogue[:58], 6.0),
        "median": dict.fromkeys(catalogue[:58], 3.0),
    }
    evaluation = registry.evaluation(connection, new, name="new", said=said)
    duel = asking.duel(connection, tracking, evaluation, old, "old", seed=1)
    assert (duel.clean_tracks, duel.clean_groups) == (48, 48), "ten of the held-out tracks taught the champion"
    held = np.array([labels[t] for t in catalogue[10:58]])
    assert duel.against_challenger is not None and duel.against_baseline is not None
    assert duel.against_challenger.value == pytest.approx(np.abs(6 - held).mean() - np.abs(5 - held).mean(), abs=1e-5)
    assert duel.against_baseline.value == pytest.approx(np.abs(5 - held).mean() - np.abs(3 - held).mean(), abs=1e-5)
    assert judge(connection, tracking, evaluation) == ("promoted", "2", True)
    row = queries.decisions(connection)[-1]
    assert "on 48 tracks that neither learned from, version 2 differs from version 1" in row["reason"]
    assert row["evidence"]["duel"]["clean_tracks"] == 48
    former = {str(v.version): v.tags["role"] for v in tracking.versions("quality_model")}
    assert former == {"1": "former champion", "2": "champion"}


def test_a_copy_of_a_known_text_is_not_clean_and_too_few_clean_tracks_keep_the_champion(
    connection: psycopg.Connection, tracking: MlflowResource, catalogue: tuple[int, ...]
) -> None:
    labels = dict.fromkeys(catalogue, 6.0)
    registry.dataset(connection, "old", list(catalogue[:30]), list(catalogue[30:31]), labels)
    registry.dataset(connection, "new", list(catalogue[59:]), list(catalogue[:59]), labels)
    connection.execute(
        "update dataset_members set lyrics_sha256 = (select lyrics_sha256 from tracks where track_id = %s) "
        "where version = 'new' and track_id = %s",
        [catalogue[0], catalogue[40]],
    )
    connection.commit()
    old = registry.register(tracking, 6.1, dataset="old")
    judge(connection, tracking, registry.evaluation(connection, old, name="old"))
    new = registry.register(tracking, 6.0, dataset="new")
    said = {"quality_model": dict.fromkeys(catalogue[:59], 6.0), "median": dict.fromkeys(catalogue[:59], 3.0)}
    evaluation = registry.evaluation(connection, new, name="new", said=said)
    assert judge(connection, tracking, evaluation) == ("kept", "1", True)
    assert "only 28 held-out tracks of 28 groups are new to version 1" in queries.decisions(connection)[-1]["reason"]
    assert holders(tracking) == ("1", "2")


def test_a_champion_whose_columns_are_gone_gives_way(
    connection: psycopg.Connection, tracking: MlflowResource, catalogue: tuple[int, ...]
) -> None:
    registry.dataset(connection, "new", list(catalogue[50:]), list(catalogue[:50]), dict.fromkeys(catalogue, 6.0))
    old = registry.register(tracking, columns=5)
    judge(connection, tracking, registry.evaluation(connection, old))
    new = registry.register(tracking, 6.0, dataset="new")
    assert judge(connection, tracking, registry.evaluation(connection, new, name="new")) == ("promoted", "2", True)
    assert "version 1 cannot be asked any more: ValueError" in queries.decisions(connection)[-1]["reason"]


def test_a_rollback_gives_the_title_back_and_the_next_run_does_not_undo_it(
    connection: psycopg.Connection, tracking: MlflowResource
) -> None:
    for _ in range(2):
        version = registry.register(tracking)
        titles.by_hand(connection, tracking, "promoted by hand", version, "a start", "ann")
    evaluation = registry.evaluation(connection, "2")
    row, changed = titles.by_hand(connection, tracking, "rolled back", None, "it liked ballads", "ann")
    assert (row["version"], row["previous"], row["actor"], changed) == ("1", "2", "ann", True)
    assert holders(tracking) == ("1", "2")
    assert judge(connection, tracking, evaluation) == ("rolled back", "1", False)
    later = registry.evaluation(connection, "2", attempt=1)
    assert judge(connection, tracking, later) == ("kept", "1", True)
    assert "a person took the title from version 2 (it liked ballads)" in queries.decisions(connection)[-1]["reason"]
    assert holders(tracking) == ("1", "2")
    again, changed = titles.by_hand(connection, tracking, "rolled back", "1", "once more", "ann")
    assert (again["version"], changed) == ("1", False)
    with pytest.raises(titles.NoSuchVersion, match="no earlier champion"):
        titles.by_hand(connection, tracking, "rolled back", None, "further", "ann")
    with pytest.raises(titles.NoSuchVersion, match="no version 7; registered: 1, 2"):
        titles.by_hand(connection, tracking, "rolled back", "7", "further", "ann")
    assert [row["action"] for row in queries.decisions(connection)] == [
        "promoted by hand", "promoted by hand", "rolled back", "kept",
    ]  # fmt: skip


def test_an_alias_that_somebody_moved_in_mlflow_is_their_decision(
    connection: psycopg.Connection, tracking: MlflowResource
) -> None:
    for _ in range(2):
        titles.by_hand(connection, tracking, "promoted by hand", registry.register(tracking), "a start", "ann")
    tracking.client().set_registered_model_alias("quality_model", "champion", "1")
    assert judge(connection, tracking, registry.evaluation(connection, "2")) == ("kept", "1", True)
    moved, kept = queries.decisions(connection)[-2:]
    assert (moved["action"], moved["version"], moved["previous"], moved["actor"]) == (
        "moved in MLflow",
        "1",
        "2",
        "mlflow",
    )
    assert "the alias was moved in MLflow" in kept["reason"]
    assert holders(tracking) == ("1", "2")


def test_a_decision_that_a_killed_process_left_is_carried_out_by_the_next(
    connection: psycopg.Connection, tracking: MlflowResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = registry.evaluation(connection, registry.register(tracking))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(titles.tracking, "log_title", killed)
        judge(connection, tracking, evaluation)
    connection.rollback()
    (row,) = queries.decisions(connection)
    assert (row["version"], row["applied_at"]) == ("1", None)
    assert holders(tracking) == (None, None)
    assert judge(connection, tracking, evaluation) == ("promoted", "1", False)
    assert holders(tracking) == ("1", None)
    (row,) = queries.decisions(connection)
    assert row["applied_at"] is not None


def test_the_check_says_who_is_champion_and_whether_the_title_is_earned(
    connection: psycopg.Connection, tracking: MlflowResource, settings: Settings, catalogue: tuple[int, ...]
) -> None:
    def asked() -> tuple[bool, str]:
        found = checks.champion_beats_best_baseline(PostgresResource())
        assert found.severity == dg.AssetCheckSeverity.WARN or found.passed
        return bool(found.passed), found.description or ""

    labels = dict.fromkeys(catalogue, 6.0)
    registry.dataset(connection, "old", list(catalogue[50:]), list(catalogue[:50]), labels)
    registry.dataset(connection, "new", list(catalogue[50:]), list(catalogue[:50]), labels)
    assert asked() == (True, "nothing was evaluated yet")
    old = registry.register(tracking, 6.1, dataset="old")
    judge(connection, tracking, registry.evaluation(connection, old, promote=False, name="old"))
    assert asked() == (False, "nobody is champion; of version 1: it does not beat the median")
    judge(connection, tracking, registry.evaluation(connection, old, name="old", attempt=1))
    assert asked() == (True, "it beats the median")
    new = registry.register(tracking, 6.2, dataset="new")
    said = {"quality_model": dict.fromkeys(catalogue[:50], 6.2), "median": dict.fromkeys(catalogue[:50], 3.0)}
    judge(connection, tracking, registry.evaluation(connection, new, promote=False, name="new", said=said))
    assert asked() == (True, "version 1 differs from the best baseline by -2.900 (-2.900 to -2.900)")
    said["median"] = dict.fromkeys(catalogue[:50], 6.0)
    judge(connection, tracking, registry.evaluation(connection, new, promote=False, name="new", said=said, attempt=1))
    assert holders(tracking) == (None, "2")
    passed, told = asked()
    assert not passed
    assert told.startswith("nobody is champion")
    assert "version 1 no longer beats the best baseline: +0.100" in queries.decisions(connection)[-1]["reason"]


def test_a_registry_that_was_lost_bars_nobody(connection: psycopg.Connection, tracking: MlflowResource) -> None:
    version = registry.register(tracking)
    assert judge(connection, tracking, registry.evaluation(connection, version)) == ("promoted", "1", True)
    tracking.client().delete_registered_model("quality_model")
    assert registry.register(tracking) == "1", "numbers begin again"
    assert judge(connection, tracking, registry.evaluation(connection, "1", attempt=1)) == ("promoted", "1", True)
    lost = queries.decisions(connection)[1]
    assert (lost["action"], lost["previous"], lost["actor"]) == ("lost", "1", "mlflow")
    assert lost["reason"] == "version 1 is no longer in the registry"
    assert holders(tracking) == ("1", None)


def test_an_evaluation_that_comes_back_is_the_newest_and_one_that_is_the_newest_is_left_alone(
    connection: psycopg.Connection,
) -> None:
    first, second = (registry.evaluation(connection, "1", attempt=attempt) for attempt in (0, 1))
    digests = dict(connection.execute("select evaluation_id, input_digest from evaluations").fetchall())
    connection.commit()
    assert queries.use_again(connection, digests[second["evaluation_id"]]) == second["evaluation_id"]
    assert queries.latest_evaluation(connection) == second, "not even its time is another"
    assert queries.use_again(connection, digests[first["evaluation_id"]]) == first["evaluation_id"]
    latest = queries.latest_evaluation(connection)
    assert latest is not None
    assert latest["evaluation_id"] == first["evaluation_id"]
    assert queries.use_again(connection, "0" * 64) is None
