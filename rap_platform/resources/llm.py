"""An OpenAI-compatible chat endpoint: limits, retries, budget, and what the endpoint can do. What is asked of it is in analyses/."""

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Self

import dagster as dg
import stamina

from rap_platform.settings import Endpoint, Llm, Settings, get_settings

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

log = logging.getLogger(__name__)

SHARE_OF_LIMIT: Final = 0.9
LONGEST_RETRY_AFTER_S: Final = 60.0
CIRCUIT_FAILURES: Final = 5
CIRCUIT_COOL_OFF_S: Final = 30.0
CHARACTERS_PER_TOKEN: Final = 3.0  # to guess a price before it is known; English has about four
TRANSIENT: Final = frozenset({408, 409, 425, 429})
# Refusals that no other request will escape: key, account, address.
CLOSED: Final = frozenset({401, 402, 403, 404})


class LlmUnavailable(Exception):
    """The endpoint did not answer this request although it was tried again; asking later may help."""


class LlmDown(LlmUnavailable):
    """The endpoint failed several times in a row: nobody asks it for a while."""


class LlmRefused(Exception):
    """The endpoint refuses every request of ours: wrong key, no credit, unknown model or address."""


class LlmRejected(Exception):
    """The endpoint refuses this very request in every form."""


class LlmBudgetSpent(Exception):
    """The next request might cost more than what is left of the budget."""


class _NotAnAnswer(Exception):
    """Status 200, but nothing that a chat endpoint says."""


class Mode(Enum):
    """How an endpoint is made to answer in JSON, best first."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    PROMPTED = "prompted"


@dataclass(frozen=True)
class Rung:
    """One way of asking; `quiet` asks the chat template to leave out thinking."""

    mode: Mode
    quiet: bool


LADDER: Final = (
    Rung(Mode.JSON_SCHEMA, True),
    Rung(Mode.JSON_SCHEMA, False),
    Rung(Mode.JSON_OBJECT, True),
    Rung(Mode.JSON_OBJECT, False),
    Rung(Mode.PROMPTED, True),
    Rung(Mode.PROMPTED, False),
)


@dataclass(frozen=True)
class Reply:
    """What came back: `text` is the content, or the reasoning where an endpoint put the answer there; None when there is neither."""

    text: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    latency_ms: int
    mode: Mode


class TokenBucket:
    """Requests per minute shared by all threads of a client; a refusal by the server holds everybody back."""

    def __init__(self, requests_per_minute: float, share: float = SHARE_OF_LIMIT) -> None:
        """No window of a minute sees more than `requests_per_minute`: the burst is what `share` leaves free."""
        self._per_second = share * requests_per_minute / 60
        self._burst = max(1.0, (1 - share) * requests_per_minute)
        self._tokens = self._burst
        self._at = time.monotonic()
        self._closed_until = 0.0
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait for a turn."""
        while (wait := self._wait()) > 0:
            time.sleep(wait)

    def _wait(self) -> float:
        with self._lock:
            now = time.monotonic()
            if now < self._closed_until:
                return self._closed_until - now
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
            self._at = now
            if self._tokens >= 1:
                self._tokens -= 1
                return 0.0
            return (1 - self._tokens) / self._per_second

    def close_for(self, seconds: float) -> None:
        """Let nobody through for so long."""
        with self._lock:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)


class Budget:
    """What may be spent: requests in flight count with the most they can cost, so the cap is passed by one request at most."""

    def __init__(self, limit_usd: float | None) -> None:
        self._limit = limit_usd
        self._spent = 0.0
        self._in_flight: list[float] = []
        self._changed = threading.Condition()

    @property
    def spent_usd(self) -> float:
        """What was paid so far."""
        return self._spent

    def reserve(self, most_usd: float) -> None:
        """Set aside the most a request can cost, waiting for those in flight when it is tight. Raises LlmBudgetSpent."""
        if self._limit is None:
            return
        with self._changed:
            while self._in_flight and self._spent + sum(self._in_flight) + most_usd > self._limit:
                self._changed.wait()
            if self._spent >= self._limit:
                raise LlmBudgetSpent(
                    f"{self._spent:.4f} of {self._limit:.4f} USD spent: raise RAP_LLM__BUDGET_USD to go on"
                )
            self._in_flight.append(most_usd)

    def settle(self, most_usd: float, cost_usd: float) -> None:
        """Replace what was set aside by what it cost."""
        if self._limit is None:
            return
        with self._changed:
            self._in_flight.remove(most_usd)
            self._spent += cost_usd
            self._changed.notify_all()


class Circuit:
    """Opens after several failures in a row; after a while one request may try whether the endpoint is back."""

    def __init__(self, failures: int = CIRCUIT_FAILURES, cool_off_s: float = CIRCUIT_COOL_OFF_S) -> None:
        self._most, self._cool_off_s = failures, cool_off_s
        self._failures = 0
        self._opened_at: float | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raises LlmDown while the circuit is open."""
        with self._lock:
            if self._opened_at is None:
                return
            if time.monotonic() - self._opened_at < self._cool_off_s:
                raise LlmDown(
                    f"the endpoint failed {self._failures} times in a row; it is left alone for {self._cool_off_s:.0f} s"
                )
            self._opened_at = time.monotonic()

    def succeeded(self) -> None:
        """The endpoint answered, whatever it said."""
        with self._lock:
            self._failures, self._opened_at = 0, None

    def failed(self) -> None:
        """The endpoint did not answer, or said that it is broken."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._most and self._opened_at is None:
                self._opened_at = time.monotonic()


class LlmClient:
    """Chat with one model of one endpoint; safe to use from several threads. Retries are ours, the SDK's are off."""

    attempts: int = 5  # the first included

    def __init__(self, endpoint: Endpoint, config: Llm, *, limit: bool = True) -> None:
        """`limit` False leaves out the token bucket, for one question of a person. Raises ValueError for a budget without prices."""
        import openai

        if config.budget_usd is not None and not endpoint.simulated and self._price_of(config) is None:
            raise ValueError(
                "a budget can't be kept without prices: set RAP_LLM__PROMPT_USD_PER_MILLION and RAP_LLM__COMPLETION_USD_PER_MILLION"
            )
        self.endpoint, self.config = endpoint, config
        self.bucket = TokenBucket(endpoint.requests_per_minute) if limit else None
        self.budget = Budget(config.budget_usd if self._price_of(config) else None)
        self.circuit = Circuit()
        self._rung: Rung | None = None
        self._openai = openai.OpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.key.get_secret_value() if endpoint.key else "none",
            max_retries=0,
            timeout=config.timeout_s,
            # A proxy of the machine has no business between us and our own loopback server.
            http_client=openai.DefaultHttpxClient(trust_env=not endpoint.simulated),
        )

    @classmethod
    def of(cls, settings: Settings, *, limit: bool = True) -> Self:
        """The client of these settings. Raises NotConfigured."""
        return cls(settings.llm_endpoint(), settings.llm, limit=limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._openai.close()

    @property
    def simulated(self) -> bool:
        """Whether the stand-in of the simulated world answers."""
        return self.endpoint.simulated

    @property
    def model(self) -> str:
        """The model's name as the endpoint lists it."""
        return self.config.model

    @property
    def mode(self) -> Mode | None:
        """The way of asking that this endpoint took; None before the first answer."""
        return self._rung.mode if self._rung else None

    @property
    def parameters(self) -> dict[str, float]:
        """What besides the prompt decides about an answer."""
        return {"temperature": self.config.temperature, "max_tokens": self.config.max_tokens}

    def ask(self, system: str, turns: Sequence[str], schema: Mapping[str, Any], *, name: str) -> Reply:
        """Ask for a JSON object of `schema`, in the best way that the endpoint takes; a way that it refuses (400) is not tried again.

        `turns` are the user's and the model's messages by turns, the user's first.
        Raises LlmUnavailable (or LlmDown), LlmRefused, LlmRejected, LlmBudgetSpent.
        """
        import openai

        rungs = LADDER[LADDER.index(self._rung) :] if self._rung else LADDER
        refusal = ""
        mute: Mode | None = None  # the mode in which the endpoint found fault with the thinking switch alone
        for rung in rungs:
            if not rung.quiet and rung.mode is not Mode.PROMPTED and mute is not rung.mode and rung is not self._rung:
                continue
            try:
                reply = self._send(self._request(rung, system, turns, schema, name))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refusal = error.message
                mute = rung.mode if "chat_template" in refusal or "extra" in refusal.lower() else None
                continue
            if self._rung is not rung:
                log.info(
                    "%s takes %s, thinking switch %s",
                    self.endpoint.name,
                    rung.mode.value,
                    "on" if rung.quiet else "left out",
                )
                self._rung = rung
            return _reply(*reply, rung.mode, self._price)
        raise LlmRejected(refusal[:500])

    def _request(
        self, rung: Rung, system: str, turns: Sequence[str], schema: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self.model,
            "temperature": self.config.temperature,
            "max_tokens": self.config.max_tokens,
        }
        if rung.mode is Mode.JSON_SCHEMA:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": name, "schema": dict(schema), "strict": True},
            }
        else:
            system = (
                f"{system}\n\nThe object has this JSON schema:\n```json\n{json.dumps(schema, ensure_ascii=False)}\n```"
            )
        if rung.mode is Mode.JSON_OBJECT:
            request["response_format"] = {"type": "json_object"}
        if rung.quiet:
            request["extra_body"] = {"chat_template_kwargs": {"enable_thinking": False}}
        spoken = [{"role": ("user", "assistant")[place % 2], "content": turn} for place, turn in enumerate(turns)]
        request["messages"] = [{"role": "system", "content": system}, *spoken]
        return request

    def _send(self, request: dict[str, Any]) -> tuple["ChatCompletion", int]:
        """One answer and its milliseconds, tried again while that may help."""
        import openai

        most_usd = self._most_usd(request)
        try:
            for attempt in stamina.retry_context(
                on=self.wait_before_retry, attempts=self.attempts, timeout=None, wait_initial=0.25, wait_max=8.0
            ):
                with attempt:
                    return self._once(request, most_usd)
        except (openai.BadRequestError, openai.UnprocessableEntityError):
            raise
        except openai.APIStatusError as error:
            if _is_transient(error.status_code, error.response.headers):
                raise LlmUnavailable(
                    f"{self.endpoint.base_url} answers {error.status_code}, and did so when asked again"
                ) from error
            if error.status_code in CLOSED:
                raise LlmRefused(
                    f"{self.endpoint.base_url} answers {error.status_code} for {self.model}: {error.message[:300]}"
                ) from error
            raise LlmRejected(f"{error.status_code}: {error.message[:300]}") from error
        except openai.APIConnectionError as error:
            raise LlmUnavailable(f"{self.endpoint.base_url} can't be reached: {error.message}") from error
        except (openai.APIResponseValidationError, json.JSONDecodeError, _NotAnAnswer) as error:
            raise LlmUnavailable(f"{self.endpoint.base_url} does not answer like a chat endpoint: {error}") from error
        raise AssertionError("the last try returns or raises")

    def _once(self, request: dict[str, Any], most_usd: float) -> tuple["ChatCompletion", int]:
        import openai

        self.circuit.check()
        if self.bucket:
            self.bucket.take()
        self.budget.reserve(most_usd)
        cost = 0.0
        try:
            started = time.monotonic()
            completion = self._openai.chat.completions.create(**request)
            elapsed_ms = round((time.monotonic() - started) * 1000)
            usage = completion.usage if not isinstance(completion, str) else None
            known = self._price(usage.prompt_tokens, usage.completion_tokens) if usage else None
            cost = most_usd if known is None else known
        except openai.APIStatusError as error:
            if error.status_code >= 500:
                self.circuit.failed()
            else:
                self.circuit.succeeded()
            raise
        except openai.APITimeoutError:
            cost = most_usd  # the endpoint may well have worked, and charge for it
            self.circuit.failed()
            raise
        except openai.APIConnectionError:
            self.circuit.failed()
            raise
        except json.JSONDecodeError:
            self.circuit.failed()
            raise
        finally:
            self.budget.settle(most_usd, cost)
        if isinstance(completion, str):
            self.circuit.failed()
            raise _NotAnAnswer("a page under status 200: a bot check, a proxy, or not the root of an API")
        self.circuit.succeeded()
        return completion, elapsed_ms

    def wait_before_retry(self, error: Exception) -> bool | float:
        """Whether to try again, or after how many seconds: as the server says, up to a minute."""
        import openai

        if isinstance(error, openai.APIConnectionError | json.JSONDecodeError | _NotAnAnswer):
            return True
        if not isinstance(error, openai.APIStatusError):
            return False
        if not _is_transient(error.status_code, error.response.headers):
            return False
        wait = retry_after(error.response.headers)
        if wait is None:
            return True
        if wait > LONGEST_RETRY_AFTER_S:
            return False
        if self.bucket and error.status_code == 429:
            self.bucket.close_for(wait)
        return wait

    @staticmethod
    def _price_of(config: Llm) -> tuple[float, float] | None:
        if config.prompt_usd_per_million is None or config.completion_usd_per_million is None:
            return None
        return config.prompt_usd_per_million / 1e6, config.completion_usd_per_million / 1e6

    def _price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        price = self._price_of(self.config)
        return None if price is None else prompt_tokens * price[0] + completion_tokens * price[1]

    def _most_usd(self, request: Mapping[str, Any]) -> float:
        characters = sum(len(message["content"]) for message in request["messages"])
        return self._price(int(characters / CHARACTERS_PER_TOKEN), self.config.max_tokens) or 0.0


def _reply(completion: "ChatCompletion", latency_ms: int, mode: Mode, price: Any) -> Reply:
    usage = completion.usage
    prompt_tokens, completion_tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    cost = price(prompt_tokens, completion_tokens) if usage else None
    if not completion.choices:
        return Reply(None, None, prompt_tokens, completion_tokens, cost, latency_ms, mode)
    choice = completion.choices[0]
    extra = choice.message.model_extra or {}
    texts = (choice.message.content, extra.get("reasoning_content"), extra.get("reasoning"))
    text = next((text for text in texts if isinstance(text, str) and text.strip()), None)
    return Reply(text, choice.finish_reason, prompt_tokens, completion_tokens, cost, latency_ms, mode)


def _is_transient(status: int, headers: Mapping[str, str]) -> bool:
    """Whether asking again may help; a 403 that is a web page is a bot check, not a wrong key."""
    return status in TRANSIENT or status >= 500 or (status == 403 and "html" in headers.get("content-type", ""))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: retry-after-ms, or Retry-After in seconds; None when it says nothing usable."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if seconds >= 0:
            return seconds
    return None


class LlmResource(dg.ConfigurableResource):
    """The chat endpoint of the settings. `limited` False leaves out the limit of requests per minute."""

    limited: bool = True

    def client(self) -> LlmClient:
        """A client to be closed by the caller (`with`). Raises NotConfigured, or ValueError for a budget without prices."""
        return LlmClient.of(get_settings(), limit=self.limited)
