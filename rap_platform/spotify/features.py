"""Audio features as providers give them, checked: a figure out of range is refused, a missing one stays missing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SHARES = ("danceability", "energy", "valence", "acousticness", "instrumentalness", "speechiness", "liveness")


@dataclass(frozen=True, slots=True)
class AudioFeatures:
    """What a provider hears in a track: shares 0 to 1, loudness in dB (at most 10), tempo in beats a minute; None where it says nothing."""

    danceability: float | None
    energy: float | None
    valence: float | None
    acousticness: float | None
    instrumentalness: float | None
    speechiness: float | None
    liveness: float | None
    loudness_db: float | None
    tempo_bpm: float | None


def read_features(row: Mapping[str, Any]) -> AudioFeatures:
    """Read one provider's object. Raises ValueError that names the figure that makes no sense, or that none is there."""
    shares = {name: _number(row, name, 0.0, 1.0) for name in _SHARES}
    loudness, tempo = _number(row, "loudness", -100.0, 10.0), _number(row, "tempo", 0.0, 400.0)
    if loudness is None and tempo is None and all(value is None for value in shares.values()):
        raise ValueError("no figure in the answer")
    return AudioFeatures(**shares, loudness_db=loudness, tempo_bpm=tempo)


def _number(row: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise ValueError(f"{name} out of range")
    return float(value)
