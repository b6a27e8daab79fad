"""Who can be asked for an analysis."""

from dataclasses import dataclass

from rap_platform.serving.api.analyze.schemas import Analyzer


@dataclass(frozen=True)
class Analyst:
    """An analyst: everything that an analysis depends on besides the lyrics."""

    analyzer: Analyzer
    model: str
    version: str
    where: str | None = None
    simulated: bool = False


@dataclass(frozen=True)
class Unavailable:
    """An analyst that cannot answer now: a kind for the metrics and a sentence for people."""

    kind: str
    reason: str
