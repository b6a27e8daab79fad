"""What a fine-tuned model says of songs: the question as in training, the answer read strictly. Knows no database."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from rap_platform.analyses.asking import Outcome, ask_all
from rap_platform.analyses.reading import Unreadable, without_thinking
from rap_platform.analyses.results import Score
from rap_platform.resources.llm import LlmClient, LlmRejected, Reply, account_of, limit_of
from rap_platform.resources.llm_ledger import Ledger, PostgresLedger, storable
from rap_platform.resources.politeness import Politeness
from rap_platform.settings import Endpoint, Settings
from rap_platform.training.finetuning import rows as chat
from rap_platform.training.finetuning.adapters import PREDICTOR

PER_MINUTE: Final = 60_000.0  # our own server is not spared
MOST_RAW: Final = 2_000


class Verdict(BaseModel):
    """The answer that the dataset teaches."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    quality: Score


@dataclass(frozen=True)
class Answer:
    """What the model said of a track: a quality from 1 to 10, or why there is none; `cut` when it saw the lyrics without their middle."""

    quality: float | None
    error: str | None
    raw: str | None
    cut: bool
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_ms: int | None = None


def client_of(
    settings: Settings,
    base_url: str,
    key: SecretStr | None,
    model: str,
    *,
    simulated: bool,
    ledger: Ledger | None = None,
) -> LlmClient:
    """A client of the fine-tuned model: the most likely answer, no budget, calls in the ledger. To be closed by the caller."""
    endpoint = Endpoint(f"llm:{PREDICTOR}", base_url, None, key, None, simulated, PER_MINUTE)
    free = {"prompt_usd_per_million": 0.0, "completion_usd_per_million": 0.0, "budget_usd": None}
    config = settings.llm.model_copy(
        update={**free, "model": model, "temperature": 0.0, "max_tokens": 2 * chat.ANSWER_TOKENS}
    )
    if ledger is None:
        ledger = PostgresLedger(settings.require_database_url(), account_of(endpoint, config, PREDICTOR))
    return LlmClient(endpoint, config, ledger=ledger, polite=Politeness(endpoint.name, limit_of(endpoint), redis=None))


def ask_about(
    client: LlmClient, rows: Sequence[chat.Row], tokenizer: Any, most_tokens: int, outcome: Outcome[chat.Row]
) -> Iterator[tuple[chat.Row, Answer]]:
    """The answer to each row as it comes; rows that the endpoint left unanswered are in `outcome`."""

    def ask(row: chat.Row) -> Answer:
        return _asked(client, row, tokenizer, most_tokens)

    for answered in ask_all(rows, ask, concurrency=client.config.concurrency, outcome=outcome, stop=client.stop):
        yield from answered


def _asked(client: LlmClient, row: chat.Row, tokenizer: Any, most_tokens: int) -> Answer:
    try:
        shown = chat.fitted(row, tokenizer, most_tokens)
    except chat.TooLong as error:
        return Answer(None, f"too_long: {error}", None, cut=False)
    cut = shown is not row
    about = hashlib.sha256(f"{shown.system}\0{shown.user}".encode("utf-8", "surrogatepass")).hexdigest()
    try:
        # No word of a schema: the model was taught the form of its answer by rows that have none.
        reply = client.ask(shown.system, [shown.user], None, name="quality", about=about)
    except LlmRejected as error:
        return Answer(None, f"refused: {storable(str(error))[:500]}", None, cut)
    quality, reason = _read(reply)
    raw = storable(reply.text or "")[:MOST_RAW] or None
    return Answer(quality, reason, raw, cut, reply.prompt_tokens, reply.completion_tokens, reply.latency_ms)


def _read(reply: Reply) -> tuple[float | None, str | None]:
    """Quality, or the reason why there is none; nothing is mended and nothing is guessed."""
    if reply.finish_reason == "length":
        return None, "cut_off: the answer was longer than the limit and broke off"
    if reply.text is None:
        return None, f"no_answer: the answer is empty (finish reason {reply.finish_reason})"
    try:
        return Verdict.model_validate_json(without_thinking(reply.text)).quality, None
    except Unreadable as error:
        return None, f"invalid_answer: {error}"
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return None, f"invalid_answer: {fault['msg']}"[:500]
