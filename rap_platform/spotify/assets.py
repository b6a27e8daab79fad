"""The assets of this stage: who a track is on Spotify, and what a provider hears in it."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg
import psycopg

from rap_platform.lyrics import assets as lyrics
from rap_platform.lyrics.importing import ImportRefused, Kind, inbox_files, kind_of
from rap_platform.orchestration import failures, metadata, progress
from rap_platform.orchestration.automation import on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.spotify import (
    FEATURES_AT_ONCE,
    RateLimited,
    SpotifyClient,
    SpotifyError,
    SpotifyResource,
    Unreachable,
    chunks,
)
from rap_platform.settings import NotConfigured, get_settings
from rap_platform.spotify import enriching, importing, providers, queries, remembering
from rap_platform.spotify.matching import VERSION
from rap_platform.spotify.queries import PendingFeatures, PendingTrack, TrackRow
from rap_platform.spotify.remembering import REFUSED, REMEDY

BATCH = 50  # so that known ids fill a request


@dataclass
class Outcome:
    """What a run got done before it ended or was told to wait."""

    rows: int = 0
    rate_limited_until: datetime | None = None
    rate_limit: str | None = None


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(16),
    deps=[lyrics.tracks],
    code_version=VERSION,
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    pool="spotify_api",
    description="Each track's counterpart on Spotify: by the id that came with it, ISRC, equal names, or similar names behind gates; misses are asked "
    "again later.",
)
def spotify_tracks(
    context: dg.AssetExecutionContext, postgres: PostgresResource, spotify: SpotifyResource
) -> dg.MaterializeResult:
    """One row per asked track: matched, in review, missing or failed."""
    started = time.monotonic()
    try:
        client = spotify.client()
    except NotConfigured as reason:
        return metadata.unavailable(reason)
    mine = slots(context)
    with (
        client,
        postgres.exclusively(*(f"spotify_tracks/{key}" for key in context.partition_keys)),
        postgres.connection() as conn,
    ):
        pending = queries.pending_tracks(conn, mine, simulated=client.simulated)
        conn.commit()
        outcome = Outcome()
        if pending:
            with _spoken_plainly(conn, client, outcome):
                remembering.make_ready(conn, client)
                _match_all(conn, client, pending, spotify.threads, outcome)
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="spotify_tracks",
                rows_new=outcome.rows,
                rows_left=len(pending) - outcome.rows,
                rate_limited_until=outcome.rate_limited_until,
                rate_limit=outcome.rate_limit,
                **queries.match_summary(conn, mine),
                not_asked=queries.not_asked(conn, mine, simulated=client.simulated),
                capabilities=_capabilities(client),
                requests=client.requests,
                endpoint="simulated" if client.simulated else "real",
                seconds=round(time.monotonic() - started, 2),
            )
        )


@contextmanager
def _spoken_plainly(conn: psycopg.Connection, client: SpotifyClient, outcome: Outcome) -> Iterator[None]:
    """Turn what a client raises into a remembered wait, with which the run ends politely, or a failure that names the remedy."""
    try:
        yield
    except RateLimited as limit:
        _note_wait(conn, client, outcome, limit)
    except Unreachable as error:
        raise failures.TransientFailure(str(error)) from error
    except SpotifyError as error:
        conn.rollback()
        remembering.remember_refusal(conn, client, str(error))
        conn.commit()
        raise failures.PermanentFailure(f"{error}: {REMEDY}") from error


def _note_wait(conn: psycopg.Connection, client: SpotifyClient, outcome: Outcome, limit: RateLimited) -> None:
    conn.rollback()
    remembering.remember_wait(conn, client, limit)
    remembering.keep_learned(conn, client)
    conn.commit()
    outcome.rate_limited_until, outcome.rate_limit = limit.until, str(limit)


def _match_all(
    conn: psycopg.Connection, client: SpotifyClient, pending: Sequence[PendingTrack], threads: int, outcome: Outcome
) -> None:
    expires = float(get_settings().spotify.miss_expires_days)
    with ThreadPoolExecutor(threads, thread_name_prefix="spotify") as pool:
        tracked = progress.track(pending, len(pending), "spotify")
        for batch in chunks(tracked, BATCH):
            known = _known(client, batch)
            futures = [pool.submit(_look_for, client, track, known, expires) for track in batch]
            rows: list[TrackRow] = []
            try:
                for future in futures:
                    rows.append(future.result())
            finally:
                rows += _answered(futures[len(rows) :])
                _store_tracks(conn, client, rows, outcome)
    remembering.forget_refusal(conn)
    conn.commit()


def _known(client: SpotifyClient, batch: Sequence[PendingTrack]) -> dict[str, dict[str, Any]] | None:
    """What Spotify has under the ids that came with the songs, where it may be asked for many at once; None to ask one by one."""
    ids = list(dict.fromkeys(track.wanted.spotify_id for track in batch if track.wanted.spotify_id))
    if not ids or client.capabilities is None or not client.capabilities.batch_tracks:
        return None
    try:
        return client.tracks(ids)
    except SpotifyError as error:
        if error.status in REFUSED:
            raise
        return None


def _answered(futures: Sequence[Future[TrackRow]]) -> list[TrackRow]:
    """Call off what was not asked yet and give what was answered all the same."""
    asked = [future for future in futures if not future.cancel()]
    return [future.result() for future in asked if future.exception() is None]


def _look_for(
    client: SpotifyClient, track: PendingTrack, known: dict[str, dict[str, Any]] | None, expires_days: float
) -> TrackRow:
    told_id = track.wanted.spotify_id
    try:
        item = None if told_id is None else client.track(told_id) if known is None else known.get(told_id)
        found = enriching.find(client, track.wanted, item, track.rejected)
        return enriching.track_row(track, found, expires_days)
    except SpotifyError as error:
        if error.status in REFUSED:
            raise
        return enriching.failed_row(track, str(error))


def _store_tracks(conn: psycopg.Connection, client: SpotifyClient, rows: Sequence[TrackRow], outcome: Outcome) -> None:
    if rows:
        queries.store_tracks(conn, rows, simulated=client.simulated)
        remembering.keep_learned(conn, client)
        conn.commit()
        outcome.rows += len(rows)


def _capabilities(client: SpotifyClient) -> dict[str, object] | None:
    known = client.capabilities
    if known is None:
        return None
    return {
        "batch_tracks": known.batch_tracks,
        "search_limit": known.search_limit,
        "audio_features": known.audio_features,
        "probed_at": known.probed_at.isoformat(),
    }


@dg.asset(
    code_version="1",
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    description="Audio features from files that people have (Kaggle's Spotify tables and the like), out of the inbox folder; unchanged rows are left "
    "alone.",
    check_specs=[
        dg.AssetCheckSpec(
            "every_feature_file_was_read",
            asset="imported_audio_features",
            description="No file of audio features in the inbox was refused as a whole.",
        )
    ],
)
def imported_audio_features(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """Import every file of audio features in the inbox; a refused file is reported and does not lose the others."""
    started = time.monotonic()
    files = [path for path in inbox_files(get_settings()) if _has_features(path)]
    counts, rejected, refused = Counter[str](), Counter[str](), dict[str, str]()
    with postgres.exclusively("imported_audio_features"), postgres.connection() as conn:
        for path in progress.track(files, len(files), "importing audio features"):
            try:
                report = importing.import_features(conn, path)
                conn.commit()
            except ImportRefused as reason:
                refused[path.name] = str(reason)
                context.log.warning(str(reason))
                continue
            counts.update(rows=report.rows, new=report.new, changed=report.changed, unchanged=report.unchanged)
            rejected.update(report.rejected)
        rows, datasets = queries.imported_count(conn)
        figures = metadata.report(
            conn, table="imported_audio_features", rows=rows, files=len(files), files_refused=len(refused), datasets=datasets,
            rows_read=counts["rows"], rows_new=counts["new"], rows_changed=counts["changed"], rows_unchanged=counts["unchanged"],
            rows_rejected=sum(rejected.values()), rejected=dict(rejected), seconds=round(time.monotonic() - started, 2),
        )  # fmt: skip
    check = dg.AssetCheckResult(
        check_name="every_feature_file_was_read",
        passed=not refused,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"refused": refused},
    )
    return dg.MaterializeResult(metadata=figures, check_results=[check])


def _has_features(path: Any) -> bool:
    try:
        return kind_of(path) is Kind.AUDIO_FEATURES
    except ImportRefused:
        return False  # imported_songs reports it


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(16),
    deps=[spotify_tracks, imported_audio_features],
    code_version="2",
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    pool="spotify_api",
    description="Danceability, energy, tempo and the like: from files that people have, else from Spotify where it allows, else from ReccoBeats, else "
    "the reason why not.",
)
def audio_features(
    context: dg.AssetExecutionContext, postgres: PostgresResource, spotify: SpotifyResource
) -> dg.MaterializeResult:
    """One row per asked track: figures with their source, or unavailable with a reason; never a made-up figure."""
    started = time.monotonic()
    missing: NotConfigured | None = None
    client: SpotifyClient | None = None
    try:
        client = spotify.client()
    except NotConfigured as reason:
        missing = reason  # files can still tell
    mine = slots(context)
    with (
        client or nullcontext(),
        postgres.exclusively(*(f"audio_features/{key}" for key in context.partition_keys)),
        postgres.connection() as conn,
    ):
        pending = queries.pending_features(
            conn,
            mine,
            simulated=client.simulated if client else None,
            other_provider=client is not None and client.reccobeats_url is not None,
            expires_days=get_settings().spotify.miss_expires_days,
        )
        conn.commit()
        outcome = Outcome()
        _hear_all(conn, client, pending, outcome)
        unconfigured = {"status": "not configured", "remedy": str(missing)} if missing else {}
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="audio_features",
                rows_new=outcome.rows,
                rows_left=len(pending) - outcome.rows,
                rate_limited_until=outcome.rate_limited_until,
                rate_limit=outcome.rate_limit,
                by_source_or_reason=queries.feature_summary(conn, mine),
                spotify_refuses_audio_features=client is not None and client.features_refused,
                requests=client.requests if client else 0,
                endpoint="none" if client is None else "simulated" if client.simulated else "real",
                seconds=round(time.monotonic() - started, 2),
            )
            | unconfigured
        )


def _hear_all(
    conn: psycopg.Connection, client: SpotifyClient | None, pending: Sequence[PendingFeatures], outcome: Outcome
) -> None:
    asked: list[providers.Provider] = [providers.Files(lambda batch: queries.features_in_files(conn, batch))]
    if client is not None and any(track.is_asked and track.spotify_id for track in pending):
        with _spoken_plainly(conn, client, outcome):
            remembering.make_ready(conn, client)
    if client is not None:
        asked.append(providers.Spotify(client))
        if client.reccobeats_url is not None:
            asked.append(providers.ReccoBeats(client))
    for batch in chunks(progress.track(pending, len(pending), "audio features"), FEATURES_AT_ONCE):
        with _spoken_plainly(conn, client, outcome) if client else nullcontext():
            rows, limit = providers.features_of(asked, batch)
            if limit is not None and client is not None:
                _note_wait(conn, client, outcome, limit)
            queries.store_features(conn, rows)
            if client is not None:
                remembering.keep_learned(conn, client)
            conn.commit()
            outcome.rows += len(rows)
