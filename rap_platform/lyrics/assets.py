"""The assets of the stage: songs from Genius and from files, and the tracks made of them; the work is done in plain modules."""

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import dagster as dg
import psycopg

from rap_platform.lyrics import building, importing, queries
from rap_platform.lyrics.fetching import ArtistReport, Blocked, fetch_artists, reread
from rap_platform.orchestration import failures, metadata, progress
from rap_platform.orchestration.automation import on_any_new_partition, on_new_data
from rap_platform.orchestration.partitions import ARTISTS
from rap_platform.resources.genius import CredentialsRefused, GeniusClient, GeniusResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured, get_settings

BATCH = 50
UNREADABLE_PAGES = 3  # in 50: one odd page is an odd page
LISTED_PROBLEMS = 20


class GeniusSongsConfig(dg.Config):
    """How to fetch: `force` fetches songs again that are known and did not change."""

    force: bool = False


@dg.asset(
    partitions_def=ARTISTS,
    backfill_policy=dg.BackfillPolicy.multi_run(64),
    code_version="1",
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    pool="genius_api",
    retry_policy=failures.RETRY,
    description="Songs of the watched artists as Genius gave them, whatever their status; songs that are known and did not change are left alone.",
)
def genius_songs(
    context: dg.AssetExecutionContext, config: GeniusSongsConfig, postgres: PostgresResource, genius: GeniusResource
) -> dg.MaterializeResult:
    """Fetch what is new of the artists of these partitions; songs are committed as they come, each with what its page turned out to be."""
    started = time.monotonic()
    slugs = list(context.partition_keys)
    try:
        with genius.client() as client, postgres.exclusively("genius_songs"), postgres.connection() as conn:
            client.require_pages()
            reports, statuses, block = _fetch(conn, client, slugs, force=config.force)
            figures = _figures(conn, slugs, reports, statuses, time.monotonic() - started)
    except NotConfigured as reason:
        return metadata.unavailable(reason)
    except CredentialsRefused as reason:
        raise failures.PermanentFailure(str(reason)) from reason
    if block is not None:
        again = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=block.retry_after_s)
        raise failures.PermanentFailure(
            f"Genius blocks us ({block}). What had arrived is stored, nothing was recorded as missing. Try again after {again:%Y-%m-%d %H:%M} UTC, "
            "or import songs from a file.",
            {
                "try_again_after": dg.MetadataValue.timestamp(again),
                "songs_stored": dg.MetadataValue.int(sum(statuses.values())),
            },
        )
    broken = [report for report in reports if report.error]
    for report in broken:
        context.log.warning(f"{report.artist}: {report.error}")
    if broken and len(broken) == len(slugs):
        raise failures.TransientFailure(f"no artist could be fetched; the first: {broken[0].artist}: {broken[0].error}")
    return dg.MaterializeResult(metadata=figures)


@dg.asset(
    code_version="1",
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="Songs from the CSV, JSON, JSONL and Parquet files of the inbox folder, as they came; unchanged rows are left alone.",
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


def _fetch(
    conn: psycopg.Connection, client: GeniusClient, slugs: list[str], *, force: bool
) -> tuple[list[ArtistReport], Counter[str], Blocked | None]:
    found = queries.artists_by_slug(conn, slugs)
    reports = [ArtistReport(slug, slug, error="not on the watch list") for slug in slugs if slug not in found]
    artists = [found[slug] for slug in slugs if slug in found and found[slug].simulated == client.endpoint.simulated]
    reports += [
        ArtistReport(artist.slug, artist.name, error="belongs to the other Genius (real or simulated)")
        for artist in found.values()
        if artist.simulated != client.endpoint.simulated
    ]
    known = queries.known_songs(conn, [artist.slug for artist in artists])
    conn.commit()
    statuses: Counter[str] = Counter()
    songs = fetch_artists(client, artists, known, most_songs=get_settings().genius.max_songs_per_artist, force=force)
    with closing(songs):  # whatever ends the loop, nothing more is asked of Genius
        try:
            for report in progress.track(_stored(conn, songs, statuses), len(artists), "fetching artists"):
                reports.append(report)
                if report.genius_id is not None and report.genius_id != found[report.slug].genius_id:
                    queries.watch_artists(conn, [(found[report.slug].artist_id, report.genius_id)])
                    conn.commit()
        except Blocked as block:
            return reports, statuses, block
    return reports, statuses, None


def _stored(
    conn: psycopg.Connection, items: Iterator[queries.RawSong | ArtistReport], statuses: Counter[str]
) -> Iterator[ArtistReport]:
    """Store the songs as they come, 50 a transaction, and pass the reports on."""
    waiting: list[queries.RawSong] = []
    try:
        for item in items:
            if isinstance(item, ArtistReport):
                yield item
                continue
            waiting.append(item)
            if len(waiting) >= BATCH:
                full, waiting = waiting, []
                if _store(conn, full, statuses) >= UNREADABLE_PAGES:
                    raise Blocked(
                        "several pages were no song pages: a bot check, or Genius has changed its pages", None
                    )
    finally:
        if waiting and not conn.broken:
            _store(conn, waiting, statuses)


def _store(conn: psycopg.Connection, songs: list[queries.RawSong], statuses: Counter[str]) -> int:
    """Look into the pages and commit the songs with what they turned out to be; returns how many pages were unreadable."""
    judged = [_judged(song) for song in songs]
    written = queries.store_raw_songs(conn, judged)
    conn.commit()
    statuses.update(song.status for song in judged)
    statuses["not_written"] += len(songs) - written
    return sum(song.status == "ok" and found.status == "blocked" for song, found in zip(songs, judged, strict=True))


def _judged(song: queries.RawSong) -> queries.RawSong:
    if song.status != "ok":
        return song
    status, reason = reread(song)
    return replace(song, status=status, reason=reason)


def _figures(
    conn: psycopg.Connection, slugs: list[str], reports: list[ArtistReport], statuses: Counter[str], seconds: float
) -> dict[str, Any]:
    stored = queries.status_counts(conn, "genius")
    broken = [report for report in reports if report.error]
    table = "\n".join(f"| {report.artist} | {report.error} |" for report in broken[:LISTED_PROBLEMS])
    figures = metadata.report(
        conn, table="raw_songs", rows=sum(stored.values()), artists=len(slugs), artists_failed=len(broken),
        songs_listed=sum(report.listed for report in reports), songs_unchanged=sum(report.known for report in reports),
        songs_of_other_artists=sum(report.of_others for report in reports),
        rows_new=sum(count for status, count in statuses.items() if status != "not_written"),
        fetched=dict(+statuses), stored=stored, seconds=round(seconds, 2),
    )  # fmt: skip
    if broken:
        figures["problems"] = dg.MetadataValue.md(f"| artist | problem |\n|---|---|\n{table}")
    return figures
