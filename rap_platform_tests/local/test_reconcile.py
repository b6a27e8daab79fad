"""What Dagster believes after a crash is put right."""

import dagster as dg
import psycopg
import pytest
from dagster import DagsterRunStatus
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.test_utils import create_run_for_test

from rap_platform.local import reconcile as module
from rap_platform.local.environment import dagster_instance
from rap_platform.local.reconcile import Reconciled, reconcile
from rap_platform.settings import Settings

LOCATION = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=1, location_name="rap_platform")
ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(LOCATION, "__repository__"), "__ASSET_JOB")


def test_runs_of_dead_processes_fail_their_pool_slots_are_freed_and_queued_runs_stay(settings: Settings) -> None:
    with dagster_instance(settings) as instance:
        runs = {
            status: create_run_for_test(instance, status=status, remote_job_origin=ORIGIN).run_id
            for status in (DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING,
                           DagsterRunStatus.QUEUED, DagsterRunStatus.SUCCESS)
        }  # fmt: skip
        storage = instance.event_log_storage
        storage.set_concurrency_slots("llm", 1)
        holder = runs[DagsterRunStatus.STARTED]
        assert storage.claim_concurrency_slot("llm", holder, "qwen_analyses").is_claimed
        assert not storage.claim_concurrency_slot("llm", runs[DagsterRunStatus.QUEUED], "qwen_analyses").is_claimed

    assert reconcile(settings) == Reconciled(failed=3, freed=3)

    with dagster_instance(settings) as instance:
        found = {before: instance.get_run_by_id(run_id) for before, run_id in runs.items()}
        assert {before: run.status for before, run in found.items() if run} == {
            DagsterRunStatus.STARTED: DagsterRunStatus.FAILURE,
            DagsterRunStatus.STARTING: DagsterRunStatus.FAILURE,
            DagsterRunStatus.CANCELING: DagsterRunStatus.CANCELED,
            DagsterRunStatus.QUEUED: DagsterRunStatus.QUEUED,
            DagsterRunStatus.SUCCESS: DagsterRunStatus.SUCCESS,
        }
        assert instance.event_log_storage.claim_concurrency_slot(
            "llm", runs[DagsterRunStatus.QUEUED], "qwen_analyses"
        ).is_claimed


def test_a_slot_that_a_finished_run_forgot_is_freed(settings: Settings) -> None:
    with dagster_instance(settings) as instance:
        over = create_run_for_test(instance, status=DagsterRunStatus.FAILURE).run_id
        instance.event_log_storage.set_concurrency_slots("embedder", 1)
        assert instance.event_log_storage.claim_concurrency_slot("embedder", over, "lyrics_embeddings").is_claimed
    assert reconcile(settings) == Reconciled(failed=0, freed=1)
    with dagster_instance(settings) as instance:
        assert instance.event_log_storage.get_concurrency_info("embedder").active_slot_count == 0


def test_without_anything_to_do_it_asks_two_questions_and_leaves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dagster_instance(settings) as instance:
        create_run_for_test(instance, status=DagsterRunStatus.SUCCESS)

    def refuse(settings: Settings) -> None:
        raise AssertionError("an instance was opened")

    monkeypatch.setattr(module, "dagster_instance", refuse)
    assert reconcile(settings) == Reconciled(0, 0)


def test_the_instance_is_the_one_of_the_repository(settings: Settings) -> None:
    with dagster_instance(settings) as instance:
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert not instance.telemetry_enabled
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
        assert instance.storage_directory().startswith(str(settings.data_dir))
    assert isinstance(instance, dg.DagsterInstance)


def test_events_go_over_one_connection_and_over_a_new_one_when_postgresql_came_back(settings: Settings) -> None:
    others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    with dagster_instance(settings) as instance:

        def written(asset: str) -> set[int]:
            """The servers' processes after an event was written."""
            instance.report_runless_asset_event(dg.AssetMaterialization(asset))
            return {pid for (pid,) in conn.execute(f"select pid {others}")}

        with psycopg.connect(settings.require_dagster_database_url(), autocommit=True) as conn:
            before = written("tracks")
            assert before
            assert written("lyric_features") == before
            conn.execute(f"select pg_terminate_backend(pid, 5000) {others}")
            after = written("champion")
            assert after
            assert not after & before
        for asset in ("tracks", "lyric_features", "champion"):
            assert instance.get_latest_materialization_event(dg.AssetKey(asset)) is not None
    with psycopg.connect(settings.require_dagster_database_url()) as conn:
        assert conn.execute(f"select count(*) {others}").fetchone() == (0,), "a connection was left open"
