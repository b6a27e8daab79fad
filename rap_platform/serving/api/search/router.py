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
    """Find songs by what their sections mean and by the words in them; best first, with the lines that match."""
    return await service.search(services, question)
