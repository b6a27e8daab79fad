"""What happens when songs appear outside: newly watched artists, files in the inbox."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence

import dagster as dg
import httpx
import psycopg
from dagster import AddDynamicPartitionsRequest, DeleteDynamicPartitionsRequest

from rap_platform.lyrics import assets, importing, queries, watching
from rap_platform.orchestration.jobs import import_inbox, refresh_artists
from rap_platform.orchestration.partitions import ARTISTS, ARTISTS_PER_RUN, covering_ranges, range_tags
from rap_platform.orchestration.under_way import is_under_way
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.service_state import HOLD, recall
from rap_platform.settings import NotConfigured, get_settings

RUNNING = dg.DefaultSensorStatus.RUNNING


@dg.sensor(
    job=refresh_artists,
    minimum_interval_seconds=60,
    default_status=RUNNING,
    description="Adds a partition for every newly watched artist, takes away those no longer watched, and asks again for artists "
    "whose fetch was cut short, once Genius may be asked again.",
)
def artist_watch_list(
    context: dg.SensorEvaluationContext, postgres: PostgresResource
) -> dg.SensorResult | dg.SkipReason:
    settings = get_settings()
    try:
        simulated = settings.genius_endpoint().simulated
        with postgres.connection() as conn:
            slugs = watching.sync_watch_list(conn, settings)
            artists = queries.watch_list(conn, simulated=simulated)
            hold = recall(conn, "genius", HOLD)
    except (NotConfigured, psycopg.OperationalError, httpx.HTTPError) as error:
        return dg.SkipReason(f"the watch list could not be read: {error}")
    known = context.instance.get_dynamic_partitions(ARTISTS.name or "")
    new = sorted(set(slugs) - set(known))
    gone = sorted(set(known) - set(slugs))
    running = is_under_way(context.instance, assets.genius_songs.key, refresh_artists.name)
    requests: list[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest] = []
    if new:
        requests.append(ARTISTS.build_add_request(new))
    if gone and not running:
        requests.append(ARTISTS.build_delete_request(gone))
    again = [] if running else _again(known, artists, hold.until if hold else None)
    if not requests and not again:
        until = hold.until if hold and hold.until and hold.until > dt.datetime.now(dt.UTC) else None
        wait = f"; Genius is asked again after {until:%Y-%m-%d %H:%M} UTC" if until else ""
        return dg.SkipReason(f"all {len(slugs)} watched artists have their partition{wait}")
    return dg.SensorResult(run_requests=again, dynamic_partitions_requests=requests)


def _again(
    keys: Sequence[str], artists: Iterable[queries.WatchedArtist], hold_until: dt.datetime | None
) -> list[dg.RunRequest]:
    """Runs over the artists that are due again, of at most ARTISTS_PER_RUN each; the same failed tries are asked for once."""
    due = {artist.slug: artist for artist in watching.due_again(artists, dt.datetime.now(dt.UTC), hold_until)}
    found = []
    for first, last in covering_ranges(keys, due, ARTISTS_PER_RUN):
        found.append(
            dg.RunRequest(
                run_key=f"again {first} {due[first].fetch_tried_at} {last} {due[last].fetch_tried_at}",
                tags=range_tags(first, last),
            )
        )
    return found


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
