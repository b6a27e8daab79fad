"""How a chat endpoint is asked for JSON and what its answer holds: rungs, request bodies, replies. Nothing here sends anything."""

import email.utils
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

MOST_REASON: Final = 50  # characters of a finish reason
TRANSIENT: Final = frozenset({408, 409, 425, 429})
# Refusals that no other request will escape: key, account, address. So are redirects, which are not followed.
CLOSED: Final = frozenset({401, 402, 403, 404, 405, 410})


class Mode(Enum):
    """How an endpoint is made to answer in JSON, best first."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    PROMPTED = "prompted"


class Switch(Enum):
    """How an endpoint is asked not to think aloud: vLLM's and llama-server's way, Ollama's way, both, or not at all."""

    BOTH = "chat_template_kwargs and reasoning_effort"
    TEMPLATE = "chat_template_kwargs"
    EFFORT = "reasoning_effort"
    NONE = "none"

    @property
    def fields(self) -> dict[str, Any]:
        """What it adds to the body of a request."""
        template: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
        effort: dict[str, Any] = {"reasoning_effort": "none"}
        return {
            Switch.BOTH: {**template, **effort},
            Switch.TEMPLATE: template,
            Switch.EFFORT: effort,
            Switch.NONE: {},
        }[self]


@dataclass(frozen=True)
class Rung:
    """One way of asking."""

    mode: Mode
    switch: Switch


LADDER: Final = tuple(Rung(mode, switch) for mode in Mode for switch in Switch)


class Descent:
    """The rungs to try from `start` on; `refused` says why the last one was, and decides which are left out."""

    def __init__(self, start: Rung | None) -> None:
        self._left = list(LADDER[LADDER.index(start) :] if start else LADDER)

    def __iter__(self) -> Iterator[Rung]:
        while self._left:
            yield self._left.pop(0)

    def refused(self, rung: Rung, reason: str) -> None:
        """A refusal that names a thinking switch leaves out that switch; any other leaves out the mode, the last one excepted."""
        named = [name for name in ("chat_template_kwargs", "reasoning_effort") if name.split("_kwargs")[0] in reason]
        about_switch = bool(named) or any(word in reason.lower() for word in ("extra", "unrecognized", "unknown field"))
        self._left = [
            other
            for other in self._left
            if other.mode is not rung.mode
            or ((about_switch or rung.mode is Mode.PROMPTED) and not any(name in other.switch.fields for name in named))
        ]


@dataclass(frozen=True)
class Reply:
    """What came back: `text` is the content, or the reasoning where an endpoint put the answer there; None when there is neither.

    `cached` replies were paid for earlier: their tokens and cost are those of then.
    """

    text: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    latency_ms: int
    mode: Mode
    cached: bool = False


@dataclass(frozen=True)
class Prices:
    """USD per token; both are None where they are not known."""

    prompt: float | None
    completion: float | None

    @property
    def known(self) -> bool:
        """Whether a cost can be named."""
        return self.prompt is not None and self.completion is not None

    def of(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """USD for so many tokens, or None."""
        if self.prompt is None or self.completion is None:
            return None
        return prompt_tokens * self.prompt + completion_tokens * self.completion

    def most(self, body: Mapping[str, Any]) -> float:
        """The most that a request can cost, zero without prices: no token is shorter than a byte, and the schema is read as well."""
        read = json.dumps([body["messages"], body.get("response_format")], ensure_ascii=False)
        return self.of(len(read.encode("utf-8", "surrogatepass")), int(body["max_tokens"])) or 0.0


def body_of(
    rung: Rung,
    parameters: Mapping[str, Any],
    system: str,
    turns: Sequence[str],
    schema: Mapping[str, Any] | None,
    name: str,
) -> dict[str, Any]:
    """The body of a chat request; `turns` are the user's and the model's messages by turns, the user's first.

    Without a schema nothing is said of the form of the answer, whatever the rung: a fine-tuned model was taught it.
    """
    body: dict[str, Any] = {**parameters}
    if schema is None:
        pass
    elif rung.mode is Mode.JSON_SCHEMA:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": name, "schema": dict(schema), "strict": True},
        }
    else:
        shown = json.dumps(schema, ensure_ascii=False)
        system = f"{system}\n\nThe object has this JSON schema:\n```json\n{shown}\n```"
    if schema is not None and rung.mode is Mode.JSON_OBJECT:
        body["response_format"] = {"type": "json_object"}
    if rung.switch.fields:
        body["extra_body"] = rung.switch.fields
    spoken = [{"role": ("user", "assistant")[place % 2], "content": turn} for place, turn in enumerate(turns)]
    body["messages"] = [{"role": "system", "content": system}, *spoken]
    return body


class OddAnswer(ValueError):
    """What came under status 200 is no chat completion."""


def reply_of(told: Any, latency_ms: int, mode: Mode, prices: Prices) -> Reply:
    """What a completion says, given as the JSON that came; token counts that can't be are unknown. Raises OddAnswer."""
    if not isinstance(told, dict) or not isinstance(told.get("choices"), list):
        raise OddAnswer("no list of choices")
    usage = told.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    prompt_tokens, completion_tokens = _tokens(counts.get("prompt_tokens")), _tokens(counts.get("completion_tokens"))
    known = prompt_tokens is not None and completion_tokens is not None
    cost = prices.of(prompt_tokens, completion_tokens) if known else None  # type: ignore[arg-type]
    text, finish_reason = _said(told["choices"][0]) if told["choices"] else (None, None)
    return Reply(text, finish_reason, prompt_tokens, completion_tokens, cost, latency_ms, mode)


def _said(choice: Any) -> tuple[str | None, str | None]:
    """The text of a choice, and why it ended."""
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict) or not isinstance(message.get("content"), str | None):
        raise OddAnswer("a choice without a message")
    texts = (message.get("content"), _thought(message.get("reasoning_content")), _thought(message.get("reasoning")))
    reason = choice.get("finish_reason")
    return (
        next((text for text in texts if isinstance(text, str) and text.strip()), None),
        reason[:MOST_REASON] if isinstance(reason, str) else None,
    )


def _tokens(count: Any) -> int | None:
    whole = isinstance(count, int) and not isinstance(count, bool)
    return count if whole and 0 <= count < 2**31 else None


def _thought(text: Any) -> Any:
    """Reasoning that is an object and nothing else is an answer in the wrong place; any other is marked as thinking, and no answer."""
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        is_answer = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_answer = False
    return text if is_answer else f"<think>{text}"


def is_transient(status: int, headers: Mapping[str, str]) -> bool:
    """Whether asking again may help; a 403 that is a web page is a bot check, not a wrong key."""
    return status in TRANSIENT or status >= 500 or (status == 403 and "html" in headers.get("content-type", ""))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: retry-after-ms, or Retry-After in seconds or as a date; None when it says nothing usable."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        told = headers.get(name, "")
        try:
            seconds = float(told) * unit
        except ValueError:
            try:
                seconds = max(0.0, email.utils.parsedate_to_datetime(told).timestamp() - time.time())
            except (TypeError, ValueError):
                continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
