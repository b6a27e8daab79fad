"""Statistics of agreement, for many weightings of the same tracks at once; no names of analysts, no reports.

A weighting says how often each track counts: ones for the estimate, an artist's draws for a bootstrap sample. Weights are float64
(w, n) whole numbers; every figure comes back as (w,), nan where it is not defined.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypedDict

import numpy as np
import numpy.typing as npt

RESAMPLES: Final = 1000
SEED: Final = 13
BLOCK: Final = 2_000_000  # numbers of a block of weightings, so that memory does not grow with the tracks
MOST_SETS: Final = 2_000  # tracks whose sets are compared each with each

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


class Interval(TypedDict):
    """A figure and its 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


def interval(figure: Callable[[Floats], Floats], artists: Codes) -> Interval:
    """The figure over all tracks, and the percentile interval of a bootstrap over artists; no interval with fewer than two artists."""
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = float(figure(np.ones((1, len(artists))))[0])
        if not np.isfinite(estimate):
            return {"value": None, "low": None, "high": None}
        values = np.concatenate([figure(block) for block in resamples(artists)] or [np.empty(0)])
    values = values[np.isfinite(values)]
    if not len(values):
        return {"value": round(estimate, 3), "low": None, "high": None}
    low, high = np.percentile(values, [2.5, 97.5])
    return {"value": round(estimate, 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def resamples(artists: Codes) -> Iterator[Floats]:
    """Blocks of weightings: as many artists as there are, drawn with replacement, all tracks of an artist together."""
    count = int(artists.max()) + 1 if len(artists) else 0
    if count < 2:
        return
    rng = np.random.default_rng(SEED)
    step = max(1, BLOCK // len(artists))
    for start in range(0, RESAMPLES, step):
        draws = rng.multinomial(count, np.full(count, 1 / count), size=min(step, RESAMPLES - start))
        yield draws[:, artists].astype(np.float64)


def codes(values: Sequence[Hashable]) -> Codes:
    """Each value as a whole number from 0, equal values alike."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], dtype=np.int64)


def spearman(a: Floats, b: Floats, weights: Floats) -> Floats:
    """Rank correlation, ties averaged; nan when a side is constant."""
    left, right = _centred(ranks(a, weights), weights), _centred(ranks(b, weights), weights)
    together = (weights * left * right).sum(axis=1)
    return np.asarray(together / np.sqrt((weights * left**2).sum(axis=1) * (weights * right**2).sum(axis=1)))


def ranks(values: Floats, weights: Floats) -> Floats:
    """The mean rank (w, n) of each value among all, every value counted as often as its weight says."""
    distinct, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(distinct)))
    sizes = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = np.cumsum(sizes, axis=1) - sizes + (sizes + 1) / 2
    return np.asarray(middle[:, group])


def _centred(values: Floats, weights: Floats) -> Floats:
    centred = values - ((weights * values).sum(axis=1) / weights.sum(axis=1))[:, None]
    return np.where(np.abs(centred) < 1e-9, 0.0, centred)


def kappa(a: Codes, b: Codes, size: int, weights: Floats) -> Floats:
    """Cohen's kappa of labels 0 to size - 1; nan when chance alone explains everything (both always say the same one thing)."""
    cells = a * size + b
    counts = np.stack([np.bincount(cells, row, size * size) for row in weights]).reshape(-1, size, size)
    shares = counts / counts.sum(axis=(1, 2), keepdims=True)
    chance = (shares.sum(axis=2) * shares.sum(axis=1)).sum(axis=1)
    chance = np.where(chance > 1 - 1e-12, np.nan, chance)
    return np.asarray((np.trace(shares, axis1=1, axis2=2) - chance) / (1 - chance))


def alpha_nominal(counts: Floats, weights: Floats) -> Floats:
    """Krippendorff's alpha of labels; `counts` (n, k) is how many analysts gave a track each label, two at least.

    Krippendorff, Computing Krippendorff's alpha-reliability, 2011.
    """
    said = counts.sum(axis=1)
    apart = (said**2 - (counts**2).sum(axis=1)) / (said - 1)
    totals = weights @ counts
    everything = totals.sum(axis=1)
    return _alpha(weights @ apart, (everything**2 - (totals**2).sum(axis=1)) / (everything - 1))


def alpha_interval(values: Floats, weights: Floats) -> Floats:
    """Krippendorff's alpha of scores, by squared difference; `values` (n, analysts) has nan where an analyst said nothing."""
    said = np.isfinite(values).sum(axis=1).astype(np.float64)
    sums, squares = np.nansum(values, axis=1), np.nansum(values**2, axis=1)
    apart = 2 * (said * squares - sums**2) / (said - 1)
    everything = weights @ said
    expected = 2 * (everything * (weights @ squares) - (weights @ sums) ** 2) / (everything - 1)
    return _alpha(weights @ apart, expected)


@dataclass(frozen=True)
class SetUnits:
    """Sets that analysts gave: `counts` (n, s) of each distinct set, their MASI `distances` (s, s), what is `apart` within a track (n,)."""

    counts: Floats
    distances: Floats
    apart: Floats

    @classmethod
    def of(cls, units: Sequence[Sequence[Iterable[str]]], names: Sequence[str]) -> Self:
        """From the sets of names that each track was given."""
        given = [[frozenset(one) for one in unit] for unit in units]
        distinct = {one: place for place, one in enumerate(dict.fromkeys(one for unit in given for one in unit))}
        distances = masi(members(list(distinct), names))
        counts = np.zeros((len(units), len(distinct)))
        apart = np.zeros(len(units))
        for place, unit in enumerate(given):
            found = np.array([distinct[one] for one in unit])
            np.add.at(counts[place], found, 1)
            apart[place] = distances[np.ix_(found, found)].sum() / (len(found) - 1)
        return cls(counts, distances, apart)


def alpha_sets(units: SetUnits, weights: Floats) -> Floats:
    """Krippendorff's alpha of sets, by MASI distance."""
    totals = weights @ units.counts
    everything = totals.sum(axis=1)
    return _alpha(weights @ units.apart, ((totals @ units.distances) * totals).sum(axis=1) / (everything - 1))


def _alpha(observed: Floats, expected: Floats) -> Floats:
    return np.asarray(1 - observed / np.where(expected > 1e-9, expected, np.nan))


def members(sets: Sequence[Iterable[str]], names: Sequence[str]) -> Floats:
    """Sets as rows of zeros and ones over the names."""
    place = {name: number for number, name in enumerate(names)}
    found = np.zeros((len(sets), len(names)))
    for row, one in enumerate(sets):
        found[row, [place[name] for name in one]] = 1
    return found


def jaccard(a: Floats, b: Floats) -> Floats:
    """What sets share over what either has, row by row; two empty sets share everything."""
    both, either = (a * b).sum(axis=1), np.maximum(a, b).sum(axis=1)
    return np.where(either > 0, both / np.where(either > 0, either, 1), 1.0)


def masi(sets: Floats) -> Floats:
    """Distance of each set from each, 0 to 1: 1 - Jaccard times 1, 2/3 (one holds the other), 1/3 (overlap) or 0. Passonneau 2006."""
    shared = sets @ sets.T
    sizes = sets.sum(axis=1)
    either = sizes[:, None] + sizes[None, :] - shared
    alike = np.where(either > 0, shared / np.where(either > 0, either, 1), 1.0)
    inside = shared == np.minimum(sizes[:, None], sizes[None, :])
    weight = np.where(alike == 1, 1.0, np.where(inside & (shared > 0), 2 / 3, np.where(shared > 0, 1 / 3, 0.0)))
    return np.asarray(1 - alike * weight)
