"""Answers a search from the cache or the database; a new release or another encoder makes old answers unreachable."""

import logging
import time
from functools import partial

from rap_platform.embeddings.encoders.registry import EncoderError, NotConfiguredHere
from rap_platform.embeddings.search.finding import search as find
from rap_platform.embeddings.search.question import Filters, Hit, Question, SearchError
from rap_platform.serving.api.database import in_thread, reading, spare
from rap_platform.serving.api.problems import BadSearch, EncoderAway
from rap_platform.serving.api.search.schemas import (
    MatchedLine,
    Reason,
    SearchAnswer,
    SearchHit,
    SearchPage,
    SearchQuery,
    SoundsLike,
    Span,
)
from rap_platform.serving.api.services import Services
from rap_platform.serving.api.standing import kept, numbers, standing

logger = logging.getLogger("rap_platform.api")

QUESTION_FIELDS = {"q", "but_not", "limit", "cursor"}


async def search(services: Services, question: SearchQuery) -> SearchAnswer:
    """The songs that fit. Raises DatabaseAway, EncoderAway, BadSearch."""
    started = time.perf_counter()
    at = await standing(services)
    if not services.encoders.loaded(at.encoder):  # loading may take longer than a search may
        await in_thread(None, _load, services, at.encoder)
    page, cached = await kept(
        services, "search", at, question.model_dump_json(), SearchPage, partial(_find, services, question), numbers
    )
    return SearchAnswer(
        query=question.q,
        but_not=question.but_not,
        count=len(page.results),
        release_id=at.release_id,
        cached=cached,
        processing_time_ms=round((time.perf_counter() - started) * 1000, 1),
        **dict(page),
    )


def said(error: Exception) -> str:
    """What an error says, as a sentence."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _load(services: Services, name: str) -> None:
    try:
        services.encoders.get(name)
    except NotConfiguredHere as error:
        raise _not_here(error) from error
    except (EncoderError, OSError) as error:
        logger.exception("the encoder cannot be loaded")
        raise EncoderAway(f"The encoder {name} cannot be loaded; run `rap-platform doctor`.") from error


def _not_here(error: NotConfiguredHere) -> EncoderAway:
    logger.error("the encoder that searches ask is not here: %s", error)
    return EncoderAway(f"{said(error)} Or let searches ask another: `rap-platform encoders list` shows which can.")


def _find(services: Services, question: SearchQuery) -> SearchPage:
    filters = Filters(**question.model_dump(exclude=QUESTION_FIELDS))
    asked = Question(question.q, question.but_not, filters, question.limit, question.cursor)
    with (
        reading(services.pool) as conn,
        spare(services.pool) as second,
        services.metrics.search_seconds.time(),
    ):
        try:
            page = find(conn, services.encoders, asked, second)
        except SearchError as error:
            raise BadSearch(said(error)) from error
        except NotConfiguredHere as error:
            raise _not_here(error) from error
        except EncoderError as error:
            logger.exception("the encoder cannot be used")
            raise EncoderAway("The encoder that serves cannot be used; run `rap-platform doctor`.") from error
    return SearchPage(
        results=[_shown(hit) for hit in page.hits],
        corrected=dict(page.corrected),
        next_cursor=page.next_cursor,
        encoder=page.encoder,
    )


def _shown(hit: Hit) -> SearchHit:
    why = hit.why
    return SearchHit(
        track_id=hit.track_id,
        artist=hit.artist,
        title=hit.title,
        year=hit.year,
        score=round(hit.score, 4),
        simulated=hit.simulated,
        section_no=hit.section_no,
        kind=hit.kind,
        lines=[
            MatchedLine(
                line_no=line.line_no,
                text=line.text,
                matched=line.matched,
                spans=[Span(start=start, end=end) for start, end in line.spans],
            )
            for line in hit.lines
        ],
        why=Reason(
            meaning_rank=why.meaning_rank,
            cosine=why.cosine,
            words_rank=why.words_rank,
            words=list(why.words),
            sound_rank=why.sound_rank,
            sounds=[SoundsLike(asked=asked, sung=sung) for asked, sung in why.sounds],
        ),
    )
