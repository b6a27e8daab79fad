"""What must hold of the Spotify rows before anything below uses them, and how far they reach."""

import dagster as dg

from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.spotify import app_of
from rap_platform.settings import NotConfigured, get_settings
from rap_platform.spotify import queries, remembering
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
    """Warns when fewer are linked than RAP_SPOTIFY__LEAST_MATCHED asks for."""
    return _coverage(postgres, "matched", get_settings().spotify.least_matched)


@dg.asset_check(asset=audio_features, description="How many of the tracks that can be asked for have audio features.")
def audio_features_cover_the_tracks(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Warns when fewer have them than RAP_SPOTIFY__LEAST_FEATURES asks for, and says from whom they come."""
    return _coverage(postgres, "with_audio_features", get_settings().spotify.least_features)


@dg.asset_check(
    asset=spotify_tracks, description="Spotify answers: no long wait is in force and the credentials are accepted."
)
def spotify_lets_us_in(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Warns with the reason, the time and the remedy."""
    try:
        endpoint = get_settings().spotify_endpoint()
    except NotConfigured as reason:
        return dg.AssetCheckResult(passed=True, severity=dg.AssetCheckSeverity.WARN, metadata={"status": str(reason)})
    with postgres.connection() as conn:
        found = remembering.standing(conn, app_of(endpoint))
    told: dict[str, str] = {}
    for service, hold in found.holds.items():
        told |= {"reason": hold.reason, "asked_again_after": f"{hold.until:%Y-%m-%d %H:%M} UTC", "service": service,
                 "remedy": "nothing: the sensor spotify_after_wait takes the work up then; without a daemon, run "
                 "`rap-platform run --select spotify_tracks` and the same for audio_features after that time"}  # fmt: skip
    if found.refusal:
        told |= {"reason": found.refusal, "remedy": remembering.REMEDY}
    return dg.AssetCheckResult(
        passed=not told, severity=dg.AssetCheckSeverity.WARN, metadata={**told} or {"status": "Spotify answers"}
    )


def _coverage(postgres: PostgresResource, name: str, least: float) -> dg.AssetCheckResult:
    try:
        simulated = get_settings().spotify_endpoint().simulated
    except NotConfigured as reason:
        return dg.AssetCheckResult(passed=True, severity=dg.AssetCheckSeverity.WARN, metadata={"status": str(reason)})
    with postgres.connection() as conn:
        found = queries.coverage(conn, simulated=simulated)
        sources = queries.sources(conn, simulated=simulated)
        links = queries.links(conn, simulated=simulated)
    asked = found["asked"] if name == "matched" else max(found["asked"], found["listened_for"])
    share = found[name] / asked if asked else None
    return dg.AssetCheckResult(
        passed=share is None or share >= least,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            **found,
            "coverage": "nothing asked" if share is None else share,
            "least": least,
            "by_source": sources if name == "with_audio_features" else links,
            "population": "simulated" if simulated else "real",
        },
    )
