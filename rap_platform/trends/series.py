"""Figures per year with intervals that know that songs of one artist are alike, and slopes over years."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from rap_platform.trends.panel import MINIMUM_SONGS, Array, Panel

MINIMUM_YEARS = 3
CLUSTERS_FOR_SLOPES = 10
LEVEL = 0.95
FALSE_DISCOVERY_RATE = 0.05
Z = float(stats.norm.ppf((1 + LEVEL) / 2))


@dataclass(frozen=True)
class Point:
    """A year's figure with its 95 % interval; in a gap (too few songs or artists) value and interval are None.

    `effective` is how many songs of as many artists would say as much.
    """

    year: int
    songs: int
    artists: int
    effective: float
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Slope:
    """Change per ten years with its 95 % interval; `clear` after correction for the number of things looked at."""

    name: str
    per_decade: float
    low: float
    high: float
    p: float
    clear: bool


def points(panel: Panel) -> dict[str, list[Point]]:
    """Each series by year.

    Shares have Wilson's interval at the effective number of songs (Korn and Graubard 1998), means Student's with the variance of a
    song pooled over years.
    """
    counts, means, effects, spread = panel.by_year, panel.means, panel.design_effects, panel.variances
    student = float(stats.t.ppf((1 + LEVEL) / 2, max(1, int((panel.songs.sum(axis=1) > 0).sum()) - 1)))
    found: dict[str, list[Point]] = {}
    for k, name in enumerate(panel.names):
        line = []
        for t, year in enumerate(panel.years):
            effective, value = float(counts[t] / effects[k]), float(means[t, k])
            if math.isnan(value):
                interval: tuple[float | None, float | None, float | None] = (None, None, None)
            elif panel.kind == "share":
                interval = (value, *wilson(value * effective, effective))
            else:
                half = student * math.sqrt(spread[k] / effective)
                interval = (value, value - half, value + half)
            line.append(Point(int(year), int(counts[t]), int(panel.artists[t]), round(effective, 2), *interval))
        found[name] = line
    return found


def errors(panel: Panel) -> Array:
    """Standard error of each year's mean (T, K); infinite where there is no song. A share of 0 or 1 has an error too (Agresti and Coull 1998)."""
    effective = panel.by_year[:, None] / panel.design_effects
    if panel.kind == "share":
        held = (panel.sums.sum(axis=0) / panel.design_effects + 2) / (effective + 4)
        variance = held * (1 - held)
    else:
        variance = np.broadcast_to(panel.variances, effective.shape)
    return np.asarray(
        np.sqrt(np.divide(variance, effective, out=np.full(effective.shape, np.inf), where=effective > 0))
    )


def wilson(successes: float, count: float) -> tuple[float, float]:
    """Wilson's score interval of a share. Source: Wilson 1927."""
    share = min(1.0, max(0.0, successes / count))
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def enough_for_slopes(panel: Panel) -> bool:
    """Whether a slope means anything: three years of enough songs, by ten artists."""
    clusters = int((panel.songs.sum(axis=1) > 0).sum())
    return int((panel.by_year >= MINIMUM_SONGS).sum()) >= MINIMUM_YEARS and clusters >= CLUSTERS_FOR_SLOPES


def slopes(*panels: Panel) -> list[Slope]:
    """Least-squares slope of each series over years, every song counting once; steepest first.

    Errors are clustered by artist (songs of one artist are alike), intervals use t with artists - 1 degrees of freedom, and
    `clear` controls the false discovery rate over all series of the panels at 5 %. Sources: Liang and Zeger 1986; Benjamini and
    Hochberg 1995.
    """
    found: list[Slope] = []
    for panel in panels:
        if not panel.names or not enough_for_slopes(panel):
            continue
        slope, error, clusters = clustered(panel)
        half = stats.t.ppf((1 + LEVEL) / 2, clusters - 1) * error
        t = np.divide(slope, error, out=np.zeros_like(slope), where=error > 0)
        p = 2 * stats.t.sf(np.abs(t), clusters - 1)
        for k, name in enumerate(panel.names):
            low, middle, high = (float(10 * value) for value in (slope[k] - half[k], slope[k], slope[k] + half[k]))
            found.append(Slope(name, middle, low, high, float(p[k]), clear=False))
    adjusted = stats.false_discovery_control([one.p for one in found]) if found else []
    found = [replace(one, clear=bool(q <= FALSE_DISCOVERY_RATE)) for one, q in zip(found, adjusted, strict=True)]
    return sorted(found, key=lambda trend: trend.per_decade, reverse=True)


def clustered(panel: Panel) -> tuple[Array, Array, int]:
    """Slope per year (K,), its cluster-robust standard error (K,) and the number of clusters."""
    counts = panel.by_year
    total = counts.sum()
    x = panel.years - float(counts @ panel.years) / total
    spread = float(counts @ x**2)
    per_year = panel.sums.sum(axis=0)
    slope = x @ per_year / spread
    fitted = per_year.sum(axis=0) / total + np.outer(x, slope)
    score = np.einsum("t,atk->ak", x, panel.sums) - np.einsum("at,t,tk->ak", panel.songs, x, fitted)
    clusters = int((panel.songs.sum(axis=1) > 0).sum())
    return slope, np.sqrt((score**2).sum(axis=0) * clusters / max(1, clusters - 1)) / spread, clusters
