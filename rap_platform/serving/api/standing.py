"""What answers depend on besides the question: the release and the encoder that serve; and answers kept under all of it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

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
    services: Services, purpose: str, at: Standing, question: str, shape: type[Answer], find: Callable[[], Answer],
    songs: Callable[[Answer], Collection[int]],
) -> tuple[Answer, bool]:  # fmt: skip
    """The answer to a question and whether the cache had it; a new release or another encoder makes old answers unreachable.

    An answer counts no more when one of its `songs`, track numbers, was deleted. `find` reads the database, in a thread of its own.
    Raises DatabaseAway and what `find` raises.
    """
    database = services.settings.require_database_url()  # platforms may share a Redis
    key = cache_key(purpose, database, at, question)
    stored = await services.cache.get(key)
    answer = _read(shape, stored)
    if answer is not None and await read(_all_there, services, songs(answer)):
        return answer, True
    found = await read(find)
    await services.cache.set(key, found.model_dump(mode="json"), CACHE_S)
    return found, False


def numbers(answer: Any) -> list[int]:
    """The track numbers of an answer's results."""
    return [song.track_id for song in answer.results]


def _read(shape: type[Answer], stored: Any) -> Answer | None:
    """The stored answer; None when there is none, or one of another version of ours."""
    if stored is None:
        return None
    try:
        return shape.model_validate(stored)
    except ValidationError:
        return None


def _all_there(services: Services, songs: Collection[int]) -> bool:
    with reading(services.pool) as conn:
        return queries.all_there(conn, songs)


def _standing(services: Services) -> Standing:
    with reading(services.pool) as conn:
        return Standing(*queries.standing(conn))
