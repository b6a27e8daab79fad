"""What must hold of raw songs and tracks before anything below them runs."""

import datetime as dt
from typing import Any

import dagster as dg

from rap_platform.lyrics import assets, link_queries, queries, watching
from rap_platform.lyrics.cleaning import ONE_LINE_WORDS
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import get_settings

MOST_BLOCKED = 0.05
LISTED = 50


@dg.asset_check(asset=assets.genius_songs, description="At most 5 % of the songs are blocked or failed.")
def few_songs_are_blocked(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        counts = queries.status_counts(conn, "genius")
    lost, songs = counts.get("blocked", 0) + counts.get("failed", 0), sum(counts.values())
    share = lost / songs if songs else 0.0
    return dg.AssetCheckResult(
        passed=share <= MOST_BLOCKED,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"songs": songs, "blocked_or_failed": lost, "share": share, "by_status": counts},
    )


@dg.asset_check(
    asset=assets.genius_songs,
    description="Every watched artist was gone through lately; the setting is genius.fresh_days.",
)
def artists_are_fresh(postgres: PostgresResource) -> dg.AssetCheckResult:
    settings = get_settings()
    with postgres.connection() as conn:
        artists = [artist for simulated in (False, True) for artist in queries.watch_list(conn, simulated=simulated)]
    stale = watching.stale(artists, dt.datetime.now(dt.UTC), settings.genius.fresh_days)
    rows = "\n".join(
        f"| {artist.name} | {f'{artist.fetched_at:%Y-%m-%d %H:%M}' if artist.fetched_at else 'never'} | {artist.fetch_error or ''} |"
        for artist in stale[:LISTED]
    )
    figures: dict[str, Any] = {"watched": len(artists), "stale": len(stale), "days": settings.genius.fresh_days}
    if stale:
        figures["stale_artists"] = dg.MetadataValue.md(
            f"| artist | gone through | why not since |\n|---|---|---|\n{rows}"
        )
        figures["remedy"] = (
            "materialize genius_songs for these partitions; see each run for what kept it from finishing"
        )
    return dg.AssetCheckResult(passed=not stale, severity=dg.AssetCheckSeverity.WARN, metadata=figures)


@dg.asset_check(asset=assets.tracks, blocking=True, description="Every track has words.")
def no_track_is_empty(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        return _none(queries.tracks_without_text(conn))


@dg.asset_check(
    asset=assets.tracks, blocking=True, description="No track is one long line: what hears rhyme needs line breaks."
)
def tracks_have_line_breaks(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        return _none(queries.tracks_without_line_breaks(conn, ONE_LINE_WORDS))


@dg.asset_check(asset=assets.tracks, blocking=True, description="No song stands in tracks twice.")
def songs_are_unique(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        return _none(queries.duplicated_songs(conn))


@dg.asset_check(
    asset=assets.tracks, blocking=True, description="Every track has sections, in order, that cover its text."
)
def sections_cover_the_lines(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        return _none(queries.badly_cut_tracks(conn))


@dg.asset_check(
    asset=assets.tracks, blocking=True, description="A duplicate points to an original of its own population."
)
def duplicates_point_to_originals(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        return _none(link_queries.dangling_duplicates(conn))


def _none(offenders: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=offenders == 0, metadata={"offenders": offenders})
