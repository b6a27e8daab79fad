"""What a dataset is made of: rated tracks as they come from the database, members as they are stored, strata. No decisions."""

from dataclasses import dataclass
from typing import Literal

from rap_platform.training.splitting import Split

Population = Literal["real", "simulated", "mixed"]
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """What decides whether a rated track enters and where it stands: everything but the lyrics themselves."""

    track_id: int
    source: str
    source_id: str
    artist_id: int
    artist: str
    title: str
    guests: tuple[str, ...]
    lyrics_sha256: str
    characters: int
    family: int
    simulated: bool
    confidence: float | None
    features: str | None
    genre: str | None = None
    year: int | None = None
    language: str | None = None
    views: int | None = None
    popularity: int | None = None

    @property
    def identity(self) -> str:
        """What names the track in any database."""
        return f"{self.source}:{self.source_id}"

    @property
    def era(self) -> str:
        """The decade of its year."""
        return era(self.year)


@dataclass(frozen=True)
class Member:
    """A track of a dataset version."""

    track_id: int
    split: Split
    label: float
    group_key: str
    lyrics_sha256: str


def era(year: int | None) -> str:
    """The decade of a year, as "1990s"."""
    return UNKNOWN if year is None else f"{year // 10 * 10}s"


def label_bin(label: float) -> str:
    """The whole number that a label from 1 to 10 lies at or above, as "6-7"; 10 lies in the last, "9-10"."""
    low = min(9, int(label))
    return f"{low}-{low + 1}"
