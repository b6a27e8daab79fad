"""The fault plan: how often each stand-in fails, and how fast its clock runs. What the services answer otherwise is theirs."""

import asyncio
import contextlib
import datetime as dt
import email.utils
import json
import math
import time
from collections import Counter, deque
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rap_platform.world import truth

Family = Literal["genius_api", "genius_web", "spotify", "reccobeats", "llm", "panel"]
PREFIXES: tuple[tuple[str, Family], ...] = (
    ("/genius/api", "genius_api"),
    ("/genius/web", "genius_web"),
    ("/spotify", "spotify"),
    ("/reccobeats", "reccobeats"),
    ("/llm", "llm"),
    ("/panel", "panel"),
)
KINDS = ("http_429", "http_500", "http_503", "challenge", "reset", "malformed", "truncated", "drip", "hang", "page")
CHAT = "/llm/v1/chat/completions"
WINDOW_S = 60.0  # of the world's clock, in which the model's limit counts
RETRY_AFTER_S = 30
DRIPS = 20  # parts that a slow body comes in
MOST_PATHS = 20_000  # counted one by one; what comes after them is counted together
OTHER_PATHS = "(others)"
CHALLENGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title><meta http-equiv="Content-Type" content="text/html; charset=UTF-8">'
    '<meta name="robots" content="noindex,nofollow"></head><body><div class="main-wrapper" role="main"><div class="main-content">'
    '<noscript><div id="challenge-error-text">Enable JavaScript and cookies to continue</div></noscript></div></div>'
    "<script>(function(){window._cf_chl_opt={cType:'managed'};}());</script></body></html>"
)


class Faults(BaseModel):
    """Rates 0..1 of what goes wrong per request; `slow_ms` is added to the share `slow` of requests."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    http_429: float = Field(0, ge=0, le=1, description="Too Many Requests with Retry-After")
    http_500: float = Field(0, ge=0, le=1)
    http_503: float = Field(0, ge=0, le=1, description="Service Unavailable with Retry-After")
    challenge: float = Field(0, ge=0, le=1, description="a bot check instead of the answer, as 403 or as 200")
    reset: float = Field(0, ge=0, le=1, description="the connection closes in the middle of the body")
    malformed: float = Field(0, ge=0, le=1, description="200 with a body cut short")
    truncated: float = Field(0, ge=0, le=1, description="half of the real body comes, although all of it was promised")
    drip: float = Field(0, ge=0, le=1, description="the real body comes in small parts, drip_ms from first to last")
    drip_ms: int = Field(1000, ge=0, le=600_000)
    slow: float = Field(1, ge=0, le=1)
    slow_ms: int = Field(0, ge=0, le=600_000)


class WebFaults(Faults):
    """Song pages: shares of songs, the same ones each time, that have no page or no lyrics."""

    missing: float = Field(0.006, ge=0, le=1, description="404")
    unreleased: float = Field(0.006, ge=0, le=1, description="a page that says the lyrics are yet to come")
    instrumental: float = Field(0.008, ge=0, le=1)
    non_lyrics: float = Field(0.02, ge=0, le=1, description="an interview, credits or a ranking instead of a song")


class LlmFaults(Faults):
    """The model's limit, its outages, and its habits: these by hash of the text, at most one of the spoiling ones per answer."""

    requests_per_minute: float = Field(
        2000, gt=0, description="more in a minute of the world's clock are refused; by default 1,000 a second"
    )
    http_429: float = Field(0.01, ge=0, le=1)
    hang: float = Field(0, ge=0, le=1, description="no answer for hang_s, then a closed connection")
    hang_s: float = Field(300, ge=0, description="seconds of the world's clock")
    page: float = Field(0, ge=0, le=1, description="a web page under status 200")
    think: float = Field(0.03, ge=0, le=1, description="a thinking block before the answer")
    unterminated_think: float = Field(0, ge=0, le=1, description="thinking that never ends, the answer somewhere in it")
    fence: float = Field(0.03, ge=0, le=1, description="the answer in a Markdown fence")
    cut_off: float = Field(0, ge=0, le=1, description="half an answer, with finish_reason length")
    broken_json: float = Field(0.02, ge=0, le=1, description="JSON that does not parse; a second try often does")
    eight_of_ten: float = Field(0, ge=0, le=1, description="a score written as 8/10, which is no number")
    null_content: float = Field(0, ge=0, le=1, description="no content at all")
    null_with_reasoning: float = Field(0, ge=0, le=1, description="the answer in reasoning_content, no content")
    wrong_language: float = Field(0, ge=0, le=1, description="a summary that is not in English")
    prose: float = Field(0, ge=0, le=1, description="a sentence instead of an object")
    misquote: float = Field(0.06, ge=0, le=1, description="one quote that is not in the lyrics")


class Outage(BaseModel):
    """A time in which a family answers nothing: a stretch of its requests, counted from 1, or of world-clock seconds since the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: Family
    kind: Literal["http_503", "reset"] = "http_503"
    first_request: int | None = Field(None, ge=1)
    requests: int | None = Field(None, ge=1)
    from_s: float | None = Field(None, ge=0)
    seconds: float | None = Field(None, gt=0, description="of the world's clock, which runs clock_rate times as fast")

    @model_validator(mode="after")
    def _one_measure(self) -> "Outage":
        counted = (self.first_request is not None, self.requests is not None)
        timed = (self.from_s is not None, self.seconds is not None)
        if not (all(counted) and not any(timed)) and not (all(timed) and not any(counted)):
            raise ValueError("an outage needs first_request and requests, or from_s and seconds")
        return self

    def covers(self, request: int, clock_s: float) -> bool:
        """Whether the request with this number, at this world-clock second, falls into the outage."""
        if self.first_request is not None and self.requests is not None:
            return self.first_request <= request < self.first_request + self.requests
        assert self.from_s is not None and self.seconds is not None
        return self.from_s <= clock_s < self.from_s + self.seconds


class FaultPlan(BaseModel):
    """What goes wrong, per family of endpoints. Deterministic: by seed and running number of the request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 7
    clock_rate: float = Field(
        30, gt=0, description="how much faster than real time waits run: Retry-After of 30 s becomes 1 s"
    )
    genius_api: Faults = Faults(http_429=0.004)
    genius_web: WebFaults = WebFaults(http_429=0.004)
    spotify: Faults = Faults(http_429=0.004)
    reccobeats: Faults = Faults(http_429=0.004)
    llm: LlmFaults = LlmFaults()
    panel: Faults = Faults()
    outages: list[Outage] = Field([], max_length=100)
    dated: float = Field(0, ge=0, le=1, description="share of Retry-After headers that give a date instead of seconds")
    robots: Literal["permissive", "forbidding", "missing", "broken"] = Field(
        "permissive", description="what robots.txt says: song pages yes, everything no, 404, 503"
    )


class FaultState:
    """The plan in force and how many requests each family, and each path, has seen."""

    def __init__(self) -> None:
        self.put(FaultPlan())

    def put(self, plan: FaultPlan) -> None:
        """Put another plan in force; counting starts anew."""
        self.plan = plan
        self.seen: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.paths: Counter[str] = Counter()
        self.most_in_a_minute = 0
        self._arrivals: deque[float] = deque()
        self._since = time.monotonic()

    @property
    def clock_s(self) -> float:
        """World-clock seconds since the plan was put."""
        return (time.monotonic() - self._since) * self.plan.clock_rate

    def admit(self) -> bool:
        """Count a chat request by the minute that ends with it, on the world's clock; False when the limit was reached before it."""
        now = self.clock_s
        while self._arrivals and self._arrivals[0] <= now - WINDOW_S:
            self._arrivals.popleft()
        self._arrivals.append(now)
        self.most_in_a_minute = max(self.most_in_a_minute, len(self._arrivals))
        within = len(self._arrivals) <= self.plan.llm.requests_per_minute
        if not within:
            self.done["llm.above_the_limit"] += 1
        return within

    def count(self, path: str) -> None:
        """Count a request of a path; at most MOST_PATHS of them are told apart."""
        self.paths[path if path in self.paths or len(self.paths) < MOST_PATHS else OTHER_PATHS] += 1

    def draw(self, family: Family) -> tuple[str | None, float, float]:
        """What befalls the next request of a family: kind or None, seconds to wait, and a number 0..1 to vary it by."""
        self.seen[family] += 1
        faults: Faults = getattr(self.plan, family)
        chance = truth.stream(self.plan.seed, "fault", family, self.seen[family])
        left, wait, vary = chance.random(), chance.random(), chance.random()
        pause = faults.slow_ms / 1000 if wait < faults.slow else 0.0
        for outage in self.plan.outages:
            if outage.family == family and outage.covers(self.seen[family], self.clock_s):
                self.done[f"{family}.outage"] += 1
                return outage.kind, pause, vary
        for kind in KINDS:
            left -= getattr(faults, kind, 0.0)
            if left < 0:
                self.done[f"{family}.{kind}"] += 1
                return kind, pause, vary
        return None, pause, vary

    @property
    def retry_after_s(self) -> int:
        """Whole seconds, at least one."""
        return max(1, math.ceil(RETRY_AFTER_S / self.plan.clock_rate))

    def retry_after(self, vary: float) -> str:
        """A Retry-After header of as many seconds, written as a date for the share `dated`."""
        if vary >= self.plan.dated:
            return str(self.retry_after_s)
        # dates have whole seconds: rounded up, so that none lies in the past when it arrives
        when = math.ceil(dt.datetime.now(dt.UTC).timestamp() + self.retry_after_s)
        return email.utils.format_datetime(dt.datetime.fromtimestamp(when, dt.UTC), usegmt=True)


_TOO_MANY: dict[str, dict[str, Any]] = {
    "genius_api": {"meta": {"status": 429, "message": "Too many requests"}},
    "spotify": {"error": {"status": 429, "message": "API rate limit exceeded"}},
    "llm": {
        "error": {
            "message": "Rate limit reached for requests",
            "type": "rate_limit_exceeded",
            "code": "rate_limit_exceeded",
        }
    },
}


class FaultMiddleware:
    """Answers in place of the app when the plan says so."""

    def __init__(self, app: ASGIApp, state: FaultState) -> None:
        self.app, self.state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or not."""
        family = next(
            (name for prefix, name in PREFIXES if scope["type"] == "http" and scope["path"].startswith(prefix)), None
        )
        if family is None:
            await self.app(scope, receive, send)
            return
        self.state.count(scope["path"])
        kind, pause, vary = self.state.draw(family)
        if scope["path"] == CHAT and not self.state.admit():
            kind = "http_429"
        if pause:
            await asyncio.sleep(pause)
        match kind:
            case None:
                await self.app(scope, receive, send)
            case "http_429" | "http_503":
                status = int(kind[-3:])
                unavailable = {"error": {"message": "Service unavailable"}}
                words = (
                    unavailable if status == 503 else _TOO_MANY.get(family, {"error": {"message": "Too many requests"}})
                )
                await _answer(
                    send,
                    status,
                    json.dumps(words).encode(),
                    "application/json",
                    {"retry-after": self.state.retry_after(vary)},
                )
            case "http_500":
                await _answer(send, 500, b'{"error": {"message": "Internal server error"}}', "application/json")
            case "challenge":
                await _answer(
                    send,
                    403 if vary < 0.5 else 200,
                    CHALLENGE.encode(),
                    "text/html; charset=UTF-8",
                    {"cf-mitigated": "challenge", "server": "cloudflare"},
                )
            case "malformed":
                html = family == "genius_web"
                await _answer(
                    send,
                    200,
                    b"<!doctype html><html><head><tit" if html else b'{"meta": {"status": 200}, "response": {"so',
                    "text/html" if html else "application/json",
                )
            case "drip":
                faults: Faults = getattr(self.state.plan, family)
                await dripping(self.app, scope, receive, send, faults.drip_ms / 1000)
            case "hang":
                await _hang(receive, self.state.plan.llm.hang_s / self.state.plan.clock_rate)
                await _drop(send)
            case "page":
                await _answer(send, 200, b"<!doctype html><title>Welcome</title><p>Nothing here.", "text/html")
            case "truncated":
                await truncating(self.app, scope, receive, send)
            case "reset":
                await _drop(send)


async def _drop(send: Send) -> None:
    """Promise more bytes than come: the server then drops the connection."""
    headers = [(b"content-length", b"4096"), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"', "more_body": True})


async def _hang(receive: Receive, seconds: float) -> None:
    """Say nothing until the client has gone or the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


async def dripping(app: ASGIApp, scope: Scope, receive: Receive, send: Send, seconds: float) -> None:
    """Send what the app answers in DRIPS parts over `seconds`."""

    async def _slowly(message: Message) -> None:
        if message["type"] != "http.response.body" or not message.get("body"):
            await send(message)
            return
        body, more = message["body"], message.get("more_body", False)
        size = math.ceil(len(body) / DRIPS)
        parts = [body[low : low + size] for low in range(0, len(body), size)]
        for number, part in enumerate(parts, 1):
            await send({"type": "http.response.body", "body": part, "more_body": more or number < len(parts)})
            if number < len(parts):
                await asyncio.sleep(seconds / DRIPS)

    await app(scope, receive, _slowly)


async def truncating(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Send half of what the app answers under the content-length of all of it; the server then drops the connection."""

    async def _half(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    await app(scope, receive, _half)


async def _answer(send: Send, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
    more = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *more],
        }
    )
    await send({"type": "http.response.body", "body": body})
