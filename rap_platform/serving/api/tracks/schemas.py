"""What the API says about one song."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from rap_platform.serving.api.rhymes import Line
from rap_platform.serving.api.tracks.comparing import By, Compared, Likenesses


class Section(BaseModel):
    """A verse, hook, bridge or other part; lines are counted from 1."""

    section_no: int
    kind: str
    label: str | None
    performers: list[str]
    first_line: int
    last_line: int
    text: str


class StoredAnalysis(BaseModel):
    """What one analyzer said; a failed analysis carries its error and no scores."""

    analyzer: str
    model: str
    prompt_version: str
    status: str
    sentiment: str | None
    primary_mood: str | None
    moods: list[str] | None
    themes: list[str] | None
    profanity_rating: str | None
    quality: float | None
    complexity: float | None
    wordplay: float | None
    storytelling: float | None
    confidence: float | None
    summary: str | None
    evidence: list[dict[str, Any]] | None
    error: str | None
    simulated: bool
    created_at: datetime


class Rating(BaseModel):
    """How one kind of rater rated the song, 1 to 10."""

    source: str
    raters: int
    mean: float
    simulated: bool


class SimilarQuery(Compared):
    """What songs are compared by, and which may come."""


class SimilarTrack(BaseModel):
    """A song like another: `similarity` is 1 for the same and 0 for what any two songs have in common, `by` has it by kind.

    `simulated` says that the song, or a vector it was compared by, was made by the simulated world.
    """

    track_id: int
    artist: str
    title: str
    year: int | None
    simulated: bool
    similarity: float
    by: Likenesses


class SimilarTracks(BaseModel):
    """Songs, the most alike first."""

    results: list[SimilarTrack]


SIMILAR_SONG: JsonDict = {
    "track_id": 23,
    "artist": "Another Artist",
    "title": "Tide",
    "year": 2004,
    "simulated": True,
    "similarity": 0.52,
    "by": {"lyrics": 0.61, "audio": 0.5, "analysis": 0.36},
}
SIMILAR_EXAMPLE: JsonDict = {
    "track_id": 17,
    "by": "blend",
    "count": 1,
    "results": [SIMILAR_SONG],
    "release_id": 3,
    "encoder": "minilm",
    "cached": False,
    "processing_time_ms": 9.3,
}


class SimilarAnswer(SimilarTracks):
    """Songs like a song."""

    model_config = ConfigDict(json_schema_extra={"examples": [SIMILAR_EXAMPLE]})

    track_id: int
    by: By
    count: int
    release_id: int | None
    encoder: str
    cached: bool
    processing_time_ms: float


class Provenance(BaseModel):
    """Where the song came from and what was done to it."""

    source: str
    source_id: str
    url: str | None
    fetched_at: datetime
    cleaner_version: str
    cleaning: dict[str, Any]
    lyrics_sha256: str
    created_at: datetime
    updated_at: datetime


LINE = "Lonely on the water, the night came down"
TRACK_EXAMPLE: JsonDict = {
    "track_id": 17,
    "artist": "An Artist",
    "title": "Harbour",
    "featured": [],
    "album": None,
    "genre": "rap",
    "release_date": "1999-05-01",
    "year": 1999,
    "language": "en",
    "explicit": False,
    "views": 1200,
    "line_count": 1,
    "word_count": 8,
    "duplicate_of": None,
    "simulated": True,
    "lyrics": LINE,
    "sections": [
        {
            "section_no": 1,
            "kind": "verse",
            "label": None,
            "performers": [],
            "first_line": 1,
            "last_line": 1,
            "text": LINE,
        }
    ],
    "rhymes": [{"line_no": 1, "text": LINE, "spans": []}],
    "features": None,
    "analyses": [],
    "ratings": [{"source": "panel", "raters": 3, "mean": 7.0, "simulated": True}],
    "spotify": None,
    "audio": None,
    "similar": [SIMILAR_SONG],
    "provenance": {
        "source": "genius",
        "source_id": "1017",
        "url": None,
        "fetched_at": "2026-01-02T03:04:05Z",
        "cleaner_version": "1",
        "cleaning": {"headers": 1},
        "lyrics_sha256": "0" * 64,
        "created_at": "2026-01-02T03:04:06Z",
        "updated_at": "2026-01-02T03:04:06Z",
    },
}


class Track(BaseModel):
    """A song with its sections, rhymes, features, analyses and neighbours."""

    model_config = ConfigDict(json_schema_extra={"examples": [TRACK_EXAMPLE]})

    track_id: int
    artist: str
    title: str
    featured: list[str]
    album: str | None
    genre: str | None
    release_date: date | None
    year: int | None
    language: str | None
    explicit: bool | None
    views: int | None
    line_count: int
    word_count: int
    duplicate_of: int | None
    simulated: bool = Field(description="Whether the song itself was made by the simulated world.")
    lyrics: str
    sections: list[Section]
    rhymes: list[Line] = Field(description="Every line with the stretches that rhyme.")
    features: dict[str, Any] | None = Field(description="What the ear hears; a figure that can't be computed is null.")
    analyses: list[StoredAnalysis]
    ratings: list[Rating]
    spotify: dict[str, Any] | None
    audio: dict[str, Any] | None
    similar: list[SimilarTrack] = Field(description="The songs most like it by lyrics.")
    provenance: Provenance
