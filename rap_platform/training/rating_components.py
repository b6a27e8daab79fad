"""How much of a mark is the track, the rater, the rater's taste and chance: variance components by restricted maximum likelihood.

rating = track + rater + taste (of this rater for this track) + noise. Tracks are fixed while the raters' spreads are estimated, so
that raters who choose their songs don't pass for generous or strict; the tracks' own spread comes second, from the labels.
Only repeats by the same rater tell taste from noise; without them the two are one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, sparse
from scipy.sparse import linalg

from rap_platform.training.rating_cells import Array, Cells

LEAST_REPEATS = 20  # below it taste and noise are not told apart
# Cost grows with the cube of the raters and with the tracks; beyond these the components are those of a part, the effects everybody's.
MOST_RATERS = 500
MOST_TRACKS = 5_000
DENSE = 4_000_000
_LOWEST, _HIGHEST = 1e-4, 1e2  # of a variance, in squared points


@dataclass(frozen=True)
class Components:
    """Variances in squared points: of tracks, of raters' effects, of taste (None: no repeats tell it) and of noise.

    Without repeats `noise` holds taste and noise together.
    """

    track: float
    rater: float
    taste: float | None
    noise: float

    @property
    def mark(self) -> float:
        """Variance of one mark around its track once the rater's effect is out."""
        return (self.taste or 0.0) + self.noise

    def of_cell(self, count: Array, slopes: Array | float = 1.0) -> Array:
        """Variance of the mean of `count` marks by one rater around the track, of a rater whose marks were divided by `slopes`."""
        return ((self.taste or 0.0) + self.noise / count) / np.square(slopes)


@dataclass(frozen=True)
class Effects:
    """Each rater's effect and its standard error, each track's label (unclipped) and its standard error, all in points."""

    rater: Array
    rater_se: Array
    label: Array
    label_se: Array


class _Equations:
    """Henderson's mixed-model equations of raters, the fixed tracks absorbed."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.shape = (len(cells.track_ids), len(cells.raters))
        self.dense = self.shape[0] * self.shape[1] <= DENSE

    def absorbed(self, weight: Array, rater_variance: float) -> tuple[Array, Array, Array, Array]:
        """Coefficients (raters, raters) and right-hand side, each track's weight and weighted mean."""
        cells = self.cells
        total = cells.by_track(weight)
        mean = cells.by_track(weight * cells.mean) / total
        left = np.diag(cells.by_rater(weight) + 1 / rater_variance) - self._crossed(weight, total)
        right = cells.by_rater(weight * (cells.mean - mean[cells.track]))
        return left, right, total, mean

    def passed_on(self, share: Array, inverse: Array) -> tuple[Array, Array]:
        """What the raters' errors add to each track's squared error, and their covariance with it in each cell."""
        reach = self._table(share) @ inverse
        between = np.asarray(reach[self.cells.track, self.cells.rater]).ravel()
        return self.cells.by_track(share * between), between

    def _crossed(self, weight: Array, total: Array) -> Array:
        table = self._table(weight / np.sqrt(total)[self.cells.track])
        product = table.T @ table
        return np.asarray(product if self.dense else product.toarray())

    def _table(self, values: Array) -> Any:
        if not self.dense:
            return sparse.csr_matrix((values, (self.cells.track, self.cells.rater)), self.shape)
        table = np.zeros(self.shape)
        table[self.cells.track, self.cells.rater] = values
        return table


def estimate(cells: Cells, slopes: Array | None = None, start: Components | None = None) -> Components | None:
    """Estimate the components by REML; None when the marks can't tell (nobody shares a track, fewer than two tracks).

    `slopes` (raters,) are those by which marks were divided. `start` is a guess from which to search.
    Source: Patterson and Thompson 1971; absorption after Henderson, Applications of Linear Models, 1984, ch. 13.
    """
    cells, slopes = _part(cells, np.ones(len(cells.raters)) if slopes is None else slopes)
    shared = cells.per_track[cells.track] > 1
    freedom = int(shared.sum()) - len(np.unique(cells.track[shared])) - (len(np.unique(cells.rater[shared])) - 1)
    if not shared.any() or freedom < 1 or len(cells.track_ids) < 2:
        return None
    inside = cells.take(shared)
    repeated = cells.repeat_df >= LEAST_REPEATS
    inner = slopes[np.unique(cells.rater[shared])][inside.rater]
    equations = _Equations(inside)

    found = optimize.minimize(
        lambda logs: _deviance(equations, _unpack(logs), inner, cells),
        np.log(_start(inside, cells, repeated, start)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(np.log(_LOWEST), np.log(_HIGHEST))] * (3 if repeated else 2),
        options={"ftol": 1e-8},
    )
    part = _unpack(found.x)
    return Components(_track_variance(cells, part, slopes), part.rater, part.taste, part.noise)


def _unpack(logs: Array) -> Components:
    rater, *taste, noise = (float(value) for value in np.exp(logs))
    return Components(0.0, rater, taste[0] if taste else None, noise)


def _deviance(equations: _Equations, part: Components, slopes: Array, whole: Cells) -> tuple[float, Array]:
    """Minus twice the restricted log-likelihood up to a constant, and its gradient by the logarithms of the variances."""
    cells = equations.cells
    variance = part.of_cell(cells.count, slopes)
    weight = 1 / variance
    left, right, total, mean = equations.absorbed(weight, part.rater)
    _, determinant = np.linalg.slogdet(left)
    inverse = np.asarray(np.linalg.inv(left), dtype=float)
    effect = inverse @ right
    squares = float(weight @ np.square(cells.mean - mean[cells.track]) - right @ effect)
    value = np.log(variance).sum() + np.log(total).sum() + determinant + len(right) * np.log(part.rater) + squares

    passed_on, between = equations.passed_on(weight / total[cells.track], inverse)
    uncertain = (1 / total + passed_on)[cells.track] + np.diag(inverse)[cells.rater] - 2 * between
    label = mean - cells.by_track(weight * effect[cells.rater]) / total
    residual = cells.mean - label[cells.track] - effect[cells.rater]
    by_variance = weight - np.square(weight) * (uncertain + np.square(residual))
    by_rater = len(right) - (np.trace(inverse) + effect @ effect) / part.rater
    by_noise = float(np.sum(by_variance * part.noise / cells.count / np.square(slopes)))
    if part.taste is None:
        return float(value), np.array([by_rater, by_noise])
    value += whole.repeat_df * np.log(part.noise) + whole.repeat_ss / part.noise
    by_noise += whole.repeat_df - whole.repeat_ss / part.noise
    by_taste = float(np.sum(by_variance * part.taste / np.square(slopes)))
    return float(value), np.array([by_rater, by_taste, by_noise])


def _start(inside: Cells, cells: Cells, repeated: bool, start: Components | None) -> Array:
    if start is not None and (start.taste is not None) == repeated:
        parts = [start.rater, *([start.taste] if start.taste is not None else []), start.noise]
        return np.clip(parts, 2 * _LOWEST, _HIGHEST / 2)
    means = inside.by_track(inside.mean) / inside.per_track
    within = float(np.sum((inside.mean - means[inside.track]) ** 2)) / max(1, len(inside.mean) - len(means))
    within = max(within, 0.01)
    noise = max(cells.repeat_ss / cells.repeat_df, 0.01) if repeated else within
    return np.clip([within / 4, *([max(within - noise, within / 4)] if repeated else []), noise], _LOWEST, _HIGHEST)


def _part(cells: Cells, slopes: Array) -> tuple[Cells, Array]:
    """As many raters and tracks as can be afforded: the raters with the most tracks, and every n-th track."""
    chosen = np.ones(len(cells.track), dtype=bool)
    if len(cells.raters) > MOST_RATERS:
        busiest = np.argsort(-cells.by_rater(np.ones(len(cells.rater))), kind="stable")[:MOST_RATERS]
        chosen &= np.isin(cells.rater, busiest)
    if len(cells.track_ids) > MOST_TRACKS:
        chosen &= cells.track % (len(cells.track_ids) // MOST_TRACKS + 1) == 0
    if chosen.all():
        return cells, slopes
    return cells.take(chosen), slopes[np.unique(cells.rater[chosen])]


def _track_variance(cells: Cells, part: Components, slopes: Array) -> float:
    """The tracks' variance by REML from their labels and the labels' errors."""
    found = effects(cells, part, slopes)
    squared = np.square(found.label_se)

    def deviance(log: float) -> float:
        weight = 1 / (np.exp(log) + squared)
        centre = np.sum(weight * found.label) / np.sum(weight)
        return float(np.log(np.sum(weight)) - np.sum(np.log(weight)) + np.sum(weight * np.square(found.label - centre)))

    best = optimize.minimize_scalar(deviance, bounds=(np.log(1e-6), np.log(_HIGHEST)), method="bounded")
    return float(np.exp(best.x))


def effects(cells: Cells, part: Components | None, slopes: Array | float = 1.0) -> Effects:
    """Best linear unbiased predictions of the raters' effects, and the labels: tracks' means with these effects out.

    An effect that the marks can't tell from the tracks (a rater alone on their tracks) stays zero. Effects average zero over
    all marks. Without components there are no effects and no standard errors (NaN).
    """
    if part is None:
        label = cells.by_track(cells.mean * cells.count) / cells.by_track(cells.count)
        return Effects(
            np.zeros(len(cells.raters)), np.full(len(cells.raters), np.nan), label, np.full_like(label, np.nan)
        )
    own = slopes[cells.rater] if isinstance(slopes, np.ndarray) else slopes
    weight = 1 / part.of_cell(cells.count, own)
    if len(cells.raters) > MOST_RATERS:
        rater, rater_se, label_se = _by_iteration(cells, weight, part.rater)
    else:
        rater, rater_se, label_se = _by_inverse(cells, weight, part.rater)
    rater = rater - np.average(rater, weights=cells.by_rater(cells.count))
    total = cells.by_track(weight)
    label = cells.by_track(weight * (cells.mean - rater[cells.rater])) / total
    return Effects(rater, rater_se, label, label_se)


def _by_inverse(cells: Cells, weight: Array, variance: float) -> tuple[Array, Array, Array]:
    equations = _Equations(cells)
    left, right, total, _ = equations.absorbed(weight, variance)
    inverse = np.asarray(np.linalg.inv(left), dtype=float)
    passed_on, _ = equations.passed_on(weight / total[cells.track], inverse)
    return inverse @ right, np.sqrt(np.diag(inverse)), np.sqrt(1 / total + passed_on)


def _by_iteration(cells: Cells, weight: Array, variance: float) -> tuple[Array, Array, Array]:
    """For thousands of raters, by conjugate gradients; the standard errors leave out what raters share."""
    total, own = cells.by_track(weight), cells.by_rater(weight)

    def left(effect: Array) -> Array:
        mean = cells.by_track(weight * effect[cells.rater]) / total
        return (own + 1 / variance) * effect - cells.by_rater(weight * mean[cells.track])

    mean = cells.by_track(weight * cells.mean) / total
    right = cells.by_rater(weight * (cells.mean - mean[cells.track]))
    operator = linalg.LinearOperator((len(own), len(own)), matvec=left)
    found, _ = linalg.cg(operator, right, rtol=1e-8, maxiter=1000, M=sparse.diags(1 / (own + 1 / variance)))
    return found, np.sqrt(1 / (own + 1 / variance)), np.sqrt(1 / total)
