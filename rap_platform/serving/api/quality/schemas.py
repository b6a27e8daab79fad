"""What can be sent to /predict-quality and what it answers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rap_platform.serving.api.text import EXAMPLE_LYRICS, STORABLE, Body, Lyrics


class QualityQuestion(Body):
    """Lyrics to be rated."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"lyrics": EXAMPLE_LYRICS}]})

    lyrics: Lyrics
    artist: Annotated[str, Field(max_length=200), STORABLE] | None = Field(
        None,
        description="Given back in the answer. The model does not look at it: a rating that depends on the name is no rating of the lyrics.",
    )


class RatingInterval(BaseModel):
    """Where the rating of such lyrics lies nine times out of ten, for artists that the model never heard."""

    level: float = Field(gt=0, lt=1, description="The share of ratings that lie inside: 0.9.")
    low: float = Field(ge=1, le=10)
    high: float = Field(ge=1, le=10)


class QualityAnswer(BaseModel):
    """The rating that the champion model expects."""

    model_config = ConfigDict(
        protected_namespaces=(),
        json_schema_extra={
            "examples": [
                {
                    "rating": 6.4, "interval": {"level": 0.9, "low": 5.5, "high": 7.3}, "quality_score": 0.6,
                    "model": "quality_model", "model_version": "3", "simulated": True, "artist": None,
                    "lyrics_preview": "I count the streetlights home, each one a debt I paid,", "processing_time_ms": 21.4,
                }
            ]
        },
    )  # fmt: skip

    rating: float = Field(ge=1, le=10, description="Expected rating, 1 to 10.")
    interval: RatingInterval | None = Field(
        description="The 90 % interval of the rating, conformal, from errors on artists left out; null for a model registered without one."
    )
    quality_score: float = Field(ge=0, le=1, description="(rating - 1) / 9")
    model: str
    model_version: str
    simulated: bool = Field(description="Whether the model learned from simulated ratings.")
    artist: str | None
    lyrics_preview: str
    processing_time_ms: float
