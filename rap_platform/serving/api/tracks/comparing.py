"""What songs can be compared by, as requests say it: kinds, weights and which songs may be an answer."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rap_platform.embeddings.search.likeness import Among, Weights
from rap_platform.serving.api.search.schemas import Name

By = Literal["blend", "lyrics", "audio", "analysis"]
Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Compared(BaseModel):
    """Kinds, weights and filters that similar songs and recommendations have in common."""

    model_config = ConfigDict(extra="forbid")

    by: By = Field(
        "blend",
        description="lyrics: what they mean; audio: how it sounds; analysis: moods and themes; blend: all, weighted.",
    )
    lyrics_weight: Weight | None = Field(
        None, description=f"Weight of lyrics in the blend; {Weights().lyrics} when no weight is given."
    )
    audio_weight: Weight | None = Field(
        None, description=f"Weight of sound in the blend; {Weights().audio} when no weight is given."
    )
    analysis_weight: Weight | None = Field(
        None, description=f"Weight of analyses in the blend; {Weights().analysis} when no weight is given."
    )
    limit: int = Field(10, ge=1, le=50, description="Number of songs.")
    language: str | None = Field(None, pattern="^[a-z]{2,3}$", description="ISO 639 code, for example en.")
    simulated: bool | None = Field(
        None, description="true: only songs of the simulated world; false: only real ones; absent: both."
    )
    without_artist: list[Name] = Field([], max_length=50, description="Artists who shall not come; may be repeated.")
    other_artists: bool = Field(False, description="true: nothing by the artists of the songs asked about.")

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        given = (self.lyrics_weight, self.audio_weight, self.analysis_weight)
        if self.by != "blend" and any(weight is not None for weight in given):
            raise ValueError(f"weights belong to by=blend: leave them out, or leave by={self.by} out")
        if any(weight is not None for weight in given) and not any(given):
            raise ValueError("one of the weights must be above 0")
        return self

    def weights(self) -> Weights:
        """How much each kind counts; a weight that is not given counts 0 beside one that is."""
        if self.by != "blend":
            return Weights.only(self.by)
        given = (self.lyrics_weight, self.audio_weight, self.analysis_weight)
        return Weights(*(weight or 0.0 for weight in given)) if any(given) else Weights()

    def among(self) -> Among:
        """Which songs may come."""
        return Among(self.simulated, self.language, tuple(self.without_artist), self.other_artists)


class Likenesses(BaseModel):
    """Similarity by kind: 1 is the same, 0 what any two songs have in common; null where one has no vector of the kind."""

    lyrics: float | None = None
    audio: float | None = None
    analysis: float | None = None
