"""The registered model: what it predicts and the interval around it. All of it travels in one skops file."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

LEVEL = 0.9
RATINGS = (1.0, 10.0)

Array = npt.NDArray[np.float64]


class RatingModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A weighted sum of learners, one such model for each fold that left tracks out, and how far those were off there.

    `columns` and `learners` were fitted on every track; `fold_columns` and `fold_learners` on all but those of one fold. `residuals`
    (n,) are the absolute errors on the tracks left out and `fold` (n,) which fold left them out. Whole groups are left out, so that an
    error is always one on artists that the model has not heard, as those of a new track are. `scale` is what everything is cut to.
    """

    def __init__(
        self,
        columns: Any = None,
        learners: Sequence[Any] = (),
        fold_columns: Sequence[Any] = (),
        fold_learners: Sequence[Sequence[Any]] = (),
        weights: Any = (),
        intercept: float = 0.0,
        fold: Any = (),
        residuals: Any = (),
        scale: tuple[float, float] = RATINGS,
    ) -> None:
        """Hold parts that are fitted already."""
        self.columns = columns
        self.learners = learners
        self.fold_columns = fold_columns
        self.fold_learners = fold_learners
        self.weights = weights
        self.intercept = intercept
        self.fold = fold
        self.residuals = residuals
        self.scale = scale

    def __sklearn_is_fitted__(self) -> bool:
        """Its parts are fitted before they come here."""
        return True

    def fit(self, x: pd.DataFrame, y: Array) -> "RatingModel":
        """Not offered: `training.quality.fit` chooses, fits and calibrates in one go."""
        raise NotImplementedError("a rating model is made by training.quality.fit")

    def predict(self, x: pd.DataFrame) -> Array:
        """The expected label, (n,)."""
        return self._sum(self.columns, self.learners, x)

    def fold_predict(self, x: pd.DataFrame) -> Array:
        """What the model of each fold expects, (folds, n)."""
        parts = zip(self.fold_columns, self.fold_learners, strict=True)
        return np.stack([self._sum(columns, learners, x) for columns, learners in parts])

    def left_out(self, fold: int, x: pd.DataFrame) -> Array:
        """What the model that did not see the tracks of `fold` expects, (n,)."""
        return self._sum(self.fold_columns[fold], self.fold_learners[fold], x)

    def interval(self, x: pd.DataFrame, level: float = LEVEL) -> tuple[Array, Array]:
        """Lower and upper ends, (n,) each, of the CV+ interval of each row.

        Where tracks are exchangeable and learners chosen beforehand it holds the label of a new one with a probability of at least
        2 · level - 1 - sqrt(2 / n). Here tracks come in groups and the same errors chose the learners, so that about `level` is what
        is aimed at and nested cross-validation measures what is reached. The whole scale when there are too few residuals for the
        level. Source: Barber, Candès, Ramdas and Tibshirani, Predictive inference with the jackknife+, Annals of Statistics 49 (2021).
        """
        by_fold = self.fold_predict(x)
        fold, residuals = np.asarray(self.fold, dtype=int), np.asarray(self.residuals, dtype=float)
        count = len(residuals)
        rank = math.ceil(round(level * (count + 1), 9))
        if rank > count:
            return np.full(len(x), self.scale[0]), np.full(len(x), self.scale[1])
        centres = by_fold[fold]
        high = np.partition(centres + residuals[:, None], rank - 1, axis=0)[rank - 1]
        low = -np.partition(residuals[:, None] - centres, rank - 1, axis=0)[rank - 1]
        return np.clip(low, *self.scale), np.clip(high, *self.scale)

    def _sum(self, columns: Any, learners: Sequence[Any], x: pd.DataFrame) -> Array:
        seen = columns.transform(x)
        said = np.column_stack([learner.predict(seen) for learner in learners])
        summed = said @ np.asarray(self.weights, dtype=float) + self.intercept
        return np.asarray(np.clip(summed, *self.scale), dtype=float)
