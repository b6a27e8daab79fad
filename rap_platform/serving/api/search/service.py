"""Answers a search from the cache or the database; a new release makes old answers unreachable."""

import time
from typing import Any

from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search.finding import search as find
from rap_platform.embeddings.search.question import Filters, Hit, Question, SearchError
from rap_platform.serving import queries
from rap_platform.serving.api.cache import cache_key
from rap_platform.serving.api.database import in_thread, read, reading
from rap_platform.serving.api.problems import BadSearch
from rap_platform.serving.api.search.schemas import MatchedLine, Reason, SearchAnswer, SearchHit, SearchQuery
from rap_platform.serving.api.services import Services

CACHE_S = 60.0


async def search(services: Services, question: SearchQuery) -> SearchAnswer:
    """The songs that fit. Raises DatabaseAway, EncoderAway, BadSearch."""
    started = time.perf_counter()
    release_id = await read(_release_id, services)
    database = services.settings.require_database_url()  # platforms may share a Redis
    key = cache_key("search", database, release_id, question.model_dump_json())
    found: list[dict[str, Any]] | None = await services.cache.get(key)
    cached = found is not None
    if found is None:
        await in_thread(None, services.encoder.get)
        hits = await read(_find, services, Encoders(services.settings), question)
        found = [hit.model_dump(mode="json") for hit in hits]
        await services.cache.set(key, found, CACHE_S)
    results = [SearchHit.model_validate(hit) for hit in found]
    took = round((time.perf_counter() - started) * 1000, 1)
    return SearchAnswer(
        query=question.q,
        count=len(results),
        results=results,
        release_id=release_id,
        cached=cached,
        processing_time_ms=took,
    )


def _release_id(services: Services) -> int | None:
    with reading(services.pool) as conn:
        release = queries.current_release(conn)
    return None if release is None else int(release["release_id"])


def _find(services: Services, encoders: Encoders, question: SearchQuery) -> list[SearchHit]:
    filters = Filters(**question.model_dump(exclude={"q", "limit"}))
    with reading(services.pool) as conn, services.metrics.search_seconds.time():
        try:
            hits = find(conn, encoders, Question(question.q, filters=filters, limit=question.limit)).hits
        except SearchError as error:
            raise BadSearch(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    return [_shown(hit) for hit in hits]


def _shown(hit: Hit) -> SearchHit:
    return SearchHit(
        track_id=hit.track_id,
        artist=hit.artist,
        title=hit.title,
        year=hit.year,
        score=round(hit.score, 4),
        simulated=hit.simulated,
        section_no=hit.section_no,
        kind=hit.kind,
        lines=[MatchedLine(line_no=line.line_no, text=line.text, matched=line.matched) for line in hit.lines],
        why=Reason(
            meaning_rank=hit.why.meaning_rank,
            cosine=hit.why.cosine,
            words_rank=hit.why.words_rank,
            words=list(hit.why.words),
        ),
    )
