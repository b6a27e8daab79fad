"""Genius: a polite client that says of every answer what it was; what the answers mean for songs is decided in lyrics/."""

import datetime as dt
import email.utils
import json
import re
import threading
import time
import urllib.robotparser
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin

import dagster as dg
import httpx
import redis
import stamina
import stamina.instrumentation
from pydantic import SecretStr

from rap_platform.resources import politeness
from rap_platform.resources import redis as shared
from rap_platform.resources.politeness import LONGEST_WAIT_S, BreakerOpen, Politeness
from rap_platform.settings import Endpoint, NotConfigured, get_settings

AGENT: Final = "rap-platform"
MOST_BYTES: Final = 8 * 1024 * 1024
MOST_ROBOTS_BYTES: Final = 512 * 1024
MOST_REDIRECTS: Final = 5
MOST_ATTEMPTS: Final = 4
FIRST_WAIT_S: Final = 2.0  # then 4 and 8, each with up to a second of jitter
JITTER_S: Final = 1.0
LONGEST_BACKOFF_S: Final = 10.0
PATIENCE_S: Final = 150.0  # a request waits this long for an open breaker, then Genius counts as down
ROBOTS_KEPT_S: Final = 24 * 3600
ROBOTS_AGAIN_S: Final = 600.0
INFLATED_BYTES: Final = 64 * 1024
PAGE_SIZE: Final = 50
CONNECTIONS: Final = 8

# Once per process, for all that waits with stamina: by default retries are announced on standard output, where commands print JSON.
stamina.instrumentation.set_on_retry_hooks([stamina.instrumentation.LoggingOnRetryHook])

_CHALLENGE = re.compile(
    rb"<title>\s*(?:Just a moment|Attention Required|Access denied)[^<\xe2|]{0,40}</title>|/cdn-cgi/challenge-platform/[\w/-]{0,60}orchestrate"
    rb"|cf-challenge|window\._cf_chl_opt|px-captcha|captcha-delivery\.com|class=.(?:g-recaptcha|h-captcha)|verify(?:ing)? (?:that )?you are (?:a )?human",
    re.I,
)  # "/cdn-cgi/challenge-platform/" alone stands in ordinary pages too
_CHALLENGED: Final = "a challenge page"
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_SONG_PAGE = re.compile(rb"data-lyrics-container=.true|window\.__PRELOADED_STATE__", re.I)


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
    """A classified answer. `body` is empty unless the outcome is ok; `retry_after_s` is what a blocking server asked for.

    `others_too` is False where only this address is blocked, as robots.txt does it, and others may be asked for.
    """

    outcome: Outcome
    reason: str | None
    body: bytes
    encoding: str
    retry_after_s: float | None = None
    others_too: bool = True

    @property
    def text(self) -> str:
        """The body as text: UTF-8 where it is valid, else as the server names it; bytes that don't decode become U+FFFD."""
        try:
            return self.body.decode()
        except UnicodeDecodeError:
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


class Transient(politeness.Transient):
    """An answer worth another try; `wait_s` is what the server asked for, if it did."""

    def __init__(self, answer: Answer, wait_s: float | None = None) -> None:
        super().__init__(answer.reason or answer.outcome.value)
        self.answer = answer
        self.wait_s = wait_s


def classify(status: int, headers: httpx.Headers, body: bytes = b"") -> tuple[Outcome, str | None]:
    """Say what an HTTP answer was, from status, headers and body; what a page says of its song is for lyrics/ to read."""
    challenged = headers.get("cf-mitigated", "").casefold() == "challenge" or "x-amzn-waf-action" in headers
    is_json = body.lstrip()[:1] in (b"{", b"[")  # a title or description may say anything
    if challenged or (not is_json and _CHALLENGE.search(body[:20_000]) and not _SONG_PAGE.search(body)):
        return Outcome.BLOCKED, f"HTTP {status}: {_CHALLENGED}"
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Outcome.BLOCKED, f"HTTP {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome.BLOCKED, "HTTP 429: too many requests"
    if status == HTTPStatus.NOT_FOUND:
        return Outcome.MISSING, "HTTP 404"
    if status in (HTTPStatus.GONE, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS):
        return Outcome.REMOVED, f"HTTP {status}"
    if status == HTTPStatus.OK:
        return Outcome.OK, None
    return Outcome.FAILED, f"HTTP {status}"


def retry_after_s(headers: httpx.Headers, now: dt.datetime | None = None) -> float | None:
    """Give the seconds that Retry-After asks for, written as seconds or as a date; None without a usable one."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", value):
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - (now or dt.datetime.now(dt.UTC))).total_seconds())


class GeniusClient:
    """Genius' API and song pages over one pool of connections; safe to share between threads.

    Only the hosts of the endpoint are spoken to, redirects included, and the token goes to the API alone; robots.txt is kept
    to. 5xx, 429 and broken connections are tried again after 2, 4 and 8 s; a server that asks for more patience than a minute
    is `blocked`, a challenge and a 403 are so at once and are never tried again. While the breaker is open nothing is asked.

    The methods raise BreakerOpen when Genius stays down and Held while it wants to be left alone for more than a minute.
    `clock_rate` shortens our own waits, `redis` shares limit, breaker and robots.txt with other processes.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        scrape: bool,
        contact: str | None = None,
        timeout_s: float = 20.0,
        first_wait_s: float = FIRST_WAIT_S,
        longest_wait_s: float = LONGEST_WAIT_S,
        redis: "redis.Redis | None" = None,
        processes: int = 1,
        clock_rate: float = 1.0,
    ) -> None:
        self.endpoint = endpoint
        self.redis = redis
        self.clock_rate = clock_rate
        self.may_fetch_pages = scrape or endpoint.simulated
        self.politeness = Politeness(
            endpoint.name, endpoint.requests_per_minute, redis=redis, processes=processes, clock_rate=clock_rate
        )
        self._api = endpoint.base_url.rstrip("/")
        self._web = httpx.URL(endpoint.web_url) if endpoint.web_url else None
        self._roots = {_origin(httpx.URL(url)) for url in (endpoint.base_url, endpoint.web_url) if url}
        self._token: SecretStr | None = endpoint.key
        self._timeout_s = timeout_s
        self._first_wait_s = first_wait_s / clock_rate
        self._longest_wait_s = longest_wait_s
        self._robots: dict[str, urllib.robotparser.RobotFileParser] = {}
        self._robots_lock = threading.Lock()
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_s),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            headers={
                "User-Agent": f"{AGENT}/0.1 (+{contact or 'no contact given'})",
                "Accept-Encoding": "gzip",
            },
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
        return self.forbidden(url) or self._patiently(url, {}, _judge_page)

    def forbidden(self, url: str) -> Answer | None:
        """Give the block that robots.txt puts on an address, or None when it may be fetched.

        A robots.txt that is not there allows everything; one that can't be read allows nothing until it can.
        """
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL:
            return None
        if _origin(target) not in self._roots:
            return None  # refused for its host when it is fetched
        found = self._robots_of(target)
        if isinstance(found, Answer):
            return found
        if found.can_fetch(AGENT, url):
            return None
        return replace(_answer(Outcome.BLOCKED, f"robots.txt forbids {target.path}"), others_too=False)

    def require_pages(self) -> None:
        """Raise NotConfigured unless song pages may be fetched: always from the world, from Genius when the settings allow it."""
        if not self.may_fetch_pages:
            raise NotConfigured("fetching song pages from Genius", "RAP_GENIUS__SCRAPE=true (read Genius' terms first)")

    def _robots_of(self, target: httpx.URL) -> urllib.robotparser.RobotFileParser | Answer:
        # RFC 9309: the file lies at the root of the origin, also where all pages share a prefix as those of the world do
        address = str(target.copy_with(path="/robots.txt", query=None, fragment=None))
        with self._robots_lock:
            if address in self._robots:
                return self._robots[address]
            key = f"rap:robots:{address}"
            text = shared.recall(self.redis, key)
            if not isinstance(text, str):
                answer = self._patiently(address, {}, _judge_robots, most_bytes=MOST_ROBOTS_BYTES)
                if answer.outcome is Outcome.BLOCKED:
                    return answer
                if answer.outcome is Outcome.FAILED:
                    told = f"{address} can't be read ({answer.reason}), so nothing may be fetched"
                    return _answer(Outcome.BLOCKED, told, ROBOTS_AGAIN_S / self.clock_rate)
                text = answer.text if answer.outcome is Outcome.OK else ""
                shared.keep(self.redis, key, text, ROBOTS_KEPT_S)
            rules = urllib.robotparser.RobotFileParser(address)
            rules.parse(text.splitlines())
            if delay := rules.crawl_delay(AGENT):
                self.politeness.slow_to(float(delay))
            self._robots[address] = rules
            return rules

    def _ask(self, path: str, params: dict[str, str]) -> ApiAnswer:
        answer = self._patiently(self._api + path, params, _judge_api, api=True)
        if answer.outcome is not Outcome.OK:
            return ApiAnswer(answer.outcome, answer.reason, {}, answer.retry_after_s)
        document = json.loads(answer.body)
        meta = document.get("meta") if isinstance(document, dict) else None
        told = meta.get("status") if isinstance(meta, dict) else None
        if isinstance(told, int) and told != HTTPStatus.OK:
            outcome, reason = classify(told, httpx.Headers())
            return ApiAnswer(outcome, f"HTTP 200, but the answer says {reason or told}", {})
        response = document.get("response") if isinstance(document, dict) else None
        if not isinstance(response, dict):
            return ApiAnswer(Outcome.FAILED, 'the API\'s answer holds no "response"', {})
        return ApiAnswer(Outcome.OK, None, response)

    def _patiently(
        self, url: str, params: dict[str, str], judge: "_Judge", *, api: bool = False, most_bytes: int = MOST_BYTES
    ) -> Answer:
        def _again(error: Exception) -> bool | float:
            if not isinstance(error, Transient | _Limited):
                return False
            if error.wait_s is None:
                return True
            return error.wait_s if error.wait_s <= self._longest_wait_s else False

        try:
            for attempt in stamina.retry_context(
                on=_again, attempts=MOST_ATTEMPTS, timeout=None, wait_initial=self._first_wait_s,
                wait_max=LONGEST_BACKOFF_S / self.clock_rate, wait_jitter=JITTER_S / self.clock_rate,
            ):  # fmt: skip
                with attempt:
                    return self._once(url, params, judge, api=api, most_bytes=most_bytes)
        except (Transient, _Limited) as error:
            return error.answer
        raise AssertionError("retry_context ends with an answer or an exception")

    def _once(self, url: str, params: dict[str, str], judge: "_Judge", *, api: bool, most_bytes: int) -> Answer:
        for hops in range(MOST_REDIRECTS + 1):
            try:
                target = httpx.URL(url)
            except httpx.InvalidURL as error:
                return _failed(f"not an address: {error}")
            if _origin(target) not in self._roots:
                return _failed(f"refused to go to {target.scheme}://{target.host}: not one of Genius' hosts")
            got = self._through_breaker(target, params, judge, api=api, most_bytes=most_bytes)
            if isinstance(got, Answer):
                if hops and got.outcome is Outcome.OK and self._is_home(target):
                    return _answer(Outcome.MISSING, "the page leads to the home page")  # no proof that the song is gone
                return got
            try:
                url, params = urljoin(str(target), got), {}
            except ValueError as error:
                return _failed(f"redirected to no address: {error}")
        return _failed(f"more than {MOST_REDIRECTS} redirects")

    def _through_breaker(
        self, target: httpx.URL, params: dict[str, str], judge: "_Judge", *, api: bool, most_bytes: int
    ) -> Answer | str:
        """Ask once as soon as limit and breaker allow it; gives the answer, or where it redirects to."""
        give_up = time.monotonic() + PATIENCE_S / self.clock_rate
        while True:
            self.politeness.wait_turn()
            try:
                with self.politeness.calling():
                    status, headers, body = self._read(target, params, api=api, most_bytes=most_bytes)
                    if status in (301, 302, 303, 307, 308) and "location" in headers:
                        return headers["location"]
                    answer = _judged(status, headers, body, judge)
            except BreakerOpen as open_:
                left_s = (open_.until - dt.datetime.now(dt.UTC)).total_seconds()
                if time.monotonic() + left_s > give_up:
                    raise
                time.sleep(max(0.0, left_s))
                continue
            except _Unreadable as error:
                return _failed(str(error))
            except Transient as error:
                self._hold_for(error.wait_s, str(error))
                if self.politeness.is_closed():
                    raise
                continue  # the breaker is open: what counts is when Genius is back, not how often this one was tried
            if api and status == HTTPStatus.UNAUTHORIZED:
                raise CredentialsRefused(
                    "Genius refused the token (HTTP 401): set RAP_GENIUS__TOKEN to a valid client access token"
                )
            if status == HTTPStatus.TOO_MANY_REQUESTS and not (answer.reason or "").endswith(_CHALLENGED):
                self._hold_for(answer.retry_after_s, "HTTP 429")
                raise _Limited(answer, answer.retry_after_s)
            return answer

    def _hold_for(self, wait_s: float | None, reason: str) -> None:
        """Let all processes wait out what a server asked for; what is too long to wait for is for the caller to remember."""
        if wait_s is not None and wait_s <= self._longest_wait_s:
            self.politeness.hold(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wait_s), reason)

    def _is_home(self, target: httpx.URL) -> bool:
        return self._web is not None and target.path.rstrip("/") == self._web.path.rstrip("/")

    def _read(
        self, url: httpx.URL, params: dict[str, str], *, api: bool, most_bytes: int
    ) -> tuple[int, httpx.Headers, bytes]:
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"} if api and self._token else {}
        deadline = time.monotonic() + 4 * self._timeout_s
        try:
            with self._http.stream("GET", url, params=params or None, headers=headers) as response:
                body = bytearray()
                for chunk in _unpacked(response):
                    body += chunk
                    if len(body) > most_bytes:
                        raise _Unreadable(f"the answer is larger than {most_bytes / 1024 / 1024:g} MB")
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("the answer dripped in too slowly")
                return response.status_code, response.headers, bytes(body)
        except (httpx.HTTPError, zlib.error) as error:
            raise Transient(_failed(f"{type(error).__name__}: {error or 'no answer'}")) from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise _Unreadable(f"{type(error).__name__}: {error}") from error


_Judge = Callable[[httpx.Headers, bytes], Answer | None]


class _Unreadable(Exception):
    """An answer that won't be another one when it is asked for again."""


class _Limited(Exception):
    """A 429: worth another try, but no failure of the service."""

    def __init__(self, answer: Answer, wait_s: float | None) -> None:
        super().__init__(answer.reason or "HTTP 429")
        self.answer = answer
        self.wait_s = wait_s


def _judged(status: int, headers: httpx.Headers, body: bytes, judge: _Judge) -> Answer:
    """Say what an answer was. Raises Transient for one that may be better next time."""
    outcome, reason = classify(status, headers, body)
    wait_s = retry_after_s(headers)
    if outcome is Outcome.OK:
        return judge(headers, body) or Answer(Outcome.OK, None, body, _charset(headers))
    challenged = reason is not None and reason.endswith(_CHALLENGED)
    unavailable = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _LATER
    if judge is _judge_robots and unavailable and not challenged:
        return _answer(Outcome.MISSING, f"HTTP {status}")  # RFC 9309: whatever the reason, there are no rules
    answer = _answer(outcome, reason, wait_s)
    troubled = status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if troubled and outcome is not Outcome.BLOCKED:
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            answer = replace(answer, outcome=Outcome.BLOCKED)
        raise Transient(answer, wait_s)
    return answer


def _judge_page(headers: httpx.Headers, body: bytes) -> Answer | None:
    kind = headers.get("content-type", "text/html").partition(";")[0].strip().casefold()
    if kind not in ("text/html", "application/xhtml+xml") or body.lstrip()[:1] in (b"{", b"["):
        return _failed(f"no page but {kind}" if "html" not in kind else "no page but JSON")
    if not body.strip():
        raise Transient(_failed("the answer is empty"))
    if b"</html" not in body[-4096:].lower():
        raise Transient(_failed("the answer was cut short"))
    return None


def _judge_api(headers: httpx.Headers, body: bytes) -> Answer | None:
    if body.lstrip()[:1] == b"<":
        return _failed("no JSON but a page")
    if not _is_json(body):
        raise Transient(_failed("the answer was cut short"))
    return None


def _judge_robots(headers: httpx.Headers, body: bytes) -> Answer | None:
    return None


class GeniusResource(dg.ConfigurableResource):
    """Genius, or the simulated one, as the settings say.

    `longest_wait_s` is how long a server may ask to wait; `clock_rate` shortens our own waits by that factor, for tests.
    """

    longest_wait_s: float = LONGEST_WAIT_S
    clock_rate: float = 1.0

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
            redis=shared.client(),
            processes=settings.processes,
            clock_rate=self.clock_rate,
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


def _unpacked(response: httpx.Response) -> Iterator[bytes]:
    """Give the body in pieces of bounded size, so that a few packed bytes can't become many at once."""
    coding = response.headers.get("content-encoding", "identity").strip().casefold()
    if coding in ("identity", ""):
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip"):
        raise _Unreadable(f"the answer is packed as {coding!r}, which nobody asked for")
    unpacking = zlib.decompressobj(31)
    for packed in response.iter_raw():
        left = packed
        while left and not unpacking.eof:
            yield unpacking.decompress(left, INFLATED_BYTES)
            left = unpacking.unconsumed_tail
    if not unpacking.eof:
        raise zlib.error("the packed answer was cut short")


def _answer(outcome: Outcome, reason: str | None, retry_after_s: float | None = None) -> Answer:
    return Answer(outcome, reason, b"", "utf-8", retry_after_s)


def _failed(reason: str) -> Answer:
    return _answer(Outcome.FAILED, reason)
