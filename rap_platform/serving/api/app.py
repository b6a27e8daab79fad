"""Puts the API together. `create_app` is what uvicorn is given: `uvicorn --factory rap_platform.serving.api.app:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.serving.api import pages, problems
from rap_platform.serving.api.analyze.llm import LlmAnalyst
from rap_platform.serving.api.analyze.router import router as analyze
from rap_platform.serving.api.cache import ResilientCache
from rap_platform.serving.api.database import new_pool
from rap_platform.serving.api.evaluation.router import router as evaluation
from rap_platform.serving.api.health.router import router as health
from rap_platform.serving.api.metrics import Metrics
from rap_platform.serving.api.middleware import BodyLimit, Envelope
from rap_platform.serving.api.quality.figures import ModelCollector
from rap_platform.serving.api.quality.model import QualityModel
from rap_platform.serving.api.quality.router import router as quality
from rap_platform.serving.api.recommendations.router import router as recommendations
from rap_platform.serving.api.search.router import router as search
from rap_platform.serving.api.services import LazyEncoder, Services, State
from rap_platform.serving.api.tracks.router import router as tracks
from rap_platform.serving.api.trends.router import router as trends
from rap_platform.settings import Settings, get_settings

DESCRIPTION = "Search rap lyrics by what they mean, read what is known about a song, have lyrics analysed and rated."
TAGS = [
    {"name": "songs", "description": "What is stored and found."},
    {
        "name": "analysis",
        "description": "What is said about lyrics that you send; they are not stored, only cached for a day.",
    },
    {"name": "operations", "description": "For those who run the platform."},
]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; it starts and answers whether PostgreSQL, Redis, MLflow and the LLM are there or not."""
    settings = settings or get_settings()
    pool = new_pool(settings)
    metrics = Metrics(pool, settings.redis_url)
    quality_model = QualityModel(settings)
    metrics.registry.register(ModelCollector(quality_model))
    services = Services(
        settings=settings,
        pool=pool,
        cache=ResilientCache(settings, metrics),
        metrics=metrics,
        encoder=LazyEncoder(settings),
        encoders=Encoders(settings),
        quality_model=quality_model,
        llm=LlmAnalyst(settings),
        llm_limiter=anyio.CapacityLimiter(settings.llm.concurrency),
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        if pool is not None:
            pool.open(wait=False)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(anyio.to_thread.run_sync, services.warm_up, abandon_on_cancel=True))
                yield {"services": services}
                tasks.cancel_scope.cancel()
        finally:
            await services.cache.close()
            services.llm.close()
            if pool is not None:
                pool.close(timeout=2)

    app = FastAPI(
        title="rap platform",
        version=version("rap-platform"),
        summary=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        docs_url=None,  # Swagger's page needs a CDN and inline scripts; ours is pages.docs
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    for router in (search, tracks, recommendations, trends, analyze, quality, evaluation, health, pages.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=pages.UI / "static"), name="static")
    handler = problems.new_handler()
    problems.install(app, handler)
    _describe_problems(app)
    metrics.watch(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Envelope, handler=handler)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _describe_problems(app: FastAPI) -> None:
    """Say in OpenAPI what a refused request looks like: fields and messages, not FastAPI's own list."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        described = original()
        described["components"]["schemas"]["Problem"] = problems.SCHEMA
        described["components"]["schemas"]["HTTPValidationError"] = problems.SCHEMA
        described["components"]["schemas"].pop("ValidationError", None)
        return described

    app.openapi = openapi  # type: ignore[method-assign]
