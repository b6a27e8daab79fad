"""A track's sound as nine numbers between 0 and 1 under a frozen scaler. Pure; scalers are stored and used in filling.py.

A feature's number is the share of songs that have less of it, so that a step of 0.1 is equally rare in every feature and
distances mean the same everywhere. A scaler never changes: one that is fitted again has another version, and every vector is
made again with it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

QUANTILES = 21
FEWEST_TRACKS = 200  # with fewer a quantile rests on less than ten songs, and the published ranges say more
MOST_MISSING = 2

# Name in audio_features -> (value that becomes 0, value that becomes 1) before enough songs are known; the order is the vector's.
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

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scaler:
    """Values of each feature at equally spaced quantiles, from the `tracks` it was fitted to (0: the published ranges).

    `simulated` says that these tracks, or their features, were made by the simulated world.
    """

    quantiles: Mapping[str, tuple[float, ...]]
    tracks: int
    simulated: bool

    @property
    def version(self) -> str:
        """ "0" for the published ranges, else a digest of the quantiles: equal scalers have equal versions."""
        if self.tracks == 0:
            return "0"
        told = json.dumps([[name, *self.quantiles[name]] for name in FEATURES])
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    @cached_property
    def medians(self) -> Values:
        """What stands for a missing feature, float64 (9,), in the feature's own unit."""
        return np.array([np.median(self.quantiles[name]) for name in FEATURES])

    def scale(self, values: Values) -> Values:
        """Rows of nine features, NaN where one is missing, as numbers in 0..1, float64 (n, 9).

        Between quantiles the number grows linearly; a value that many songs share gets the middle of their ranks, as in
        scikit-learn's QuantileTransformer; a missing one gets the number of the median.
        """
        filled = np.where(np.isnan(values), self.medians, values)
        return np.column_stack([_rank(filled[:, at], self.quantiles[name]) for at, name in enumerate(FEATURES)])


PUBLISHED = Scaler({name: tuple(map(float, ends)) for name, ends in RANGES.items()}, tracks=0, simulated=False)


def fit(quantiles: Mapping[str, Sequence[float]], counts: Mapping[str, int], *, simulated: bool) -> Scaler:
    """The scaler of features whose values stand at QUANTILES equally spaced quantiles of `counts` tracks each.

    A feature that fewer than FEWEST_TRACKS tracks have keeps its published range; when all are so rare, PUBLISHED comes back.
    """
    known = {name for name in FEATURES if counts[name] >= FEWEST_TRACKS}
    if not known:
        return PUBLISHED
    for name in known:
        if len(quantiles[name]) != QUANTILES or (np.diff(quantiles[name]) < 0).any():
            raise ValueError(f"{name}: expected {QUANTILES} rising quantiles, got {list(quantiles[name])}")
    found = {
        name: tuple(map(float, quantiles[name])) if name in known else PUBLISHED.quantiles[name] for name in FEATURES
    }
    return Scaler(found, tracks=max(counts[name] for name in known), simulated=simulated)


def missing(values: Values) -> list[tuple[str, ...]]:
    """The names of the features that each row lacks."""
    return [tuple(name for name, lacks in zip(FEATURES, row, strict=True) if lacks) for row in np.isnan(values)]


def _rank(values: Values, quantiles: Sequence[float]) -> Values:
    ranks = np.linspace(0.0, 1.0, len(quantiles))
    rising = np.interp(values, quantiles, ranks)
    falling = np.interp(-values, -np.asarray(quantiles)[::-1], -ranks[::-1])
    return np.asarray((rising - falling) / 2)
