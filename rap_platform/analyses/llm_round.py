"""A round of questions to an LLM: pending tracks in, committed rows and figures out. Who asks for it is in assets.py."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import psycopg
from matplotlib.figure import Figure

from rap_platform.analyses import llm_queries, queries, qwen
from rap_platform.analyses.asking import Outcome, Result, ask_all
from rap_platform.analyses.llm_queries import Retry
from rap_platform.analyses.queries import Maker, Text
from rap_platform.analyses.results import AnalysisFailure
from rap_platform.orchestration import progress
from rap_platform.resources.llm import LlmClient
from rap_platform.settings import Rival

BATCH: Final = 100

T = TypeVar("T")


@dataclass
class Round:
    """What came of a round: rows by outcome, what the rows add up to, and how it ended."""

    pending: int
    said: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    evidence_dropped: int = 0
    cut: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    outcome: Outcome[Text] = field(default_factory=Outcome)

    def add(self, result: Result) -> None:
        """Count a row."""
        self.said[kind_of(result)] += 1
        if result.call:
            self.prompt_tokens += result.call.prompt_tokens or 0
            self.completion_tokens += result.call.completion_tokens or 0
            self.repaired += result.call.repaired
        if not isinstance(result, AnalysisFailure):
            self.evidence_dropped += result.explanation["evidence_dropped"]
            self.cut += "lines_read" in result.explanation

    @property
    def trouble(self) -> Exception | None:
        """What stopped the round, or else the last that kept an answer from coming."""
        return self.outcome.stopped_by or self.outcome.last_trouble

    def figures(self, client: LlmClient, lost_usd: float | None) -> dict[str, Any]:
        """The figures of the round: rows, tokens of the rows, and what was paid now (an answer paid for earlier is a cache hit).

        A cost with an unknown part is unknown; `lost_usd` is the most that lost calls can have cost.
        """
        counts, rows = client.counts, self.said.total()
        cost = float(counts["cost_usd"]) if client.prices.known and not counts["unpriced"] else None
        return {
            "rows_new": rows,
            "rows_failed": rows - self.said["ok"],
            "rows_pending": self.pending - rows,
            "outcomes": self.said,
            "requests": counts["requests"],
            "cache_hits": counts["cache_hits"],
            "reasked": counts["reasked"],
            "retries": counts["retries"],
            "calls_failed": counts["failed_calls"],
            "calls_lost": counts["lost_calls"],
            "calls_unpriced": counts["unpriced"],
            "lost_usd_at_most": lost_usd,
            "waited_for_the_limit_s": round(float(counts["waited_s"]), 2),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost_usd": cost,
            "cost_usd_per_1000": 1000 * cost / rows if cost is not None and rows else None,
            "repaired": self.repaired,
            "evidence_dropped": self.evidence_dropped,
            "songs_cut": self.cut,
            "mode": client.mode.value if client.mode else None,
            "thinking_switch": client.switch.value if client.switch else None,
            "model": client.model,
            "simulated": client.simulated,
        }


def kind_of(result: Result) -> str:
    """What a result counts as: ok, or the kind of its failure."""
    return result.kind if isinstance(result, AnalysisFailure) else "ok"


def lost_usd(conn: psycopg.Connection, client: LlmClient) -> float | None:
    """The most that the lost calls of this client can have cost; None without prices."""
    if not client.prices.known:
        return None
    with conn.transaction():
        return llm_queries.lost_usd(conn, client.ledger.owner)


def unpriced(error: ValueError, rival: Rival | None) -> str:
    """Why a model can't be asked under a budget that needs prices, and where its prices go."""
    if rival is None:
        return f"{error}; a free endpoint has price 0"
    if None not in (rival.prompt_usd_per_million, rival.completion_usd_per_million):
        return str(error)
    return (
        f"{rival.name} has no prices, so the budget can't be kept: set prompt_usd_per_million and completion_usd_per_million "
        "in its entry of RAP_LLM__COMPARE; a free endpoint has price 0"
    )


def ask_for(
    conn: psycopg.Connection, client: LlmClient, maker: Maker, pending: Sequence[int], *, retry: Retry | None = None
) -> Round:
    """Ask for all, then once more for those that the endpoint left unanswered while it was up; each answer is committed as it comes."""
    made = Round(len(pending))

    def analyse(text: Text) -> Result:
        believed = retry.answered if retry and text.track_id in retry.failed else None
        return qwen.analyse_text(client, text.lyrics, believed=believed)

    def once(texts: Iterable[Text], total: int) -> Outcome[Text]:
        outcome: Outcome[Text] = Outcome()
        answers = ask_all(texts, analyse, concurrency=client.config.concurrency, outcome=outcome, stop=client.stop)
        for result in progress.track(_committed(conn, maker, answers), total, f"LLM {client.model}"):
            made.add(result)
        return outcome

    made.outcome = once(_texts(conn, pending), len(pending))
    if made.outcome.unanswered and made.outcome.stopped_by is None:
        made.outcome = once(made.outcome.unanswered, len(made.outcome.unanswered))
    return made


def latency_plot(histogram: Sequence[tuple[float, int]], model: str) -> Figure:
    """How long answered calls took, on a logarithmic scale; `histogram` as resources/llm_ledger.py gives it."""
    figure = Figure(figsize=(6, 2.5))
    axes = figure.subplots()
    edges = [edge for edge, _ in histogram]
    widths = [edge - edge / 10**0.25 for edge in edges]
    axes.bar([edge - width for edge, width in zip(edges, widths, strict=True)], [calls for _, calls in histogram],
             width=widths, align="edge", edgecolor="white")  # fmt: skip
    axes.set(xscale="log", xlabel="ms until the answer", ylabel="calls", title=model)
    return figure


def batches(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """The items in parts of `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _texts(conn: psycopg.Connection, track_ids: Sequence[int]) -> Iterator[Text]:
    """The lyrics, fetched a batch at a time as they are asked for."""
    for batch in batches(track_ids):
        with conn.transaction():
            texts = queries.texts(conn, batch)
        yield from texts


def _committed(
    conn: psycopg.Connection, maker: Maker, answers: Iterator[list[tuple[Text, Result]]]
) -> Iterator[Result]:
    """Commit what came, then hand it on."""
    for answered in answers:
        with conn.transaction():
            queries.store(conn, maker, answered)
        yield from (result for _, result in answered)
