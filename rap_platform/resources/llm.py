"""An OpenAI-compatible chat endpoint: one question at a time, politely, within the budget, each call in the ledger.

What is asked is in analyses/; how JSON is asked for is in llm_modes.py, what was paid in llm_ledger.py.
"""

import hashlib
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from urllib.parse import urlsplit

import dagster as dg

from rap_platform.resources import redis as shared
from rap_platform.resources.llm_flights import Flights
from rap_platform.resources.llm_http import BoundedClient
from rap_platform.resources.llm_ledger import (
    Account,
    BudgetTight,
    Ledger,
    LedgerAway,
    LlmBudgetSpent,
    PostgresLedger,
    Question,
    Trouble,
)
from rap_platform.resources.llm_modes import (
    LADDER,
    Descent,
    Mode,
    OddAnswer,
    Prices,
    Reply,
    Rung,
    Switch,
    body_of,
    reply_of,
)
from rap_platform.resources.llm_trouble import (
    OF_A_RUN,
    FormRefused,
    Later,
    LlmBusy,
    LlmDown,
    LlmHeld,
    LlmRefused,
    LlmRejected,
    LlmStopped,
    LlmTight,
    LlmUnavailable,
    Patience,
    Troubled,
    refusal,
    wait_before_retry,
)
from rap_platform.resources.politeness import BreakerOpen, Busy, Held, Politeness
from rap_platform.settings import Endpoint, Llm, Rival, Settings, get_settings

__all__ = [
    "LlmBudgetSpent", "LlmBusy", "LlmClient", "LlmDown", "LlmHeld", "LlmRefused", "LlmRejected", "LlmResource", "LlmStopped",
    "LlmTight", "LlmUnavailable", "Patience", "Reply",
]  # fmt: skip

log = logging.getLogger(__name__)

SHARE_OF_LIMIT: Final = 0.9
FOR_PEOPLE: Final = 0.1  # of the limit, which no batch uses up: who waits in front of a page has a turn now and then
NOT_KEPT: Final = frozenset({"analyze"})  # the API promises that what people send is not stored
RUNG_KEPT_S: Final = 24 * 3600
TIGHT_S: Final = 0.1  # between two looks at a budget that others in flight may use up
MOST_REJECTED: Final = 3  # requests in a row, before the first answer
STALE_S: Final = 1.0  # a turn is used within this
MOST_STALE: Final = 3
LEAST_KEY: Final = 4  # characters of a key that is worth hiding
NEVER_SENT: Final = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"})


@dataclass(frozen=True)
class _Request:
    system: str
    turns: Sequence[str]
    schema: Mapping[str, Any] | None
    name: str


class LlmClient:
    """Chat with one model of one endpoint; safe to use from several threads. Retries are ours, the SDK's are off."""

    def __init__(
        self,
        endpoint: Endpoint,
        config: Llm,
        *,
        ledger: Ledger,
        polite: Politeness | None = None,
        patience: Patience = OF_A_RUN,
    ) -> None:
        """`polite` None: a limit of this client's own. Raises ValueError for a budget without prices."""
        import openai

        self.prices = _prices(config)
        if config.budget_usd is not None and not endpoint.simulated and not self.prices.known:
            raise ValueError(
                "a budget can't be kept without prices: set RAP_LLM__PROMPT_USD_PER_MILLION and RAP_LLM__COMPLETION_USD_PER_MILLION"
            )
        self.endpoint, self.config, self.ledger, self.patience = endpoint, config, ledger, patience
        self.polite = polite or Politeness(endpoint.name, limit_of(endpoint), redis=None, reserved=FOR_PEOPLE)
        self.counts: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._stopped = threading.Event()
        self._flights: Flights[Reply] = Flights()
        self._rejected: int | None = 0  # requests since the start; None after an answer
        self._rung: Rung | None = None
        self._redis: Any = None
        self._openai = openai.OpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.key.get_secret_value() if endpoint.key else "none",
            max_retries=0,
            timeout=config.timeout_s,
            # A proxy of the machine has no business between us and our own loopback server.
            http_client=BoundedClient(config.timeout_s, trust_env=not (endpoint.simulated or _is_loopback(endpoint))),  # type: ignore[arg-type]  # httpx is taken as well as httpx2
        )

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        purpose: str,
        rival: Rival | None = None,
        ledger: Ledger | None = None,
        patience: Patience = OF_A_RUN,
        clock_rate: float = 1.0,
    ) -> Self:
        """The client of these settings, or of an entry of `llm.compare`: limits over Redis, ledger in PostgreSQL.

        `clock_rate` shortens our own waits, for tests. Raises NotConfigured, ValueError.
        """
        endpoint, config = settings.llm_endpoint(), settings.llm
        if rival is not None:
            endpoint = settings.rival_endpoint(rival)
            config = config.model_copy(update=rival.model_dump(include=set(Llm.model_fields)))
        server = shared.client(settings.redis_url.get_secret_value()) if settings.redis_url else None
        if ledger is None:
            ledger = PostgresLedger(settings.require_database_url(), account_of(endpoint, config, purpose), server)
        polite = Politeness(
            endpoint.name, limit_of(endpoint), redis=server, processes=settings.processes, clock_rate=clock_rate, reserved=FOR_PEOPLE,
        )  # fmt: skip
        client = cls(endpoint, config, ledger=ledger, polite=polite, patience=patience)
        client._redis = server
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and close the connections."""
        self.stop()
        self._openai.close()
        self.ledger.close()

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
        """The way of asking for JSON that this endpoint took; None before the first answer."""
        return self._rung.mode if self._rung else None

    @property
    def switch(self) -> Switch | None:
        """The way of asking it not to think aloud that this endpoint took; None before the first answer."""
        return self._rung.switch if self._rung else None

    @property
    def parameters(self) -> dict[str, float]:
        """What besides the prompt decides about an answer."""
        return {"temperature": self.config.temperature, "max_tokens": self.config.max_tokens}

    def ask(
        self,
        system: str,
        turns: Sequence[str],
        schema: Mapping[str, Any] | None,
        *,
        name: str,
        about: str,
        fresh: bool = False,
    ) -> Reply:
        """Ask for a JSON object of `schema`, in the best way that the endpoint takes; a way that it refuses (400) is not tried again.

        `schema` None: nothing is said of a form, to a model that was taught its own.
        `turns` are the user's and the model's messages by turns, the user's first. `about` names what the answer depends on
        besides model and parameters: an answer that was paid for once, or is being waited for, is not asked for again, unless `fresh`.
        Raises LlmUnavailable (LlmBusy, LlmTight, LlmDown, LlmHeld, LlmStopped), LlmRefused, LlmRejected, LlmBudgetSpent.
        """
        sha = self.request_sha256(about)
        request = _Request(system, turns, schema, name)
        if fresh:
            return self._asked(request, sha)
        reply, by_another = self._flights.join(sha, lambda: self._recalled(sha) or self._asked(request, sha))
        if by_another:
            self.count(cache_hits=1)
            return replace(reply, cached=True)
        return reply

    def _recalled(self, sha: str) -> Reply | None:
        try:
            known = self.ledger.recall(sha)
        except LedgerAway as error:
            raise LlmUnavailable(str(error)) from error
        self.count(cache_hits=known is not None)
        return known

    def _asked(self, request: "_Request", sha: str) -> Reply:
        try:
            reply = self._descended(request, sha)
        except LlmRejected as error:
            raise self._rejection(error) from error
        self._rejected = None
        return reply

    def _descended(self, request: "_Request", sha: str) -> Reply:
        """The answer, asked for in the first way that is not refused."""
        self._rung = self._rung or self._known_rung()
        descent, fault = Descent(self._rung), ""
        parameters = {"model": self.model, **self.parameters}
        for rung in descent:
            body = body_of(rung, parameters, request.system, request.turns, request.schema, request.name)
            try:
                reply = self._send(body, rung, sha)
            except FormRefused as error:
                fault = str(error)
                descent.refused(rung, fault)
                continue
            self._took(rung)
            return reply
        raise LlmRejected(fault[:500])

    def _took(self, rung: Rung) -> None:
        if self._rung is not rung:
            log.info("%s takes %s, thinking switch: %s", self.endpoint.name, rung.mode.value, rung.switch.value)
            self._rung = rung
            shared.keep(self._redis, self._rung_key, [rung.mode.value, rung.switch.value], RUNG_KEPT_S)

    def _rejection(self, error: LlmRejected) -> Exception:
        """The rejection of one request; of all where a client that never had an answer is rejected once more."""
        with self._counting:
            if self._rejected is not None:
                self._rejected += 1
            if self._rejected is None or self._rejected < MOST_REJECTED:
                return LlmRejected(*error.args)
        return LlmRefused(
            f"{self.endpoint.base_url}, {self.model}: rejected the first {self._rejected} requests, whatever was asked: {error}"
        )

    def request_sha256(self, about: str) -> str:
        """The digest of a request: where it goes, to which model, with which parameters, about what."""
        where = "simulated" if self.simulated else self.endpoint.base_url
        told = json.dumps([where, self.model, self.parameters, about], ensure_ascii=False)
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    def count(self, **figures: float) -> None:
        """Add to the figures of this client."""
        with self._counting:
            for name, figure in figures.items():
                self.counts[name] += figure  # type: ignore[assignment]

    @property
    def _rung_key(self) -> str:
        return f"rap:llm:rung:{self.request_sha256('rung')}"

    def _known_rung(self) -> Rung | None:
        told = shared.recall(self._redis, self._rung_key)
        return next((rung for rung in LADDER if told == [rung.mode.value, rung.switch.value]), None)

    def _send(self, body: dict[str, Any], rung: Rung, sha: str) -> Reply:
        """One answer, tried again while that may help."""
        question = Question(sha, rung.mode, self.prices.most(body))
        try:
            for attempt in range(1, self.patience.attempts + 1):
                self._sleep(0)
                try:
                    return self._once(body, question)
                except (Later, Troubled, BreakerOpen) as error:
                    wait_s = wait_before_retry(error, self.patience, attempt, self.polite.clock_rate)
                    if wait_s is None:
                        raise
                self.count(retries=1)
                self._sleep(wait_s)
        except Held as error:
            raise LlmHeld(error) from error
        except BreakerOpen as error:
            raise LlmDown(str(error)) from error
        except (Busy, LedgerAway, Later, Troubled) as error:
            what = LlmBusy if isinstance(error, Busy) else LlmUnavailable
            raise what(f"{self.endpoint.base_url}: {error}") from error
        raise AssertionError("the last try returns or raises")

    def _once(self, body: dict[str, Any], question: Question) -> Reply:
        call_id = self._reserve(question)
        try:
            self._wait_turn(call_id)
            with self.polite.calling():
                reply = self._answer(body, question, call_id)
        except (Held, Busy, BreakerOpen, LedgerAway, LlmStopped):
            self._noted(lambda: self.ledger.withdraw(call_id))
            raise
        self.count(requests=1, cost_usd=reply.cost_usd or 0.0, unpriced=reply.cost_usd is None)
        return reply

    def _reserve(self, question: Question) -> int:
        """Write the call down; no turn is taken before, as others may use up the budget."""
        while True:
            try:
                return self.ledger.open(question)
            except BudgetTight:
                if not self.patience.waits_out:
                    raise LlmTight(
                        f"{self.endpoint.base_url}: the requests in flight may use up what is left of the budget"
                    ) from None
                self._sleep(TIGHT_S)

    def _wait_turn(self, call_id: int) -> None:
        """Wait for a turn and mark the call as sent; a turn that the ledger let go stale is not used, so that none leave in a burst."""
        for _ in range(MOST_STALE):
            began = time.monotonic()
            self.polite.wait_turn(self.patience.turn_s, first=not self.patience.waits_out, sleep=self._sleep)
            turn = time.monotonic()
            self.count(waited_s=turn - began)
            self.ledger.sending(call_id)
            if time.monotonic() - turn < STALE_S:
                return
        raise LedgerAway("the ledger of LLM calls is too slow to write a call down before its turn is over")

    def stop(self) -> None:
        """End all waiting, also that of other threads: what is in flight is waited for, and nothing more is asked."""
        self._stopped.set()

    def _sleep(self, seconds: float) -> None:
        """Sleep. Raises LlmStopped at once when the client is stopped."""
        if self._stopped.wait(seconds):
            raise LlmStopped(f"{self.endpoint.base_url}: the asking was stopped")

    def _answer(self, body: dict[str, Any], question: Question, call_id: int) -> Reply:
        """Send, and close the ledger's row whatever comes."""
        import openai

        started = time.monotonic()
        try:
            came = self._openai.chat.completions.with_raw_response.create(**body).content
        except openai.APIStatusError as error:
            told = self._without_key(error.message)
            self._failed(call_id, Trouble(f"HTTP {error.status_code}", told, error.status_code))
            where = f"{self.endpoint.base_url}, {self.model}"
            raise refusal(error.status_code, told, error.response.headers, self.polite, where) from None
        except openai.APIConnectionError as error:
            cause = type(error.__cause__).__name__
            self._failed(call_id, Trouble(cause, str(error.__cause__), lost=cause not in NEVER_SENT))
            raise Troubled(f"no answer ({cause})") from error
        elapsed_ms = round((time.monotonic() - started) * 1000)
        try:
            reply = reply_of(json.loads(came), elapsed_ms, question.mode, self.prices)
        except (ValueError, RecursionError) as error:
            start = self._without_key(came[:200].decode("utf-8", "replace"))
            self._failed(
                call_id, Trouble(f"no answer of a chat endpoint ({type(error).__name__})", start, 200, lost=True)
            )
            raise Troubled(
                f"does not answer like a chat endpoint ({error if isinstance(error, OddAnswer) else 'no JSON'}): "
                "a bot check, a proxy, an error under status 200, or not the root of an API"
            ) from None
        self._noted(lambda: self.ledger.answered(call_id, question.request_sha256, reply))
        return reply

    def _without_key(self, told: str) -> str:
        """What an endpoint says, without our key where it repeats it."""
        key = self.endpoint.key.get_secret_value() if self.endpoint.key else ""
        return told.replace(key, "***") if len(key) >= LEAST_KEY else told

    def _failed(self, call_id: int, trouble: Trouble) -> None:
        self.count(failed_calls=1, lost_calls=trouble.lost)
        self._noted(lambda: self.ledger.failed(call_id, trouble))

    def _noted(self, note: Callable[[], None]) -> None:
        """Close a row; when that can't be done it will count as lost, and what came is not thrown away."""
        try:
            note()
        except LedgerAway as error:
            log.warning("%s: a call stays open in the ledger and will count as lost", error)


def _is_loopback(endpoint: Endpoint) -> bool:
    return urlsplit(endpoint.base_url).hostname in ("127.0.0.1", "::1", "localhost")


def limit_of(endpoint: Endpoint) -> float:
    """Requests per minute that we allow ourselves."""
    return SHARE_OF_LIMIT * endpoint.requests_per_minute


def account_of(endpoint: Endpoint, config: Llm, purpose: str) -> Account:
    """What the ledger knows of all calls of a client."""
    budget_usd = config.budget_usd if _prices(config).known else None
    return Account(
        purpose, config.model, endpoint.base_url, endpoint.simulated, budget_usd, config.budget_days, config.timeout_s,
        keeps=purpose not in NOT_KEPT,
    )  # fmt: skip


def _prices(config: Llm) -> Prices:
    per_million = (config.prompt_usd_per_million, config.completion_usd_per_million)
    return Prices(*(None if price is None else price / 1e6 for price in per_million))


class LlmResource(dg.ConfigurableResource):
    """The chat endpoint of the settings. `clock_rate` shortens our own waits, for tests."""

    clock_rate: float = 1.0

    def client(self, purpose: str, rival: Rival | None = None) -> LlmClient:
        """A client to be closed by the caller (`with`). Raises NotConfigured, or ValueError for a budget without prices."""
        return LlmClient.of(get_settings(), purpose=purpose, rival=rival, clock_rate=self.clock_rate)
