"""The contestants behind one protocol: each learns from train alone and turns held-out tracks into ratings, or into failures with reasons."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline

from rap_platform.training import commercial, quality
from rap_platform.training.conformal import RATINGS
from rap_platform.training.estimators import folds
from rap_platform.training.naming import MODEL_NAME

Array = npt.NDArray[np.float64]
Kind = Literal["baseline", "model"]
MODEL = MODEL_NAME
COMMERCIAL = commercial.MODEL_NAME
# Fewer opinions than this on train make no line.
LEAST_OPINIONS = 10
ALPHAS = (0.3, 1.0, 3.0, 10.0)
_HEADER = re.compile(r"^\[[^\]\n]*\]$", re.MULTILINE)


@dataclass(frozen=True)
class Opinion:
    """What an analyzer said of a track: a quality from 1 to 10, or why there is none."""

    quality: float | None
    failure: str | None


@dataclass(frozen=True)
class Tracks:
    """One side of the dataset, all in the same order; `words` is the length that the length-only baseline sees.

    `texts` and `features` (rows with the columns of training.features) are there where a predictor needs them.
    """

    track_ids: tuple[int, ...]
    labels: Array
    groups: tuple[str, ...]
    words: Array
    texts: tuple[str, ...] = ()
    features: pd.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.track_ids)


@dataclass(frozen=True)
class Predictions:
    """Predicted labels (n,), NaN where the predictor failed, and the reason of each failure by track id.

    `low` and `high` (n,) are the ends of the 90 % interval of each prediction, None where a predictor gives none.
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


class Predictor(Protocol):
    """Something that rates tracks. `fit` returns the fitted predictor and sees train alone; `predict` never looks at labels."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def note(self) -> str: ...
    def fit(self, train: Tracks) -> Self: ...
    def predict(self, tracks: Tracks) -> Predictions: ...


@dataclass(frozen=True)
class _Named:
    name: str
    note: str
    kind: Kind = "baseline"

    def _say(self, values: Array, failures: dict[int, str] | None = None) -> Predictions:
        return Predictions(self.name, self.kind, values, failures or {}, self.note)


@dataclass(frozen=True)
class Uniform(_Named):
    """A seeded draw from the whole scale."""

    seed: int = 0

    def fit(self, train: Tracks) -> Self:
        """Nothing to learn."""
        return self

    def predict(self, tracks: Tracks) -> Predictions:
        """A number per track."""
        return self._say(np.random.default_rng(self.seed).uniform(*RATINGS, len(tracks)))


@dataclass(frozen=True)
class Constant(_Named):
    """The mean or the median label of train for everybody."""

    statistic: Literal["mean", "median"] = "mean"
    value: float = np.nan

    def fit(self, train: Tracks) -> Self:
        """Take the mean or median."""
        of_train = np.mean(train.labels) if self.statistic == "mean" else np.median(train.labels)
        return replace(self, value=float(of_train))

    def predict(self, tracks: Tracks) -> Predictions:
        """The same number for every track."""
        return self._say(np.full(len(tracks), self.value))


@dataclass(frozen=True)
class LengthOnly(_Named):
    """A line through label over log of words."""

    scale: tuple[float, float] = RATINGS
    slope: float = np.nan
    intercept: float = np.nan

    def fit(self, train: Tracks) -> Self:
        """Fit the line."""
        slope, intercept = line(np.log1p(train.words), train.labels)
        return replace(self, slope=slope, intercept=intercept)

    def predict(self, tracks: Tracks) -> Predictions:
        """Where the line runs at the length of each track."""
        return self._say(np.clip(self.slope * np.log1p(tracks.words) + self.intercept, *self.scale))


@dataclass(frozen=True)
class BagOfWords(_Named):
    """A ridge on TF-IDF of words; vocabulary, weights of words and strength of the ridge are learned from train alone."""

    seed: int = 0
    scale: tuple[float, float] = RATINGS
    fitted: Any = field(default=None, repr=False)

    def fit(self, train: Tracks) -> Self:
        """Choose the ridge's alpha by grouped cross-validation, the vectoriser fitted anew in each fold, then fit on all."""
        split = folds(train.groups, self.seed)
        texts = sung(train.texts)
        errors = dict.fromkeys(ALPHAS, 0.0)
        for seen, unseen in split:
            words = _vectoriser(len(seen))
            known, new = words.fit_transform(texts[seen]), words.transform(texts[unseen])
            for alpha in ALPHAS:
                guess = Ridge(alpha=alpha).fit(known, train.labels[seen]).predict(new)
                errors[alpha] += float(np.abs(guess - train.labels[unseen]).sum())
        best = min(errors, key=lambda alpha: errors[alpha])
        model: Pipeline = make_pipeline(_vectoriser(len(texts)), Ridge(alpha=best)).fit(texts, train.labels)
        return replace(self, fitted=model, note=f"{self.note}, alpha {best:g} by grouped cross-validation inside train")

    def predict(self, tracks: Tracks) -> Predictions:
        """The ridge's word."""
        return self._say(np.clip(self.fitted.predict(sung(tracks.texts)), *self.scale))


def _vectoriser(texts: int) -> TfidfVectorizer:
    return TfidfVectorizer(sublinear_tf=True, min_df=min(3, max(1, texts // 20)))


def sung(texts: Sequence[str]) -> npt.NDArray[np.object_]:
    """Texts without their section headers: those name performers, and are no words of the song."""
    return np.array([_HEADER.sub("", text) for text in texts], dtype=object)


@dataclass(frozen=True)
class StoredOpinion(_Named):
    """An analyzer's stored quality as it is; a track that it failed on, or never saw, is a failure and gets no number."""

    said: Mapping[int, Opinion] = field(default_factory=dict, repr=False)

    def fit(self, train: Tracks) -> Self:
        """Nothing to learn."""
        return self

    def predict(self, tracks: Tracks) -> Predictions:
        """What was said."""
        values = np.full(len(tracks), np.nan)
        failures = {}
        for row, track_id in enumerate(tracks.track_ids):
            opinion = self.said.get(track_id, Opinion(None, "not analysed"))
            if opinion.quality is None:
                failures[track_id] = opinion.failure or "no reason stored"
            else:
                values[row] = opinion.quality
        return self._say(values, failures)


@dataclass(frozen=True)
class Recalibrated(StoredOpinion):
    """An analyzer's quality put through a line fitted on train. Fitting raises ValueError when train has fewer than ten opinions."""

    slope: float = np.nan
    intercept: float = np.nan

    def fit(self, train: Tracks) -> Self:
        """Fit the line on the tracks that the analyzer has a number for."""
        known = [
            (opinion.quality, label)
            for track_id, label in zip(train.track_ids, train.labels, strict=True)
            if (opinion := self.said.get(track_id)) and opinion.quality is not None
        ]
        if len(known) < LEAST_OPINIONS:
            raise ValueError(f"{self.name}: train has {len(known)} opinions, a line needs {LEAST_OPINIONS}")
        slope, intercept = line(np.array([said for said, _ in known]), np.array([label for _, label in known]))
        return replace(self, slope=slope, intercept=intercept)

    def predict(self, tracks: Tracks) -> Predictions:
        """Where the line runs at what was said."""
        raw = super().predict(tracks)
        return replace(raw, values=np.clip(self.slope * raw.values + self.intercept, *RATINGS))


@dataclass(frozen=True)
class Model(_Named):
    """A model of training.quality: given, when it was learned from exactly this train and registered, else learned by `fit`."""

    seed: int = 0
    kind: Kind = "model"
    model: Any = field(default=None, repr=False)

    def fit(self, train: Tracks) -> Self:
        """Learn, unless a registered model was given."""
        if self.model is not None:
            return self
        return replace(self, model=quality.fit(_rows(train), train.labels, train.groups, seed=self.seed).model)

    def predict(self, tracks: Tracks) -> Predictions:
        """Ratings with intervals; a model that was registered without intervals gives none."""
        x = _rows(tracks)
        try:
            values, low, high = quality.predict_interval(self.model, x)
        except quality.NoInterval:
            return self._say(quality.predict(self.model, x))
        return replace(self._say(values), low=low, high=high)


def _rows(tracks: Tracks) -> pd.DataFrame:
    if tracks.features is None:
        raise ValueError("the quality model needs the feature rows of the tracks")
    return tracks.features


def line(x: Array, y: Array) -> tuple[float, float]:
    """Slope and intercept of least squares; a flat line through the mean when x is constant."""
    spread = float(np.var(x))
    slope = 0.0 if spread < 1e-12 else float(np.mean((x - x.mean()) * (y - y.mean()))) / spread
    return slope, float(y.mean()) - slope * float(x.mean())
