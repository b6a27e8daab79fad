"""Spotify over spotipy with waiting of our own, and the keyless provider of audio features that stands in where Spotify refuses.

Which Spotify track a song is gets decided in spotify/matching.py; nothing here knows the database. The simulated Spotify is asked by
the same code at another address.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import dagster as dg
import httpx
import spotipy
import stamina
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyClientCredentials, SpotifyOauthError

from rap_platform.resources.genius import RateLimiter
from rap_platform.settings import Endpoint, Settings, get_settings

LONGEST_WAIT_S = 60.0
ATTEMPTS = 5
TIMEOUT_S = 20.0
# The first hit of a search with limit 1 is often another than with more; 10 is the most that new apps may ask.
SEARCH_LIMIT = 8
FEATURES_AT_ONCE = 40

T = TypeVar("T")

# spotipy logs every refusal as an error and, when debugging, the bearer token.
logging.getLogger("spotipy").setLevel(logging.CRITICAL)


class SpotifyError(Exception):
    """A request failed for good; `status` is the HTTP status, 0 for an answer that made no sense."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Unreachable(Exception):
    """The server could not be reached in ATTEMPTS tries."""


class RateLimited(Exception):
    """The server asks for a wait longer than LONGEST_WAIT_S; nothing should be asked before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"rate limited until {until.isoformat(timespec='seconds')}")
        self.until = until


class FeaturesRefused(Exception):
    """This app may not read audio features (403 since November 2024)."""


class _Transient(Exception):
    """Worth another try; `wait_s` is what the server asks for, None where it does not say."""

    def __init__(self, message: str, status: int, wait_s: float | None) -> None:
        super().__init__(message)
        self.status = status
        self.wait_s = wait_s


def _again(error: Exception) -> bool | float:
    if not isinstance(error, _Transient):
        return False
    return True if error.wait_s is None else error.wait_s


def _retrying(call: Callable[[], T]) -> T:
    """Call until it works, waiting as the server asks; a wait of more than LONGEST_WAIT_S is not waited for."""
    try:
        for attempt in stamina.retry_context(
            on=_again, attempts=ATTEMPTS, timeout=3 * LONGEST_WAIT_S, wait_initial=0.2
        ):
            with attempt:
                return call()
    except _Transient as error:
        if error.status == 0:
            raise Unreachable(str(error)) from error
        if error.status == 429:
            raise RateLimited(datetime.now(UTC) + timedelta(seconds=error.wait_s or LONGEST_WAIT_S)) from error
        raise SpotifyError(str(error), error.status) from error
    raise AssertionError("a retry either returns or raises")


def _refusal(status: int, message: str, headers: Mapping[str, str] | None) -> Exception:
    """What a status means: another try, a long wait, or the end."""
    if status != 429 and status < 500:
        return SpotifyError(message, status)
    wait_s = _seconds((headers or {}).get("Retry-After"))
    if wait_s is not None and wait_s > LONGEST_WAIT_S:
        return RateLimited(datetime.now(UTC) + timedelta(seconds=wait_s))
    return _Transient(message, status, wait_s)


def _seconds(retry_after: str | None) -> float | None:
    try:
        return None if retry_after is None else max(0.0, float(retry_after))
    except ValueError:
        return None


class _Credentials(SpotifyClientCredentials):  # type: ignore[misc]
    """Client credentials at a token URL of our choice; one thread at a time renews the token."""

    def __init__(self, client_id: str, client_secret: str, token_url: str) -> None:
        super().__init__(client_id, client_secret, requests_timeout=TIMEOUT_S, cache_handler=MemoryCacheHandler())
        self.OAUTH_TOKEN_URL = token_url
        self._renewing = threading.Lock()

    def get_access_token(self, as_dict: bool = False, check_cache: bool = True) -> str:
        with self._renewing:
            token: str = super().get_access_token(as_dict=False, check_cache=check_cache)
            return token


class SpotifyClient(AbstractContextManager["SpotifyClient"]):
    """Searches tracks and reads audio features; safe to share between threads. Close it, or use it as a context manager.

    `features_refused` remembers over all calls that Spotify gives this app no audio features.
    """

    def __init__(self, endpoint: Endpoint, reccobeats_url: str | None = None) -> None:
        assert endpoint.key is not None and endpoint.secret is not None and endpoint.web_url is not None
        self.simulated = endpoint.simulated
        self.reccobeats_url = reccobeats_url
        self.features_refused = False
        self.requests = 0
        self._pace = RateLimiter(endpoint.requests_per_minute)
        self._counting = threading.Lock()
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=not endpoint.simulated)
        credentials = _Credentials(
            endpoint.key.get_secret_value(), endpoint.secret.get_secret_value(), endpoint.web_url
        )
        # The status list names none that exists, so that a 429 reaches us with its headers instead of being slept on.
        self._spotify = spotipy.Spotify(
            auth_manager=credentials, requests_timeout=TIMEOUT_S, retries=0, status_retries=0, status_forcelist=(999,)
        )
        for session in (self._spotify._session, credentials._session):
            session.trust_env = not endpoint.simulated  # no proxy stands before the world
        self._spotify.prefix = endpoint.base_url.rstrip("/") + "/"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()
        self._spotify._session.close()
        self._spotify.auth_manager._session.close()

    def search(self, query: str) -> list[dict[str, Any]]:
        """The first tracks that Spotify finds, as it describes them.

        Raises SpotifyError, RateLimited or Unreachable.
        """
        found = self._ask(lambda: self._spotify.search(query, limit=SEARCH_LIMIT, type="track"))
        items = found.get("tracks", {}).get("items") if isinstance(found, dict) else None
        if not isinstance(items, list):
            raise SpotifyError("the search answered without tracks.items", 0)
        return [item for item in items if isinstance(item, dict)]

    def audio_features(self, spotify_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Spotify's audio features by track id; a track that it does not know is absent.

        Raises FeaturesRefused when this app may not ask, after one request for all, SpotifyError, RateLimited or Unreachable.
        """
        if self.features_refused:
            raise FeaturesRefused
        try:
            found = self._ask(lambda: self._spotify._get("audio-features", ids=",".join(spotify_ids)))
        except SpotifyError as error:
            if error.status not in (403, 404):
                raise
            self.features_refused = True
            raise FeaturesRefused from error
        rows = found.get("audio_features") if isinstance(found, dict) else None
        if not isinstance(rows, list):
            raise SpotifyError("audio-features answered without audio_features", 0)
        return {str(row["id"]): row for row in rows if isinstance(row, dict) and row.get("id")}

    def reccobeats_features(self, spotify_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """ReccoBeats' audio features by Spotify track id; a track that it does not know is absent.

        Raises SpotifyError, RateLimited or Unreachable; ValueError when no address is configured.
        """
        if self.reccobeats_url is None:
            raise ValueError("no address of ReccoBeats is configured")
        url = self.reccobeats_url.rstrip("/") + "/audio-features"
        answer = _retrying(lambda: self._get_json(url, {"ids": ",".join(spotify_ids)}))
        rows = answer.get("content") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise SpotifyError("ReccoBeats answered without content", 0)
        # Its own ids are UUIDs; the Spotify id is the end of the link.
        return {
            str(row["href"]).rstrip("/").rsplit("/", 1)[-1]: row
            for row in rows
            if isinstance(row, dict) and row.get("href")
        }

    def _ask(self, call: Callable[[], Any]) -> Any:
        return _retrying(lambda: self._once(call))

    def _once(self, call: Callable[[], Any]) -> Any:
        self._count()
        try:
            return call()
        except spotipy.SpotifyException as error:
            if error.http_status == 401:
                self._spotify.auth_manager.cache_handler.save_token_to_cache(None)
                raise _Transient("the token was refused", 401, 0.0) from None
            raise _refusal(error.http_status, f"Spotify answered {error.http_status}", error.headers) from None
        except SpotifyOauthError as error:
            response = getattr(error.__context__, "response", None)
            if response is None or response.status_code < 429:
                raise SpotifyError(
                    f"Spotify refused the client credentials: {error.error or 'no reason given'}", 401
                ) from None
            message = f"Spotify's token endpoint answered {response.status_code}"
            raise _refusal(response.status_code, message, response.headers) from None
        except OSError as error:  # every failure of requests to connect or to read
            status = getattr(getattr(error, "response", None), "status_code", 0) or 0
            raise _Transient(f"Spotify could not be reached: {type(error).__name__}", status, None) from None

    def _get_json(self, url: str, params: dict[str, str]) -> Any:
        self._count()
        try:
            response = self._http.get(url, params=params)
        except httpx.TransportError as error:
            raise _Transient(f"ReccoBeats could not be reached: {type(error).__name__}", 0, None) from None
        if response.status_code != 200:
            raise _refusal(response.status_code, f"ReccoBeats answered {response.status_code}", response.headers)
        try:
            return response.json()
        except ValueError:
            raise SpotifyError("ReccoBeats answered something that is not JSON", 0) from None

    def _count(self) -> None:
        self._pace.wait()
        with self._counting:
            self.requests += 1


def chunks(items: Iterable[T], size: int) -> Iterable[list[T]]:
    """Lists of at most `size` items."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def reccobeats_url(settings: Settings, endpoint: Endpoint) -> str | None:
    """Where audio features come from besides Spotify: the world's stand-in for the simulated Spotify, the configured one else."""
    if endpoint.simulated:
        return settings.world_root + "/reccobeats/v1"
    return settings.spotify.reccobeats_url


class SpotifyResource(dg.ConfigurableResource):
    """Spotify as the settings name it; `threads` is how many requests are in flight."""

    threads: int = 6

    def client(self) -> SpotifyClient:
        """A client of this run. Raises NotConfigured."""
        settings = get_settings()
        endpoint = settings.spotify_endpoint()
        return SpotifyClient(endpoint, reccobeats_url(settings, endpoint))
