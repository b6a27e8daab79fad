"""What can be asked of /search and what it answers."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from rap_platform.analyses.results import MOODS, THEMES
from rap_platform.embeddings.search.cursor import MAX_CHARACTERS
from rap_platform.embeddings.search.question import RATINGS
from rap_platform.serving.api.text import STORABLE

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


def _rating(name: str) -> str:
    if name not in RATINGS:
        raise ValueError(f"is none of the ratings: {', '.join(RATINGS)}")
    return name


Mood = Annotated[str, AfterValidator(_mood), Field(json_schema_extra={"enum": list(MOODS)})]
Theme = Annotated[str, AfterValidator(_theme), Field(json_schema_extra={"enum": list(THEMES)})]
Rating = Annotated[str, AfterValidator(_rating), Field(json_schema_extra={"enum": list(RATINGS)})]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S"), STORABLE]
Said = Annotated[str, Field(min_length=1, max_length=500), STORABLE, AfterValidator(_with_something_to_find)]


class SearchQuery(BaseModel):
    """A question in words, and filters that every song found must pass."""

    model_config = ConfigDict(extra="forbid")

    q: Said = Field(
        description="What the lines mean or say, as you remember it; words in quotes must stand together, unless they do so in no song.",
        examples=["lonely night at sea"],
    )
    but_not: Said | None = Field(
        None, description="What the lines must not be like; `not` is another name of it.", examples=["love and roses"]
    )
    limit: int = Field(10, ge=1, le=50, description="Number of songs on a page.")
    cursor: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_CHARACTERS,
        description="`next_cursor` of the page before, of the same question.",
    )
    artist: Name | None = Field(None, description="Name of the artist, whole, in any case.", examples=["Nora Vale"])
    include_features: bool | None = Field(
        None, description="true: songs where the artist is a guest count as well. Belongs to artist."
    )
    featuring: Name | None = Field(None, description="Name of a guest that the song must have.")
    not_featuring: Name | None = Field(None, description="Name of a guest that the song must not have.")
    year_from: Year | None = Field(None, description="First year of release.", examples=[1994])
    year_to: Year | None = Field(None, description="Last year of release.", examples=[2004])
    language: str | None = Field(None, pattern="^[a-z]{2,3}$", description="ISO 639 code, for example en.")
    mood: Mood | None = Field(None, description="A mood that the song's best analysis names.")
    theme: Theme | None = Field(None, description="A theme that the song's best analysis names.")
    rating: Rating | None = Field(
        None, description="The strongest language that is wanted, by the best analysis: PG finds G and PG."
    )
    explicit: bool | None = Field(
        None, description="true: only explicit songs; false: only songs that are known not to be."
    )
    simulated: bool | None = Field(
        None, description="true: only songs of the simulated world; false: only real ones; absent: both."
    )

    @model_validator(mode="before")
    @classmethod
    def _other_name(cls, given: Any) -> Any:
        if isinstance(given, dict) and "not" in given:
            if "but_not" in given:
                raise ValueError("not and but_not are one field: give one of them")
            given = {("but_not" if name == "not" else name): value for name, value in given.items()}
        return given

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.year_from is not None and self.year_to is not None and self.year_from > self.year_to:
            raise ValueError("year_from is after year_to")
        if self.include_features is not None and self.artist is None:
            raise ValueError("include_features belongs to artist: name the artist")
        return self


class Span(BaseModel):
    """Characters `start` to `end` (exclusive) of a line, counted in Unicode code points."""

    start: int
    end: int


class MatchedLine(BaseModel):
    """A line of the section found; `matched` says that it answers the question, `spans` which stretches hold its words."""

    line_no: int
    text: str
    matched: bool
    spans: list[Span]


class SoundsLike(BaseModel):
    """A word asked for and the word sung that sounds like it."""

    asked: str
    sung: str


class Reason(BaseModel):
    """How a song was found: its rank by meaning, words and sound (null when not found that way), cosine, and what fits."""

    meaning_rank: int | None
    cosine: float | None
    words_rank: int | None
    words: list[str]
    sound_rank: int | None
    sounds: list[SoundsLike]


class SearchHit(BaseModel):
    """A song with the section that answers best; `score` is 1 when meaning, words and sound all put it first."""

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


class SearchPage(BaseModel):
    """Songs, best first, and how to go on."""

    results: list[SearchHit]
    corrected: dict[str, str] = Field(
        description="Words as they were asked, and the words that were looked for instead."
    )
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")
    encoder: str = Field(description="Whose vectors were compared.")


EXAMPLE: JsonDict = {
    "query": "lonley night at sea",
    "but_not": None,
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
            "lines": [
                {
                    "line_no": 9,
                    "text": "lonely on the water, the night came down",
                    "matched": True,
                    "spans": [{"start": 0, "end": 6}, {"start": 25, "end": 30}],
                }
            ],
            "why": {
                "meaning_rank": 1,
                "cosine": 0.61,
                "words_rank": 2,
                "words": ["lonely", "night"],
                "sound_rank": None,
                "sounds": [],
            },
        }
    ],
    "corrected": {"lonley": "lonely"},
    "next_cursor": None,
    "encoder": "minilm",
    "release_id": 3,
    "cached": False,
    "processing_time_ms": 7.1,
}


class SearchAnswer(SearchPage):
    """Songs, best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    query: str
    but_not: str | None
    count: int = Field(description="Number of songs on this page.")
    release_id: int | None = Field(description="The release that was searched; null before the first one.")
    cached: bool
    processing_time_ms: float
