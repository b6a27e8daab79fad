"""What can be asked of /recommendations and what it answers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from rap_platform.embeddings.search.likeness import Kind
from rap_platform.embeddings.search.recommending import DIVERSITY, MOST_DISLIKED, MOST_LIKED, PER_ARTIST
from rap_platform.serving.api.tracks.comparing import Compared

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


class RecommendationsQuery(Compared):
    """Songs that are liked and disliked, and how the list should be."""

    liked: list[Number] = Field(
        min_length=1,
        max_length=MOST_LIKED,
        description="Number of a song that is liked; repeated for each.",
        examples=[[1, 2]],
    )
    disliked: list[Number] = Field(
        [], max_length=MOST_DISLIKED, description="Number of a song that is not liked; repeated for each."
    )
    diversity: float = Field(
        DIVERSITY,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="0: as near as can be; 1: as unlike each other as can be.",
    )
    per_artist: int = Field(PER_ARTIST, ge=1, le=50, description="Songs that one artist may have in the list.")


class Because(BaseModel):
    """A liked song that a recommendation is near to, by what, and how near."""

    track_id: int
    artist: str
    title: str
    by: Kind
    similarity: float


class Recommended(BaseModel):
    """A song with its nearness to what is liked and the reasons; `simulated` also when a vector of it that was compared is."""

    track_id: int
    artist: str
    title: str
    year: int | None
    score: float
    simulated: bool
    because: list[Because]


class Recommendations(BaseModel):
    """Songs in the order of their choice."""

    results: list[Recommended]


EXAMPLE: JsonDict = {
    "count": 1,
    "results": [
        {
            "track_id": 23,
            "artist": "Another Artist",
            "title": "Tide",
            "year": 2004,
            "score": 0.58,
            "simulated": True,
            "because": [{"track_id": 1, "artist": "An Artist", "title": "Harbour", "by": "lyrics", "similarity": 0.64}],
        }
    ],
    "release_id": 3,
    "encoder": "minilm",
    "cached": False,
    "processing_time_ms": 21.4,
}


class RecommendationsAnswer(Recommendations):
    """Songs for a taste."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    count: int
    release_id: int | None
    encoder: str
    cached: bool
    processing_time_ms: float
