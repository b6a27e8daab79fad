"""The quality model: how one is chosen inside train, how honest that choice is, how it predicts. No SQL, no MLflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from rap_platform.training import estimators, importance, naming
from rap_platform.training.conformal import LEVEL, RATINGS, RatingModel
from rap_platform.training.features import COLUMNS, Unheard, features_for_text

__all__ = [
    "CODE_VERSION", "LEVEL", "Fitted", "Nested", "NoInterval", "Unheard", "features_for_text", "fit", "learning_curve", "nested", "predict",
    "predict_interval", "spread",
]  # fmt: skip

CODE_VERSION = "2"
MODEL_NAME = naming.MODEL_NAME
SIZES = (50, 100, 200, 400, 800)
DRAWS = 4
# Types outside scikit-learn's public surface that a model is made of; the file holds no other code.
TRUSTED_TYPES = (
    "numpy.dtype",
    "rap_platform.training.conformal.RatingModel",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils._bunch.Bunch",
)

Array = npt.NDArray[np.float64]


class NoInterval(ValueError):
    """A model that was registered without what an interval needs."""


@dataclass(frozen=True)
class Fitted:
    """A model fitted on all of train, what each candidate's mean absolute error was in cross-validation, and what it rests on.

    `cv_mae` of the chosen is the smallest of several, so it flatters a little; `nested` says what to expect.
    """

    model: RatingModel
    chosen: str
    cv_mae: dict[str, float]
    folds: int
    permutation: tuple[importance.Importance, ...]

    @property
    def importance(self) -> list[tuple[str, float]]:
        """Families of features and by how much the mean absolute error grows without them, largest first."""
        return [(entry.feature, entry.mae_growth) for entry in self.permutation]

    @property
    def interval(self) -> Array:
        """The absolute errors on tracks of artists that were left out, (n,): what the intervals are made of."""
        return np.asarray(self.model.residuals)


@dataclass(frozen=True)
class Nested:
    """What the whole procedure, choice included, achieves on artists that took no part in it.

    `predicted`, `low` and `high` (n,) are of the tracks while they were left out; `fold_mae` is the error in each outer fold.
    """

    predicted: Array
    low: Array
    high: Array
    actual: Array
    fold_mae: tuple[float, ...]
    chosen: tuple[str, ...]

    @cached_property
    def mae(self) -> float:
        """Mean absolute error over all tracks."""
        return float(np.mean(np.abs(self.predicted - self.actual)))

    @cached_property
    def mae_sd(self) -> float:
        """Spread of the error from fold to fold."""
        return float(np.std(self.fold_mae, ddof=1))

    @cached_property
    def coverage(self) -> float:
        """Share of tracks whose label lies in its interval."""
        return float(np.mean((self.low <= self.actual) & (self.actual <= self.high)))

    @cached_property
    def width(self) -> float:
        """Mean width of the intervals."""
        return float(np.mean(self.high - self.low))


def fit(
    x: pd.DataFrame,
    y: Array,
    groups: Sequence[str],
    *,
    seed: int,
    scale: tuple[float, float] = RATINGS,
) -> Fitted:
    """Choose by grouped cross-validation inside train, fit the winner on all of it and keep what its intervals need.

    `x` (n, len(COLUMNS)), `y` (n,) labels on `scale`, `groups` (n,) keys that never stand on both sides of a fold.
    Raises ValueError with fewer than two groups.
    """
    with threadpool_limits(limits=1):
        model, chosen, errors = _choose(x, y, groups, seed, scale)
        found = importance.permutation(model, x, y, seed=seed)
    return Fitted(model, chosen, errors, len(model.fold_learners), found)


def _choose(
    x: pd.DataFrame, y: Array, groups: Sequence[str], seed: int, scale: tuple[float, float]
) -> tuple[RatingModel, str, dict[str, float]]:
    text = estimators.has_text(x)
    names = list(estimators.learners(seed))
    split = estimators.folds(groups, seed)
    trained = [estimators.train(x.iloc[seen], y[seen], names, seed=seed, text=text) for seen, _ in split]
    said = np.empty((len(y), len(names)))
    fold = np.empty(len(y), dtype=np.int64)
    for number, (_, unseen) in enumerate(split):
        said[unseen] = trained[number].say(x.iloc[unseen], names)
        fold[unseen] = number

    candidates = estimators.candidates(names)
    where = {name: [names.index(learner) for learner in asked] for name, asked in candidates.items()}
    guesses = {
        name: np.clip(estimators.blended(said[:, where[name]], y, asked, split), *scale)
        for name, asked in candidates.items()
    }
    errors = {name: float(np.mean(np.abs(guess - y))) for name, guess in guesses.items()}
    chosen = min(errors, key=lambda name: errors[name])
    asked = candidates[chosen]
    mixed = estimators.blend(said[:, where[chosen]], y, asked)
    whole = estimators.train(x, y, asked, seed=seed, text=text)
    model = RatingModel(
        columns=whole.columns,
        learners=[whole.learners[name] for name in asked],
        fold_columns=[part.columns for part in trained],
        fold_learners=[[part.learners[name] for name in asked] for part in trained],
        weights=mixed.weights,
        intercept=mixed.intercept,
        fold=fold,
        residuals=np.abs(guesses[chosen] - y),
        scale=scale,
    )
    return model, chosen, errors


def nested(
    x: pd.DataFrame, y: Array, groups: Sequence[str], *, seed: int, scale: tuple[float, float] = RATINGS
) -> Nested:
    """Leave whole groups out, choose and fit on the rest as `fit` does, predict those left out; five times.

    Source: Varma and Simon, Bias in error estimation when using cross-validation for model selection, BMC Bioinformatics 7 (2006).
    Raises ValueError with fewer than three groups.
    """
    keys = np.asarray(groups)
    if len(set(groups)) < 3:
        raise ValueError(f"{len(set(groups))} groups of artists: nested cross-validation needs three")
    predicted, low, high = np.empty(len(y)), np.empty(len(y)), np.empty(len(y))
    errors, chosen = [], []
    for seen, unseen in estimators.folds(groups, seed + 1):
        with threadpool_limits(limits=1):
            model, name, _ = _choose(x.iloc[seen], y[seen], list(keys[seen]), seed, scale)
        predicted[unseen], low[unseen], high[unseen] = predict_interval(model, x.iloc[unseen])
        errors.append(float(np.mean(np.abs(predicted[unseen] - y[unseen]))))
        chosen.append(name)
    return Nested(predicted, low, high, y, tuple(errors), tuple(chosen))


def learning_curve(
    x: pd.DataFrame,
    y: Array,
    groups: Sequence[str],
    x_test: pd.DataFrame,
    y_test: Array,
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
    *,
    model: RatingModel | None = None,
) -> list[tuple[int, float]]:
    """The error on `x_test` after learning from so many tracks, (size, MAE) for each of four draws of whole groups.

    Learners and their weights are those of `model`, or of a fit on all of `x`. A size is reached by the groups drawn, the last of them
    cut; sizes beyond train are taken once, with all there is, under the number of tracks that it has. What was chosen on all of `x` is
    not chosen anew, so that small sizes look a little better than they would alone.
    """
    if model is None:
        model = fit(x, y, groups, seed=seed).model
    chance = np.random.default_rng(seed)
    keys = np.asarray(groups)
    text = estimators.has_text(x)
    curve = []
    for size in sorted({min(size, len(y)) for size in sizes}):
        for _ in range(DRAWS if size < len(y) else 1):
            order = {key: place for place, key in enumerate(chance.permutation(np.unique(keys)))}
            drawn = np.argsort([order[key] for key in keys], kind="stable")[:size]
            with threadpool_limits(limits=1):
                guess = _refit(model, x.iloc[drawn], y[drawn], text=text, seed=seed).predict(x_test)
            curve.append((size, float(np.mean(np.abs(guess - y_test)))))
    return curve


def spread(curve: Sequence[tuple[int, float]]) -> list[tuple[int, float, float, float]]:
    """A learning curve as (size, mean, least, most) over the draws of each size."""
    by_size: dict[int, list[float]] = {}
    for size, error in curve:
        by_size.setdefault(size, []).append(error)
    return [(size, float(np.mean(errors)), min(errors), max(errors)) for size, errors in sorted(by_size.items())]


def _refit(model: RatingModel, x: pd.DataFrame, y: Array, *, text: bool, seed: int) -> RatingModel:
    """The same learners and weights on other tracks, without intervals."""
    columns = estimators.columns(len(y), seed, text=text)
    seen = columns.fit_transform(x)
    refitted = [clone(learner).fit(seen, y) for learner in model.learners]
    kept = {"weights": model.weights, "intercept": model.intercept, "scale": model.scale}
    return RatingModel(columns=columns, learners=refitted, **kept)


def predict(model: Any, x: pd.DataFrame) -> Array:
    """Labels, (n,), on the model's scale (1 to 10 unless it says another) for rows with the columns COLUMNS.

    The API's quality score is (rating - 1) / 9.
    """
    with threadpool_limits(limits=1):
        values = np.asarray(model.predict(x[list(COLUMNS)]), dtype=float)
    return np.asarray(np.clip(values, *getattr(model, "scale", RATINGS)), dtype=float)


def predict_interval(model: Any, x: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Labels and the lower and upper ends of their 90 % intervals, (n,) each; `model` is one that was registered, or a Fitted.

    Raises NoInterval for a model that was registered without one.
    """
    model = model.model if isinstance(model, Fitted) else model
    if not isinstance(model, RatingModel):
        raise NoInterval(f"a {type(model).__name__} was registered without what an interval needs; train again")
    values = predict(model, x)
    with threadpool_limits(limits=1):
        low, high = model.interval(x[list(COLUMNS)])
    return values, np.minimum(low, values), np.maximum(high, values)
