"""Error measures with intervals: numbers in, numbers out. Intervals come from resampling groups, since songs of one artist are alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
LEVEL = 0.95
_EMPTY = 1e-12


@dataclass(frozen=True)
class Measure:
    """A figure and its 95 % bootstrap interval; None where it is undefined (the rank correlation of a constant)."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Metrics:
    """How well predictions meet labels; all on the 1 to 10 scale except r2, spearman and the calibration slope."""

    n: int
    mae: Measure
    rmse: Measure
    r2: Measure
    spearman: Measure
    calibration_slope: Measure
    calibration_intercept: Measure
    bias: Measure
    prediction_sd: float
    label_sd: float


@dataclass(frozen=True)
class IntervalQuality:
    """How honest a predictor's own intervals are: share of labels inside, mean width, and on how many tracks; `level` is what it promises."""

    level: float
    n: int
    coverage: Measure
    mean_width: float


@dataclass(frozen=True)
class Decile:
    """A tenth of the tracks by label: its number from 1, its labels, and how the predictions do on it."""

    number: int
    n: int
    lowest: float
    highest: float
    mean_label: float
    mean_predicted: float
    mae: float


def group_weights(groups: Sequence[str], resamples: int, seed: int) -> Array:
    """Bootstrap weights (resamples, n): how often each row is in a resample that draws whole groups with replacement.

    No row of weights, (0, n), for a single group: nothing tells how groups differ, so that no figure gets an interval.
    """
    keys, index = np.unique(np.asarray(groups), return_inverse=True)
    if len(keys) < 2:
        return np.empty((0, len(index)))
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(len(keys), np.full(len(keys), 1 / len(keys)), size=resamples).astype(float)
    return drawn[:, index]


def kept(weights: Array, covered: npt.NDArray[np.bool_]) -> Array:
    """The bootstrap weights of some of the rows; resamples that drew none of them are left out."""
    chosen = weights[:, covered]
    return np.asarray(chosen[chosen.sum(axis=1) > 0])


def measure(predicted: Array, actual: Array, weights: Array) -> Metrics:
    """All measures of one predictor; `predicted` and `actual` (n,), `weights` (resamples, n) from `group_weights`.

    MAE, RMSE; R2 against the mean label of the resample; Spearman with mid-ranks; calibration slope and intercept of the line of
    label on prediction (1 and 0 are right, a slope below 1 means that the predictions are spread too far); bias is the mean of
    prediction minus label.
    """
    whole = np.ones((1, len(actual)))
    error = predicted - actual

    def both(figure: Callable[[Array], Array]) -> Measure:
        return _measure(figure(whole)[0], figure(weights))

    def slope(w: Array) -> Array:
        return _ratio(_covariance(w, predicted, actual), _variance(w, predicted))

    return Metrics(
        n=len(actual),
        mae=both(lambda w: _mean(w, np.abs(error))),
        rmse=both(lambda w: np.sqrt(_mean(w, error**2))),
        r2=both(lambda w: 1 - _ratio(_mean(w, error**2), _variance(w, actual))),
        spearman=both(lambda w: _spearman(w, predicted, actual)),
        calibration_slope=both(slope),
        calibration_intercept=both(lambda w: _mean(w, actual) - slope(w) * _mean(w, predicted)),
        bias=both(lambda w: _mean(w, error)),
        prediction_sd=float(np.std(predicted)),
        label_sd=float(np.std(actual)),
    )


def mean_error(error: Array, weights: Array) -> Measure:
    """The mean of absolute errors (n,) with its interval: the MAE alone, for slices and for errors that are charged."""
    return _measure(float(error.mean()), _mean(weights, error))


def paired_mae_difference(predicted: Array, baseline: Array, actual: Array, weights: Array) -> Measure:
    """MAE of the predictions minus MAE of the baseline on the same tracks and the same resamples; below zero is better."""
    difference = np.abs(predicted - actual) - np.abs(baseline - actual)
    return _measure(float(difference.mean()), _mean(weights, difference))


def skill(error: Array, reference: Array, weights: Array) -> Measure:
    """1 - MAE / MAE of the reference on the same tracks, errors (n,): 0 is no better, 1 perfect; None when the reference never errs."""
    whole = np.ones((1, len(error)))

    def figure(w: Array) -> Array:
        return 1 - _ratio(_mean(w, error), _mean(w, reference))

    return _measure(float(figure(whole)[0]), figure(weights))


def interval_quality(low: Array, high: Array, actual: Array, weights: Array, level: float = 0.9) -> IntervalQuality:
    """Coverage and mean width of prediction intervals [low, high], all (n,) and finite; ends count as inside."""
    inside = ((low <= actual) & (actual <= high)).astype(float)
    return IntervalQuality(level, len(actual), mean_error(inside, weights), float(np.mean(high - low)))


def deciles(predicted: Array, actual: Array, tenths: int = 10) -> list[Decile]:
    """Errors by tenths of the tracks in order of their label, lowest first; fewer tenths when there are fewer than two tracks for each."""
    order = np.argsort(actual, kind="stable")
    parts = np.array_split(order, max(1, min(tenths, len(order) // 2)))
    return [
        Decile(
            number=number,
            n=len(rows),
            lowest=float(actual[rows].min()),
            highest=float(actual[rows].max()),
            mean_label=float(actual[rows].mean()),
            mean_predicted=float(predicted[rows].mean()),
            mae=float(np.abs(predicted[rows] - actual[rows]).mean()),
        )
        for number, rows in enumerate(parts, start=1)
    ]


def _measure(value: float, resampled: Array) -> Measure:
    if not np.isfinite(value):
        return Measure(None)
    defined = resampled[np.isfinite(resampled)]
    if len(defined) == 0 or len(defined) < len(resampled) / 2:
        return Measure(float(value))
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Measure(float(value), float(low), float(high))


def _mean(weights: Array, values: Array) -> Array:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _covariance(weights: Array, left: Array, right: Array) -> Array:
    left, right = left - left.mean(), right - right.mean()
    return _mean(weights, left * right) - _mean(weights, left) * _mean(weights, right)


def _variance(weights: Array, values: Array) -> Array:
    return _covariance(weights, values, values)


def _ratio(top: Array, bottom: Array) -> Array:
    return np.where(bottom > _EMPTY, top / np.where(bottom > _EMPTY, bottom, 1.0), np.nan)


def _spearman(weights: Array, left: Array, right: Array) -> Array:
    x, y = _mid_ranks(weights, left), _mid_ranks(weights, right)
    total = weights.sum(axis=1, keepdims=True)
    x, y = x - (weights * x).sum(axis=1, keepdims=True) / total, y - (weights * y).sum(axis=1, keepdims=True) / total
    spread = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
    return np.where(
        spread > _EMPTY, (weights * x * y).sum(axis=1) / np.sqrt(np.where(spread > _EMPTY, spread, 1.0)), np.nan
    )


def _mid_ranks(weights: Array, values: Array) -> Array:
    """Rank of each value in each resample, (resamples, n): a row that was drawn w times counts w times, ties share their middle."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    starts = np.cumsum(counts) - counts
    mass = np.add.reduceat(weights[:, np.argsort(index)], starts, axis=1)
    below = np.cumsum(mass, axis=1) - mass
    return np.asarray((below + mass / 2)[:, index])
