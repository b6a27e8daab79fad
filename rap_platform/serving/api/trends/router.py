"""GET /trends: JSON, or the page of the same address for a browser."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from rap_platform.serving.api.problems import DatabaseAway, documented
from rap_platform.serving.api.services import ServicesDep
from rap_platform.serving.api.trends import page, service
from rap_platform.serving.api.trends.schemas import TrendsAnswer, TrendsQuery

router = APIRouter(tags=["songs"])


@router.get(
    "/trends",
    response_model=TrendsAnswer,
    responses=documented(DatabaseAway, service.NoTrends, service.NoSuchSeries),
)
async def trends(
    request: Request, response: Response, question: Annotated[TrendsQuery, Query()], services: ServicesDep
) -> TrendsAnswer | Response:
    """How themes, moods, rhyme, words and flow change over the years, when they jump, and what comes next with its back-test.

    A browser (`Accept: text/html`) gets the page. Years with too few songs or artists are gaps.
    """
    if page.wanted(request):
        return await page.show(request, services, question)
    response.headers["vary"] = "accept"
    return await service.trends(services, question)
