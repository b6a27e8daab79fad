"""What can be asked of /search and what it answers."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from rap_platform.analyses.results import MOODS, THEMES
from rap_platform.serving.api.text import Text

Year = Annotated[int, Field(ge=1000, le=2100)]


def _with_something_to_find(text: str) -> str:
    if not any(character.isalnum() for character in text):
        raise ValueError("contains no words; write a few words or a line you remember")
    return text


def _mood(name: str) -> str:
    if name not in MOODS:
        raise ValueError(f"is none of the moods: {', '.join(MOODS)}")
    return name


def _theme(name: str) -> str:
    if name not in THEMES:
        raise ValueError(f"is none of the themes: {', '.join(THEMES)}")
    return name


Mood = Annotated[str, AfterValidator(_mood), Field(json_schema_extra={"enum": list(MOODS)})]
Theme = Annotated[str, AfterValidator(_theme), Field(json_schema_extra={"enum": list(THEMES)})]


class SearchQuery(BaseModel):
    """A question in words, and filters that every song found must pass."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[
        Text,
        AfterValidator(_with_something_to_find),
        Field(
            min_length=1,
            max_length=500,
            description="What the lines should mean or say.",
            examples=["lonely night at sea"],
        ),
    ]
    limit: int = Field(10, ge=1, le=50, description="Number of songs.")
    artist: Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S")] | None = Field(
        None, description="Name of the artist, whole, in any case."
    )
    year_from: Year | None = Field(None, description="First year of release.")
    year_to: Year | None = Field(None, description="Last year of release.")
    language: str | None = Field(None, pattern="^[a-z]{2,3}$", description="ISO 639 code, for example en.")
    mood: Mood | None = Field(None, description="A mood that the song's best analysis names.")
    theme: Theme | None = Field(None, description="A theme that the song's best analysis names.")
    explicit: bool | None = Field(
        None, description="true: only explicit songs; false: only songs that are known not to be."
    )
    simulated: bool | None = Field(
        None, description="true: only songs of the simulated world; false: only real ones; absent: both."
    )

    @model_validator(mode="after")
    def _years_in_order(self) -> Self:
        if self.year_from is not None and self.year_to is not None and self.year_from > self.year_to:
            raise ValueError("year_from is after year_to")
        return self


class MatchedLine(BaseModel):
    """A line of the section found; `matched` says that it answers the question."""

    line_no: int
    text: str
    matched: bool


class Reason(BaseModel):
    """How a song was found: its rank by meaning and by words (null when not found that way), cosine, and the words it holds."""

    meaning_rank: int | None
    cosine: float | None
    words_rank: int | None
    words: list[str]


class SearchHit(BaseModel):
    """A song with the section that answers best; `score` is 1 when meaning and words both put it first."""

    track_id: int
    artist: str
    title: str
    year: int | None
    score: float
    simulated: bool
    section_no: int
    kind: str
    lines: list[MatchedLine]
    why: Reason


EXAMPLE: JsonDict = {
    "query": "lonely night at sea",
    "count": 1,
    "results": [
        {
            "track_id": 17,
            "artist": "An Artist",
            "title": "Harbour",
            "year": 1999,
            "score": 0.98,
            "simulated": True,
            "section_no": 2,
            "kind": "verse",
            "lines": [{"line_no": 9, "text": "alone on the water, the night came down", "matched": True}],
            "why": {"meaning_rank": 1, "cosine": 0.61, "words_rank": 2, "words": ["night"]},
        }
    ],
    "release_id": 3,
    "cached": False,
    "processing_time_ms": 7.1,
}


class SearchAnswer(BaseModel):
    """Songs, best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    query: str
    count: int
    results: list[SearchHit]
    release_id: int | None = Field(description="The release that was searched; null before the first one.")
    cached: bool
    processing_time_ms: float
