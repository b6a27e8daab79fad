"""Columns that know the label: those that explain it better than anything honest could. Pure: a frame and labels in, suspects out."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd

# Where the raters don't say how far labels can be known: nothing that a text shows goes with a rating as closely as this.
HIGHEST = 0.97
# Chance of one false alarm among all columns together.
LEVEL = 0.01
MEASURES = 3
NEIGHBOURS = 2
LEAST_ROWS = 10

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Suspect:
    """A column and how strongly it goes with the label: a rank correlation, 0..1."""

    column: str
    strength: float


def suspicious(x: pd.DataFrame, y: Array, *, ceiling: float | None) -> list[Suspect]:
    """Columns of `x` (n, p) that explain the labels `y` (n,) better than the noise of the labels lets an honest one, strongest first.

    `ceiling` is the correlation of the truth itself with the labels, the square root of their reliability (Spearman's correction
    for attenuation, 1904), at most 0.97, which None counts as. A column is a suspect when it goes with the labels more closely than
    the truth itself can, for certain: when the lower end of the one-sided 99 % interval of its strength is above the ceiling
    (Fisher's z, Bonferroni over columns and measures). Strength is the largest of
    three rank correlations of the label: with the column, where it has a value (a label, a monotone function of one, an id that
    sorts by it); with the mean label of the next rows in the order of the column (any smooth function); with the mean label of the
    other rows of the same value (codes in any order, missing values that know). Fewer than ten rows show nothing.
    """
    if len(y) < LEAST_ROWS:
        return []
    bar = HIGHEST if ceiling is None else min(HIGHEST, ceiling)
    margin = NormalDist().inv_cdf(1 - LEVEL / max(1, MEASURES * x.shape[1]))
    labels = _ranks(np.asarray(y, dtype=float))
    lots = np.random.default_rng(0).permutation(len(y))  # equal values must not stand in the order of the rows
    found = []
    for column in x.columns:
        values = x[column].to_numpy(dtype=float)
        strengths = [
            _monotone(values, np.asarray(y, dtype=float)),
            _by_neighbours(values, labels, lots),
            _by_equals(values, labels),
        ]
        sure = max(_lower_end(strength, rows, margin) for strength, rows in strengths)
        if sure > bar:
            found.append(Suspect(str(column), round(max(strength for strength, _ in strengths), 4)))
    return sorted(found, key=lambda suspect: (-suspect.strength, suspect.column))


def _lower_end(strength: float, rows: int, margin: float) -> float:
    return math.tanh(math.atanh(min(strength, 1 - 1e-12)) - margin / math.sqrt(max(1, rows - 3)))


def _monotone(values: Array, y: Array) -> tuple[float, int]:
    present = np.isfinite(values)
    if present.sum() < LEAST_ROWS:
        return 0.0, 0
    return abs(_correlation(_ranks(values[present]), _ranks(y[present]))), int(present.sum())


def _by_neighbours(values: Array, labels: Array, lots: npt.NDArray[np.int64]) -> tuple[float, int]:
    """Correlation of each label with the mean label of the two rows before and the two after it in the order of the column."""
    ordered = labels[np.lexsort((lots, values))]
    padded = np.concatenate([np.full(NEIGHBOURS, np.nan), ordered, np.full(NEIGHBOURS, np.nan)])
    shifts = [s for s in range(2 * NEIGHBOURS + 1) if s != NEIGHBOURS]
    around = np.nanmean(np.stack([padded[s : s + len(ordered)] for s in shifts]), axis=0)
    return max(0.0, _correlation(around, ordered)), len(ordered)


def _by_equals(values: Array, labels: Array) -> tuple[float, int]:
    """Correlation of each label with the mean label of the other rows of the same value, where there are others.

    As a share of what values that knew all of it would reach: two values, however telling, can't go beyond 0.87.
    """
    _, value = np.unique(values, return_inverse=True)
    others = np.bincount(value)[value] - 1
    shared = others > 0
    if shared.sum() < LEAST_ROWS:
        return 0.0, 0
    means = (np.bincount(value, labels)[value] - labels) / np.maximum(1, others)
    reached = _correlation(means[shared], labels[shared])
    return min(1.0, max(0.0, reached) / max(_best_of_groups(value, labels), 1e-12)), int(shared.sum())


def _best_of_groups(value: npt.NDArray[np.int64], labels: Array) -> float:
    """The correlation of the labels with the means of groups of these sizes that cut them into ranges."""
    sizes = np.bincount(value)
    order = np.argsort(np.bincount(value, labels) / sizes)
    groups = np.repeat(np.arange(len(sizes)), sizes[order])
    ordered = np.sort(labels)
    return _correlation((np.bincount(groups, ordered) / sizes[order])[groups], ordered)


def _ranks(values: Array) -> Array:
    return np.asarray(pd.Series(values).rank(), dtype=float)


def _correlation(one: Array, other: Array) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
