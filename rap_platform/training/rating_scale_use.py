"""Raters who use the scale narrower or wider than others: a slope for each, where marks held out say that slopes help.

rating = middle + rater + slope x track + noise, the congeneric model of psychometrics (Joereskog 1971) with tracks, effects and slopes
random, fitted by expectation and maximisation. Marks are then divided by their rater's slope.
"""

from dataclasses import dataclass, replace

import numpy as np

from rap_platform.training.rating_cells import Array, Cells, Index
from rap_platform.training.rating_components import Components

LEAST_MARKS = 200  # on tracks with two raters or more
LEAST_OF_RATER = 10  # below it a rater's slope is 1
MOST_TRACKS = 3_000  # that the comparison looks at
FOLDS = 5
CONVINCING = 2.0  # standard errors by which slopes must predict better
NARROWEST, WIDEST = 0.3, 3.0
_ROUNDS, _TOLERANCE = 60, 2e-4


@dataclass(frozen=True)
class ScaleUse:
    """Each rater's slope (raters,), 1 where it is left out, and why it was taken or left out.

    `gain` is by how much slopes predict a held-out mark better, in nats a mark, `gain_se` its standard error over tracks.
    """

    slopes: Array
    used: bool
    reason: str
    gain: float | None = None
    gain_se: float | None = None


@dataclass(frozen=True)
class _Fit:
    middle: float
    effect: Array
    slope: Array
    spread: float  # variance of tracks
    scale: float  # of the noise, relative to what was assumed


def scale_use(cells: Cells, part: Components | None) -> ScaleUse:
    """Fit slopes and keep them if they predict held-out marks better by more than two standard errors."""
    ones = np.ones(len(cells.raters))
    shared = cells.per_track[cells.track] > 1
    if part is None or int(shared.sum()) < LEAST_MARKS:
        return ScaleUse(ones, False, f"left out: fewer than {LEAST_MARKS} marks on tracks that raters share")
    inside = cells.take(shared)
    gain, gain_se = _gain(inside, part)
    told = f"held-out marks are predicted better by {gain:.4f} nats each (standard error {gain_se:.4f})"
    if not gain > CONVINCING * gain_se:
        return ScaleUse(ones, False, f"left out: {told}, which is not convincing", gain, gain_se)
    fitted = _fit(inside, part, slopes=True)
    known = np.unique(cells.rater[shared])
    slopes = ones.copy()
    slopes[known] = np.where(inside.by_rater(np.ones(len(inside.rater))) >= LEAST_OF_RATER, fitted.slope, 1.0)
    return ScaleUse(slopes, True, f"used: {told}", gain, gain_se)


def rescaled(cells: Cells, use: ScaleUse) -> Cells:
    """The cells with their rater's slope out, around the mean of all marks; their squares stay in points as given."""
    if not use.used:
        return cells
    middle = np.average(cells.mean, weights=cells.count)
    mean = middle + (cells.mean - middle) / use.slopes[cells.rater]
    return replace(cells, mean=mean)


def _fit(cells: Cells, part: Components, *, slopes: bool) -> _Fit:
    weight = 1 / part.of_cell(cells.count)
    middle = float(np.average(cells.mean, weights=weight))
    effect, slope = np.zeros(len(cells.raters)), np.ones(len(cells.raters))
    spread, scale, rater_variance, slope_variance = part.track, 1.0, max(part.rater, 1e-3), 0.01
    busy = cells.by_rater(weight)
    for _ in range(_ROUNDS):
        centre, variance = _tracks(cells, _Fit(middle, effect, slope, spread, scale), weight)
        own, own_variance = centre[cells.track], variance[cells.track]
        precise = weight / scale
        target = cells.mean - middle
        s0, s1, s2 = (cells.by_rater(precise * part_) for part_ in (np.ones_like(own), own, own**2 + own_variance))
        y0, y1 = cells.by_rater(precise * target), cells.by_rater(precise * own * target)
        before = slope
        if slopes:
            a, d = s0 + 1 / rater_variance, s2 + 1 / slope_variance
            determinant = a * d - s1**2
            r1 = y1 + 1 / slope_variance
            effect, slope = (d * y0 - s1 * r1) / determinant, (a * r1 - s1 * y0) / determinant
            slope = np.clip(slope / np.average(slope, weights=busy), NARROWEST, WIDEST)
            slope_variance = max(1e-4, float(np.mean((slope - 1) ** 2 + a / determinant)))
        else:
            effect = (y0 - s1) / (s0 + 1 / rater_variance)
        shift = float(np.average(effect, weights=busy))
        effect, middle = effect - shift, middle + shift
        rater_variance = max(1e-3, float(np.mean(effect**2 + 1 / (s0 + 1 / rater_variance))))
        spread = float(np.mean(centre**2 + variance))
        off = cells.mean - middle - effect[cells.rater] - slope[cells.rater] * own
        scale = float(np.mean(weight * (off**2 + slope[cells.rater] ** 2 * own_variance)))
        if slopes and float(np.max(np.abs(slope - before))) < _TOLERANCE:
            break
    return _Fit(middle, effect, slope, spread, scale)


def _tracks(cells: Cells, fitted: _Fit, weight: Array) -> tuple[Array, Array]:
    """Mean and variance of each track, given the raters."""
    slope = fitted.slope[cells.rater]
    off = cells.mean - fitted.middle - fitted.effect[cells.rater]
    precision = cells.by_track(slope**2 * weight) / fitted.scale + 1 / fitted.spread
    return cells.by_track(slope * weight * off) / fitted.scale / precision, 1 / precision


def _gain(cells: Cells, part: Components) -> tuple[float, float]:
    """Mean of log p(mark | slopes) - log p(mark | no slopes) over held-out marks, and its standard error over tracks."""
    if len(cells.track_ids) > MOST_TRACKS:
        cells = cells.take(cells.track % (len(cells.track_ids) // MOST_TRACKS + 1) == 0)
    fold = np.random.default_rng(0).integers(FOLDS, size=len(cells.track))
    gained = np.zeros(len(cells.track))
    for number in range(FOLDS):
        out = fold == number
        kept = cells.take(~out)
        track, rater = _places(cells, kept)
        known = out & (track[cells.track] >= 0) & (rater[cells.rater] >= 0)
        at, by = track[cells.track[known]], rater[cells.rater[known]]
        told = [_density(cells, known, at, by, kept, _fit(kept, part, slopes=slopes), part) for slopes in (True, False)]
        gained[known] = told[0] - told[1]
    mean = float(np.mean(gained))
    per_track = cells.by_track(gained - mean)
    return mean, float(np.sqrt(np.sum(per_track**2)) / len(gained))


def _places(cells: Cells, kept: Cells) -> tuple[Index, Index]:
    """Where the tracks and raters of `cells` stand in `kept`; -1 where nothing of them was kept."""
    track = np.full(len(cells.track_ids), -1)
    track[np.searchsorted(cells.track_ids, kept.track_ids)] = np.arange(len(kept.track_ids))
    rater = np.full(len(cells.raters), -1)
    numbers = {name: number for number, name in enumerate(cells.raters)}
    rater[[numbers[name] for name in kept.raters]] = np.arange(len(kept.raters))
    return track, rater


def _density(cells: Cells, known: Array, at: Index, by: Index, kept: Cells, fitted: _Fit, part: Components) -> Array:
    centre, variance = _tracks(kept, fitted, 1 / part.of_cell(kept.count))
    slope = fitted.slope[by]
    mean = fitted.middle + fitted.effect[by] + slope * centre[at]
    spread = slope**2 * variance[at] + part.of_cell(cells.count[known]) * fitted.scale
    return np.asarray(-0.5 * (np.log(2 * np.pi * spread) + (cells.mean[known] - mean) ** 2 / spread))
