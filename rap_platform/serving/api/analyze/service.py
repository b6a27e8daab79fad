"""Analyses lyrics that somebody sent: by the LLM or by the rules, from the cache where the same was asked before."""

import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio.to_thread

from rap_platform.analyses import rules
from rap_platform.analyses.results import Analysis, AnalysisFailure
from rap_platform.serving.api.analyze.analysts import Analyst, Unavailable
from rap_platform.serving.api.analyze.schemas import AnalysisAnswer, AnalysisOut, AnalysisQuestion
from rap_platform.serving.api.cache import cache_key
from rap_platform.serving.api.database import in_thread
from rap_platform.serving.api.rhymes import rhyme_lines
from rap_platform.serving.api.services import Services

CACHE_S = 24 * 3600.0
RULES = Analyst("rule_based", rules.MODEL, rules.RULES_VERSION)

Content = dict[str, Any]


async def analyze(services: Services, question: AnalysisQuestion) -> AnalysisAnswer:
    """The analysis; by the rules when the LLM was asked for and cannot answer, which the answer says. Raises EncoderAway."""
    started = time.perf_counter()
    lyrics = question.lyrics.replace("\r\n", "\n").replace("\r", "\n")
    analyst = await in_thread(None, services.llm.introduce) if question.analyzer == "qwen" else RULES
    answer = (
        analyst if isinstance(analyst, Unavailable) else await _answer(services, analyst, lyrics, question.use_cache)
    )
    fallback_reason = None
    if isinstance(answer, Unavailable) or isinstance(analyst, Unavailable):
        assert isinstance(answer, Unavailable)
        services.metrics.analysis_fallbacks.labels(reason=answer.kind).inc()
        fallback_reason = answer.reason
        analyst, answer = RULES, await _answer(services, RULES, lyrics, question.use_cache)
    assert not isinstance(answer, Unavailable), "the rules are always there"
    content, cached = answer
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


async def _answer(
    services: Services, analyst: Analyst, lyrics: str, use_cache: bool
) -> tuple[Content, bool] | Unavailable:
    """What the analyst says, and whether it comes out of the cache."""
    key = cache_key("analyze", analyst, lyrics)
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
    good = isinstance(said, Analysis)
    return {
        "success": good,
        "analysis": AnalysisOut.model_validate(said.model_dump(exclude={"call"})).model_dump() if good else None,
        "error": None if isinstance(said, Analysis) else said.reason,
        "rhymes": [line.model_dump() for line in rhyme_lines(lyrics)],
    }
