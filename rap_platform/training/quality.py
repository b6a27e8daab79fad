"""The quality model: which estimators compete, how one is chosen inside train, and how it predicts. No SQL, no MLflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, VotingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from rap_platform.training import naming
from rap_platform.training.features import COLUMNS, EAR, TEXT, Unheard, features_for_text

__all__ = ["CODE_VERSION", "Fitted", "Unheard", "candidates", "features_for_text", "fit", "predict"]

CODE_VERSION = "1"
FOLDS = 5
# Below this share of tracks with an embedding the model does without.
TEXT_COVERAGE = 0.5
MODEL_NAME = naming.MODEL_NAME
# Types outside scikit-learn's public surface that its trees are made of; the model file holds no other code.
TRUSTED_TYPES = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils._bunch.Bunch",
)

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A model fitted on all of train, and what each candidate's mean absolute error was in cross-validation."""

    model: Any
    chosen: str
    cv_mae: dict[str, float]
    folds: int


def candidates(seed: int) -> dict[str, Any]:
    """The estimators that compete, by name; all see the same columns."""
    contenders: dict[str, Any] = {f"ridge(alpha={alpha:g})": _ridge(alpha) for alpha in (3, 30, 300)}
    contenders["gradient_boosting"] = _boosting(seed)
    contenders["ridge_and_gradient_boosting"] = VotingRegressor(
        [("ridge", _ridge(30)), ("gradient_boosting", _boosting(seed))]
    )
    return contenders


def _columns(rows: int, seed: int, *, text: bool) -> ColumnTransformer:
    """The ear's figures, gaps filled and marked, and with `text` the principal components of the embedding, fewer for few `rows`."""
    components = max(1, min(32, rows // 8)) if text else 0
    ear: Any = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    parts: list[tuple[str, Any, list[str]]] = [("ear", ear, list(EAR))]
    if components:
        whole = SimpleImputer(strategy="mean", keep_empty_features=True)
        reduced = PCA(components, svd_solver="full", random_state=seed)
        parts.append(("text", make_pipeline(whole, reduced), list(TEXT)))
    return ColumnTransformer(parts)


def _ridge(alpha: float) -> Pipeline:
    return make_pipeline(StandardScaler(), Ridge(alpha=alpha))


def _boosting(seed: int) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(
        max_iter=120,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=15,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def fit(x: pd.DataFrame, y: Array, groups: Sequence[str], *, seed: int) -> Fitted:
    """Choose by grouped cross-validation inside train, then fit the winner on all of it.

    `x` (n, len(COLUMNS)), `y` (n,) labels 1 to 10, `groups` (n,) keys that never stand on both sides of a fold. Scaling,
    imputation and PCA are fitted inside each fold. Raises ValueError with fewer than two groups.
    """
    keys = np.asarray(groups)
    folds = min(FOLDS, len(set(groups)))
    if folds < 2:
        raise ValueError(f"{folds} group of artists: cross-validation needs two")
    with_text = float(x[TEXT[0]].notna().mean()) >= TEXT_COVERAGE
    columns = _columns(len(y) * (folds - 1) // folds, seed, text=with_text)
    contenders = candidates(seed)
    guesses = {name: np.empty(len(y)) for name in contenders}
    with threadpool_limits(limits=1):
        for train, test in GroupKFold(folds).split(x, y, keys):
            seen = columns.fit_transform(x.iloc[train])
            unseen = columns.transform(x.iloc[test])
            for name, model in contenders.items():
                guesses[name][test] = _clipped(model.fit(seen, y[train]).predict(unseen))
        errors = {name: float(np.mean(np.abs(guess - y))) for name, guess in guesses.items()}
        chosen = min(errors, key=lambda name: errors[name])
        model = make_pipeline(columns, contenders[chosen]).fit(x, y)
    return Fitted(model, chosen, errors, folds)


def predict(model: Any, x: pd.DataFrame) -> Array:
    """Ratings on 1 to 10, (n,), for rows with the columns COLUMNS; the API's quality score is (rating - 1) / 9."""
    with threadpool_limits(limits=1):
        return _clipped(model.predict(x[list(COLUMNS)]))


def _clipped(values: Any) -> Array:
    return np.asarray(np.clip(np.asarray(values, dtype=float), 1, 10), dtype=float)
