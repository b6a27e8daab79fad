"""A track's sound as nine numbers between 0 and 1 under a frozen scaler. Fetching the features is not done here.

The ranges are fixed, not fitted, so that a vector made today and one made next year can be compared; a change of any
of them is a new SCALER_VERSION and every vector is made again.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

SCALER_VERSION = "1"

# Name in audio_features -> (value that becomes 0, value that becomes 1); the order is that of the vector.
RANGES: dict[str, tuple[float, float]] = {
    "danceability": (0.0, 1.0),
    "energy": (0.0, 1.0),
    "valence": (0.0, 1.0),
    "acousticness": (0.0, 1.0),
    "instrumentalness": (0.0, 1.0),
    "speechiness": (0.0, 1.0),
    "liveness": (0.0, 1.0),
    "loudness_db": (-30.0, 0.0),  # integrated loudness of released music; quieter counts as -30
    "tempo_bpm": (50.0, 200.0),  # ballad to double-time; outside it counts as the nearest end
}
FEATURES = tuple(RANGES)
DIMENSION = len(FEATURES)


def missing(features: Mapping[str, float | None]) -> list[str]:
    """The names of the features that are absent; a track with any of them has no audio vector."""
    return [name for name in FEATURES if features.get(name) is None]


def scale(features: Mapping[str, float | None]) -> npt.NDArray[np.float32]:
    """The audio vector, float32 (9,), each in 0..1; raises ValueError that names the missing features."""
    values = np.empty(DIMENSION, dtype=np.float32)
    for index, (name, (low, high)) in enumerate(RANGES.items()):
        value = features.get(name)
        if value is None:
            raise ValueError(f"no audio vector without {', '.join(missing(features))}")
        values[index] = (value - low) / (high - low)
    return values.clip(0.0, 1.0)
