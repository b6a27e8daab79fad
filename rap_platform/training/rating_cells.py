"""Marks as arrays: one cell for each rater and track, with the marks that the rater gave on several occasions; no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Rating:
    """One mark, 1 to 10. `occasion` 2 is the same rater, asked again."""

    track_id: int
    rater: str
    rating: float
    occasion: int = 1


@dataclass(frozen=True)
class Cells:
    """What each rater said of each track: mean mark and number of marks (cells,), indices into `track_ids` and `raters`.

    `squares` is the sum of squares of a cell's marks around their mean (cells,): what the rater's repeats differ by.
    """

    track_ids: Index
    raters: tuple[str, ...]
    track: Index
    rater: Index
    mean: Array
    count: Array
    squares: Array

    @property
    def repeat_ss(self) -> float:
        """Sum of squares within all cells."""
        return float(self.squares.sum())

    @property
    def repeat_df(self) -> int:
        """Marks beyond the first of a rater for a track."""
        return int(self.count.sum()) - len(self.count)

    @property
    def per_track(self) -> Array:
        """Raters of each track (tracks,)."""
        return np.bincount(self.track, minlength=len(self.track_ids)).astype(float)

    def by_track(self, values: Array) -> Array:
        """Sum of a value of each cell over the cells of a track (tracks,)."""
        return np.bincount(self.track, values, minlength=len(self.track_ids)).astype(float)

    def by_rater(self, values: Array) -> Array:
        """Sum of a value of each cell over the cells of a rater (raters,)."""
        return np.bincount(self.rater, values, minlength=len(self.raters)).astype(float)

    def take(self, chosen: Any) -> "Cells":
        """Some of the cells, tracks and raters renumbered."""
        tracks, track = np.unique(self.track[chosen], return_inverse=True)
        raters, rater = np.unique(self.rater[chosen], return_inverse=True)
        return Cells(
            self.track_ids[tracks],
            tuple(self.raters[number] for number in raters),
            track,
            rater,
            self.mean[chosen],
            self.count[chosen],
            self.squares[chosen],
        )


def cells_of(ratings: Sequence[Rating]) -> Cells:
    """Put marks into cells, tracks in the order of their ids, raters of their names."""
    track_ids, track = np.unique(np.array([r.track_id for r in ratings], dtype=np.int64), return_inverse=True)
    raters, rater = np.unique(np.array([r.rater for r in ratings], dtype=str), return_inverse=True)
    marks = np.array([r.rating for r in ratings], dtype=float)
    keys, cell = np.unique(track * max(1, len(raters)) + rater, return_inverse=True)
    count = np.bincount(cell, minlength=len(keys)).astype(float)
    mean = np.bincount(cell, marks, minlength=len(keys)) / np.maximum(count, 1)
    return Cells(
        track_ids,
        tuple(str(name) for name in raters),
        keys // max(1, len(raters)),
        keys % max(1, len(raters)),
        mean,
        count,
        np.bincount(cell, (marks - mean[cell]) ** 2, minlength=len(keys)).astype(float),
    )
