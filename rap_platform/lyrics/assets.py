"""The assets of the stage: songs from Genius and from files, and the tracks made of them; the work is done in plain modules."""

import datetime as dt
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import psycopg

from rap_platform.lyrics import building, importing, queries
from rap_platform.lyrics.fetching import (
    TRY_AGAIN_AFTER_S,
    ArtistReport,
    Blocked,
    Down,
    fetch_artists,
    first_with_text,
    remember_texts,
    reread,
)
from rap_platform.lyrics.parsing import PARSER_VERSION
from rap_platform.orchestration import failures, metadata, progress
from rap_platform.orchestration.automation import on_any_new_partition, on_new_data
from rap_platform.orchestration.partitions import ARTISTS
from rap_platform.resources import service_state
from rap_platform.resources.genius import CredentialsRefused, GeniusClient, GeniusResource
from rap_platform.resources.politeness import Hold
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured, get_settings

SERVICE = "genius"
UNREADABLE_PAGES = 3  # in 50: one odd page is an odd page
LOOKED_BACK = 50
PAGES = 20
REMEDY = (
    "Wait: the run is asked for again when the time has come. Until then import songs from a file. "
    "If it keeps happening lower RAP_GENIUS__REQUESTS_PER_MINUTE and name a contact in RAP_GENIUS__CONTACT; no bot check is ever bypassed."
)
LISTED_PROBLEMS = 20
CHECK = "genius_lets_us_in"


class GeniusSongsConfig(dg.Config):
    """How to fetch: `force` fetches songs again that are known and did not change."""

    force: bool = False


@dataclass
class _Fetched:
    """What a run did: a report per artist, songs by status (or why they were not written), pages read again, the end if it was early."""

    reports: list[ArtistReport] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    reread: int = 0
    exact_duplicates: int = 0
    forbidden: int = 0
    end: Blocked | Down | None = None


@dg.asset(
    partitions_def=ARTISTS,
    backfill_policy=dg.BackfillPolicy.multi_run(64),
    code_version="2",
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    pool="genius_api",
    retry_policy=failures.RETRY,
    description="Songs of the watched artists as Genius gave them, whatever their status; songs that are known and did not change are left alone.",
    check_specs=[
        dg.AssetCheckSpec(
            "genius_lets_us_in",
            asset="genius_songs",
            description="Genius neither blocks us nor asks to be left alone; fails with the reason, the time to try again and the remedy.",
        )
    ],
)
def genius_songs(
    context: dg.AssetExecutionContext, config: GeniusSongsConfig, postgres: PostgresResource, genius: GeniusResource
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Fetch what is new of the artists of these partitions; each song is committed as it came, and again with what its page turned out to be."""
    started = time.monotonic()
    slugs = list(context.partition_keys)
    try:
        with genius.client() as client, postgres.exclusively("genius_songs"), postgres.connection() as conn:
            client.require_pages()
            queries.commit_without_waiting(conn)
            hold = service_state.hold_of(conn, SERVICE)
            found = _Fetched(reread=_read_pages(conn, client))
            if hold is None:
                remember_texts(client, lambda: queries.text_owners(conn))
                _fetch(conn, client, slugs, found, force=config.force)
                hold = _remember(conn, client, found)
            _mark_unreached(conn, slugs, found, hold)
            check = _lets_us_in(conn, hold, found)
            figures = _figures(conn, slugs, found, time.monotonic() - started)
    except NotConfigured as reason:
        yield dg.AssetCheckResult(check_name=CHECK, passed=True, metadata={"status": "not configured: not asked"})
        yield metadata.unavailable(reason)
        return
    except CredentialsRefused as reason:
        raise failures.PermanentFailure(str(reason)) from reason
    yield check
    if hold is not None:
        raise failures.PermanentFailure(
            f"Genius blocks us ({hold.reason}). What had arrived is stored, nothing was recorded as missing. "
            f"Try again after {hold.until:%Y-%m-%d %H:%M} UTC, or import songs from a file.",
            {
                "try_again_after": dg.MetadataValue.timestamp(hold.until),
                "songs_stored": dg.MetadataValue.int(sum(found.statuses.values())),
            },
        )
    broken = [report for report in found.reports if report.error]
    for report in broken:
        context.log.warning(f"{report.artist}: {report.error}")
    if isinstance(found.end, Down):
        raise failures.TransientFailure(f"{found.end}. What had arrived is stored; the next run goes on from there.")
    if broken and len(broken) == len(slugs):
        raise failures.TransientFailure(f"no artist could be fetched; the first: {broken[0].artist}: {broken[0].error}")
    yield dg.MaterializeResult(metadata=figures)


@dg.asset(
    code_version="1",
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="Songs from the CSV, JSON, JSONL and Parquet files (plain, gz or zip) of the inbox folder, as they came; unchanged rows are left alone.",
    check_specs=[
        dg.AssetCheckSpec(
            "every_inbox_file_was_read",
            asset="imported_songs",
            description="No file of the inbox was refused as a whole.",
        )
    ],
)
def imported_songs(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """Import every file of the inbox; a refused file is reported and does not lose the others."""
    started = time.monotonic()
    settings = get_settings()
    files = importing.inbox_files(settings)
    total, rejected, refused = importing.ImportReport(), Counter[str](), dict[str, str]()
    with postgres.exclusively("imported_songs"), postgres.connection() as conn:
        for path in progress.track(files, len(files), "importing files"):
            try:
                if importing.kind_of(path) in importing.NOT_OURS:
                    continue
                report = importing.import_file(conn, path)
            except importing.ImportRefused as reason:
                refused[path.name] = str(reason)
                context.log.warning(str(reason))
                continue
            total.rows += report.rows
            total.new += report.new
            total.unchanged += report.unchanged
            total.changed += report.changed
            rejected.update(report.rejected)
        stored = queries.status_counts(conn, "import")
        figures = metadata.report(
            conn, table="raw_songs", rows=sum(stored.values()), files=len(files), files_refused=len(refused), rows_read=total.rows,
            rows_new=total.new, rows_changed=total.changed, rows_unchanged=total.unchanged, rows_rejected=sum(rejected.values()),
            rejected=dict(rejected), inbox=str(settings.data_dir / "inbox"), seconds=round(time.monotonic() - started, 2),
        )  # fmt: skip
    check = dg.AssetCheckResult(
        check_name="every_inbox_file_was_read",
        passed=not refused,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"refused": refused},
    )
    return dg.MaterializeResult(metadata=figures, check_results=[check])


@dg.asset(
    deps=[genius_songs, imported_songs],
    code_version=building.VERSION,
    automation_condition=on_any_new_partition(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="Songs after cleaning, with their sections; what is no song is set aside with a reason, near-duplicates point to their original.",
)
def tracks(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """Make tracks of every raw song that is not cleaned yet, a batch a transaction."""
    started = time.monotonic()
    with postgres.exclusively("tracks"), postgres.connection() as conn:
        waiting = queries.count_pending(conn, building.VERSION)
        report = building.BuildReport()
        for _ in progress.track(building.build_tracks(conn, report), waiting, "making tracks"):
            pass
        stored = queries.figures(conn)
        figures = metadata.report(
            conn, table="tracks", rows=stored["tracks"], rows_new=report.new, rows_changed=report.changed, rows_refreshed=report.refreshed,
            rows_unchanged=stored["tracks"] - report.new - report.changed - report.refreshed, rows_withdrawn=report.withdrawn,
            rows_set_aside=sum(report.set_aside.values()), set_aside=dict(report.set_aside), set_aside_in_all=stored["set_aside"],
            sections=stored["sections"], artists=stored["artists"], duplicates=stored["duplicates"], links_changed=report.links.links_changed,
            signatures_computed=report.links.signed, songs_compared=report.links.decided,
            cleaning=dict(report.cleaning), seconds=round(time.monotonic() - started, 2),
        )  # fmt: skip
    context.log.info(f"{report.new} new, {report.changed} changed, {sum(report.set_aside.values())} set aside")
    return dg.MaterializeResult(metadata=figures)


def _fetch(conn: psycopg.Connection, client: GeniusClient, slugs: list[str], found: _Fetched, *, force: bool) -> None:
    watched = queries.artists_by_slug(conn, slugs)
    found.reports += [ArtistReport(slug, slug, error="not on the watch list") for slug in slugs if slug not in watched]
    artists = [
        watched[slug] for slug in slugs if slug in watched and watched[slug].simulated == client.endpoint.simulated
    ]
    found.reports += [
        ArtistReport(artist.slug, artist.name, error="belongs to the other Genius (real or simulated)")
        for artist in watched.values()
        if artist.simulated != client.endpoint.simulated
    ]
    known = queries.known_songs(conn, [artist.slug for artist in artists])
    conn.commit()
    songs = fetch_artists(client, artists, known, most_songs=get_settings().genius.max_songs_per_artist, force=force)
    with closing(songs):  # whatever ends the loop, nothing more is asked of Genius
        try:
            for report in progress.track(_stored(conn, client, songs, found), len(artists), "fetching artists"):
                found.reports.append(report)
                if report.genius_id is not None and report.genius_id != watched[report.slug].genius_id:
                    queries.watch_artists(conn, [(watched[report.slug].artist_id, report.genius_id)])
                queries.mark_artist_fetched(conn, report.slug, report.error)
                conn.commit()
        except (Blocked, Down) as end:
            found.end = end


def _stored(
    conn: psycopg.Connection,
    client: GeniusClient,
    items: Iterator[queries.RawSong | ArtistReport],
    found: _Fetched,
) -> Iterator[ArtistReport]:
    """Store the songs one by one as they come, and pass the reports on. Raises Blocked when several pages were unreadable."""
    unreadable: deque[bool] = deque(maxlen=LOOKED_BACK)
    for item in items:
        if isinstance(item, ArtistReport):
            yield item
            continue
        if item.body is not None:
            queries.land_song(conn, item)
            conn.commit()
        settled = _settle(conn, client, item, found)
        unreadable.append(item.status == "ok" and settled.status == "blocked")
        if sum(unreadable) >= UNREADABLE_PAGES:
            raise Blocked("several pages were no song pages: a bot check, or Genius has changed its pages", None)


def _settle(conn: psycopg.Connection, client: GeniusClient, song: queries.RawSong, found: _Fetched) -> queries.RawSong:
    """Look into the page of a song and commit the song with what it turned out to be."""
    judged = reread(song)
    found.exact_duplicates += _is_exact_duplicate(conn, client, judged)
    written = queries.settle_song(conn, judged)
    conn.commit()
    found.statuses[judged.status] += 1
    found.statuses["not_written"] += not written
    found.forbidden += (judged.reason or "").startswith("robots.txt forbids")
    return judged


def _is_exact_duplicate(conn: psycopg.Connection, client: GeniusClient, song: queries.RawSong) -> bool:
    """Say whether an earlier song has these words: Redis knows which are new, PostgreSQL decides on all others."""
    if song.text_sha256 is None or first_with_text(client, song.text_sha256, song.source_id) == song.source_id:
        return False
    return queries.is_text_of_earlier(conn, song.text_sha256, song.source_id)


def _read_pages(conn: psycopg.Connection, client: GeniusClient) -> int:
    """Look into the pages that a killed run left behind, and into those that another parser judged; asks nothing of Genius."""
    read, after = 0, 0
    while landed := queries.landed_songs(conn, PAGES):
        for song in landed:
            _settle(conn, client, song, _Fetched())
        read += len(landed)
    while stale := queries.stale_pages(conn, PARSER_VERSION, after, PAGES):
        for page in stale:
            queries.store_verdict(conn, page.raw_song_id, reread(page.song))
        conn.commit()
        after = stale[-1].raw_song_id
        read += len(stale)
    conn.commit()
    return read


def _mark_unreached(conn: psycopg.Connection, slugs: list[str], found: _Fetched, hold: Hold | None) -> None:
    """Say of the artists that the run did not come to why not, so that they are asked for again."""
    reason = f"not asked: {hold.reason if hold is not None else found.end}"
    for slug in sorted(set(slugs) - {report.slug for report in found.reports}):
        queries.mark_artist_fetched(conn, slug, reason)
    conn.commit()


def _remember(conn: psycopg.Connection, client: GeniusClient, found: _Fetched) -> Hold | None:
    """Remember a block where a restart finds it, and forget one that is over."""
    if isinstance(found.end, Blocked):
        wait_s = found.end.retry_after_s
        again_s = wait_s if wait_s is not None else TRY_AGAIN_AFTER_S / client.clock_rate
        hold = Hold(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=again_s), str(found.end))
        service_state.remember_hold(conn, SERVICE, hold)
        conn.commit()
        client.politeness.hold(hold.until, hold.reason)
        return hold
    if found.end is None:
        service_state.forget_hold(conn, SERVICE)
        conn.commit()
    return None


def _lets_us_in(conn: psycopg.Connection, hold: Hold | None, found: _Fetched) -> dg.AssetCheckResult:
    if hold is None:
        return dg.AssetCheckResult(
            check_name=CHECK, passed=not found.forbidden, metadata={"songs_forbidden_by_robots_txt": found.forbidden}
        )
    told = service_state.recall(conn, SERVICE, service_state.HOLD)
    since = str(told.value.get("since")) if told is not None else "unknown"
    again = dg.MetadataValue.timestamp(hold.until)
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=False,
        description=f"{hold.reason}. Try again after {hold.until:%Y-%m-%d %H:%M} UTC.",
        metadata={"reason": hold.reason, "since": since, "try_again_after": again, "remedy": REMEDY},
    )


def _figures(conn: psycopg.Connection, slugs: list[str], found: _Fetched, seconds: float) -> dict[str, Any]:
    stored = queries.status_counts(conn, "genius")
    reports, statuses = found.reports, found.statuses
    broken = [report for report in reports if report.error]
    table = "\n".join(f"| {report.artist} | {report.error} |" for report in broken[:LISTED_PROBLEMS])
    figures = metadata.report(
        conn, table="raw_songs", rows=sum(stored.values()), artists=len(slugs), artists_failed=len(broken),
        songs_listed=sum(report.listed for report in reports), songs_unchanged=sum(report.known for report in reports),
        songs_of_other_artists=sum(report.of_others for report in reports),
        rows_new=sum(count for status, count in statuses.items() if status != "not_written"),
        pages_read_again=found.reread, exact_duplicates=found.exact_duplicates,
        fetched=dict(+statuses), stored=stored, seconds=round(seconds, 2),
    )  # fmt: skip
    if broken:
        figures["problems"] = dg.MetadataValue.md(f"| artist | problem |\n|---|---|\n{table}")
    return figures
