"""The code location: it loads, every asset says what it is, the stages exist once."""

import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from rap_platform.definitions import PIPELINE, build_defs, defs
from rap_platform.orchestration import jobs, schedules

ROOT = Path(__file__).resolve().parents[1]
GRAPH = defs.resolve_asset_graph()
ASSETS = sorted(key.to_user_string() for key in GRAPH.get_all_asset_keys())
EXPECTED = {
    "genius_songs", "imported_songs", "tracks", "spotify_tracks", "imported_audio_features", "audio_features", "lyric_features", "lyrics_embeddings",
    "section_sounds", "track_facts", "audio_embeddings", "analysis_embeddings", "vector_index", "rule_based_analyses", "qwen_analyses", "compared_analyses",
    "analyst_calibrations",
    "analyzer_agreement",
    "ratings", "training_dataset", "quality_model", "commercial_model", "drift_report", "adapters", "evaluation_report", "champion",
    "trend_report", "word_trends", "song_clusters",
    "serving_release", "rap_api",
}  # fmt: skip


def test_the_code_location_loads_in_a_fresh_interpreter() -> None:
    code = "from rap_platform.definitions import defs; print(len(defs.resolve_asset_graph().get_all_asset_keys()))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) == len(EXPECTED)


def test_the_graph_is_the_house_plan() -> None:
    assert set(ASSETS) == EXPECTED


def test_the_groups_are_the_stages_and_each_has_its_folder_in_the_tests() -> None:
    assert {GRAPH.get(key).group_name for key in GRAPH.get_all_asset_keys()} == set(PIPELINE)
    for stage in PIPELINE:
        assert (ROOT / "rap_platform_tests" / stage / "__init__.py").exists()


@pytest.mark.parametrize("name", ASSETS)
def test_every_asset_says_what_it_is(name: str) -> None:
    node = GRAPH.get(dg.AssetKey(name))
    assert node.description
    assert len(node.description) > 20
    assert node.owners
    assert node.kinds
    if node.is_materializable:
        assert node.code_version
        assert node.automation_condition is not None
        assert node.partitions_def is None or node.backfill_policy is not None


def test_every_asset_but_the_sources_names_what_lies_above() -> None:
    roots = {key.to_user_string() for key in GRAPH.get_all_asset_keys() if not GRAPH.get(key).parent_keys}
    assert roots == {"genius_songs", "imported_songs", "imported_audio_features"}


def test_blocking_checks_guard_every_stage_that_others_build_on() -> None:
    guarded = {key.asset_key.to_user_string() for key in GRAPH.asset_check_keys if GRAPH.get_check_spec(key).blocking}
    assert {"tracks", "lyrics_embeddings", "training_dataset", "vector_index"} <= guarded


def test_every_job_and_schedule_has_something_to_run() -> None:
    repository = defs.get_repository_def()
    for job in jobs.JOBS:
        assert repository.get_job(job.name).asset_layer.executable_asset_keys
    assert {schedule.name for schedule in schedules.SCHEDULES} == {s.name for s in repository.schedule_defs}


def test_the_automation_sensor_and_the_schedules_run_by_default() -> None:
    repository = defs.get_repository_def()
    assert {s.name for s in repository.sensor_defs if s.default_status == dg.DefaultSensorStatus.RUNNING} == {
        "automation", "artist_watch_list", "inbox", "spotify_after_wait", "llm_after_wait", "new_ratings",
    }  # fmt: skip
    assert all(s.default_status == dg.DefaultScheduleStatus.RUNNING for s in repository.schedule_defs)


def test_resources_can_be_replaced_without_patching() -> None:
    assert build_defs({"extra": 3}).resources is not None


def test_the_pools_of_the_assets_have_their_limits_in_dagster_yaml() -> None:
    pools = {
        pool for key in GRAPH.get_all_asset_keys() if GRAPH.get(key).is_materializable for pool in GRAPH.get(key).pools
    }
    assert pools == {"genius_api", "spotify_api", "llm", "embedder"}
    assert re.search(r"default_limit: 1", (ROOT / "dagster.yaml").read_text(encoding="utf-8"))
