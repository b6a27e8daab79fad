"""Songs summed up by artist and year: all that series, slopes, change points and forecasts need, however many songs there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Kind = Literal["share", "mean"]
BLOCKS = 1024  # artists beyond that many share a block, which is a cluster as well
MINIMUM_SONGS = 5
MINIMUM_ARTISTS = 3


@dataclass(frozen=True)
class Panel:
    """Sums of K series over A blocks of artists and T years, from the first year to the last.

    `songs` (A, T) counts songs, `sums` (A, T, K) adds up their values (0 or 1 where `kind` is share), `squares` (T, K) the squared
    values, `artists` (T,) counts artists; a year without songs is there with zeros.
    """

    kind: Kind
    names: tuple[str, ...]
    years: Ints
    songs: Array
    sums: Array
    squares: Array
    artists: Ints

    @property
    def by_year(self) -> Array:
        """Songs of each year (T,)."""
        return np.asarray(self.songs.sum(axis=0))

    @property
    def enough(self) -> npt.NDArray[np.bool_]:
        """Which years have enough songs by enough artists to be shown (T,); the others are gaps."""
        return (self.by_year >= MINIMUM_SONGS) & (self.artists >= MINIMUM_ARTISTS)

    @property
    def means(self) -> Array:
        """Mean value per year and series (T, K); NaN in a gap."""
        count = self.by_year[:, None]
        means = np.divide(self.sums.sum(axis=0), count, out=np.full(self.squares.shape, np.nan), where=count > 0)
        means[~self.enough] = np.nan
        return np.asarray(means)

    @property
    def variances(self) -> Array:
        """Variance of a single song's value around its year's mean (K,), pooled over years."""
        count = self.by_year
        squared = np.divide(
            self.sums.sum(axis=0) ** 2, count[:, None], out=np.zeros(self.squares.shape), where=count[:, None] > 0
        )
        freedom = max(1.0, float((count - 1)[count > 1].sum()))
        return np.asarray(np.maximum((self.squares - squared)[count > 1].sum(axis=0), 0) / freedom)

    @property
    def design_effects(self) -> Array:
        """How many times larger the variance of a year's mean is than if no two songs had one artist (K,), at least 1.

        The cluster-robust variance over the naive one, pooled over years (Kish 1965; Liang and Zeger 1986).
        """
        robust, naive = np.zeros(len(self.names)), np.zeros(len(self.names))
        for t in np.flatnonzero(self.by_year > 1):
            there = self.songs[:, t] > 0
            blocks = int(there.sum())
            if blocks < 2:
                continue
            mean = self.sums[there, t].sum(axis=0) / self.by_year[t]
            residual = self.sums[there, t] - self.songs[there, t, None] * mean
            robust += (residual**2).sum(axis=0) * blocks / (blocks - 1)
            naive += self.by_year[t] * self.variances
        return np.asarray(np.maximum(1.0, np.divide(robust, naive, out=np.ones_like(robust), where=naive > 0)))

    def until(self, year: int) -> "Panel":
        """What was known at the end of a year."""
        keep = self.years <= year
        return Panel(
            self.kind, self.names, self.years[keep], self.songs[:, keep], self.sums[:, keep], self.squares[keep], self.artists[keep]
        )  # fmt: skip


def of_songs(kind: Kind, names: Sequence[str], years: Sequence[int], artists: Sequence[int], values: Array) -> Panel:
    """The panel of single songs; `values` is (songs, K)."""
    if not len(years):
        return empty(kind, names)
    index = np.asarray(years, dtype=np.int64)
    who, block = np.unique(np.asarray(artists, dtype=np.int64), return_inverse=True)
    block = block % BLOCKS
    first, last = int(index.min()), int(index.max())
    shape = (min(len(who), BLOCKS), last - first + 1)
    songs, sums = np.zeros(shape), np.zeros((*shape, len(names)))
    squares = np.zeros((shape[1], len(names)))
    np.add.at(songs, (block, index - first), 1)
    np.add.at(sums, (block, index - first), values)
    np.add.at(squares, index - first, values**2)
    pairs = np.unique(np.column_stack([index, np.asarray(artists, dtype=np.int64)]), axis=0)
    counted = np.bincount(pairs[:, 0] - first, minlength=shape[1])
    return Panel(kind, tuple(names), np.arange(first, last + 1), songs, sums, squares, counted.astype(np.int64))


def of_cells(
    kind: Kind, names: Sequence[str], cells: Iterable[tuple[int, int, int, Sequence[float], Sequence[float]]]
) -> Panel:
    """The panel of (artist, year, songs, sums (K,), squares (K,)), one cell for each artist and year that has songs."""
    rows = [cell for cell in cells if cell[2] > 0]
    if not rows:
        return empty(kind, names)
    years = np.array([row[1] for row in rows], dtype=np.int64)
    who, block = np.unique(np.array([row[0] for row in rows], dtype=np.int64), return_inverse=True)
    block = block % BLOCKS
    first, last = int(years.min()), int(years.max())
    shape = (min(len(who), BLOCKS), last - first + 1)
    songs, sums = np.zeros(shape), np.zeros((*shape, len(names)))
    squares = np.zeros((shape[1], len(names)))
    np.add.at(songs, (block, years - first), np.array([row[2] for row in rows], dtype=float))
    np.add.at(sums, (block, years - first), np.array([row[3] for row in rows], dtype=float).reshape(len(rows), -1))
    np.add.at(squares, years - first, np.array([row[4] for row in rows], dtype=float).reshape(len(rows), -1))
    counted = np.bincount(years - first, minlength=shape[1]).astype(np.int64)
    return Panel(kind, tuple(names), np.arange(first, last + 1), songs, sums, squares, counted)


def empty(kind: Kind, names: Sequence[str] = ()) -> Panel:
    """A panel without songs."""
    count = len(names)
    return Panel(
        kind, tuple(names), np.zeros(0, np.int64), np.zeros((0, 0)), np.zeros((0, 0, count)), np.zeros((0, count)), np.zeros(0, np.int64)
    )  # fmt: skip
