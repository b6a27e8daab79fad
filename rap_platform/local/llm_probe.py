"""What an LLM endpoint can do, found out with its list of models and one tiny call that is paid for; the doctor tells it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import httpx
import psycopg

from rap_platform.analyses.reading import THINK_END, THINK_START
from rap_platform.resources.llm import (
    LlmBudgetSpent,
    LlmBusy,
    LlmClient,
    LlmDown,
    LlmHeld,
    LlmRefused,
    LlmRejected,
    LlmUnavailable,
    Patience,
)
from rap_platform.resources.llm_ledger import NullLedger
from rap_platform.resources.llm_modes import Reply
from rap_platform.resources.politeness import BreakerOpen, Busy
from rap_platform.settings import Endpoint, Settings

TIMEOUT_S: Final = 20.0
MOST_TOKENS: Final = 64
SHOWN: Final = 5  # models of an endpoint that lists many
PATIENCE: Final = Patience(attempts=1, turn_s=3.0, waits_out=False)
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"ready": {"type": "boolean"}},
    "required": ["ready"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Probe:
    """Whether the endpoint can be used, what it can do or what is wrong, and what to do about it.

    `busy`: it could be used but for others who use it, or a wait that it asked for.
    """

    works: bool
    detail: str
    remedy: str = ""
    busy: bool = False


def probe(settings: Settings, endpoint: Endpoint) -> Probe:
    """List the models, then ask the model of the settings one thing."""
    models = _models(endpoint)
    if isinstance(models, Probe):
        return models
    wanted = settings.llm.model
    if models and wanted not in models:
        shown = ", ".join(sorted(models)[:SHOWN]) + (", ..." if len(models) > SHOWN else "")
        return Probe(False, f"{endpoint.base_url} does not list {wanted}", f"set RAP_LLM__MODEL to one of {shown}")
    few = settings.model_copy(
        update={"llm": settings.llm.model_copy(update={"max_tokens": MOST_TOKENS, "timeout_s": TIMEOUT_S})}
    )
    counted = _has_ledger(settings)
    if not counted and settings.llm.budget_usd is not None and not endpoint.simulated:
        return Probe(
            True, "answers; not asked for more: without PostgreSQL the budget can't be kept",
            "check RAP_DATABASE_URL, or start the embedded one with `rap-platform up`",
        )  # fmt: skip
    try:
        ledger = None if counted else NullLedger()
        with LlmClient.of(few, purpose="doctor", patience=PATIENCE, ledger=ledger) as client:
            reply = client.ask(
                "Answer with a JSON object.", ["Are you ready?"], _SCHEMA, name="ready", about="doctor", fresh=True
            )
            return Probe(True, _told(client, reply, models))
    except LlmBudgetSpent as spent:
        return Probe(True, f"answers; not asked for more: {spent}")
    except LlmRefused as refused:
        return Probe(False, str(refused), "check RAP_LLM__API_KEY, RAP_LLM__BASE_URL and RAP_LLM__MODEL")
    except (LlmBusy, LlmHeld, LlmDown) as error:
        return Probe(False, str(error), f"nothing is wrong with the settings: ask again {_when(error)}", busy=True)
    except (LlmUnavailable, LlmRejected) as error:
        return Probe(False, str(error), "check RAP_LLM__BASE_URL, and that the server can hold a chat")
    except ValueError as error:
        return Probe(False, str(error), "set both prices, or no budget")


def _when(error: LlmBusy | LlmHeld | LlmDown) -> str:
    """When to ask again, as far as the error knows."""
    cause = error.__cause__
    if isinstance(cause, Busy):
        return f"after {dt.datetime.now(dt.UTC) + dt.timedelta(seconds=cause.wait_s):%H:%M:%S} UTC, or when the run is over"
    if isinstance(cause, BreakerOpen):
        return f"after {cause.until:%H:%M:%S} UTC"
    if isinstance(error, LlmHeld):
        return f"after {error.hold.until:%Y-%m-%d %H:%M} UTC"
    return "when the requests in flight are done"


def _models(endpoint: Endpoint) -> list[str] | Probe:
    """The models that the endpoint lists; none where it lists none."""
    headers = {"Authorization": f"Bearer {endpoint.key.get_secret_value()}"} if endpoint.key else {}
    try:
        answer = httpx.get(
            f"{endpoint.base_url}/models", headers=headers, timeout=5.0, trust_env=not endpoint.simulated
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Probe(False, f"{endpoint.base_url}: {type(error).__name__}", "check RAP_LLM__BASE_URL")
    if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.NOT_IMPLEMENTED):
        return []
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return Probe(False, f"{endpoint.base_url} answered {answer.status_code}", "check RAP_LLM__API_KEY")
    try:
        return [str(model["id"]) for model in answer.raise_for_status().json()["data"]]
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError):
        return Probe(
            False,
            f"{endpoint.base_url}/models does not answer like an OpenAI-compatible endpoint ({answer.status_code})",
            "check RAP_LLM__BASE_URL: it ends in /v1",
        )


def _has_ledger(settings: Settings) -> bool:
    if settings.database_url is None:
        return False
    try:
        with psycopg.connect(settings.require_database_url(), connect_timeout=5) as conn:
            return conn.execute("select to_regclass('llm_calls')").fetchone() != (None,)
    except psycopg.Error:
        return False


def _told(client: LlmClient, reply: Reply, models: list[str]) -> str:
    """In one line: models, way of asking for JSON, thinking, latency, price."""
    text = reply.text or ""
    aloud = THINK_START in text or THINK_END in text or reply.finish_reason == "length"
    switch = client.switch.value if client.switch else "none"
    thinking = (
        "thinks aloud all the same"
        if aloud
        else f"thinking off by {switch}"
        if switch != "none"
        else "no thinking switch"
    )
    price = "of unknown price" if reply.cost_usd is None else f"for {reply.cost_usd:.6f} USD"
    listed = f"{len(models)} model{'s' * (len(models) != 1)} listed" if models else "no list of models"
    tokens = f"{reply.prompt_tokens or '?'}+{reply.completion_tokens or '?'} tokens"
    return f"{client.model}: {listed}; takes {reply.mode.value}, {thinking}; one call of {tokens} took {reply.latency_ms} ms, {price}"
