"""The assets of this stage: who a track is on Spotify, and what a provider hears in it."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
import psycopg

from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata, progress
from rap_platform.orchestration.automation import on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.spotify import (
    FEATURES_AT_ONCE,
    FeaturesRefused,
    RateLimited,
    SpotifyClient,
    SpotifyError,
    SpotifyResource,
    Unreachable,
    chunks,
)
from rap_platform.settings import NotConfigured, get_settings
from rap_platform.spotify import enriching, queries
from rap_platform.spotify.matching import VERSION
from rap_platform.spotify.queries import FeatureRow, PendingFeatures, PendingTrack, TrackRow

BATCH = 40
REFUSED = frozenset({401, 403})


@dataclass
class Outcome:
    """What a run got done before it ended or was told to wait."""

    rows: int = 0
    rate_limited_until: datetime | None = None


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
    description="Each track's counterpart on Spotify: by ISRC, equal names, or similar names behind gates; misses are asked again later.",
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
        outcome = _match_all(conn, client, pending, spotify.threads)
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="spotify_tracks",
                rows_new=outcome.rows,
                rows_left=len(pending) - outcome.rows,
                rate_limited_until=outcome.rate_limited_until,
                **queries.match_summary(conn, mine),
                not_asked=queries.not_asked(conn, mine, simulated=client.simulated),
                requests=client.requests,
                endpoint="simulated" if client.simulated else "real",
                seconds=round(time.monotonic() - started, 2),
            )
        )


def _match_all(
    conn: psycopg.Connection, client: SpotifyClient, pending: Sequence[PendingTrack], threads: int
) -> Outcome:
    outcome = Outcome()
    expires = float(get_settings().spotify.miss_expires_days)
    with ThreadPoolExecutor(threads, thread_name_prefix="spotify") as pool:
        tracked = progress.track(pending, len(pending), "spotify")
        for batch in chunks(tracked, BATCH):
            futures = [pool.submit(_look_for, client, track, expires) for track in batch]
            rows: list[TrackRow] = []
            try:
                for future in futures:
                    rows.append(future.result())
            except RateLimited as limit:
                outcome.rate_limited_until = limit.until
            except Unreachable as error:
                raise failures.TransientFailure(str(error)) from error
            finally:
                rows += _answered(futures[len(rows) :])
                _store_tracks(conn, client, rows, outcome)
            if outcome.rate_limited_until is not None:
                break
    return outcome


def _answered(futures: Sequence[Future[TrackRow]]) -> list[TrackRow]:
    """Call off what was not asked yet and give what was answered all the same."""
    asked = [future for future in futures if not future.cancel()]
    return [future.result() for future in asked if future.exception() is None]


def _look_for(client: SpotifyClient, track: PendingTrack, expires_days: float) -> TrackRow:
    try:
        return enriching.track_row(track, enriching.find(client, track.wanted), expires_days)
    except SpotifyError as error:
        if error.status in REFUSED:
            raise failures.PermanentFailure(
                f"{error}: check RAP_SPOTIFY__CLIENT_ID and RAP_SPOTIFY__CLIENT_SECRET"
            ) from error
        return enriching.failed_row(track, str(error))


def _store_tracks(conn: psycopg.Connection, client: SpotifyClient, rows: Sequence[TrackRow], outcome: Outcome) -> None:
    if rows:
        queries.store_tracks(conn, rows, simulated=client.simulated)
        conn.commit()
        outcome.rows += len(rows)


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(16),
    deps=[spotify_tracks],
    code_version="1",
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    pool="spotify_api",
    description="Danceability, energy, tempo and the like from Spotify where it allows, else from ReccoBeats, else the reason why not.",
)
def audio_features(
    context: dg.AssetExecutionContext, postgres: PostgresResource, spotify: SpotifyResource
) -> dg.MaterializeResult:
    """One row per asked track: figures with their source, or unavailable with a reason; never a made-up figure."""
    started = time.monotonic()
    try:
        client = spotify.client()
    except NotConfigured as reason:
        return metadata.unavailable(reason)
    mine = slots(context)
    with (
        client,
        postgres.exclusively(*(f"audio_features/{key}" for key in context.partition_keys)),
        postgres.connection() as conn,
    ):
        pending = queries.pending_features(
            conn,
            mine,
            simulated=client.simulated,
            other_provider=client.reccobeats_url is not None,
            expires_days=get_settings().spotify.miss_expires_days,
        )
        conn.commit()
        outcome = Outcome()
        for rows in _feature_batches(client, pending, outcome):
            queries.store_features(conn, rows, simulated=client.simulated)
            conn.commit()
            outcome.rows += len(rows)
        return dg.MaterializeResult(
            metadata=metadata.report(
                conn,
                table="audio_features",
                rows_new=outcome.rows,
                rows_left=len(pending) - outcome.rows,
                rate_limited_until=outcome.rate_limited_until,
                by_source_or_reason=queries.feature_summary(conn, mine),
                spotify_refuses_audio_features=client.features_refused,
                requests=client.requests,
                endpoint="simulated" if client.simulated else "real",
                seconds=round(time.monotonic() - started, 2),
            )
        )


def _feature_batches(
    client: SpotifyClient, pending: Sequence[PendingFeatures], outcome: Outcome
) -> Iterator[list[FeatureRow]]:
    tracked = progress.track(pending, len(pending), "audio features")
    for batch in chunks(tracked, FEATURES_AT_ONCE):
        try:
            yield _features_of(client, batch)
        except RateLimited as limit:
            outcome.rate_limited_until = limit.until
            return
        except Unreachable as error:
            raise failures.TransientFailure(str(error)) from error


def _features_of(client: SpotifyClient, batch: Sequence[PendingFeatures]) -> list[FeatureRow]:
    """Ask the providers in order: Spotify, then ReccoBeats; the reason names the last that was asked."""
    ids = [track.spotify_id for track in batch if track.spotify_id is not None]
    if not ids:
        return enriching.feature_rows(batch, {}, None, "no_spotify_match")
    try:
        return enriching.feature_rows(batch, client.audio_features(ids), "spotify", "unknown_to_spotify")
    except FeaturesRefused:
        if client.reccobeats_url is None:
            return enriching.feature_rows(batch, {}, None, "endpoint_restricted")
    except SpotifyError as error:
        if client.reccobeats_url is None:
            return enriching.feature_rows(batch, {}, None, str(error))
    try:
        answers = client.reccobeats_features(ids)
    except SpotifyError as error:
        return enriching.feature_rows(batch, {}, None, str(error))
    return enriching.feature_rows(batch, answers, "reccobeats", "unknown_to_reccobeats")
