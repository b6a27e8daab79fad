"""What Spotify and ReccoBeats told us and a restart must not forget: waits, what the app may do, that its credentials are refused."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from rap_platform.resources.politeness import Hold
from rap_platform.resources.service_state import HOLD, forget, recall, remember
from rap_platform.resources.spotify import RECCOBEATS, SERVICE, Capabilities, RateLimited, SpotifyClient, SpotifyError
from rap_platform.spotify import queries

CAPABILITIES: Final = "capabilities"
CREDENTIALS: Final = "credentials"
PROBE_AGAIN: Final = dt.timedelta(days=7)
REFUSED: Final = frozenset({401, 403})
REMEDY: Final = "check RAP_SPOTIFY__CLIENT_ID and RAP_SPOTIFY__CLIENT_SECRET"


@dataclass(frozen=True)
class Standing:
    """How we stand with the services now: the waits in force by service, capabilities, why credentials were refused."""

    holds: dict[str, Hold]
    capabilities: Capabilities | None
    refusal: str | None


def make_ready(conn: psycopg.Connection, client: SpotifyClient) -> None:
    """Give the client what is remembered, and find out what its app may do when that is not known; committed at once.

    Raises RateLimited while Spotify wants to be left alone, Unreachable, or SpotifyError when the credentials are refused.
    """
    restore_holds(conn, client)
    client.capabilities = capabilities(conn, client.app)
    if client.capabilities is None:
        queries.lock_capabilities(conn)  # one process probes, the others wait and read what it found
        client.capabilities = capabilities(conn, client.app)
    if client.capabilities is None:
        try:
            client.probe()
        except SpotifyError as error:
            if error.status in REFUSED:
                raise
    keep_learned(conn, client)
    conn.commit()


def restore_holds(conn: psycopg.Connection, client: SpotifyClient) -> None:
    """Let the client wait as this app was told to before; what another app was told doesn't count."""
    for service, polite in ((SERVICE, client.polite), (RECCOBEATS, client.polite_to_reccobeats)):
        found = recall(conn, service, HOLD)
        if found is None or found.until is None or found.until <= _now():
            continue
        if found.value.get("app") in (None, client.app):
            polite.hold(found.until, found.reason or "")
        else:
            polite.release()


def keep_learned(conn: psycopg.Connection, client: SpotifyClient) -> None:
    """Remember capabilities that the client found or corrected since; the caller commits."""
    known = client.capabilities
    if not client.learned or known is None:
        return
    client.learned = False
    told = {
        "app": client.app,
        "batch_tracks": known.batch_tracks,
        "search_limit": known.search_limit,
        "audio_features": known.audio_features,
        "probed_at": known.probed_at.isoformat(),
    }
    remember(conn, SERVICE, CAPABILITIES, told, known.probed_at + PROBE_AGAIN)


def capabilities(conn: psycopg.Connection, app: str) -> Capabilities | None:
    """What the app may do, None when that is not known or was found out too long ago."""
    found = recall(conn, SERVICE, CAPABILITIES)
    if found is None or found.value.get("app") != app or found.until is None or found.until <= _now():
        return None
    return _capabilities(found.value)


def _capabilities(told: dict[str, Any]) -> Capabilities:
    return Capabilities(
        bool(told["batch_tracks"]),
        int(told["search_limit"]),
        told["audio_features"],
        dt.datetime.fromisoformat(told["probed_at"]),
    )


def remember_wait(conn: psycopg.Connection, client: SpotifyClient, limit: RateLimited) -> None:
    """Remember until when a service wants to be left alone; the caller commits."""
    told = {"app": client.app, "since": _now().isoformat()}
    remember(conn, limit.service, HOLD, told, limit.until, reason=limit.reason)


def forget_wait(conn: psycopg.Connection, service: str, until: dt.datetime) -> None:
    """Forget a wait that has passed, unless another has taken its place; the caller commits."""
    found = recall(conn, service, HOLD)
    if found is not None and found.until == until:
        forget(conn, service, HOLD)


def remember_refusal(conn: psycopg.Connection, client: SpotifyClient, reason: str) -> None:
    """Remember that Spotify refuses the app's credentials; the caller commits."""
    remember(conn, SERVICE, CREDENTIALS, {"app": client.app}, reason=reason)


def forget_refusal(conn: psycopg.Connection) -> None:
    """Forget that credentials were refused: they were not; the caller commits."""
    forget(conn, SERVICE, CREDENTIALS)


def standing(conn: psycopg.Connection, app: str) -> Standing:
    """How the app stands with the services now."""
    holds = {}
    for service in (SERVICE, RECCOBEATS):
        found = recall(conn, service, HOLD)
        if found and found.until and found.until > _now() and found.value.get("app") in (None, app):
            holds[service] = Hold(found.until, found.reason or "")
    refusal = recall(conn, SERVICE, CREDENTIALS)
    refused = refusal.reason if refusal is not None and refusal.value.get("app") == app else None
    return Standing(holds, capabilities(conn, app), refused)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
