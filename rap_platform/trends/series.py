"""Figures per year with their uncertainty, and slopes over years. Plain numbers in and out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]
MINIMUM_SONGS = 5
MINIMUM_YEARS = 3
MINIMUM_ARTISTS = 10
LEVEL = 0.95
FALSE_DISCOVERY_RATE = 0.05


@dataclass(frozen=True)
class Song:
    """What a trend sees of a song; lists are None when nobody analysed it."""

    track_id: int
    artist_id: int
    year: int
    rhyme_density: float | None
    themes: tuple[str, ...] | None
    mood: str | None


@dataclass(frozen=True)
class Point:
    """A year's figure with its 95 % interval; a year with fewer than five songs is a gap: value and interval None."""

    year: int
    songs: int
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


def songs_per_year(years: Sequence[int]) -> list[dict[str, int]]:
    """How many songs each year has, from the first year to the last."""
    return [{"year": year, "songs": len(chosen)} for year, chosen in _by_year(years, np.ones(len(years)))]


def means(years: Sequence[int], values: Array) -> list[Point]:
    """Mean per year with Student's interval."""
    points = []
    for year, chosen in _by_year(years, values):
        count = len(chosen)
        if count < MINIMUM_SONGS:
            points.append(Point(year, count, None, None, None))
            continue
        half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * np.std(chosen, ddof=1) / math.sqrt(count))
        middle = float(chosen.mean())
        points.append(Point(year, count, middle, middle - half, middle + half))
    return points


def shares(years: Sequence[int], holds: Array) -> list[Point]:
    """Share of songs per year with Wilson's interval; `holds` is 0 or 1 per song."""
    points = []
    for year, chosen in _by_year(years, holds):
        count = len(chosen)
        if count < MINIMUM_SONGS:
            points.append(Point(year, count, None, None, None))
            continue
        low, high = wilson(float(chosen.sum()), count)
        points.append(Point(year, count, float(chosen.mean()), low, high))
    return points


def wilson(successes: float, count: int) -> tuple[float, float]:
    """Wilson's score interval of a share. Source: Wilson 1927."""
    z = float(stats.norm.ppf((1 + LEVEL) / 2))
    share = successes / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _by_year(years: Sequence[int], values: Array) -> list[tuple[int, Array]]:
    """Every year from first to last; years without a song are there with nothing in them."""
    if not len(years):
        return []
    index = np.asarray(years)
    return [(year, values[index == year]) for year in range(int(index.min()), int(index.max()) + 1)]


def enough_for_slopes(years: Sequence[int], artists: Sequence[int]) -> bool:
    """Whether a slope means anything: three years of five songs, by ten artists."""
    _, counts = np.unique(np.asarray(years), return_counts=True)
    return int((counts >= MINIMUM_SONGS).sum()) >= MINIMUM_YEARS and len(set(artists)) >= MINIMUM_ARTISTS


def slopes(names: Sequence[str], years: Sequence[int], artists: Sequence[int], values: Array) -> list[Slope]:
    """Least-squares slope of each column of `values` (songs, names) over years, steepest first.

    Errors are clustered by artist (songs of one artist are alike), intervals use t with artists - 1 degrees of freedom, and
    `clear` controls the false discovery rate over all columns at 5 %. Sources: Liang and Zeger 1986; Benjamini and Hochberg 1995.
    """
    if not names or not enough_for_slopes(years, artists):
        return []
    x = np.asarray(years, dtype=float)
    x = x - x.mean()
    spread = float(x @ x)
    slope = x @ values / spread
    residual = values - values.mean(axis=0) - np.outer(x, slope)
    _, cluster = np.unique(np.asarray(artists), return_inverse=True)
    clusters = int(cluster.max()) + 1
    score = np.zeros((clusters, values.shape[1]))
    np.add.at(score, cluster, x[:, None] * residual)
    error = np.sqrt((score**2).sum(axis=0) * clusters / (clusters - 1)) / spread
    half = stats.t.ppf((1 + LEVEL) / 2, clusters - 1) * error
    t = np.divide(slope, error, out=np.zeros_like(slope), where=error > 0)
    p = 2 * stats.t.sf(np.abs(t), clusters - 1)
    clear = stats.false_discovery_control(p) <= FALSE_DISCOVERY_RATE
    found = [
        Slope(
            name,
            float(10 * slope[k]),
            float(10 * (slope[k] - half[k])),
            float(10 * (slope[k] + half[k])),
            float(p[k]),
            bool(clear[k]),
        )
        for k, name in enumerate(names)
    ]
    return sorted(found, key=lambda trend: trend.per_decade, reverse=True)


def indicators(labels: Sequence[Sequence[str]]) -> tuple[list[str], Array]:
    """Names in order of how often they occur, and a matrix (songs, names) of 0 and 1."""
    counted: dict[str, int] = {}
    for row in labels:
        for name in set(row):
            counted[name] = counted.get(name, 0) + 1
    names = sorted(counted, key=lambda name: (-counted[name], name))
    column = {name: k for k, name in enumerate(names)}
    matrix = np.zeros((len(labels), len(names)))
    for number, row in enumerate(labels):
        for name in row:
            matrix[number, column[name]] = 1
    return names, matrix
