"""What happens by the clock."""

import dagster as dg

from rap_platform.orchestration.jobs import refresh_artists, refresh_spotify, retrain
from rap_platform.orchestration.partitions import ARTISTS, ARTISTS_PER_RUN, SHARDS, covering_ranges, range_tags

RUNNING = dg.DefaultScheduleStatus.RUNNING


@dg.schedule(
    job=refresh_artists,
    cron_schedule="0 1 * * 0",
    default_status=RUNNING,
    description="Weekly: new songs of watched artists, at most 64 artists a run.",
)
def weekly_artists(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    keys = context.instance.get_dynamic_partitions(ARTISTS.name or "")
    if not keys:
        return dg.SkipReason("no artist is watched yet")
    ranges = covering_ranges(keys, keys, ARTISTS_PER_RUN)
    return [dg.RunRequest(run_key=f"{first} to {last}", tags=range_tags(first, last)) for first, last in ranges]


@dg.schedule(
    job=refresh_spotify,
    cron_schedule="0 2 * * 0",
    default_status=RUNNING,
    description="Weekly: tracks whose miss has expired.",
)
def weekly_spotify(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    keys = SHARDS.get_partition_keys()
    return dg.RunRequest(tags=range_tags(keys[0], keys[-1]))


weekly_retraining = dg.ScheduleDefinition(
    name="weekly_retraining",
    job=retrain,
    cron_schedule="0 4 * * 0",
    default_status=RUNNING,
    description="Weekly: learn from what is new.",
)

SCHEDULES = [weekly_artists, weekly_spotify, weekly_retraining]
