"""Analyses lyrics that somebody sent: by the LLM or by the rules, from the cache where the same was asked before."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio.to_thread

from rap_platform.analyses import rules
from rap_platform.analyses.calibration import Calibrator
from rap_platform.analyses.results import Analysis, AnalysisFailure
from rap_platform.features.analysis import CONFIDENT_BARS
from rap_platform.features.bars import bars
from rap_platform.serving import queries
from rap_platform.serving.api.analyze.analysts import Analyst, Unavailable
from rap_platform.serving.api.analyze.schemas import AnalysisAnswer, AnalysisOut, AnalysisQuestion
from rap_platform.serving.api.cache import cache_key
from rap_platform.serving.api.database import in_thread, read, reading
from rap_platform.serving.api.problems import DatabaseAway
from rap_platform.serving.api.rhymes import rhyme_lines
from rap_platform.serving.api.services import Services

CACHE_S = 24 * 3600.0
CONTENT = 2  # of what is cached; raise it when its fields change
RULES = Analyst("rule_based", rules.MODEL, rules.RULES_VERSION)

Content = dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """An answer, and why the LLM did not give it: a kind of Unavailable, empty when it did or was not asked."""

    answer: AnalysisAnswer
    fallback: str = ""


async def analyze(services: Services, question: AnalysisQuestion) -> Answered:
    """The analysis; by the rules when the LLM was asked for and cannot answer, which the answer says. Raises EncoderAway."""
    started = time.perf_counter()
    lyrics = question.lyrics.replace("\r\n", "\n").replace("\r", "\n")
    analyst: Analyst | Unavailable = RULES
    if question.analyzer == "qwen":
        analyst = await in_thread(None, services.llm.introduce)
    answer = (
        analyst if isinstance(analyst, Unavailable) else await _answer(services, analyst, lyrics, question.use_cache)
    )
    if isinstance(analyst, Analyst) and not isinstance(answer, Unavailable):
        return Answered(await _signed(services, analyst, answer, None, started))
    reason = next(one for one in (analyst, answer) if isinstance(one, Unavailable))
    services.metrics.analysis_fallbacks.labels(reason=reason.kind).inc()
    by_rules = await _answer(services, RULES, lyrics, question.use_cache)
    assert not isinstance(by_rules, Unavailable), "the rules are always there"
    return Answered(await _signed(services, RULES, by_rules, reason.reason, started), reason.kind)


async def _signed(
    services: Services, analyst: Analyst, said: tuple[Content, bool], fallback_reason: str | None, started: float
) -> AnalysisAnswer:
    """What an analyst said under its own name; its confidence is what it has earned by now, not when it was cached."""
    content, cached = said
    if content["analysis"] and analyst.analyzer != RULES.analyzer:
        earned = await _earned(services, analyst, content["analysis"]["raw_confidence"])
        content = content | {"analysis": content["analysis"] | {"confidence": earned}}
    return AnalysisAnswer(
        **content,
        analyzer=analyst.analyzer,
        model=analyst.model,
        prompt_version=analyst.version,
        simulated=analyst.simulated,
        cached=cached,
        fallback_reason=fallback_reason,
        processing_time_ms=round((time.perf_counter() - started) * 1000, 1),
        timestamp=datetime.now(UTC),
    )


async def _earned(services: Services, analyst: Analyst, raw: float) -> float | None:
    """What a raw number is worth; None until the analyst has earned a confidence, and while the database is away."""

    def look_up() -> queries.Record | None:
        with reading(services.pool) as conn:
            return queries.calibrator(
                conn, analyst.analyzer, analyst.model, analyst.version, simulated=analyst.simulated
            )

    try:
        found = await read(look_up)
    except DatabaseAway:
        return None
    return round(Calibrator(**found).confidence(raw), 4) if found else None


def count(services: Services, answered: Answered) -> None:
    """Count who answered a question for the LLM, for the agreement report; while the database is away only the metrics do."""
    answer = answered.answer
    with suppress(DatabaseAway), reading(services.pool) as conn:
        queries.count_answer(conn, answer.analyzer, answered.fallback, simulated=answer.simulated)


async def _answer(
    services: Services, analyst: Analyst, lyrics: str, use_cache: bool
) -> tuple[Content, bool] | Unavailable:
    """What the analyst says, and whether it comes out of the cache."""
    key = cache_key("analyze", CONTENT, analyst, lyrics)
    if use_cache and (known := await services.cache.get(key)) is not None:
        return known, True
    limiter = services.llm_limiter if analyst.analyzer == "qwen" else None
    with services.metrics.analysis_seconds.labels(analyzer=analyst.analyzer).time():
        content = await anyio.to_thread.run_sync(
            partial(_made, services, analyst, lyrics, fresh=not use_cache), limiter=limiter
        )
    if isinstance(content, Unavailable):
        return content
    await services.cache.set(key, content, CACHE_S)
    return content, bool(content["analysis"] and content["analysis"]["explanation"].get("remembered"))


def _made(services: Services, analyst: Analyst, lyrics: str, *, fresh: bool) -> Content | Unavailable:
    if analyst.analyzer == "rule_based":
        return _content(rules.analyse_text(lyrics, services.encoder.get()), lyrics)
    said = services.llm.ask(lyrics, fresh=fresh)
    return said if isinstance(said, Unavailable) else _content(said, lyrics)


def _content(said: Analysis | AnalysisFailure, lyrics: str) -> Content:
    """What is the same whenever the same analyst reads the same lyrics, as JSON."""
    rhymes = [line.model_dump() for line in rhyme_lines(lyrics)]
    if isinstance(said, AnalysisFailure):
        return {"success": False, "analysis": None, "error": said.reason, "rhymes": rhymes}
    short = len(bars(lyrics)) < CONFIDENT_BARS
    analysis = AnalysisOut.model_validate(said.model_dump(exclude={"call"}) | {"low_confidence": short})
    return {"success": True, "analysis": analysis.model_dump(), "error": None, "rhymes": rhymes}
