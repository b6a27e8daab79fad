"""GET /health, GET /health/live, GET /metrics."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from rap_platform.serving.api.health import service
from rap_platform.serving.api.health.schemas import Health, Live
from rap_platform.serving.api.services import ServicesDep

router = APIRouter(tags=["operations"])


@router.get("/health", responses={503: {"model": Health, "description": "The database is down."}})
async def health(request: Request, response: Response, services: ServicesDep) -> Health:
    """Check every component. 200 while questions can be answered, 503 when the database is down."""
    found = await service.check(services, request.app.version)
    if found.status == "error":
        response.status_code = 503
    return found


@router.get("/health/live")
async def live() -> Live:
    """The process runs; nothing else is asked."""
    return Live()


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text format."}},
)
async def metrics(request: Request, services: ServicesDep) -> Response:
    """Figures for Prometheus; components are checked anew, so that `rap_component_up` is never old."""
    await service.check(services, request.app.version)
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)
