"""The fault plan: how often each stand-in fails, and how fast its clock runs. What the services answer otherwise is theirs."""

import asyncio
import json
import math
from collections import Counter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send

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
KINDS = ("http_429", "http_500", "http_503", "challenge", "reset", "malformed")
RETRY_AFTER_S = 30
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
    slow: float = Field(1, ge=0, le=1)
    slow_ms: int = Field(0, ge=0, le=600_000)


class WebFaults(Faults):
    """Song pages: shares of songs, the same ones each time, that have no page or no lyrics."""

    missing: float = Field(0.006, ge=0, le=1, description="404")
    unreleased: float = Field(0.006, ge=0, le=1, description="a page that says the lyrics are yet to come")
    instrumental: float = Field(0.008, ge=0, le=1)
    non_lyrics: float = Field(0.02, ge=0, le=1, description="an interview, credits or a ranking instead of a song")


class LlmFaults(Faults):
    """The model's habits, by hash of the text."""

    http_429: float = Field(0.01, ge=0, le=1)
    think: float = Field(0.03, ge=0, le=1, description="a thinking block before the answer")
    fence: float = Field(0.03, ge=0, le=1, description="the answer in a Markdown fence")
    broken_json: float = Field(0.02, ge=0, le=1, description="JSON that does not parse; a second try often does")
    misquote: float = Field(0.06, ge=0, le=1, description="one quote that is not in the lyrics")


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


class FaultState:
    """The plan in force and how many requests each family has seen."""

    def __init__(self) -> None:
        self.plan = FaultPlan()
        self.seen: Counter[str] = Counter()
        self.done: Counter[str] = Counter()

    def put(self, plan: FaultPlan) -> None:
        """Put another plan in force; counting starts anew."""
        self.plan = plan
        self.seen.clear()
        self.done.clear()

    def draw(self, family: Family) -> tuple[str | None, float, float]:
        """What befalls the next request of a family: kind or None, seconds to wait, and a number 0..1 to vary it by."""
        self.seen[family] += 1
        faults: Faults = getattr(self.plan, family)
        chance = truth.stream(self.plan.seed, "fault", family, self.seen[family])
        left, wait, vary = chance.random(), chance.random(), chance.random()
        pause = faults.slow_ms / 1000 if wait < faults.slow else 0.0
        for kind in KINDS:
            left -= getattr(faults, kind)
            if left < 0:
                self.done[f"{family}.{kind}"] += 1
                return kind, pause, vary
        return None, pause, vary

    @property
    def retry_after_s(self) -> int:
        """Whole seconds, at least one."""
        return max(1, math.ceil(RETRY_AFTER_S / self.plan.clock_rate))


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
        kind, pause, vary = self.state.draw(family)
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
                    {"retry-after": str(self.state.retry_after_s)},
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
            case "reset":
                # More bytes are promised than come: the server then drops the connection.
                await send(
                    {
                        "type": "http.response.start",
                        "status": 200,
                        "headers": [(b"content-length", b"4096"), (b"content-type", b"application/json")],
                    }
                )
                await send({"type": "http.response.body", "body": b'{"', "more_body": True})


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
