"""The LLM as an analyst of pasted lyrics: who it is, and what stands in the way when it cannot answer.

Its client brings Dagster and the OpenAI library along, so it is imported at the first use: no start waits for it.
"""

import threading
from typing import TYPE_CHECKING

from rap_platform.analyses.results import Analysis
from rap_platform.serving.api.analyze.analysts import Analyst, Unavailable
from rap_platform.settings import NotConfigured, Settings

if TYPE_CHECKING:
    from rap_platform.resources.llm import LlmClient


class LlmAnalyst:
    """The LLM of the settings, connected when it is first asked and shared by all requests."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._client: LlmClient | None = None

    def introduce(self) -> Analyst | Unavailable:
        """Who would answer, or why nobody can be asked."""
        from rap_platform.analyses import qwen

        try:
            client = self._connected()
        except NotConfigured as error:
            return Unavailable("not_configured", f"{str(error).rstrip('.')}.")
        except ValueError as error:
            return Unavailable("misconfigured", f"{error}.")
        return Analyst("qwen", client.model, qwen.prompt_version(client), client.endpoint.base_url, client.simulated)

    def ask(self, lyrics: str, *, fresh: bool = False) -> Analysis | Unavailable:
        """What the LLM says of the lyrics, or said when it was asked before (unless `fresh`), or why it says nothing of use."""
        from rap_platform.analyses import qwen
        from rap_platform.resources.llm import (
            LlmBudgetSpent,
            LlmBusy,
            LlmDown,
            LlmHeld,
            LlmRefused,
            LlmTight,
            LlmUnavailable,
        )

        try:
            said = qwen.analyse_text(self._connected(), lyrics, fresh=fresh)
        except LlmDown:
            return Unavailable("down", "the LLM failed several times in a row and is left alone for a while.")
        except LlmTight:
            return Unavailable(
                "busy", "other requests may use up what is left of the LLM's budget; ask again in a moment."
            )
        except LlmBusy:
            return Unavailable("busy", "the LLM's limit of requests per minute is used up for now.")
        except LlmHeld as error:
            return Unavailable("busy", f"the LLM asked to be left alone until {error.hold.until:%Y-%m-%d %H:%M} UTC.")
        except LlmUnavailable:
            return Unavailable("unavailable", "the LLM does not answer.")
        except LlmBudgetSpent:
            return Unavailable("budget", "the LLM's budget is spent.")
        except LlmRefused:
            return Unavailable("refused", "the LLM's endpoint refuses us; `rap-platform doctor` says why.")
        if isinstance(said, Analysis):
            return said
        if said.call is None and said.kind != "refused":
            return Unavailable(said.kind, f"the LLM was not asked: {said.reason}.")
        return Unavailable(said.kind, f"its answer could not be used ({said.kind.replace('_', ' ')}).")

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connected(self) -> "LlmClient":
        from rap_platform.resources.llm import LlmClient, Patience

        with self._lock:
            if self._client is None:
                # A person waits: an endpoint that is away is not tried again, a turn and a busy endpoint are waited for only for a moment.
                patience = Patience(attempts=3, turn_s=3.0, waits_out=False)
                self._client = LlmClient.of(self.settings, purpose="analyze", patience=patience)
            return self._client
