"""What happens when songs appear outside: newly watched artists, files in the inbox."""

import hashlib

import dagster as dg
import httpx
import psycopg

from rap_platform.lyrics import importing, watching
from rap_platform.orchestration.jobs import import_inbox
from rap_platform.orchestration.partitions import ARTISTS
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured, get_settings

RUNNING = dg.DefaultSensorStatus.RUNNING


@dg.sensor(
    minimum_interval_seconds=60, default_status=RUNNING, description="Adds a partition for every newly watched artist."
)
def artist_watch_list(
    context: dg.SensorEvaluationContext, postgres: PostgresResource
) -> dg.SensorResult | dg.SkipReason:
    try:
        with postgres.connection() as conn:
            slugs = watching.sync_watch_list(conn, get_settings())
    except (NotConfigured, psycopg.OperationalError, httpx.HTTPError) as error:
        return dg.SkipReason(f"the watch list could not be read: {error}")
    known = set(context.instance.get_dynamic_partitions(ARTISTS.name or ""))
    new = [slug for slug in slugs if slug not in known]
    if not new:
        return dg.SkipReason(f"all {len(slugs)} watched artists have their partition")
    return dg.SensorResult(dynamic_partitions_requests=[ARTISTS.build_add_request(new)])


@dg.sensor(
    job=import_inbox,
    minimum_interval_seconds=30,
    default_status=RUNNING,
    description="Imports files put into the inbox folder.",
)
def inbox(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    files = importing.inbox_files(get_settings())
    if not files:
        return dg.SkipReason("the inbox is empty")
    stats = [(path.name, path.stat()) for path in files]
    state = "\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats)
    return dg.RunRequest(run_key=hashlib.sha256(state.encode()).hexdigest())


SENSORS = [artist_watch_list, inbox]
