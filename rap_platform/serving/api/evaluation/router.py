"""GET /evaluation and GET /models. A browser that asks for /evaluation gets the page, everybody else JSON."""

from fastapi import APIRouter, Request, Response
from fastapi_problem.error import Problem

from rap_platform.serving.api import pages
from rap_platform.serving.api.database import read
from rap_platform.serving.api.evaluation import service
from rap_platform.serving.api.evaluation.schemas import EvaluationAnswer, ModelsAnswer
from rap_platform.serving.api.problems import DatabaseAway, NothingEvaluated, documented
from rap_platform.serving.api.services import Services, ServicesDep

router = APIRouter(tags=["operations"])


@router.get("/evaluation", responses=documented(NothingEvaluated, DatabaseAway), response_model=EvaluationAnswer)
async def evaluation(request: Request, response: Response, services: ServicesDep) -> EvaluationAnswer | Response:
    """Every predictor on the same held-out tracks: errors with intervals, slices, the verdict, and links to the runs."""
    response.headers["Vary"] = "Accept"
    if "text/html" in request.headers.get("accept", ""):
        return await _page(request, services)
    return await read(service.evaluation, services.pool)


@router.get("/models", responses=documented(DatabaseAway))
async def models(services: ServicesDep) -> ModelsAnswer:
    """Who is champion, since when and why, the challenger, how both did, and which version this process serves."""
    return await read(service.models, services)


async def _page(request: Request, services: Services) -> Response:
    # the report's own words and layout; no start waits for them
    from rap_platform.evaluation import page

    try:
        row = await read(service.stored, services.pool)
        answer = await read(service.models, services)
    except Problem as problem:
        shown = pages.sorry(request, problem)
    else:
        body = page.body(row["report"], row["pictures"])
        shown = pages.page(request, "evaluation.html", page="evaluation", evaluation=row, body=body, models=answer)
    shown.headers["Vary"] = "Accept"
    return shown
