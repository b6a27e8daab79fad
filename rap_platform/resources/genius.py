"""Genius: a polite client that says of every answer what it was; what the answers mean for songs is decided in lyrics/."""

import datetime as dt
import email.utils
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin

import dagster as dg
import httpx
import stamina
import stamina.instrumentation
from pydantic import SecretStr

from rap_platform.settings import Endpoint, NotConfigured, get_settings

MOST_BYTES: Final = 8 * 1024 * 1024
MOST_REDIRECTS: Final = 5
MOST_ATTEMPTS: Final = 4
LONGEST_WAIT_S: Final = 60.0
PAGE_SIZE: Final = 50
CONNECTIONS: Final = 8

# Once per process, for all that waits with stamina: by default retries are announced on standard output, where commands print JSON.
stamina.instrumentation.set_on_retry_hooks([stamina.instrumentation.LoggingOnRetryHook])

_CHALLENGE = re.compile(
    rb"<title>\s*(?:Just a moment|Attention Required|Access denied)|/cdn-cgi/challenge-platform/[\w/-]{0,60}orchestrate|cf-challenge",
    re.I,
)  # "/cdn-cgi/challenge-platform/" alone stands in ordinary pages too


class Outcome(StrEnum):
    """What an answer was. `blocked` is never `missing`: the song may well exist."""

    OK = "ok"
    MISSING = "missing"
    INSTRUMENTAL = "instrumental"
    UNRELEASED = "unreleased"
    REMOVED = "removed"
    BLOCKED = "blocked"
    FAILED = "failed"


@dataclass(frozen=True)
class Answer:
    """A classified answer. `body` is empty unless the outcome is ok; `retry_after_s` is what a blocking server asked for."""

    outcome: Outcome
    reason: str | None
    body: bytes
    encoding: str
    retry_after_s: float | None = None

    @property
    def text(self) -> str:
        """The body as text; bytes that don't decode become U+FFFD."""
        return self.body.decode(self.encoding, errors="replace")


@dataclass(frozen=True)
class ApiAnswer:
    """A classified API answer; `response` is what stood under "response", empty unless the outcome is ok."""

    outcome: Outcome
    reason: str | None
    response: dict[str, Any]
    retry_after_s: float | None = None


class CredentialsRefused(Exception):
    """Genius refused the token."""


class Transient(Exception):
    """An answer worth another try; `wait_s` is what the server asked for, if it did."""

    def __init__(self, answer: Answer, wait_s: float | None = None) -> None:
        super().__init__(answer.reason or answer.outcome.value)
        self.answer = answer
        self.wait_s = wait_s


class RateLimiter:
    """Lets `per_minute` calls a minute through, evenly spaced, over all threads of this process."""

    def __init__(self, per_minute: float) -> None:
        self._interval_s = 60.0 / per_minute
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Block until the caller's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._interval_s
        if turn > now:
            time.sleep(turn - now)


def classify(status: int, headers: httpx.Headers, body: bytes = b"") -> tuple[Outcome, str | None]:
    """Say what an HTTP answer was, from status, headers and (of a page) the start of its body."""
    if headers.get("cf-mitigated", "").casefold() == "challenge" or _CHALLENGE.search(body[:20_000]):
        return Outcome.BLOCKED, f"HTTP {status}: a challenge page"
    if status == HTTPStatus.FORBIDDEN:
        return Outcome.BLOCKED, "HTTP 403"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome.BLOCKED, "HTTP 429: too many requests"
    if status == HTTPStatus.NOT_FOUND:
        return Outcome.MISSING, "HTTP 404"
    if status in (HTTPStatus.GONE, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS):
        return Outcome.REMOVED, f"HTTP {status}"
    if HTTPStatus(200) <= status < HTTPStatus(300):
        return Outcome.OK, None
    return Outcome.FAILED, f"HTTP {status}"


def retry_after_s(headers: httpx.Headers, now: dt.datetime | None = None) -> float | None:
    """Give the seconds that Retry-After asks for, written as seconds or as a date; None without a usable one."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", value):
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - (now or dt.datetime.now(dt.UTC))).total_seconds())


class GeniusClient:
    """Genius' API and song pages over one pool of connections; safe to share between threads.

    Only the hosts of the endpoint are spoken to, redirects included, and the token goes to the API alone. 5xx, 429 and
    broken connections are tried again within a budget; a server that asks for more patience than a minute is `blocked`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        scrape: bool,
        contact: str | None = None,
        timeout_s: float = 20.0,
        first_wait_s: float = 0.5,
        longest_wait_s: float = LONGEST_WAIT_S,
    ) -> None:
        self.endpoint = endpoint
        self.may_fetch_pages = scrape or endpoint.simulated
        self._api = endpoint.base_url.rstrip("/")
        self._roots = {_origin(httpx.URL(url)) for url in (endpoint.base_url, endpoint.web_url) if url}
        self._token: SecretStr | None = endpoint.key
        self._timeout_s = timeout_s
        self._first_wait_s = first_wait_s
        self._longest_wait_s = longest_wait_s
        self._limiter = RateLimiter(endpoint.requests_per_minute)
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_s),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            headers={"User-Agent": f"rap-platform/0.1 (+{contact or 'no contact given'})"},
            trust_env=not endpoint.simulated,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "GeniusClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def search(self, query: str) -> ApiAnswer:
        """Search songs; `response["hits"]` holds them, best first."""
        return self._ask("/search", {"q": query})

    def artist(self, artist_id: int) -> ApiAnswer:
        """Ask for an artist; `response["artist"]`."""
        return self._ask(f"/artists/{artist_id}", {})

    def artist_songs(self, artist_id: int, page: int, *, sort: str = "title") -> ApiAnswer:
        """Ask for a page (from 1) of an artist's songs; `response["songs"]`, `response["next_page"]` (None: the last)."""
        return self._ask(f"/artists/{artist_id}/songs", {"per_page": str(PAGE_SIZE), "page": str(page), "sort": sort})

    def song(self, song_id: int) -> ApiAnswer:
        """Ask for a song; `response["song"]`."""
        return self._ask(f"/songs/{song_id}", {})

    def page(self, url: str) -> Answer:
        """Fetch a song page. Raises NotConfigured with the real Genius unless pages may be fetched."""
        self.require_pages()
        return self._patiently(url, {}, api=False)

    def require_pages(self) -> None:
        """Raise NotConfigured unless song pages may be fetched: always from the world, from Genius when the settings allow it."""
        if not self.may_fetch_pages:
            raise NotConfigured("fetching song pages from Genius", "RAP_GENIUS__SCRAPE=true (read Genius' terms first)")

    def _ask(self, path: str, params: dict[str, str]) -> ApiAnswer:
        answer = self._patiently(self._api + path, params, api=True)
        if answer.outcome is not Outcome.OK:
            return ApiAnswer(answer.outcome, answer.reason, {}, answer.retry_after_s)
        document = json.loads(answer.body)
        response = document.get("response") if isinstance(document, dict) else None
        if not isinstance(response, dict):
            return ApiAnswer(Outcome.FAILED, 'the API\'s answer holds no "response"', {})
        return ApiAnswer(Outcome.OK, None, response)

    def _patiently(self, url: str, params: dict[str, str], *, api: bool) -> Answer:
        def _again(error: Exception) -> bool | float:
            if not isinstance(error, Transient):
                return False
            if error.wait_s is None:
                return True
            return error.wait_s if error.wait_s <= self._longest_wait_s else False

        try:
            for attempt in stamina.retry_context(
                on=_again, attempts=MOST_ATTEMPTS, timeout=None,
                wait_initial=self._first_wait_s, wait_max=self._longest_wait_s, wait_jitter=self._first_wait_s,
            ):  # fmt: skip
                with attempt:
                    return self._once(url, params, api=api)
        except Transient as error:
            return error.answer
        raise AssertionError("retry_context ends with an answer or an exception")

    def _once(self, url: str, params: dict[str, str], *, api: bool) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            target = httpx.URL(url)
            if _origin(target) not in self._roots:
                return _failed(f"refused to go to {target.scheme}://{target.host}: not one of Genius' hosts")
            self._limiter.wait()
            try:
                status, headers, body = self._read(target, params, api=api)
            except _TooLarge:
                return _failed(f"the answer is larger than {MOST_BYTES // 1024 // 1024} MB")
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Transient(_failed(f"{type(error).__name__}: {error or 'no answer'}")) from error
            if status in (301, 302, 303, 307, 308) and "location" in headers:
                url, params = urljoin(str(target), headers["location"]), {}
                continue
            return self._judged(status, headers, body, api=api)
        return _failed(f"more than {MOST_REDIRECTS} redirects")

    def _judged(self, status: int, headers: httpx.Headers, body: bytes, *, api: bool) -> Answer:
        if api and status == HTTPStatus.UNAUTHORIZED:
            raise CredentialsRefused(
                "Genius refused the token (HTTP 401): set RAP_GENIUS__TOKEN to a valid client access token"
            )
        outcome, reason = classify(status, headers, b"" if api else body)
        wait_s = retry_after_s(headers)
        answer = Answer(outcome, reason, body if outcome is Outcome.OK else b"", _charset(headers), wait_s)
        limited = status == HTTPStatus.TOO_MANY_REQUESTS
        troubled = status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if limited or (troubled and outcome is not Outcome.BLOCKED):
            raise Transient(answer, wait_s)
        if outcome is Outcome.OK and not (_is_json(body) if api else b"</html" in body[-4096:].lower()):
            raise Transient(_failed("the answer was cut short"))
        return answer

    def _read(self, url: httpx.URL, params: dict[str, str], *, api: bool) -> tuple[int, httpx.Headers, bytes]:
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"} if api and self._token else {}
        deadline = time.monotonic() + 4 * self._timeout_s
        with self._http.stream("GET", url, params=params or None, headers=headers) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _TooLarge
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer dripped in too slowly")
            return response.status_code, response.headers, bytes(body)


class _TooLarge(Exception):
    pass


class GeniusResource(dg.ConfigurableResource):
    """Genius, or the simulated one, as the settings say; `longest_wait_s` is how long a server may ask to wait."""

    longest_wait_s: float = LONGEST_WAIT_S

    @contextmanager
    def client(self) -> Iterator[GeniusClient]:
        """Open a client. Raises NotConfigured when neither Genius nor the world is configured."""
        settings = get_settings()
        with GeniusClient(
            settings.genius_endpoint(),
            scrape=settings.genius.scrape,
            contact=settings.genius.contact,
            timeout_s=settings.genius.timeout_s,
            longest_wait_s=self.longest_wait_s,
        ) as client:
            yield client


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    host = url.host.removeprefix("www.")
    return url.scheme, host, url.port


def _charset(headers: httpx.Headers) -> str:
    found = re.search(r"charset=[\"']?([\w-]+)", headers.get("content-type", ""), re.I)
    try:
        "".encode(found.group(1) if found else "utf-8")
    except LookupError:
        return "utf-8"
    return found.group(1) if found else "utf-8"


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _failed(reason: str) -> Answer:
    return Answer(Outcome.FAILED, reason, b"", "utf-8")
