"""What the next years may bring: a damped local linear trend in state-space form, back-tested year by year against "same as last year"."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from rap_platform.trends.panel import Array, Ints, Panel
from rap_platform.trends.series import errors

AHEAD = 3  # years
LEVEL = 0.90
FIRST_ORIGIN = 8  # years that must be known before a year is forecast
ERRORS_KNOWN = 40  # before they say how wide an interval is
RESAMPLES = 2000
# What is chosen among: how fast the level wanders, the slope wanders, and how fast the slope dies; in standard errors of a year.
_WANDERS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_SLOPES = (0.0, 0.02, 0.05, 0.1, 0.2)
_DAMPING = 0.85
_WIDE = 1e4


@dataclass(frozen=True)
class Forecast:
    """What a series is expected to be in a year, with the 90 % interval of what will be counted."""

    name: str
    year: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class BackTest:
    """Forecasts of years that are known by now, each made from the years before it alone, `ahead` years on.

    `mae` and `naive_mae` are means over series and years; `ratio` is the first over the second with its 95 % interval (years drawn again);
    `coverage` is how often the 90 % interval held what came. None of them when nothing could be tested.
    """

    ahead: int
    forecasts: int
    mae: float | None
    naive_mae: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    coverage: float | None
    naive_coverage: float | None


@dataclass(frozen=True)
class Outlook:
    """The forecasts of a panel and how the method has done; `method` is model or naive, whichever is shown."""

    method: str
    reason: str
    backtests: list[BackTest]
    forecasts: list[Forecast]


@dataclass(frozen=True)
class _Lines:
    """Series on common years: what was seen (T, K), NaN in a gap, and its standard error (T, K)."""

    names: tuple[str, ...]
    years: Ints
    seen: Array
    error: Array


@dataclass(frozen=True)
class _Filtered:
    """One-sided results for every year t, series k and candidate g: forecasts `mean`, `variance` (AHEAD, T + 1, K, G) made before year t,
    and `fit` (T + 1, K, G), the log-likelihood of what was known by then."""

    mean: Array
    variance: Array
    fit: Array


@dataclass(frozen=True)
class _Tested:
    """What was forecast (AHEAD, T + 1, K), with the half width of its interval; NaN where nothing could be."""

    value: Array
    half: Array


def outlook(*panels: Panel, seed: int = 0) -> Outlook:
    """Forecasts of all series of some panels of one kind for the next AHEAD years.

    The state: a level that wanders and a slope that wanders and dies away (Gardner and McKenzie 1985), seen with the sampling error of
    each year's songs (Harvey 1989); a year that is a gap is missing. How much they wander is chosen for each year that is forecast by the
    likelihood of the years before it, the width of the intervals by the errors before it (as in split conformal prediction). Where the
    back-test does not show it to be better than "same as last year", that is what is forecast.
    """
    lines = _aligned(panels)
    if len(lines.years) <= FIRST_ORIGIN or not lines.names:
        return Outlook("none", f"that takes more than {FIRST_ORIGIN} years", [], [])
    seen = lines.seen
    model, naive = _model(seen, lines.error), _naive(seen)
    bounds = (0.0, 1.0) if panels[0].kind == "share" else (-np.inf, np.inf)
    tests = [_backtest(seen, model, naive, ahead, seed) for ahead in range(1, AHEAD + 1)]
    first = tests[0]
    better = first.ratio_high is not None and first.ratio_high < 1
    if not first.forecasts:
        return Outlook("none", "no year could be forecast from the years before it", tests, [])
    chosen = model if better else naive
    reason = (
        "its error is smaller than that of the same as last year"
        if better
        else 'no better than "same as last year" was shown, so that is what is forecast'
    )
    return Outlook("model" if better else "naive", reason, tests, _told(lines, chosen, bounds))


def _aligned(panels: Sequence[Panel]) -> _Lines:
    """The series of all panels over the years from the first to the last of any of them."""
    there = [panel for panel in panels if len(panel.years)]
    if not there:
        return _Lines((), np.zeros(0, np.int64), np.zeros((0, 0)), np.zeros((0, 0)))
    years = np.arange(min(int(panel.years[0]) for panel in there), max(int(panel.years[-1]) for panel in there) + 1)
    names = tuple(name for panel in there for name in panel.names)
    seen, error = np.full((len(years), len(names)), np.nan), np.full((len(years), len(names)), np.inf)
    column = 0
    for panel in there:
        rows = slice(int(panel.years[0] - years[0]), int(panel.years[-1] - years[0]) + 1)
        columns = slice(column, column + len(panel.names))
        seen[rows, columns], error[rows, columns] = panel.means, np.maximum(errors(panel), 1e-9)
        column += len(panel.names)
    return _Lines(names, years, seen, error)


def _told(lines: _Lines, chosen: _Tested, bounds: tuple[float, float]) -> list[Forecast]:
    found = []
    for k, name in enumerate(lines.names):
        for ahead in range(AHEAD):
            value, half = chosen.value[ahead, -1, k], chosen.half[ahead, -1, k]
            if np.isfinite(value) and np.isfinite(half):
                low, middle, high = (float(np.clip(v, *bounds)) for v in (value - half, value, value + half))
                found.append(Forecast(name, int(lines.years[-1]) + 1 + ahead, middle, low, high))
    return found


def _model(seen: Array, error: Array) -> _Tested:
    """The state-space forecasts; index t of the second axis is the origin: years before t are known, year t + ahead is forecast."""
    run = _filter(seen, error)
    best = run.fit.sum(axis=1).argmax(axis=-1)  # (T + 1,), one choice for the series of a panel, which are alike
    origins = np.arange(len(best))
    value = run.mean[:, origins, :, best].transpose(1, 0, 2)
    deviation = np.sqrt(run.variance[:, origins, :, best].transpose(1, 0, 2))
    return _Tested(value, deviation * _widening(seen, value, deviation)[:, :, None])


def _naive(seen: Array) -> _Tested:
    """The last year that was no gap; as wide as the errors that this has made."""
    years, count = seen.shape
    value = np.full((AHEAD, years + 1, count), np.nan)
    last = np.full(count, np.nan)
    for t in range(years + 1):
        value[:, t] = last
        if t < years:
            last = np.where(np.isfinite(seen[t]), seen[t], last)
    steps = np.abs(np.diff(seen, axis=0))
    scale = np.broadcast_to(
        np.maximum(1.48 * _median(steps, np.full(count, np.nan)), 1e-6), value.shape
    )  # of a normal variable
    return _Tested(value, scale * _widening(seen, value, scale)[:, :, None])


def _widening(seen: Array, value: Array, deviation: Array) -> Array:
    """How many deviations the 90 % interval is wide (AHEAD, T + 1): the quantile of the errors known at each origin, at least
    the normal's."""
    years = len(seen)
    least = float(stats.norm.ppf((1 + LEVEL) / 2))
    width = np.full(value.shape[:2], least)
    for ahead in range(AHEAD):
        off, unit = np.abs(seen[ahead:] - value[ahead, : years - ahead]), deviation[ahead, : years - ahead]
        scaled = np.divide(off, unit, out=np.full(off.shape, np.nan), where=unit > 0)
        for origin in range(FIRST_ORIGIN, years + 1):
            known = scaled[FIRST_ORIGIN - 4 : max(0, origin - ahead)]
            known = known[np.isfinite(known)]
            if len(known) >= ERRORS_KNOWN:
                width[ahead, origin] = max(least, np.quantile(known, min(1.0, LEVEL * (1 + 1 / len(known)))))
    return width


def _filter(seen: Array, error: Array) -> _Filtered:
    """The Kalman filter of all series under all candidates at once."""
    grid = np.array([(level, slope) for level in _WANDERS for slope in _SLOPES])
    years, count = seen.shape
    size = (count, len(grid))
    usual = np.maximum(
        _median(np.where(np.isfinite(error) & np.isfinite(seen), error, np.nan), np.full(count, 1e-6)), 1e-6
    )
    level_noise = np.broadcast_to((grid[:, 0] * usual[:, None]) ** 2, size)
    slope_noise = np.broadcast_to((grid[:, 1] * usual[:, None]) ** 2, size)
    first = np.array([_first(seen[:, k]) for k in range(count)])
    level = np.broadcast_to(first[:, None], size).copy()
    slope = np.zeros(size)
    p11 = np.broadcast_to(_WIDE * usual[:, None] ** 2, size).copy()
    p12, p22 = np.zeros(size), slope_noise.copy()
    mean, variance = np.zeros((AHEAD, years + 1, *size)), np.zeros((AHEAD, years + 1, *size))
    fit = np.zeros((years + 1, *size))
    for t in range(years + 1):
        a, b, q11, q12, q22 = level, slope, p11, p12, p22
        recent = error[max(0, t - 5) : t]
        noise = _median(np.where(np.isfinite(recent), recent, np.nan), usual) ** 2
        for ahead in range(AHEAD):
            mean[ahead, t], variance[ahead, t] = a, q11 + noise[:, None]
            a, b, q11, q12, q22 = _forward(a, b, q11, q12, q22, level_noise, slope_noise)
        if t == years:
            break
        fit[t + 1] = fit[t]
        there = np.isfinite(seen[t]) & np.isfinite(error[t])
        total = p11 + np.where(there, error[t], 1.0)[:, None] ** 2
        off = np.where(there, seen[t], 0.0)[:, None] - level
        if t >= 2:  # the first years place the level
            fit[t + 1] += np.where(there[:, None], -0.5 * (np.log(total) + off**2 / total), 0.0)
        gain1, gain2 = (np.where(there[:, None], p / total, 0.0) for p in (p11, p12))
        updated = (level + gain1 * off, slope + gain2 * off, p11 - gain1 * p11, p12 - gain1 * p12, p22 - gain2 * p12)
        level, slope, p11, p12, p22 = _forward(*updated, level_noise, slope_noise)
    return _Filtered(mean, variance, fit)


def _forward(
    a: Array, b: Array, p11: Array, p12: Array, p22: Array, level: Array, slope: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """One year on: level + damped slope, damped slope."""
    d = _DAMPING
    return a + d * b, d * b, p11 + 2 * d * p12 + d * d * p22 + level, d * p12 + d * d * p22, d * d * p22 + slope


def _first(line: Array) -> float:
    there = line[np.isfinite(line)]
    return float(there[0]) if len(there) else 0.0


def _median(values: Array, otherwise: Array) -> Array:
    there = np.isfinite(values).any(axis=0)
    found = otherwise.copy()
    if there.any():
        found[there] = np.nanmedian(values[:, there], axis=0)
    return found


def _backtest(seen: Array, model: _Tested, naive: _Tested, ahead: int, seed: int) -> BackTest:
    """All years from FIRST_ORIGIN on, forecast `ahead` years before; both methods on the same ones."""
    origins = np.arange(FIRST_ORIGIN, len(seen) - ahead + 1)
    actual = seen[origins + ahead - 1]
    known = (
        np.isfinite(actual)
        & np.isfinite(naive.value[ahead - 1, origins])
        & np.isfinite(model.value[ahead - 1, origins])
    )
    if not known.any():
        return BackTest(ahead, 0, None, None, None, None, None, None, None)
    off, off_naive = (np.where(known, np.abs(actual - one.value[ahead - 1, origins]), 0.0) for one in (model, naive))
    inside, inside_naive = (
        (np.abs(actual - one.value[ahead - 1, origins]) <= one.half[ahead - 1, origins])[known].mean()
        for one in (model, naive)
    )
    # Every series weighs as much as any other, whatever its unit.
    unit = off_naive.sum(axis=0) / np.maximum(1, known.sum(axis=0))
    unit = np.where(unit > 0, unit, 1.0)
    ours, theirs = (off / unit).sum(axis=1), (off_naive / unit).sum(axis=1)
    drawn = np.random.default_rng(seed).integers(0, len(origins), (RESAMPLES, len(origins)))
    below = theirs[drawn].sum(axis=1)
    ratios = ours[drawn].sum(axis=1)[below > 0] / below[below > 0]
    low, high = np.percentile(ratios, [2.5, 97.5]) if len(ratios) else (np.nan, np.nan)
    total = float(theirs.sum())
    return BackTest(
        ahead, int(known.sum()), float(off[known].mean()), float(off_naive[known].mean()),
        float(ours.sum() / total) if total else None, float(low) if total else None, float(high) if total else None,
        float(inside), float(inside_naive),
    )  # fmt: skip


def best_of(tests: Sequence[BackTest], ahead: int = 1) -> BackTest | None:
    """The back-test of forecasts so many years ahead."""
    return next((test for test in tests if test.ahead == ahead), None)
