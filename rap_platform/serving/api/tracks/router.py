"""GET /tracks/{track_id} and GET /tracks/{track_id}/similar."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from rap_platform.serving.api.database import read
from rap_platform.serving.api.problems import BadSearch, DatabaseAway, NotComparable, TrackNotFound, documented
from rap_platform.serving.api.services import ServicesDep
from rap_platform.serving.api.tracks import service
from rap_platform.serving.api.tracks.schemas import SimilarAnswer, SimilarQuery, Track

router = APIRouter(tags=["songs"])

TrackId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the track, as search gives it.", examples=[1])]


@router.get("/tracks/{track_id}", responses=documented(TrackNotFound, DatabaseAway))
async def get_track(track_id: TrackId, services: ServicesDep) -> Track:
    """One song with sections, rhymes, features, analyses, Spotify, provenance and similar songs."""
    return await read(service.get_track, services.pool, track_id)


@router.get("/tracks/{track_id}/similar", responses=documented(TrackNotFound, DatabaseAway, BadSearch, NotComparable))
async def similar_tracks(
    track_id: TrackId, question: Annotated[SimilarQuery, Query()], services: ServicesDep
) -> SimilarAnswer:
    """Songs like a song by lyrics, sound, what analysts say, or a weighted blend; without itself, copies and near-duplicates.

    Similarities are on one scale: 1 is the same, 0 no more alike than any two songs, below 0 less. A blend is the weighted
    mean over the kinds that both songs have.
    """
    return await service.similar(services, track_id, question)
