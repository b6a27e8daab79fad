"""What must hold of lyric_features before anything below uses them."""

import dagster as dg

from rap_platform.features import queries
from rap_platform.features.assets import lyric_features
from rap_platform.resources.postgres import PostgresResource


@dg.asset_check(
    asset=lyric_features,
    blocking=True,
    description="Every figure is in its range, there when it should be, NULL when not.",
)
def lyric_features_are_plausible(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Counts rows that break an expectation."""
    with postgres.connection() as conn:
        found = queries.implausible(conn)
    return dg.AssetCheckResult(passed=not any(found.values()), metadata=dict(found.items()))


@dg.asset_check(asset=lyric_features, description="How many tracks have features of their present lyrics.")
def lyric_features_cover_the_tracks(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Warns below full coverage, which is normal while only some shards were made."""
    with postgres.connection() as conn:
        tracks, covered = queries.coverage(conn)
    return dg.AssetCheckResult(
        passed=covered == tracks,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"tracks": tracks, "covered": covered, "coverage": covered / tracks if tracks else "no tracks"},
    )
