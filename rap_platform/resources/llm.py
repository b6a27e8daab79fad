"""An OpenAI-compatible chat endpoint: one question at a time, politely, within the budget, each call in the ledger.

What is asked is in analyses/; how JSON is asked for is in llm_modes.py, what was paid in llm_ledger.py.
"""

import hashlib
import json
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import dagster as dg
import stamina

from rap_platform.resources import redis as shared
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
    LlmUnavailable,
    Patience,
    Troubled,
    refusal,
    wait_before_retry,
)
from rap_platform.resources.politeness import BreakerOpen, Busy, Held, Politeness
from rap_platform.settings import Endpoint, Llm, Rival, Settings, get_settings

__all__ = [
    "LlmBudgetSpent", "LlmBusy", "LlmClient", "LlmDown", "LlmHeld", "LlmRefused", "LlmRejected", "LlmResource", "LlmUnavailable",
    "Patience", "Reply",
]  # fmt: skip

log = logging.getLogger(__name__)

SHARE_OF_LIMIT: Final = 0.9
NOT_KEPT: Final = frozenset({"analyze"})  # the API promises that what people send is not stored
RUNG_KEPT_S: Final = 24 * 3600
TIGHT_S: Final = 0.1  # between two looks at a budget that others in flight may use up
LEAST_KEY: Final = 4  # characters of a key that is worth hiding
NEVER_SENT: Final = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"})


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
        self.polite = polite or Politeness(endpoint.name, limit_of(endpoint), redis=None)
        self.counts: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._rung: Rung | None = None
        self._redis: Any = None
        self._openai = openai.OpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.key.get_secret_value() if endpoint.key else "none",
            max_retries=0,
            timeout=config.timeout_s,
            # A proxy of the machine has no business between us and our own loopback server.
            http_client=BoundedClient(config.timeout_s, trust_env=not endpoint.simulated),
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
            endpoint.name, limit_of(endpoint), redis=server, processes=settings.processes, clock_rate=clock_rate
        )
        client = cls(endpoint, config, ledger=ledger, polite=polite, patience=patience)
        client._redis = server
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
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
        schema: Mapping[str, Any],
        *,
        name: str,
        about: str,
        fresh: bool = False,
    ) -> Reply:
        """Ask for a JSON object of `schema`, in the best way that the endpoint takes; a way that it refuses (400) is not tried again.

        `turns` are the user's and the model's messages by turns, the user's first. `about` names what the answer depends on
        besides model and parameters: an answer that was paid for once is not asked for again, unless `fresh`.
        Raises LlmUnavailable (LlmBusy, LlmDown, LlmHeld), LlmRefused, LlmRejected, LlmBudgetSpent.
        """
        sha = self.request_sha256(about)
        try:
            if not fresh and (known := self.ledger.recall(sha)):
                self.count(cache_hits=1)
                return known
        except LedgerAway as error:
            raise LlmUnavailable(str(error)) from error
        self._rung = self._rung or self._known_rung()
        descent, fault = Descent(self._rung), ""
        for rung in descent:
            body = body_of(rung, {"model": self.model, **self.parameters}, system, turns, schema, name)
            try:
                reply = self._send(body, rung, sha)
            except FormRefused as error:
                fault = str(error)
                descent.refused(rung, fault)
                continue
            if self._rung is not rung:
                log.info("%s takes %s, thinking switch: %s", self.endpoint.name, rung.mode.value, rung.switch.value)
                self._rung = rung
                shared.keep(self._redis, self._rung_key, [rung.mode.value, rung.switch.value], RUNG_KEPT_S)
            return reply
        raise LlmRejected(fault[:500])

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
        rate = self.polite.clock_rate
        question = Question(sha, rung.mode, self.prices.most(body))
        try:
            for attempt in stamina.retry_context(
                on=lambda error: wait_before_retry(error, self.patience), attempts=self.patience.attempts, timeout=None,
                wait_initial=0.25 / rate, wait_max=8 / rate, wait_jitter=0.5 / rate,
            ):  # fmt: skip
                with attempt:
                    self.count(retries=attempt.num > 1)
                    return self._once(body, question)
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
            with self.polite.calling():
                reply = self._answer(body, question, call_id)
        except BreakerOpen:
            self.ledger.withdraw(call_id)
            raise
        self.count(requests=1, cost_usd=reply.cost_usd or 0.0, unpriced=reply.cost_usd is None)
        return reply

    def _reserve(self, question: Question) -> int:
        """Wait for a turn, and write the call down."""
        while True:
            began = time.monotonic()
            self.polite.wait_turn(self.patience.turn_s)
            self.count(waited_s=time.monotonic() - began)
            try:
                return self.ledger.open(question)
            except BudgetTight:
                if self.patience.turn_s < TIGHT_S or not self.patience.waits_out:
                    raise Busy(self.endpoint.name, math.inf) from None
                time.sleep(TIGHT_S)

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
