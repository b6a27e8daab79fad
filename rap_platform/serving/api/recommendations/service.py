"""Answers for a taste from the cache or the database."""

import time
from functools import partial

from rap_platform.embeddings.search.question import SearchError
from rap_platform.embeddings.search.recommending import Recommendation, Taste, recommend
from rap_platform.embeddings.search.similar import NotComparable as NoVector
from rap_platform.serving.api.database import reading
from rap_platform.serving.api.problems import BadSearch, NotComparable
from rap_platform.serving.api.recommendations.schemas import (
    Because,
    Recommendations,
    RecommendationsAnswer,
    RecommendationsQuery,
    Recommended,
)
from rap_platform.serving.api.search.service import said
from rap_platform.serving.api.services import Services
from rap_platform.serving.api.standing import kept, numbers, standing


async def recommendations(services: Services, question: RecommendationsQuery) -> RecommendationsAnswer:
    """The songs that fit a taste. Raises DatabaseAway, BadSearch, NotComparable."""
    started = time.perf_counter()
    at = await standing(services)
    find = partial(_find, services, question)
    found, cached = await kept(
        services, "recommendations", at, question.model_dump_json(), Recommendations, find,
        lambda found: [*question.liked, *question.disliked, *numbers(found)],
    )  # fmt: skip
    return RecommendationsAnswer(
        results=found.results,
        count=len(found.results),
        release_id=at.release_id,
        encoder=at.encoder,
        cached=cached,
        processing_time_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _find(services: Services, question: RecommendationsQuery) -> Recommendations:
    taste = Taste(
        tuple(question.liked), tuple(question.disliked), question.diversity, question.per_artist, question.limit
    )
    with reading(services.pool) as conn:
        try:
            found = recommend(conn, taste, question.weights(), among=question.among())
        except NoVector as error:
            raise NotComparable(said(error)) from error
        except SearchError as error:
            raise BadSearch(said(error)) from error
    return Recommendations(results=[_shown(song) for song in found])


def _shown(song: Recommendation) -> Recommended:
    return Recommended(
        track_id=song.track_id,
        artist=song.artist,
        title=song.title,
        year=song.year,
        score=round(song.score, 4),
        simulated=song.simulated,
        because=[
            Because(
                track_id=reason.track_id,
                artist=reason.artist,
                title=reason.title,
                by=reason.kind,
                similarity=round(reason.similarity, 4),
            )
            for reason in song.reasons
        ],
    )
