"""GET /tracks/{track_id}."""

from typing import Annotated

from fastapi import APIRouter, Path

from rap_platform.serving.api.database import read
from rap_platform.serving.api.problems import DatabaseAway, TrackNotFound, documented
from rap_platform.serving.api.services import ServicesDep
from rap_platform.serving.api.tracks import service
from rap_platform.serving.api.tracks.schemas import Track

router = APIRouter(tags=["songs"])

TrackId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the track, as search gives it.", examples=[1])]


@router.get("/tracks/{track_id}", responses=documented(TrackNotFound, DatabaseAway))
async def get_track(track_id: TrackId, services: ServicesDep) -> Track:
    """One song with sections, rhymes, features, analyses, Spotify, provenance and similar songs."""
    return await read(service.get_track, services.pool, track_id)
