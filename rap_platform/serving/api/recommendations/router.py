"""GET /recommendations."""

from typing import Annotated

from fastapi import APIRouter, Query

from rap_platform.serving.api.problems import BadSearch, DatabaseAway, NotComparable, documented
from rap_platform.serving.api.recommendations import service
from rap_platform.serving.api.recommendations.schemas import RecommendationsAnswer, RecommendationsQuery
from rap_platform.serving.api.services import ServicesDep

router = APIRouter(tags=["songs"])


@router.get("/recommendations", responses=documented(DatabaseAway, BadSearch, NotComparable))
async def recommendations(
    question: Annotated[RecommendationsQuery, Query()], services: ServicesDep
) -> RecommendationsAnswer:
    """Songs near those that are liked, varied as far as `diversity` says, each with the liked song it is near to and by what.

    Repeat `liked` for each song: `?liked=1&liked=2`. No song comes that is nearly the same as another one of the list.
    """
    return await service.recommendations(services, question)
