"""How artists move against the field of the same years: one slope per artist, drawn together where it rests on little."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rap_platform.trends.panel import Array

MINIMUM_SONGS = 12
MINIMUM_YEARS = 4
SHOWN = 6
Z = 1.96


@dataclass(frozen=True)
class Cell:
    """The songs of an artist in a year: how many, and the sum and squared sum of a figure of theirs."""

    artist_id: int
    artist: str
    year: int
    songs: int
    total: float
    squares: float


@dataclass(frozen=True)
class Stop:
    """A year of a career: the artist's mean less the field's, with its 95 % interval."""

    year: int
    songs: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Career:
    """An artist's way in one figure, against the field.

    `per_decade` is the slope of what the artist does other than the field of the same years, `error` its standard error; `shrunken` with
    `low` and `high` (95 %) is what is left of it after shrinking towards the mean of all artists; `moved` says that this interval
    excludes zero.
    """

    artist_id: int
    artist: str
    songs: int
    first_year: int
    last_year: int
    per_decade: float
    error: float
    shrunken: float
    low: float
    high: float
    moved: bool
    path: tuple[Stop, ...]


@dataclass(frozen=True)
class Careers:
    """All careers of a figure, greatest movement first; `spread` is the standard deviation of true slopes between artists, per decade."""

    artists: int
    mean: float
    spread: float
    careers: tuple[Career, ...]


def careers(cells: Sequence[Cell]) -> Careers:
    """Careers of the artists with MINIMUM_SONGS songs in MINIMUM_YEARS years.

    The field of a year is everybody else. Slopes are least squares with the variance of a song pooled over artists and years;
    shrinking is empirical Bayes with the variance between artists of DerSimonian and Laird (1986).
    """
    songs: dict[int, float] = {}
    totals: dict[int, float] = {}
    for cell in cells:
        songs[cell.year] = songs.get(cell.year, 0) + cell.songs
        totals[cell.year] = totals.get(cell.year, 0) + cell.total
    freedom = sum(cell.songs - 1 for cell in cells)
    if freedom < 1:
        return Careers(0, 0.0, 0.0, ())
    within = math.sqrt(max(1e-18, sum(cell.squares - cell.total**2 / cell.songs for cell in cells) / freedom))
    ways: dict[int, list[tuple[Cell, float]]] = {}
    for cell in cells:
        others = songs[cell.year] - cell.songs
        if others > 0:
            field = (totals[cell.year] - cell.total) / others
            ways.setdefault(cell.artist_id, []).append((cell, cell.total / cell.songs - field))
    long = [
        way
        for way in ways.values()
        if sum(cell.songs for cell, _ in way) >= MINIMUM_SONGS and len(way) >= MINIMUM_YEARS
    ]
    if len(long) < 2:
        return Careers(len(long), 0.0, 0.0, ())
    slopes = np.array([_slope(way, within) for way in long])
    mean, spread, shrunken, error = shrink(slopes[:, 0], slopes[:, 1])
    found = [
        _career(sorted(way, key=lambda stop: stop[0].year), within, float(slopes[i, 0]), float(slopes[i, 1]), float(shrunken[i]), float(error[i]))
        for i, way in enumerate(long)
    ]  # fmt: skip
    return Careers(len(long), mean, spread, tuple(sorted(found, key=lambda one: (-abs(one.shrunken), one.artist))))


def shrink(slopes: Array, errors: Array) -> tuple[float, float, Array, Array]:
    """Mean of all slopes, standard deviation between the true ones, each slope's posterior mean and standard error.

    Source: DerSimonian and Laird 1986 for the variance; Morris 1983 for the shrinking.
    """
    weight = 1 / errors**2
    fixed = float((weight @ slopes) / weight.sum())
    q = float(weight @ (slopes - fixed) ** 2)
    between = max(0.0, (q - (len(slopes) - 1)) / float(weight.sum() - (weight**2).sum() / weight.sum()))
    weight = 1 / (errors**2 + between)
    mean = float((weight @ slopes) / weight.sum())
    kept = between / (between + errors**2)
    posterior = np.sqrt(kept * errors**2 + (1 - kept) ** 2 / weight.sum())
    return mean, math.sqrt(between), mean + kept * (slopes - mean), posterior


def _slope(way: Sequence[tuple[Cell, float]], within: float) -> tuple[float, float]:
    """Slope per decade and its standard error."""
    count = np.array([cell.songs for cell, _ in way], dtype=float)
    x = np.array([cell.year for cell, _ in way], dtype=float)
    x -= count @ x / count.sum()
    y = np.array([value for _, value in way])
    spread = float(count @ x**2)
    return 10 * float((count * x) @ y) / spread, 10 * within / math.sqrt(spread)


def _career(
    way: Sequence[tuple[Cell, float]], within: float, slope: float, error: float, shrunken: float, posterior: float
) -> Career:
    half = Z * posterior
    path = tuple(
        Stop(cell.year, cell.songs, value, value - Z * within / math.sqrt(cell.songs), value + Z * within / math.sqrt(cell.songs))
        for cell, value in way
    )  # fmt: skip
    first = way[0][0]
    return Career(
        first.artist_id, first.artist, sum(cell.songs for cell, _ in way), first.year, way[-1][0].year, slope, error,
        shrunken, shrunken - half, shrunken + half, bool(abs(shrunken) > half), path,
    )  # fmt: skip
