"""After a crash: marks failed what Dagster believes is running, and frees the pool slots that dead steps hold.

Runs that wait in the queue stay there. Call it only while no process of this platform runs anything.
"""

from dataclasses import dataclass

from rap_platform.local.environment import dagster_instance
from rap_platform.local.queries import left_holding, left_running
from rap_platform.settings import Settings

REASON = "The process that executed this run is gone. Start the run again: it continues where this one stopped."


@dataclass(frozen=True)
class Reconciled:
    """How many runs were marked failed and how many were freed of slots that they held or awaited."""

    failed: int
    freed: int


def reconcile(settings: Settings) -> Reconciled:
    """Mark runs of dead processes failed and free their slots; without any, Dagster is not even imported."""
    dsn = settings.require_dagster_database_url()
    if left_running(dsn) == 0 and not left_holding(dsn):
        return Reconciled(0, 0)
    from dagster import DagsterRunStatus, RunsFilter

    dead = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    with dagster_instance(settings) as instance:
        runs = instance.get_runs(RunsFilter(statuses=dead))
        for run in runs:
            if run.status is DagsterRunStatus.CANCELING:
                instance.report_run_canceled(run, message=REASON)
            else:
                instance.report_run_failed(run, message=REASON)
        holders = {run.run_id for run in runs} | set(left_holding(dsn))
        for run_id in holders:
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return Reconciled(len(runs), len(holders))
