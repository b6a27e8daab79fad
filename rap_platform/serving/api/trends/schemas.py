"""What can be asked of /trends and what it answers: the trend report of a population as it is stored."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

Population = Literal["auto", "real", "simulated"]
PartName = Literal["themes", "moods", "sentiments", "figures"]


class TrendsQuery(BaseModel):
    """Which songs, and which series of them."""

    model_config = ConfigDict(extra="forbid")

    population: Population = Field("auto", description="Whose songs; auto: real ones where there is a report of them.")
    part: PartName | None = Field(None, description="Only this kind of series.")
    name: str | None = Field(
        None,
        max_length=100,
        description="Only the series of this name: a theme, a mood, a figure.",
        examples=["travel"],
    )


class Point(BaseModel):
    """A year's figure with its 95 % interval; `value` is null in a gap. `effective` songs of as many artists would say as much."""

    year: int
    songs: int
    artists: int
    effective: float
    value: float | None
    low: float | None
    high: float | None


class Slope(BaseModel):
    """Change per ten years with its 95 % interval; `clear` after correction for all that was looked at."""

    name: str
    per_decade: float
    low: float
    high: float
    p: float
    clear: bool


class Change(BaseModel):
    """A jump between the year before `year` and it; `beside` names a clearer one of about the same year, `echo` that it comes of that."""

    name: str
    year: int
    year_low: int
    year_high: int
    before: float
    after: float
    jump: float
    jump_low: float
    jump_high: float
    p: float
    beside: str | None
    echo: bool


class BackTest(BaseModel):
    """How forecasts so many years ahead have done; `ratio` is their error over that of the same as last year."""

    ahead: int
    forecasts: int
    mae: float | None
    naive_mae: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    coverage: float | None
    naive_coverage: float | None


class Forecast(BaseModel):
    """A year to come with its 90 % interval."""

    name: str
    year: int
    value: float
    low: float
    high: float


class Outlook(BaseModel):
    """Forecasts with their back-test; `method` is naive where the model has not shown that it does better."""

    method: Literal["model", "naive", "none"]
    reason: str
    backtests: list[BackTest]
    forecasts: list[Forecast]


class Part(BaseModel):
    """Series of one kind; `kind` says whether values are shares of songs or means over songs."""

    kind: Literal["share", "mean"]
    songs: int
    design_effect: float
    by_year: dict[str, list[Point]]
    slopes: list[Slope]
    changes: list[Change]
    outlook: Outlook


EXAMPLE: JsonDict = {
    "population": "simulated",
    "simulated": True,
    "made_at": "2026-01-05T04:00:00Z",
    "songs": 1131,
    "songs_without_year": 0,
    "analyzer": "rule_based",
    "warnings": [],
    "parts": {},
    "careers": {},
    "words": None,
    "groups": None,
}


class TrendsAnswer(BaseModel):
    """The newest trend report; `words`, `groups` and `careers` are left out when one part or name is asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    population: Literal["real", "simulated"]
    simulated: bool
    made_at: datetime
    songs: int
    songs_without_year: int
    analyzer: str | None
    warnings: list[str]
    parts: dict[str, Part]
    careers: dict[str, Any]
    words: dict[str, Any] | None
    groups: dict[str, Any] | None
