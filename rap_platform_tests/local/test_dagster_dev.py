"""`dagster dev` on the real definitions: the automation sensor ticks and launches a run of what stands below a change."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster import DagsterInstance, DagsterRun

from rap_platform.local import process
from rap_platform.local.environment import REPOSITORY, child_environment, dagster_instance
from rap_platform.local.process import Launch
from rap_platform.settings import Settings


def eventually(found: Callable[[], object], what: str, log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"no {what} after {seconds:.0f} s; {process.tail(log, lines=40)}"
        time.sleep(0.5)


def automation_ticks(instance: DagsterInstance) -> int:
    """How often the automation sensor was evaluated to an end."""
    states = [state for state in instance.all_instigator_state() if state.instigator_name == "automation"]
    return sum(
        tick.is_completed
        for state in states
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
    )


def runs_of(instance: DagsterInstance, asset: str) -> list[DagsterRun]:
    return [run for run in instance.get_runs() if dg.AssetKey(asset) in (run.asset_selection or ())]


@pytest.mark.timeout(420)
def test_the_automation_sensor_ticks_and_launches_a_run(settings: Settings) -> None:
    log = settings.data_dir / "logs" / "dagster_dev.log"
    argv = [sys.executable, "-m", "dagster", "dev", "--workspace", str(REPOSITORY / "workspace.yaml"),
            "--host", process.HOST, "--port", str(process.free_port())]  # fmt: skip
    with dagster_instance(settings) as instance:
        child = process.spawn(Launch(argv, log, child_environment(settings), REPOSITORY))
        try:
            eventually(lambda: automation_ticks(instance) > 0, "tick", log, 120)
            assert runs_of(instance, "tracks") == []  # nothing changed, so nothing is made
            instance.report_runless_asset_event(dg.AssetMaterialization("imported_songs"))
            eventually(lambda: runs_of(instance, "tracks"), "run of tracks", log, 120)
            eventually(lambda: runs_of(instance, "tracks")[0].is_finished, "end of that run", log, 120)
            (run,) = runs_of(instance, "tracks")
            assert run.status is dg.DagsterRunStatus.SUCCESS
            assert run.tags["dagster/from_automation_condition"] == "true"
        finally:
            process.stop(child, timeout_s=20.0)
    with psycopg.connect(settings.require_database_url(), autocommit=True) as conn:
        conn.execute(f"drop database {conn.info.dbname}_dagster with (force)")
