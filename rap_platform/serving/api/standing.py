"""What answers depend on besides the question: the release and the encoder that serve; and answers kept under all of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from rap_platform.serving import queries
from rap_platform.serving.api.cache import cache_key
from rap_platform.serving.api.database import read, reading
from rap_platform.serving.api.services import Services

CACHE_S = 60.0

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Standing:
    """The release in force, None before the first one, and the encoder whose vectors are asked."""

    release_id: int | None
    encoder: str


async def standing(services: Services) -> Standing:
    """What serves now. Raises DatabaseAway."""
    return await read(_standing, services)


async def kept(
    services: Services, purpose: str, at: Standing, question: str, shape: type[Answer], find: Callable[[], Answer]
) -> tuple[Answer, bool]:
    """The answer to a question and whether the cache had it; a new release or another encoder makes old answers unreachable.

    `find` reads the database, in a thread of its own. Raises DatabaseAway and what `find` raises.
    """
    database = services.settings.require_database_url()  # platforms may share a Redis
    key = cache_key(purpose, database, at, question)
    stored = await services.cache.get(key)
    if stored is not None:
        return shape.model_validate(stored), True
    found = await read(find)
    await services.cache.set(key, found.model_dump(mode="json"), CACHE_S)
    return found, False


def _standing(services: Services) -> Standing:
    with reading(services.pool) as conn:
        return Standing(*queries.standing(conn))
