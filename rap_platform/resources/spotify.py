"""Spotify over spotipy with waiting of our own, and the keyless provider of audio features that stands in where Spotify refuses.

Which Spotify track a song is gets decided in spotify/matching.py; nothing here knows the database: what an app may do and how
long it was told to wait is handed in and out. The simulated Spotify is asked by the same code at another address.
"""

import email.utils
import hashlib
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import dagster as dg
import httpx
import spotipy
import stamina
import stamina.instrumentation
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyClientCredentials, SpotifyOauthError

from rap_platform.resources import politeness
from rap_platform.resources import redis as shared
from rap_platform.resources.politeness import BreakerOpen, Held, Politeness
from rap_platform.settings import Endpoint, Settings, get_settings

SERVICE: Final = "spotify"
RECCOBEATS: Final = "reccobeats"
ATTEMPTS: Final = 5
TIMEOUT_S: Final = 20.0
MOST_RESULTS, FEWEST_RESULTS = 50, 10  # of a search; apps in development mode get ten
TRACKS_AT_ONCE: Final = 50
FEATURES_AT_ONCE: Final = 40
LONGEST_HOLD_S: Final = (
    24 * 3600.0
)  # a used-up quota says no time, and a longer one is not believed: one request a day finds out
CLOSED: Final = frozenset({403, 404, 410})
_SOME_ID: Final = "0" * 22
_MOST_READ = 2000  # characters of a refusal

T = TypeVar("T")

# spotipy logs every refusal as an error and, when debugging, the bearer token.
logging.getLogger("spotipy").setLevel(logging.CRITICAL)
# By default retries are announced on standard output, where commands print JSON.
stamina.instrumentation.set_on_retry_hooks([stamina.instrumentation.LoggingOnRetryHook])


class SpotifyError(Exception):
    """A request failed for good; `status` is the HTTP status, 0 for an answer that made no sense."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Unreachable(Exception):
    """The server could not be reached in ATTEMPTS tries, or failed so often that it is left alone for a while."""


class RateLimited(Exception):
    """`service` asks for a wait that no request sits out; nothing should be asked of it before `until`."""

    def __init__(self, service: str, until: datetime, reason: str) -> None:
        super().__init__(f"{service} is left alone until {until.isoformat(timespec='seconds')}: {reason}")
        self.service = service
        self.until = until
        self.reason = reason


class FeaturesRefused(Exception):
    """This app may not read audio features (403 since November 2024)."""


@dataclass(frozen=True)
class Capabilities:
    """What Spotify lets an app do; None where that is not known yet."""

    batch_tracks: bool
    search_limit: int
    audio_features: bool | None
    probed_at: datetime


class _Later(Exception):
    """Worth another try that says nothing against the service: a limit (`status` 429) or a token that ran out (401)."""

    def __init__(self, message: str, status: int, wait_s: float | None) -> None:
        super().__init__(message)
        self.status = status
        self.wait_s = wait_s


class _Trouble(politeness.Transient):
    """The server failed (`status` 5xx) or did not answer (0); `wait_s` is what it asks for, if it does."""

    def __init__(self, message: str, status: int, wait_s: float | None) -> None:
        super().__init__(message)
        self.status = status
        self.wait_s = wait_s


def _retrying(polite: Politeness, call: Callable[[], T]) -> T:
    """Call until it works, each time in its turn; what nobody should sit out becomes RateLimited or Unreachable."""

    def again(error: Exception) -> bool | float:
        if isinstance(error, BreakerOpen):
            return max(0.0, (error.until - datetime.now(UTC)).total_seconds()) + 0.05
        if isinstance(error, _Later | _Trouble):
            return True if error.wait_s is None else error.wait_s
        return False

    rate = polite.clock_rate
    try:
        for attempt in stamina.retry_context(
            on=again, attempts=ATTEMPTS, timeout=None, wait_initial=2 / rate, wait_max=30 / rate, wait_jitter=1 / rate
        ):
            with attempt:
                polite.wait_turn()
                with polite.calling():
                    return call()
    except Held as error:
        raise RateLimited(polite.service, error.hold.until, error.hold.reason) from error
    except BreakerOpen as error:
        raise Unreachable(str(error)) from error
    except (_Later, _Trouble) as error:
        if error.status == 0:
            raise Unreachable(str(error)) from error
        if error.status == 429:
            until = datetime.now(UTC) + timedelta(seconds=politeness.LONGEST_WAIT_S)
            polite.hold(until, f"{error} {ATTEMPTS} times in a row")
            raise RateLimited(polite.service, until, str(error)) from error
        raise SpotifyError(str(error), error.status) from error
    raise AssertionError("a retry either returns or raises")


def _refusal(polite: Politeness, status: int, message: str, headers: Mapping[str, str], body: str) -> Exception:
    """What a status means: another try, a wait that all processes keep, or the end."""
    if status != 429 and status < 500:
        return SpotifyError(message, status)
    wait_s = retry_after_s(headers.get("Retry-After"))
    if wait_s is not None:
        wait_s = min(wait_s, LONGEST_HOLD_S)
    if status != 429:
        if wait_s is not None and wait_s > politeness.LONGEST_WAIT_S:
            polite.hold(datetime.now(UTC) + timedelta(seconds=wait_s), message)
            wait_s = 0.0  # waiting for the hold is politeness' business
        return _Trouble(message, status, wait_s)
    reason = f"{message} (too many requests)"
    if "QUOTA_EXCEEDED" in body:
        reason = f"{message}: the quota of the developer account is used up (QUOTA_EXCEEDED)"
        wait_s = LONGEST_HOLD_S if wait_s is None else wait_s
    if wait_s is not None:
        polite.hold(datetime.now(UTC) + timedelta(seconds=wait_s), reason)
        return _Later(reason, status, 0.0)  # waiting for the hold is politeness' business
    return _Later(reason, status, None)


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


def app_of(endpoint: Endpoint) -> str:
    """A name for the app that keeps its client id to itself: 12 digits of its hash."""
    return hashlib.sha256(endpoint.key.get_secret_value().encode() if endpoint.key else b"").hexdigest()[:12]


class SpotifyClient(AbstractContextManager["SpotifyClient"]):
    """Searches tracks and reads audio features; safe to share between threads. Close it, or use it as a context manager.

    `capabilities` is what is known of the app; what turns out to be wrong is corrected there and `learned` is set, so
    that the owner remembers it. `app` is a hash of the client id: another app may do other things.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        reccobeats_url: str | None = None,
        *,
        polite: Politeness | None = None,
        polite_to_reccobeats: Politeness | None = None,
        capabilities: Capabilities | None = None,
    ) -> None:
        assert endpoint.key is not None and endpoint.secret is not None and endpoint.web_url is not None
        self.simulated = endpoint.simulated
        self.reccobeats_url = reccobeats_url
        self.app = app_of(endpoint)
        self.requests = 0
        self.capabilities = capabilities
        self.learned = False
        self.polite = polite or Politeness(SERVICE, endpoint.requests_per_minute, redis=None)
        self.polite_to_reccobeats = polite_to_reccobeats or Politeness(
            RECCOBEATS, endpoint.requests_per_minute, redis=None
        )
        self._lock = threading.Lock()
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=not endpoint.simulated)
        credentials = _Credentials(
            endpoint.key.get_secret_value(), endpoint.secret.get_secret_value(), endpoint.web_url
        )
        # The status list names none that exists, so that a 429 reaches us with its headers instead of being slept on.
        self._spotify = spotipy.Spotify(
            auth_manager=credentials, requests_timeout=TIMEOUT_S, retries=0, status_retries=0, status_forcelist=(999,)
        )
        self._spotify._session.hooks["response"].append(self._judge)
        credentials._session.hooks["response"].append(self._judge_token)
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

    @property
    def features_refused(self) -> bool:
        """Whether Spotify is known to give this app no audio features."""
        return self.capabilities is not None and self.capabilities.audio_features is False

    def probe(self) -> Capabilities:
        """Find out what this app may do, in three requests (four in development mode), and keep it in `capabilities`.

        Raises SpotifyError when not even a search works, RateLimited or Unreachable.
        """
        limit = MOST_RESULTS
        try:
            items = self._search("love", limit)
        except SpotifyError as error:
            if error.status != 400:
                raise
            limit = FEWEST_RESULTS
            items = self._search("love", limit)
        some_id = next((str(item["id"]) for item in items if item.get("id")), _SOME_ID)
        found = Capabilities(
            batch_tracks=self._is_open("tracks", some_id) is True,
            search_limit=limit,
            audio_features=self._is_open("audio-features", some_id),
            probed_at=datetime.now(UTC),
        )
        with self._lock:
            self.capabilities, self.learned = found, True
        return found

    def search(self, query: str) -> list[dict[str, Any]]:
        """The first tracks that Spotify finds, as it describes them.

        Raises SpotifyError, RateLimited or Unreachable.
        """
        # The first hit of a search with limit 1 is often another than with more: as many as the app may have.
        limit = self.capabilities.search_limit if self.capabilities else FEWEST_RESULTS
        try:
            return self._search(query, limit)
        except SpotifyError as error:
            if error.status != 400 or limit <= FEWEST_RESULTS:
                raise
            found = self._search(query, FEWEST_RESULTS)
            self._learn(search_limit=FEWEST_RESULTS)
            return found

    def track(self, spotify_id: str) -> dict[str, Any] | None:
        """A track as Spotify describes it, None when it has none of this id. Raises SpotifyError, RateLimited or Unreachable."""
        try:
            found = self._ask(lambda: self._spotify._get(f"tracks/{spotify_id}"))
        except SpotifyError as error:
            if error.status in (400, 404):
                return None
            raise
        return found if isinstance(found, dict) else None

    def tracks(self, spotify_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Tracks by id, 50 a request where the app may, else one; those that Spotify doesn't have are absent.

        Raises SpotifyError, RateLimited or Unreachable.
        """
        found: dict[str, dict[str, Any]] = {}
        for ids in chunks(spotify_ids, TRACKS_AT_ONCE):
            items = self._batch(ids) if self.capabilities and self.capabilities.batch_tracks else None
            if items is None:
                items = [self.track(spotify_id) for spotify_id in ids]
            found |= {asked: item for asked, item in zip(ids, items, strict=False) if isinstance(item, dict)}
        return found

    def audio_features(self, spotify_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Spotify's audio features by track id; a track that it does not know is absent.

        Raises FeaturesRefused when this app may not ask (without a request once that is known), SpotifyError, RateLimited
        or Unreachable.
        """
        if self.features_refused:
            raise FeaturesRefused
        try:
            found = self._ask(lambda: self._spotify._get("audio-features", ids=",".join(spotify_ids)))
        except SpotifyError as error:
            if error.status not in CLOSED:
                raise
            self._learn(audio_features=False)
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
        answer = _retrying(self.polite_to_reccobeats, lambda: self._get_json(url, {"ids": ",".join(spotify_ids)}))
        rows = answer.get("content") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise SpotifyError("ReccoBeats answered without content", 0)
        # Its own ids are UUIDs; the Spotify id is the end of the link.
        return {
            str(row["href"]).rstrip("/").rsplit("/", 1)[-1]: row
            for row in rows
            if isinstance(row, dict) and row.get("href")
        }

    def _search(self, query: str, limit: int) -> list[dict[str, Any]]:
        found = self._ask(lambda: self._spotify.search(query, limit=limit, type="track"))
        tracks = found.get("tracks") if isinstance(found, dict) else None
        items = tracks.get("items") if isinstance(tracks, dict) else None
        if not isinstance(items, list):
            raise SpotifyError("the search answered without tracks.items", 0)
        return [item for item in items if isinstance(item, dict)]

    def _batch(self, spotify_ids: Sequence[str]) -> list[Any] | None:
        """The answers for these ids in order, None when this app may not ask for several."""
        try:
            found = self._ask(lambda: self._spotify._get("tracks", ids=",".join(spotify_ids)))
        except SpotifyError as error:
            if error.status in CLOSED:
                self._learn(batch_tracks=False)
                return None
            if error.status == 400:  # one id that is none spoils the batch
                return None
            raise
        items = found.get("tracks") if isinstance(found, dict) else None
        if not isinstance(items, list) or len(items) != len(spotify_ids):
            raise SpotifyError(
                f"tracks answered {len(items) if isinstance(items, list) else 'nothing'} for {len(spotify_ids)} ids", 0
            )
        return items

    def _is_open(self, path: str, some_id: str) -> bool | None:
        """Whether this app may use a path; None when the answer tells neither."""
        try:
            self._ask(lambda: self._spotify._get(path, ids=some_id))
        except SpotifyError as error:
            return False if error.status in CLOSED else None
        return True

    def _learn(self, **corrected: Any) -> None:
        with self._lock:
            known = self.capabilities or Capabilities(False, FEWEST_RESULTS, None, datetime.now(UTC))
            self.capabilities, self.learned = replace(known, **corrected), True

    def _ask(self, call: Callable[[], Any]) -> Any:
        return _retrying(self.polite, lambda: self._once(call))

    def _once(self, call: Callable[[], Any]) -> Any:
        self._count()
        try:
            answer = call()
        except SpotifyOauthError as error:  # the token came, but not as one
            raise SpotifyError(f"Spotify's token endpoint made no sense: {error.error}", 0) from None
        except OSError as error:  # every failure of requests to connect or to read
            if isinstance(error, ValueError):  # the token, which spotipy reads without asking whether it is JSON
                raise _Trouble("Spotify's token endpoint answered something that is not JSON", 200, None) from None
            raise _Trouble(f"Spotify could not be reached: {type(error).__name__}", 0, None) from None
        except (KeyError, TypeError, AttributeError) as error:  # spotipy trips over a token answer that is none
            raise SpotifyError(f"Spotify answered something that can't be read: {type(error).__name__}", 0) from None
        if answer is None:
            raise _Trouble("Spotify answered something that is not JSON", 200, None)
        return answer

    # spotipy reads refusals only in the shape it expects and drops their body: they are judged before it sees them.
    def _judge(self, response: Any, **_: Any) -> None:
        status = response.status_code
        if status < 400:
            return
        body = response.text[:_MOST_READ]
        if status == 401:
            self._spotify.auth_manager.cache_handler.save_token_to_cache(None)
            raise _Later("Spotify refused the token", 401, 0.0)
        raise _refusal(self.polite, status, f"Spotify answered {status}", response.headers, body)

    def _judge_token(self, response: Any, **_: Any) -> None:
        status = response.status_code
        if status < 400:
            return
        if status < 429:
            raise SpotifyError(
                f"Spotify refused the client credentials: {_named_error(response.text[:_MOST_READ])}", 401
            )
        message = f"Spotify's token endpoint answered {status}"
        raise _refusal(self.polite, status, message, response.headers, response.text[:_MOST_READ])

    def _get_json(self, url: str, params: dict[str, str]) -> Any:
        self._count()
        try:
            response = self._http.get(url, params=params)
        except httpx.TransportError as error:
            raise _Trouble(f"ReccoBeats could not be reached: {type(error).__name__}", 0, None) from None
        if response.status_code != 200:
            message = f"ReccoBeats answered {response.status_code}"
            raise _refusal(
                self.polite_to_reccobeats, response.status_code, message, response.headers, response.text[:2000]
            )
        try:
            return response.json()
        except ValueError:
            raise SpotifyError("ReccoBeats answered something that is not JSON", 0) from None

    def _count(self) -> None:
        with self._lock:
            self.requests += 1


def _named_error(body: str) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        return "no reason given"
    return str(told.get("error")) if isinstance(told, dict) and told.get("error") else "no reason given"


def retry_after_s(value: str | None, now: datetime | None = None) -> float | None:
    """Give the seconds that a Retry-After asks for, written as seconds or as a date; None without a usable one."""
    text = (value or "").strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", text):
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


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


def client_of(settings: Settings) -> SpotifyClient:
    """A client of the Spotify that the settings name, polite together with all other processes. Raises NotConfigured."""
    endpoint = settings.spotify_endpoint()
    server = shared.client(settings.redis_url.get_secret_value()) if settings.redis_url else None
    polite, polite_to_reccobeats = (
        Politeness(service, endpoint.requests_per_minute, redis=server, processes=settings.processes)
        for service in (SERVICE, RECCOBEATS)
    )
    return SpotifyClient(
        endpoint, reccobeats_url(settings, endpoint), polite=polite, polite_to_reccobeats=polite_to_reccobeats
    )


class SpotifyResource(dg.ConfigurableResource):
    """Spotify as the settings name it; `threads` is how many requests are in flight."""

    threads: int = 6

    def client(self) -> SpotifyClient:
        """A client of this run. Raises NotConfigured."""
        return client_of(get_settings())
