"""Many songs to the LLM at once: a window of requests in flight, results as they come, a polite stop. Knows no database."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rap_platform.analyses.results import Analysis, AnalysisFailure
from rap_platform.resources.llm import LlmBudgetSpent, LlmDown, LlmHeld, LlmRefused, LlmUnavailable

T = TypeVar("T")
R = TypeVar("R")

Result = Analysis | AnalysisFailure


@dataclass
class Outcome(Generic[T]):
    """How a round ended: who was left unanswered, and what stopped it if something did."""

    unanswered: list[T] = field(default_factory=list)
    stopped_by: LlmDown | LlmHeld | LlmRefused | LlmBudgetSpent | None = None
    last_trouble: LlmUnavailable | None = None


def ask_all(
    items: Iterable[T],
    ask: Callable[[T], R],
    *,
    concurrency: int,
    outcome: Outcome[T],
    stop: Callable[[], None] = lambda: None,
) -> Iterator[list[tuple[T, R]]]:
    """Yield results as they come, in small lists; items are taken only when there is room for them.

    An item that the endpoint did not answer goes to `outcome.unanswered`. When the endpoint is down, wants to be left alone, refuses
    everything or the budget is spent, or when the caller is interrupted, `stop` is called once: it ends all waiting for turns and
    retries. What is in flight then is waited for, and nothing more is asked.
    """
    waiting = iter(items)
    flying: dict[Future[R], T] = {}
    with ThreadPoolExecutor(concurrency, thread_name_prefix="llm") as pool:
        try:
            while True:
                while (
                    outcome.stopped_by is None
                    and len(flying) < concurrency
                    and (item := next(waiting, None)) is not None
                ):
                    flying[pool.submit(ask, item)] = item
                if not flying:
                    return
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                answered: list[tuple[T, R]] = []
                for future in done:
                    item = flying.pop(future)
                    try:
                        answered.append((item, future.result()))
                    except (LlmDown, LlmHeld, LlmRefused, LlmBudgetSpent) as error:
                        outcome.unanswered.append(item)
                        if outcome.stopped_by is None:
                            outcome.stopped_by = error
                            stop()
                    except LlmUnavailable as error:
                        outcome.unanswered.append(item)
                        outcome.last_trouble = error
                if answered:
                    yield answered
        except BaseException:
            stop()
            raise
