"""What a release records, when it is new, what its check refuses, and what a purge leaves."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.serving import assets, checks, queries
from rap_platform.serving.champion import ChampionVersion, RegistryAway, find_champion
from rap_platform.serving.purging import purge_simulated, simulated_slugs
from rap_platform.serving.releasing import ServedModel, draft
from rap_platform.settings import Settings
from rap_platform_tests.serving import songs

MLFLOW_WARNS = pytest.mark.filterwarnings("ignore")  # while it is imported and about its own models
NONE = ServedModel(None, "no version of the quality model is champion yet")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def release(instance: dg.DagsterInstance, database: str) -> dict[str, object]:
    """Materialize the release with its check; the metadata, with `passed` of the check."""
    result = dg.materialize(
        [assets.serving_release, checks.release_refers_to_what_exists],
        resources={"postgres": PostgresResource(dsn=database)},
        instance=instance,
        raise_on_error=False,
    )
    (made,) = result.asset_materializations_for_node("serving_release")
    (check,) = result.get_asset_check_evaluations()
    return {key: value.value for key, value in made.metadata.items()} | {
        "passed": check.passed,
        "check": check.metadata,
    }


def test_a_release_is_recorded_once_until_something_changes(
    instance: dg.DagsterInstance, settings: Settings, database: str, connection: psycopg.Connection, encoder: Encoder
) -> None:
    songs.add_song(connection, "Harbour", songs.HARBOUR)
    songs.add_vectors(connection, encoder)
    first = release(instance, database)
    assert (first["status"], first["rows_new"], first["encoder"], first["simulated"]) == (
        "released",
        1,
        "minilm",
        False,
    )
    assert first["model"] == "none: no registry is configured: set RAP_MLFLOW_TRACKING_URI"
    assert first["page"] == f"http://127.0.0.1:{settings.ports.api}/"
    assert first["passed"] is True
    second = release(instance, database)
    assert (second["status"], second["rows_new"], second["release_id"]) == ("unchanged", 0, first["release_id"])
    songs.add_song(connection, "Neon", songs.PARTY, simulated=True)
    third = release(instance, database)
    assert (third["status"], third["simulated"]) == ("released", True)
    assert third["dagster/row_count"] == 2


def test_content_that_comes_back_is_in_force_again_under_its_old_number(connection: psycopg.Connection) -> None:
    old, new = draft(connection, NONE), draft(connection, ServedModel(ChampionVersion("1", None, {}), None))
    assert old.content_digest != new.content_digest
    first = queries.store_release(connection, old.row())
    connection.commit()
    second = queries.store_release(connection, new.row())
    connection.commit()
    current = queries.current_release(connection)
    assert current is not None
    assert (current["release_id"], current["model_uri"]) == (second, "models:/quality_model/1")
    assert queries.store_release(connection, old.row()) == first
    current = queries.current_release(connection)
    assert current is not None
    assert current["release_id"] == first


def test_the_check_refuses_a_release_without_an_index(
    instance: dg.DagsterInstance, settings: Settings, database: str, connection: psycopg.Connection, encoder: Encoder
) -> None:
    songs.add_song(connection, "Harbour", songs.HARBOUR)
    songs.add_vectors(connection, encoder)
    connection.execute("drop index section_vectors_minilm_hnsw")
    connection.commit()
    found = release(instance, database)
    assert found["passed"] is False
    assert "section_vectors_minilm has no HNSW index" in str(found["check"])


def test_the_api_is_an_external_asset_behind_the_release() -> None:
    assert assets.rap_api.key == dg.AssetKey("rap_api")
    assert [dep.asset_key for dep in assets.rap_api.deps] == [dg.AssetKey("serving_release")]
    assert assets.rap_api.metadata["health"].value.endswith("/health")


@MLFLOW_WARNS
def test_a_registry_that_is_away_is_not_a_missing_champion(unused_port: int, tmp_path: Path) -> None:
    with pytest.raises(RegistryAway):
        find_champion(f"http://127.0.0.1:{unused_port}")
    assert find_champion(f"sqlite:///{tmp_path}/mlflow.db") is None


@pytest.fixture
def unused_port() -> int:
    from rap_platform.local.process import free_port

    return free_port()


def test_a_purge_leaves_only_what_is_real(connection: psycopg.Connection, settings: Settings, encoder: Encoder) -> None:
    real = songs.add_song(connection, "Harbour", songs.HARBOUR, artist="Nora Vale")
    copied = songs.add_song(connection, "Neon Again", songs.PARTY, artist="Nora Vale")
    made_up = songs.add_song(connection, "Neon", songs.PARTY, artist="Stand-In", simulated=True)
    twin = songs.add_song(connection, "Twin", songs.PARTY, artist="Nora Vale", simulated=True)
    connection.execute(
        "update tracks set duplicate_of = %s, duplicate_score = 0.9 where track_id = %s", [made_up, copied]
    )
    songs.add_analysis(connection, real, simulated=True)
    songs.add_analysis(connection, real, analyzer="rule_based")
    songs.add_analysis(connection, made_up, simulated=True)
    songs.add_vectors(connection, encoder)
    for track_id, simulated in ((real, True), (real, False), (made_up, True)):
        connection.execute(
            "insert into ratings (track_id, rater, source, rating, simulated) values (%s, %s, 'panel', 7, %s)",
            [track_id, f"rater {simulated}", simulated],
        )
    connection.execute(
        "insert into dataset_versions (version, content_digest, seed, train_count, eval_count, simulated, card) "
        "values ('made-up', repeat('a', 64), 1, 1, 1, true, '{}'), ('true', repeat('b', 64), 1, 1, 1, false, '{}')"
    )
    connection.execute(
        "insert into dataset_members (version, track_id, split, label, group_key, lyrics_sha256) values ('made-up', %s, 'train', 5, 'g', 'x')",
        [real],
    )
    connection.execute(
        "insert into evaluations (dataset_version, input_digest, report, markdown, simulated) "
        "values ('made-up', repeat('c', 64), '{}', '', true), ('true', repeat('d', 64), '{}', '', false)"
    )
    connection.execute(
        "insert into title_decisions (action, version, reason, actor, evaluation_id, simulated) "
        "select 'promoted', '1', 'better', 'dagster', evaluation_id, simulated from evaluations"
    )
    queries.store_release(connection, draft(connection, NONE).row())
    connection.commit()

    assert simulated_slugs(connection) == ["nora vale-simulated", "stand-in-simulated"]
    counts = purge_simulated(connection, settings)
    connection.commit()

    assert counts["tracks"] == counts["raw_songs"] == counts["artists"] == 2
    assert counts["analysis_results"] == 2
    assert counts["ratings"] == 2
    assert counts["tracks_no_longer_duplicates"] == 1
    assert counts["serving_releases"] == counts["evaluations"] == counts["dataset_versions"] == 1
    assert counts["title_decisions"] == 1
    assert "mlflow_runs" not in counts
    left = connection.execute("select track_id, duplicate_of from tracks order by track_id").fetchall()
    assert left == [(real, None), (copied, None)]
    simulated = connection.execute(
        """select table_name from information_schema.columns
           where column_name = 'simulated' and table_schema = 'public' order by table_name"""
    ).fetchall()
    assert len(simulated) >= 12
    for (table,) in simulated:
        (count,) = connection.execute(f"select count(*) from {table} where simulated").fetchone() or (None,)
        assert count == 0, table
    assert connection.execute("select analyzer from analysis_results").fetchall() == [("rule_based",)]
    assert connection.execute("select count(distinct track_id) from section_vectors_minilm").fetchone() == (2,)
    assert twin not in {row[0] for row in left}
    assert not any(purge_simulated(connection, settings).values())


@MLFLOW_WARNS
def test_a_purge_deletes_simulated_runs_and_versions_in_mlflow(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    registry = MlflowResource(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    client = registry.client()
    for simulated in ("true", "false"):
        with registry.run("quality_model", simulated, tags={"simulated": simulated}):
            pass
    client.create_registered_model("quality_model")
    client.create_model_version("quality_model", str(tmp_path), tags={"simulated": "true"})
    counts = purge_simulated(connection, settings.model_copy(update={"mlflow_tracking_uri": registry.tracking_uri}))
    assert (counts["mlflow_runs"], counts["mlflow_versions"]) == (1, 1)
    (experiment,) = [e for e in client.search_experiments() if e.name == "quality_model"]
    assert [run.data.tags["simulated"] for run in client.search_runs([experiment.experiment_id])] == ["false"]
    assert registry.versions("quality_model") == []
