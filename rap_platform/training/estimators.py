"""The estimators that compete for the rating, and what they say of tracks whose artists they did not see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import nnls
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rap_platform.training.features import EAR, TEXT

FOLDS = 5
# Below this share of tracks with an embedding the model does without.
TEXT_COVERAGE = 0.5
COMPONENTS = 32
STACK = "stack"
STACKED = ("ridge(alpha=10)", "gradient_boosting")

Array = npt.NDArray[np.float64]
Folds = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]


@dataclass(frozen=True)
class Blend:
    """A candidate: which learners it asks, and how it weighs them: intercept + weights · what they say."""

    learners: tuple[str, ...]
    weights: Array
    intercept: float


@dataclass(frozen=True)
class Trained:
    """Learners by name, fitted behind one set of `columns`."""

    columns: ColumnTransformer
    learners: Mapping[str, Any]

    def say(self, x: pd.DataFrame, names: Sequence[str]) -> Array:
        """What each named learner predicts, (n, len(names))."""
        seen = self.columns.transform(x)
        return np.column_stack([self.learners[name].predict(seen) for name in names])


def learners(seed: int) -> dict[str, Any]:
    """The learners by name; all see the same columns."""
    ridges: dict[str, Any] = {f"ridge(alpha={alpha:g})": Ridge(alpha=alpha) for alpha in (1, 10, 100)}
    boosting = HistGradientBoostingRegressor(
        max_iter=120,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=15,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    return ridges | {"gradient_boosting": boosting}


def columns(rows: int, seed: int, *, text: bool) -> ColumnTransformer:
    """The ear's figures, gaps filled and marked, in standard units; with `text` the embedding's components, fewer for few `rows`.

    Components keep their own small units (the vectors have length one), so that a ridge trusts a component less than a figure.
    """
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    parts: list[tuple[str, Any, list[str]]] = [("ear", make_pipeline(filled, StandardScaler()), list(EAR))]
    if text:
        whole = SimpleImputer(strategy="mean", keep_empty_features=True)
        reduced = PCA(max(1, min(COMPONENTS, rows // 8)), svd_solver="full", random_state=seed)
        parts.append(("text", make_pipeline(whole, reduced), list(TEXT)))
    return ColumnTransformer(parts)


def has_text(x: pd.DataFrame) -> bool:
    """Whether enough tracks have an embedding."""
    return float(x[TEXT[0]].notna().mean()) >= TEXT_COVERAGE


def train(x: pd.DataFrame, y: Array, names: Sequence[str], *, seed: int, text: bool) -> Trained:
    """Fit the named learners on these tracks; filling, scaling and components are learned from them alone."""
    prepared = columns(len(y), seed, text=text)
    seen = prepared.fit_transform(x)
    every = learners(seed)
    return Trained(prepared, {name: every[name].fit(seen, y) for name in names})


def folds(groups: Sequence[str], seed: int) -> Folds:
    """Rows to learn from and rows left out, five times (fewer for few groups); a group is never on both sides.

    Raises ValueError with fewer than two groups.
    """
    count = min(FOLDS, len(set(groups)))
    if count < 2:
        raise ValueError(f"{count} group of artists: cross-validation needs two")
    return list(GroupKFold(count, shuffle=True, random_state=seed).split(np.zeros(len(groups)), groups=groups))


def blend(said: Array, y: Array, names: Sequence[str]) -> Blend:
    """How to weigh learners, from what they said of tracks they had not seen, (n, learners): least squares, no weight negative.

    Source: Breiman, Stacked regressions, Machine Learning 24 (1996).
    """
    if len(names) == 1:
        return Blend(tuple(names), np.ones(1), 0.0)
    centre, level = said.mean(axis=0), float(y.mean())
    weights, _ = nnls(said - centre, y - level)
    return Blend(tuple(names), weights, level - float(centre @ weights))


def blended(said: Array, y: Array, names: Sequence[str], split: Folds) -> Array:
    """What a blend says of tracks whose labels did not weigh it either, (n,)."""
    guesses = np.empty(len(y))
    for seen, unseen in split:
        made = blend(said[seen], y[seen], names)
        guesses[unseen] = said[unseen] @ made.weights + made.intercept
    return guesses


def candidates(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which learners each candidate asks: every one alone, and the stack."""
    return {name: (name,) for name in names} | {STACK: STACKED}
