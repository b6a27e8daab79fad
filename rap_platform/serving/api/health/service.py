"""Checks of each component, side by side, each given one second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from rap_platform.serving import queries
from rap_platform.serving.api.database import in_thread, reading
from rap_platform.serving.api.health.schemas import Component, Health
from rap_platform.serving.api.problems import DatabaseAway, NoModel
from rap_platform.serving.api.services import Services
from rap_platform.settings import NotConfigured

CHECK_S = 1.0


async def check(services: Services, version: str) -> Health:
    """The state of every component and of the whole."""
    checks: dict[str, Callable[[Services], Awaitable[Component]]] = {
        "database": _database, "redis": _redis, "encoder": _encoder, "llm": _llm, "model": _model,
    }  # fmt: skip
    found = await asyncio.gather(*(_timed(run, services) for run in checks.values()))
    components = dict(zip(checks, found, strict=True))
    for name, component in components.items():
        services.metrics.up.labels(component=name).set(component.status == "up")
    down = {name for name, component in components.items() if component.status != "up"}
    status = "error" if "database" in down else "degraded" if down else "healthy"
    return Health(
        status=status,
        version=version,
        environment=services.settings.environment,
        timestamp=datetime.now(UTC),
        components=components,
    )


async def _timed(run: Callable[[Services], Awaitable[Component]], services: Services) -> Component:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(CHECK_S):
            component = await run(services)
    except TimeoutError:
        component = Component(status="down", detail=f"no answer within {CHECK_S:g} s")
    return component.model_copy(update={"milliseconds": round((time.perf_counter() - started) * 1000, 1)})


async def _database(services: Services) -> Component:
    if services.pool is None:
        return Component(status="not_configured", detail="set RAP_DATABASE_URL")

    def look() -> bool:
        with reading(services.pool, CHECK_S * 0.9) as conn:
            return queries.alive(conn)

    try:
        migrated = await in_thread(None, look)
    except DatabaseAway:
        return Component(status="down", detail="PostgreSQL does not answer")
    return (
        Component(status="up")
        if migrated
        else Component(status="down", detail="the tables are missing: run the migrations")
    )


async def _redis(services: Services) -> Component:
    if services.settings.redis_url is None:
        return Component(
            status="not_configured", detail="set RAP_REDIS_URL; until then each process caches in its memory"
        )
    return (
        Component(status="up")
        if await services.cache.ping()
        else Component(status="down", detail="answers are cached in memory meanwhile")
    )


async def _encoder(services: Services) -> Component:
    if services.encoder.loaded:
        return Component(status="up", detail=services.encoder.get().name)
    return Component(status="loading", detail="loaded at the first use")


async def _llm(services: Services) -> Component:
    try:
        endpoint = services.settings.llm_endpoint()
    except NotConfigured as error:
        return Component(status="not_configured", detail=str(error))
    return Component(
        status="up",
        detail=f"configured: {services.settings.llm.model}" + (" (simulated)" if endpoint.simulated else ""),
    )


async def _model(services: Services) -> Component:
    try:
        champion = await in_thread(None, services.quality_model.version)
    except NoModel as problem:
        return Component(status="not_configured", detail=problem.detail)
    if (trouble := services.quality_model.trouble) is not None:
        return Component(status="stale" if services.quality_model.loaded else "down", detail=trouble)
    return Component(
        status="up", detail=f"{champion.uri}" + (" (learned from simulated ratings)" if champion.simulated else "")
    )
