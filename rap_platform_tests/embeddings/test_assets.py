"""The assets of this stage in Dagster: what they write, what they say, and what stops the graph."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from rap_platform.embeddings import analysis_assets, assets, checks, indexing
from rap_platform.embeddings.audio import assets as audio
from rap_platform.resources.embedder import EmbedderResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import CODA, HOOK, VERSE, add_analysis, add_features

ALL = [
    assets.lyrics_embeddings,
    audio.audio_embeddings,
    analysis_assets.analysis_embeddings,
    analysis_assets.vector_index,
]
CHECKS = [value for value in vars(checks).values() if isinstance(value, dg.AssetChecksDefinition)]


def materialize(
    selection: Sequence[dg.AssetsDefinition], instance: dg.DagsterInstance, keys: tuple[str, str] | None = ("00", "15")
) -> dg.ExecuteInProcessResult:
    """Run assets with their checks over a range of shards."""
    tags = (
        {}
        if keys is None
        else {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[1]}
    )
    return dg.materialize(
        [*ALL, *CHECKS],
        selection=dg.AssetSelection.assets(*selection),
        resources={"postgres": PostgresResource(), "embedder": EmbedderResource()},
        instance=instance,
        tags=tags,
        raise_on_error=False,
    )


def figure(result: dg.ExecuteInProcessResult, asset: dg.AssetsDefinition, name: str) -> object:
    (event,) = result.asset_materializations_for_node(asset.node_def.name)[-1:]
    return event.metadata[name].value


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield instance


def test_the_stage_fills_checks_and_indexes_and_a_second_run_does_nothing(
    connection: psycopg.Connection, embedder_settings: Settings, add_track: AddTrack, instance: dg.DagsterInstance
) -> None:
    for number in range(6):
        track = add_track(f"Song {number}", [f"{VERSE} {number}", HOOK, CODA], slot=number * 150, simulated=number == 0)
        add_features(connection, track, tempo=90.0 + number)
        add_analysis(connection, track, "rule_based", "lonely", summary=f"Number {number} leaves.")
    for asset in ALL[:3]:
        result = materialize([asset], instance)
        assert result.success
        assert figure(result, asset, "rows_new") == {"lyrics_embeddings": 18}.get(asset.node_def.name, 6)
        assert all(check.passed for check in result.get_asset_check_evaluations())
    first = materialize([ALL[3]], instance, None)
    assert first.success
    assert figure(first, ALL[3], "status") == "measured"
    assert figure(first, ALL[3], "recall_at_10_minimum") == pytest.approx(1.0)
    assert figure(first, ALL[3], "ef_search") == {target.index: 200 for target in indexing.targets(connection)}
    assert (indexing.latest_reports(connection) or {})["section_vectors_minilm_hnsw"].asked == "lines"
    for asset in ALL[:3]:
        assert figure(materialize([asset], instance), asset, "rows_new") == 0
    assert figure(materialize([ALL[3]], instance, None), ALL[3], "status") == "unchanged"


def test_one_shard_is_filled_alone_and_its_check_looks_at_it_alone(
    connection: psycopg.Connection, embedder_settings: Settings, add_track: AddTrack, instance: dg.DagsterInstance
) -> None:
    add_track("First", [VERSE], slot=0)
    add_track("Last", [CODA], slot=1023)
    result = materialize([assets.lyrics_embeddings], instance, ("15", "15"))
    assert result.success
    assert figure(result, assets.lyrics_embeddings, "computed_by") in ("OpenVINO, bfloat16", "ONNX Runtime, float32")
    assert connection.execute("select title from section_vectors_minilm join tracks using (track_id)").fetchall() == [
        ("Last",)
    ]


def test_vectors_that_are_not_unit_stop_the_graph(
    connection: psycopg.Connection, embedder_settings: Settings, add_track: AddTrack, instance: dg.DagsterInstance
) -> None:
    add_track("Harbour", [VERSE])
    assert materialize([assets.lyrics_embeddings], instance).success
    connection.execute(
        "update section_vectors_minilm set embedding = (embedding::vector(384) + embedding::vector(384))::halfvec(384)"
    )
    connection.commit()
    result = materialize([assets.lyrics_embeddings], instance)
    failed = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed == ["section_vectors_are_unit"]


def test_a_poor_index_stops_the_graph(
    connection: psycopg.Connection,
    embedder_settings: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks.indexing, "latest_recall", lambda _: {"section_vectors_minilm_hnsw": 0.97})
    result = materialize([analysis_assets.vector_index], instance, None)
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert "section_vectors_minilm_hnsw: raise RAP_EMBEDDINGS__HNSW_EF_CONSTRUCTION" in (check.description or "")
