"""What happens by the clock."""

from collections.abc import Sequence

import dagster as dg

from rap_platform.orchestration.headless import RANGE_END, RANGE_START
from rap_platform.orchestration.jobs import refresh_artists, refresh_spotify, retrain
from rap_platform.orchestration.partitions import ARTISTS, SHARDS

RUNNING = dg.DefaultScheduleStatus.RUNNING


def _whole_range(keys: Sequence[str]) -> dict[str, str]:
    return {RANGE_START: keys[0], RANGE_END: keys[-1]}


@dg.schedule(
    job=refresh_artists,
    cron_schedule="0 1 * * 0",
    default_status=RUNNING,
    description="Weekly: new songs of watched artists.",
)
def weekly_artists(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    keys = context.instance.get_dynamic_partitions(ARTISTS.name or "")
    if not keys:
        return dg.SkipReason("no artist is watched yet")
    return dg.RunRequest(tags=_whole_range(list(keys)))


@dg.schedule(
    job=refresh_spotify,
    cron_schedule="0 2 * * 0",
    default_status=RUNNING,
    description="Weekly: tracks whose miss has expired.",
)
def weekly_spotify(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return dg.RunRequest(tags=_whole_range(SHARDS.get_partition_keys()))


weekly_retraining = dg.ScheduleDefinition(
    name="weekly_retraining",
    job=retrain,
    cron_schedule="0 4 * * 0",
    default_status=RUNNING,
    description="Weekly: learn from what is new.",
)

SCHEDULES = [weekly_artists, weekly_spotify, weekly_retraining]
