"""What can go wrong with an LLM call, what a status means, and when to try again. Nothing here sends anything."""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rap_platform.resources import politeness
from rap_platform.resources.llm_modes import CLOSED, is_transient, retry_after
from rap_platform.resources.politeness import BreakerOpen, Held, Politeness

FIRST_BACKOFF_S: Final = 0.25
LONGEST_BACKOFF_S: Final = 8.0
JITTER_S: Final = 0.5


class LlmUnavailable(Exception):
    """The endpoint did not answer this request although it was tried again; asking later may help."""


class LlmBusy(LlmUnavailable):
    """Others are before us, and the caller does not care to wait for so long."""


class LlmTight(LlmBusy):
    """Requests in flight may use up what is left of the budget."""


class LlmStopped(LlmUnavailable):
    """Whoever asks was told to stop; this request was not sent, or not again."""


class LlmDown(LlmUnavailable):
    """The endpoint failed several times in a row: nobody asks it for a while."""


class LlmHeld(LlmUnavailable):
    """The endpoint asked to be left alone for longer than a request waits."""

    def __init__(self, held: Held) -> None:
        super().__init__(str(held))
        self.hold = held.hold


class LlmRefused(Exception):
    """The endpoint refuses every request of ours: wrong key, no credit, unknown model or address."""


class LlmRejected(Exception):
    """The endpoint refuses this very request in every form."""


class FormRefused(Exception):
    """The endpoint does not take a request of this form (400, 422)."""


class Later(Exception):
    """Worth another try that says nothing against the endpoint: a limit. `wait_s` None: after a while."""

    wait_s: float | None = None


class Troubled(politeness.Transient):
    """The endpoint failed or did not answer; it counts for the breaker."""

    wait_s: float | None = None


@dataclass(frozen=True)
class Patience:
    """How long a caller bears with an endpoint: tries in all, seconds until its turn, and whether it waits while it is down."""

    attempts: int = 5
    turn_s: float = politeness.LONGEST_WAIT_S
    waits_out: bool = True


OF_A_RUN: Final = Patience()


def refusal(status: int, message: str, headers: Mapping[str, str], polite: Politeness, where: str) -> Exception:
    """What a status means: another try, a wait that everybody keeps, another form, or the end. `where` names endpoint and model."""
    if status in (400, 422):
        return FormRefused(message)
    if not is_transient(status, headers):
        told = f"{where}: answers {status}: {message[:300]}"
        return LlmRefused(told) if status in CLOSED or 300 <= status < 400 else LlmRejected(told)
    wait_s = retry_after(headers)
    told = f"answers {status}"
    trouble: Later | Troubled = Later(told) if status == 429 else Troubled(told)
    trouble.wait_s = wait_s
    if wait_s is not None and (status == 429 or wait_s > politeness.LONGEST_WAIT_S):
        polite.hold(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wait_s), told)
        trouble.wait_s = 0.0  # waiting for the hold is politeness' business
    return trouble


def wait_before_retry(error: Exception, patience: Patience, attempt: int, rate: float) -> float | None:
    """After how many seconds to try again when `attempt` (from 1) failed so, by a clock that runs `rate` as fast; None: not at all."""
    if attempt >= patience.attempts:
        return None
    if isinstance(error, Later | Troubled):
        if not patience.waits_out and (error.wait_s is None or error.wait_s > patience.turn_s):
            return None
        if error.wait_s is not None:
            return error.wait_s
        backoff_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** (attempt - 1))
        return (backoff_s + random.uniform(0, JITTER_S)) / rate  # noqa: S311
    if isinstance(error, BreakerOpen) and patience.waits_out:
        return max(0.0, (error.until - dt.datetime.now(dt.UTC)).total_seconds()) + 0.05
    return None
