"""Whether an asset is being made right now, by a run or by a backfill whose runs are yet to come."""

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES


def is_under_way(instance: dg.DagsterInstance, key: dg.AssetKey, job_name: str) -> bool:
    """Whether an unfinished run, of the job or of a selection with the asset, or an unfinished backfill makes the asset."""
    unfinished = instance.get_runs(dg.RunsFilter(statuses=list(NOT_FINISHED_STATUSES)))
    if any(run.job_name == job_name or key in (run.asset_selection or ()) for run in unfinished):
        return True
    backfills = instance.get_backfills(status=BulkActionStatus.REQUESTED)
    return any(key in (backfill.asset_selection or ()) for backfill in backfills)
