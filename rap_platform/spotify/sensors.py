"""What happens when Spotify may be asked again: the work that a wait cut short is taken up."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import dagster as dg
import psycopg

from rap_platform.orchestration.jobs import refresh_spotify
from rap_platform.orchestration.partitions import SHARDS, covering_ranges, range_tags, slots_of
from rap_platform.orchestration.under_way import is_under_way
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.service_state import HOLD, recall
from rap_platform.resources.spotify import RECCOBEATS, SERVICE, reccobeats_url
from rap_platform.settings import NotConfigured, Settings, get_settings
from rap_platform.spotify import assets, queries, remembering

SHARDS_PER_RUN: Final = 16
AFTER_WAIT: Final = "rap_platform/after_wait"


@dg.sensor(
    job=refresh_spotify,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes up the work that a long wait for Spotify or ReccoBeats cut short, once the wait is over, once per wait.",
)
def spotify_after_wait(
    context: dg.SensorEvaluationContext, postgres: PostgresResource
) -> dg.SensorResult | dg.SkipReason:
    settings = get_settings()
    try:
        simulated = settings.spotify_endpoint().simulated
        with postgres.connection() as conn:
            return _after_wait(context.instance, conn, settings, simulated=simulated)
    except (NotConfigured, psycopg.OperationalError) as error:
        return dg.SkipReason(f"whether Spotify may be asked could not be read: {error}")


def _after_wait(
    instance: dg.DagsterInstance, conn: psycopg.Connection, settings: Settings, *, simulated: bool
) -> dg.SensorResult | dg.SkipReason:
    now = dt.datetime.now(dt.UTC)
    waits = {
        service: found.until
        for service in (SERVICE, RECCOBEATS)
        if (found := recall(conn, service, HOLD)) and found.until
    }
    passed = {service: until for service, until in waits.items() if until <= now}
    if not passed:
        told = "; ".join(
            f"{service} is asked again after {until:%Y-%m-%d %H:%M} UTC" for service, until in waits.items()
        )
        return dg.SkipReason(told or "nobody asked us to wait")
    if any(
        is_under_way(instance, asset.key, refresh_spotify.name)
        for asset in (assets.spotify_tracks, assets.audio_features)
    ):
        return dg.SkipReason("the wait is over, and a run is at it already")
    wait = ", ".join(f"{service} until {until.isoformat()}" for service, until in sorted(passed.items()))
    keys = SHARDS.get_partition_keys()
    due = [] if _was_started(instance, wait) else _waiting_shards(conn, keys, settings, simulated=simulated)
    if not due:
        for service, until in passed.items():
            remembering.forget_wait(conn, service, until)
        return dg.SkipReason("the wait is over and nothing of it is left to do")
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(run_key=f"{wait}: {first} to {last}", tags={**range_tags(first, last), AFTER_WAIT: wait})
            for first, last in covering_ranges(keys, due, SHARDS_PER_RUN)
        ]
    )


def _was_started(instance: dg.DagsterInstance, wait: str) -> bool:
    return instance.get_runs_count(dg.RunsFilter(tags={AFTER_WAIT: wait})) > 0


def _waiting_shards(conn: psycopg.Connection, keys: Sequence[str], settings: Settings, *, simulated: bool) -> list[str]:
    other = reccobeats_url(settings, settings.spotify_endpoint()) is not None
    waiting = queries.slots_waiting(
        conn, simulated=simulated, other_provider=other, expires_days=settings.spotify.miss_expires_days
    )
    return [key for key in keys if waiting.intersection(slots_of([key]))]


SENSORS = [spotify_after_wait]
