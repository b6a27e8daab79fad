"""GET /search."""

from typing import Annotated

from fastapi import APIRouter, Query

from rap_platform.serving.api.problems import BadSearch, DatabaseAway, EncoderAway, documented
from rap_platform.serving.api.search import service
from rap_platform.serving.api.search.schemas import SearchAnswer, SearchQuery
from rap_platform.serving.api.services import ServicesDep

router = APIRouter(tags=["songs"])


@router.get("/search", responses=documented(DatabaseAway, EncoderAway, BadSearch))
async def search(question: Annotated[SearchQuery, Query()], services: ServicesDep) -> SearchAnswer:
    """Find songs by what their sections mean, by their words and by how they sound; best first, with the lines that match.

    Misspelt words are corrected, misheard ones found by ear. `next_cursor` asks for the page after: give the same question
    with it as `cursor`; no song comes twice, whatever is added or removed in between.
    """
    return await service.search(services, question)
