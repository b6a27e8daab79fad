"""Years in which a series jumps although everything smooth about it is allowed for: change points with p values and intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import stats

from rap_platform.trends.panel import Array, Ints, Panel

DEGREES = 6  # polynomials of degree 0 to 5 stand for what drifts
EDGE = 3  # years with songs before and after a change
MINIMUM_YEARS = 12
FALSE_JUMPS = 0.01  # share of the jumps that are told
DRAWS = 3999
MOST_CHANGES = 3
# Smooth fashions that no polynomial follows gain that much in one series of a hundred: measured on worlds in which nothing jumps.
LEAST_GAIN = 16.0
LEAST_LEFT = 0.5
NEAR = 2  # years between a jump and its echo
LEAST_JUMP = {"share": 0.05, "mean": 0.2}  # of the songs; in standard deviations of a song
_KEPT = 1e-3  # of a step must be left when what drifts is taken out of it


@dataclass(frozen=True)
class Change:
    """A jump of a series: `year` is the first one after it, with a 95 % interval; `before` and `after` are the fitted levels on its two sides.

    `p` is of there being no jump, `jump` is after - before with its 95 % interval given the year. `beside` names a series that jumps more
    clearly in about the same year; this is its `echo` when it is not to be seen among the songs without that one.
    """

    name: str
    year: int
    year_low: int
    year_high: int
    before: float
    after: float
    jump: float
    jump_low: float
    jump_high: float
    p: float
    beside: str | None = None
    echo: bool = False


@dataclass(frozen=True)
class _Line:
    """A series over its years with enough songs: means (U,), songs (U,), residual sums by block (A, U) are made from `songs`, `sums`; `least` is the
    smallest jump that is told."""

    name: str
    years: Ints
    means: Array
    counts: Array
    songs: Array
    sums: Array
    dispersion: float
    least: float


def changes(*panels: Panel, seed: int = 0, draws: int = DRAWS) -> list[Change]:
    """The change points of all series of some panels, most certain first; none where fewer than MINIMUM_YEARS years have songs enough.

    A likelihood-ratio scan: the best polynomial with a step against the best polynomial without, both chosen by BIC, years weighted by
    their songs, so that a step has to say more than any drift. p is of so great a gain from noise alone: a wild bootstrap that flips the
    residuals of an artist together (Cameron, Gelbach and Miller 2008), so that artists' habits make no jumps; the false discovery rate
    over the series is held at FALSE_JUMPS (Benjamini and Hochberg 1995).
    Further jumps of a series are looked for one after the other given those found (Bai and Perron 1998). A jump smaller than
    LEAST_JUMP is not reported.
    """
    chance = np.random.default_rng(seed)
    lines = [
        line for panel in panels if int(panel.enough.sum()) >= MINIMUM_YEARS for line in _lines(panel, panel.enough)
    ]
    signs = chance.choice(np.array([-1.0, 1.0]), size=(draws, max((len(line.songs) for line in lines), default=0)))
    found: dict[int, tuple[list[int], list[float]]] = {k: ([], []) for k in range(len(lines))}
    candidates = list(found)
    for _ in range(MOST_CHANGES):
        if not candidates:
            break
        tested = [_test(lines[k], found[k][0], signs) for k in candidates]
        adjusted = stats.false_discovery_control([p for p, _ in tested])
        accepted = [(k, *one) for k, one, q in zip(candidates, tested, adjusted, strict=True) if q <= FALSE_JUMPS]
        for k, p, at in accepted:
            found[k][0].append(at)
            found[k][1].append(p)
        candidates = [k for k, _, _ in accepted]
    told = [
        change
        for k, (steps, ps) in found.items()
        for change in _described(lines[k], steps, ps, signs)
        if abs(change.jump) >= lines[k].least
    ]
    return sorted(told, key=lambda change: (change.p, -abs(change.jump), change.name))


def told_apart(found: Sequence[Change], without: Callable[[str], Panel] | None = None) -> list[Change]:
    """The changes with those marked that stand beside a clearer one, at most NEAR years away: shares of one year are tied to one another.

    `without` gives the panel of the songs that do not hold a series: songs that take up a theme leave less room for others. What is not
    clear among them, smaller than LEAST_JUMP, or less than LEAST_LEFT of what it was, is an echo.
    """
    told: list[Change] = []
    for change in sorted(found, key=lambda one: -abs(one.jump) / max(1e-9, one.jump_high - one.jump_low)):
        leader = next(
            (
                one.name
                for one in told
                if one.beside is None and one.name != change.name and abs(one.year - change.year) <= NEAR
            ),
            None,
        )
        echo = leader is not None and without is not None and not _survives(change, without(leader))
        told.append(replace(change, beside=leader, echo=echo))
    return sorted(told, key=lambda one: (one.beside is not None, one.p, -abs(one.jump), one.name))


def _survives(change: Change, panel: Panel) -> bool:
    keep = panel.enough
    line = next((line for line in _lines(panel, keep) if line.name == change.name), None)
    if line is None or int(keep.sum()) < MINIMUM_YEARS:
        return True
    at = int(np.searchsorted(line.years, change.year))
    if at not in _places(line, []):
        return True
    _, _, degree = _scan(line, line.means[None], [])
    base = _smooth(line, int(degree[0]), [])
    near = [other for other in _places(line, []) if abs(other - at) <= 1]
    heights = [(float(_jump(line, base, other, line.means[None])[0]), _step_error(line, base, other)) for other in near]
    height, error = max(heights, key=lambda one: one[0] * np.sign(change.jump))
    least = max(line.least, LEAST_LEFT * abs(change.jump), 1.96 * error)
    return bool(height * np.sign(change.jump) >= least)


def _step_error(line: _Line, base: Array, at: int) -> float:
    """Standard error of a step's height beside the base, years weighted by their songs."""
    raw = np.sqrt(line.counts) * (line.years >= line.years[at])
    rest = raw - base @ (base.T @ raw)
    return float(np.sqrt(line.dispersion / (rest @ rest)))


def _lines(panel: Panel, keep: npt.NDArray[np.bool_]) -> list[_Line]:
    means, dispersion = panel.means[keep], panel.variances * panel.design_effects
    songs, counts = panel.songs[:, keep], panel.by_year[keep]
    unit = np.ones(len(panel.names)) if panel.kind == "share" else np.sqrt(panel.variances)
    return [
        _Line(
            name, panel.years[keep], means[:, k], counts, songs, panel.sums[:, keep, k],
            max(float(dispersion[k]), 1e-12), LEAST_JUMP[panel.kind] * float(unit[k]),
        )
        for k, name in enumerate(panel.names)
    ]  # fmt: skip


def _smooth(line: _Line, degree: int, steps: Sequence[int]) -> Array:
    """Orthonormal columns (U, degree + 1 + steps) of a weighted polynomial and the steps that are known."""
    x = 2 * (line.years - line.years[0]) / (line.years[-1] - line.years[0]) - 1
    columns = np.polynomial.legendre.legvander(x, degree)
    jumps = np.array([line.years >= line.years[at] for at in steps], dtype=float).reshape(len(steps), len(x)).T
    return np.linalg.qr(np.sqrt(line.counts)[:, None] * np.hstack([columns, jumps]))[0]


def _places(line: _Line, steps: Sequence[int]) -> list[int]:
    """Where a step may be: EDGE years from either end and from the steps that are known."""
    ends = [0, *sorted(steps), len(line.years)]
    return [at for left, right in pairwise(ends) for at in range(left + EDGE, right - EDGE + 1)]


def _directions(line: _Line, base: Array, places: Sequence[int]) -> Array:
    """Unit columns (U, places) of the steps as far as the base cannot imitate them; zero where it nearly can."""
    root = np.sqrt(line.counts)
    raw = root[:, None] * np.array([line.years >= line.years[at] for at in places], dtype=float).T
    rest = raw - base @ (base.T @ raw)
    left, whole = (rest**2).sum(axis=0), (raw**2).sum(axis=0)
    return np.where(left > _KEPT * whole, rest / np.sqrt(np.maximum(left, 1e-300)), 0.0)


def _scan(line: _Line, series: Array, steps: Sequence[int]) -> tuple[Array, Array, Array]:
    """For each of the series (B, U): the gain in BIC of the best step, its place, and its polynomial's degree."""
    places = _places(line, steps)
    scaled = series * np.sqrt(line.counts)
    total, penalty = (scaled**2).sum(axis=1), np.log(len(line.years))
    without, with_step, at, degrees = [], [], [], []
    for degree in range(DEGREES):
        base = _smooth(line, degree, steps)
        rest = (total - ((scaled @ base) ** 2).sum(axis=1)) / line.dispersion + penalty * degree
        gains = (scaled @ _directions(line, base, places)) ** 2 / line.dispersion
        best = gains.argmax(axis=1)
        without.append(rest)
        with_step.append(rest - gains[np.arange(len(best)), best])
        at.append(best)
    chosen = np.argmin(with_step, axis=0)
    degrees = chosen
    rows = np.arange(len(series))
    gain = np.min(without, axis=0) - np.asarray(with_step)[chosen, rows]
    return gain, np.asarray(places)[np.asarray(at)[chosen, rows]], degrees


def _fitted(line: _Line, degree: int, steps: Sequence[int]) -> Array:
    base = _smooth(line, degree, steps)
    root = np.sqrt(line.counts)
    return np.asarray(base @ (base.T @ (root * line.means)) / root)


def _noise(line: _Line, fitted: Array, signs: Array) -> Array:
    """Draws (B, U) of what artists add to the means of the years: their residual sums with the signs flipped."""
    residual = line.sums - line.songs * fitted
    return np.asarray(signs[:, : len(residual)] @ residual / line.counts)


def _test(line: _Line, steps: Sequence[int], signs: Array) -> tuple[float, int]:
    """p of there being no further step, and where the best one is."""
    if not _places(line, steps) or np.ptp(line.means) == 0:
        return 1.0, 0
    gain, at, degree = _scan(line, line.means[None], steps)
    if gain[0] < LEAST_GAIN:
        return 1.0, 0
    fitted = _fitted(line, int(degree[0]), [*steps, int(at[0])])
    drawn, _, _ = _scan(line, _noise(line, fitted, signs), steps)
    return float(1 + (drawn >= gain[0]).sum()) / (1 + len(signs)), int(at[0])


def _described(line: _Line, steps: Sequence[int], ps: Sequence[float], signs: Array) -> list[Change]:
    """The steps that were found, each placed anew given the others, with intervals from draws around the fit."""
    placed = list(steps)
    for number in range(len(placed)):
        others = placed[:number] + placed[number + 1 :]
        if others and _places(line, others):
            placed[number] = int(_scan(line, line.means[None], others)[1][0])
    told = []
    for number, at in enumerate(placed):
        others = placed[:number] + placed[number + 1 :]
        _, _, degree = _scan(line, line.means[None], others)
        fitted = _fitted(line, int(degree[0]), placed)
        around = fitted + _noise(line, fitted, signs[: len(signs) // 2])
        places = _places(line, others)
        base = _smooth(line, int(degree[0]), others)
        scaled = around * np.sqrt(line.counts)
        years = line.years[np.asarray(places)[((scaled @ _directions(line, base, places)) ** 2).argmax(axis=1)]]
        low, high = np.percentile(years, [2.5, 97.5])
        jump = _jump(line, base, at, line.means[None])[0]
        drawn = _jump(line, base, at, around)
        half = 1.96 * float(drawn.std())
        told.append(
            Change(
                line.name,
                int(line.years[at]),
                int(min(low, line.years[at])),
                int(max(high, line.years[at])),
                float(fitted[at] - jump),
                float(fitted[at]),
                float(jump),
                float(jump - half),
                float(jump + half),
                ps[number],
            )
        )
    return told


def _jump(line: _Line, base: Array, at: int, series: Array) -> Array:
    """Least-squares height (B,) of a step beside the base."""
    root = np.sqrt(line.counts)
    raw = root * (line.years >= line.years[at])
    rest = raw - base @ (base.T @ raw)
    return np.asarray((series * root) @ rest / (rest @ rest))
