"""The contestants: each turns the same train and eval tracks into a rating per eval track, or into a failure with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Kind = Literal["baseline", "model"]
MODEL = "quality_model"


@dataclass(frozen=True)
class Opinion:
    """What an analyzer said of a track: a quality from 1 to 10, or why there is none."""

    quality: float | None
    failure: str | None


@dataclass(frozen=True)
class Tracks:
    """One side of the dataset, all arrays in the same order; `words` is the length that the length-only baseline sees."""

    track_ids: tuple[int, ...]
    labels: Array
    groups: tuple[str, ...]
    words: Array

    def __len__(self) -> int:
        return len(self.track_ids)


@dataclass(frozen=True)
class Predictions:
    """Predicted ratings (n,), NaN where the predictor failed, and the reason of each failure by track id.

    `low` and `high` (n,) are the 90 % interval of each prediction, None when the predictor gives none.
    """

    name: str
    kind: Kind
    values: Array
    failures: dict[int, str]
    note: str
    low: Array | None = None
    high: Array | None = None

    @property
    def covered(self) -> npt.NDArray[np.bool_]:
        """Which tracks have a prediction."""
        return np.isfinite(self.values)


def uniform_random(test: Tracks, seed: int) -> Predictions:
    """A seeded draw from 1..10."""
    return Predictions(
        "random", "baseline", np.random.default_rng(seed).uniform(1, 10, len(test)), {}, "uniform on 1..10, seeded"
    )


def mean(train: Tracks, test: Tracks) -> Predictions:
    """The mean label of train for everybody."""
    return Predictions("mean", "baseline", np.full(len(test), train.labels.mean()), {}, "mean label of train")


def median(train: Tracks, test: Tracks) -> Predictions:
    """The median label of train for everybody."""
    return Predictions("median", "baseline", np.full(len(test), np.median(train.labels)), {}, "median label of train")


def length_only(train: Tracks, test: Tracks) -> Predictions:
    """A line through label over log of words, fitted on train."""
    slope, intercept = line(np.log1p(train.words), train.labels)
    return Predictions(
        "length_only",
        "baseline",
        np.clip(slope * np.log1p(test.words) + intercept, 1, 10),
        {},
        "line on log(words), fitted on train",
    )


def opinions(name: str, kind: Kind, said: Mapping[int, Opinion], test: Tracks, note: str) -> Predictions:
    """An analyzer's stored quality as it is; a track that it failed on, or never saw, is a failure and gets no number."""
    values = np.full(len(test), np.nan)
    failures = {}
    for row, track_id in enumerate(test.track_ids):
        opinion = said.get(track_id, Opinion(None, "not analysed"))
        if opinion.quality is None:
            failures[track_id] = opinion.failure or "no reason stored"
        else:
            values[row] = opinion.quality
    return Predictions(name, kind, values, failures, note)


def recalibrated(name: str, said: Mapping[int, Opinion], train: Tracks, test: Tracks, note: str) -> Predictions | None:
    """An analyzer's quality put through a line fitted on train; None when train has fewer than ten opinions."""
    known = [
        (opinion.quality, label)
        for t, label in zip(train.track_ids, train.labels, strict=True)
        if (opinion := said.get(t)) and opinion.quality is not None
    ]
    if len(known) < 10:
        return None
    slope, intercept = line(np.array([quality for quality, _ in known]), np.array([label for _, label in known]))
    raw = opinions(name, "baseline", said, test, note)
    return Predictions(name, "baseline", np.clip(slope * raw.values + intercept, 1, 10), raw.failures, note)


def line(x: Array, y: Array) -> tuple[float, float]:
    """Slope and intercept of least squares; a flat line through the mean when x is constant."""
    spread = float(np.var(x))
    slope = 0.0 if spread < 1e-12 else float(np.mean((x - x.mean()) * (y - y.mean()))) / spread
    return slope, float(y.mean()) - slope * float(x.mean())
