"""What must hold of the Spotify rows before anything below uses them, and how far they reach."""

import dagster as dg

from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured, get_settings
from rap_platform.spotify import queries
from rap_platform.spotify.assets import audio_features, spotify_tracks
from rap_platform.spotify.matching import GATE


@dg.asset_check(
    asset=spotify_tracks, blocking=True, description="No link below the gate; every track without one says why."
)
def spotify_links_pass_the_gate(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Counts rows that break an expectation."""
    with postgres.connection() as conn:
        found = queries.broken_matches(conn, GATE)
    return dg.AssetCheckResult(passed=not any(found.values()), metadata={"gate": GATE, **found})


@dg.asset_check(
    asset=audio_features,
    blocking=True,
    description="Figures where a provider gave them, none where it did not, labelled as simulated or not.",
)
def audio_features_are_given_or_absent(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Counts rows that break an expectation."""
    with postgres.connection() as conn:
        found = queries.broken_features(conn)
    return dg.AssetCheckResult(passed=not any(found.values()), metadata=dict(found.items()))


@dg.asset_check(asset=spotify_tracks, description="How many of the tracks that can be asked for are linked to Spotify.")
def spotify_covers_the_tracks(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Warns when fewer than half are linked."""
    return _coverage(postgres, "matched", 0.5)


@dg.asset_check(asset=audio_features, description="How many of the tracks that can be asked for have audio features.")
def audio_features_cover_the_tracks(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Warns when fewer than half have them, as with a Spotify app of today and no other provider."""
    return _coverage(postgres, "with_audio_features", 0.5)


def _coverage(postgres: PostgresResource, name: str, least: float) -> dg.AssetCheckResult:
    try:
        simulated = get_settings().spotify_endpoint().simulated
    except NotConfigured as reason:
        return dg.AssetCheckResult(passed=True, severity=dg.AssetCheckSeverity.WARN, metadata={"status": str(reason)})
    with postgres.connection() as conn:
        found = queries.coverage(conn, simulated=simulated)
    share = found[name] / found["asked"] if found["asked"] else None
    return dg.AssetCheckResult(
        passed=share is None or share >= least,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            **found,
            "coverage": "nothing asked" if share is None else share,
            "population": "simulated" if simulated else "real",
        },
    )
