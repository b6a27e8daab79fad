"""Whether new tracks are like those that were learned from: PSI and KS per column, artists as units. Pure: two frames in, figures out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

BINS = 10
MODERATE, MAJOR = 0.1, 0.25
LEVEL = 0.01
PERMUTATIONS = 499
COMPONENTS = 8
MINIMUM_NEW = 30

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Drift:
    """How one column differs: PSI (0 is alike), KS distance 0..1, and the probability of one as large somewhere by chance."""

    column: str
    psi: float
    ks: float
    p: float
    median_before: float | None
    median_now: float | None
    missing_before: float
    missing_now: float

    @property
    def drifted(self) -> bool:
        """Certain (p at most 0.01 over all columns together) and large enough to matter (PSI at least 0.1)."""
        return self.p <= LEVEL and self.psi >= MODERATE

    @property
    def size(self) -> str:
        """Siddiqi's words for a PSI: below 0.1 small, below 0.25 moderate, else major."""
        return "small" if self.psi < MODERATE else "moderate" if self.psi < MAJOR else "major"


def measure(
    train: pd.DataFrame,
    new: pd.DataFrame,
    train_artists: Sequence[int],
    new_artists: Sequence[int],
    *,
    seed: int,
    permutations: int = PERMUTATIONS,
) -> list[Drift]:
    """Compare the columns of `new` (m, p) with the same columns of `train` (n, p), the largest PSI first.

    A missing value is a value of its own, below all others. Songs of one artist are alike, so that a test that takes songs for
    independent would cry wolf whenever new artists come: `p` is the share of `permutations` seeded relabellings of whole artists in
    which any column has a KS distance as large, which also corrects for there being many columns (Westfall and Young 1993, max
    statistic; permutation of clusters: Good 2005). PSI over bins at the deciles of `train`: Siddiqi 2006, with half a track added to
    every bin; its size is judged by his marks 0.1 and 0.25 (Yurdakul 2018 on why small samples need the test beside it).
    """
    before, now = train.to_numpy(dtype=float), new.to_numpy(dtype=float)
    both = np.nan_to_num(np.vstack([before, now]), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    is_new = np.repeat([False, True], [len(before), len(now)])
    block = _blocks(train_artists, new_artists)
    relabelled = _relabelled(is_new, block, permutations, seed)
    orders = [np.argsort(both[:, k], kind="stable") for k in range(both.shape[1])]
    observed = np.array([_ks(both[o, k], is_new[None, o])[0] for k, o in enumerate(orders)])
    largest = np.zeros(permutations)
    for k, order in enumerate(orders):
        largest = np.maximum(largest, _ks(both[order, k], relabelled[:, block[order]]))
    drifts = [
        Drift(
            column=str(column),
            psi=round(psi(before[:, k], now[:, k]), 4),
            ks=round(float(observed[k]), 4),
            p=round((1 + int(np.sum(largest >= observed[k] - 1e-12))) / (1 + permutations), 4),
            median_before=_median(before[:, k]),
            median_now=_median(now[:, k]),
            missing_before=round(float(np.isnan(before[:, k]).mean()), 4),
            missing_now=round(float(np.isnan(now[:, k]).mean()), 4),
        )
        for k, column in enumerate(train.columns)
    ]
    return sorted(drifts, key=lambda drift: (-drift.psi, drift.column))


def psi(before: Array, now: Array) -> float:
    """Population stability index of `now` against `before`, bins at the deciles of `before`, missing values a bin of their own."""
    present = before[np.isfinite(before)]
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1])) if len(present) else np.array([])
    shares = []
    for values in (before, now):
        counts = np.bincount(
            np.searchsorted(edges, values[np.isfinite(values)], side="right"), minlength=len(edges) + 1
        )
        filled = np.append(counts, np.sum(~np.isfinite(values))) + 0.5
        shares.append(filled / filled.sum())
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def embedding_columns(train: Array, new: Array, components: int = COMPONENTS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What of the embeddings, (n, d) and (m, d), is compared: distance to the training mean and the leading principal components.

    The distance is cosine, 0..2; a training track is held against the mean of the others, so that being one of them is no
    advantage. The components are those of both sets together, for the same reason. A missing vector gives missing values.
    """
    present = np.isfinite(train).all(axis=1)
    known = train[present]
    total = known.sum(axis=0)
    before = np.full(len(train), np.nan)
    before[present] = _distance(known, total[None, :] - known)
    pooled = np.vstack([train, new])
    whole = np.isfinite(pooled).all(axis=1)
    centred = pooled - pooled[whole].mean(axis=0)
    _, _, directions = np.linalg.svd(centred[whole], full_matrices=False)
    scores = centred @ directions[:components].T
    names = [f"embedding_component_{number + 1}" for number in range(scores.shape[1])]
    made = pd.DataFrame(scores, columns=names)
    made.insert(0, "embedding_distance", np.concatenate([before, _distance(new, total[None, :])]))
    return made.iloc[: len(train)].reset_index(drop=True), made.iloc[len(train) :].reset_index(drop=True)


def _distance(vectors: Array, to: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(to, axis=1)
    return np.asarray(1 - np.einsum("ij,ij->i", vectors, np.broadcast_to(to, vectors.shape)) / lengths)


def _blocks(train_artists: Sequence[int], new_artists: Sequence[int]) -> npt.NDArray[np.int64]:
    """What moves as one when the sides are relabelled: the songs of an artist on one side."""
    keys = [(artist, False) for artist in train_artists] + [(artist, True) for artist in new_artists]
    number = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return np.array([number[key] for key in keys])


def _relabelled(
    is_new: npt.NDArray[np.bool_], block: npt.NDArray[np.int64], permutations: int, seed: int
) -> npt.NDArray[np.bool_]:
    """Rows of sides per block, (permutations, blocks), each with as many new blocks as there are."""
    chance = np.random.default_rng(seed)
    sides = np.zeros(int(block.max()) + 1, dtype=bool)
    sides[block] = is_new
    return chance.permuted(np.tile(sides, (permutations, 1)), axis=1)


def _ks(ordered: Array, is_new: npt.NDArray[np.bool_]) -> Array:
    """Largest distance of the two distribution functions, per row of sides; `ordered` are the values in rising order."""
    last = np.append(ordered[1:] != ordered[:-1], True)  # within equal values the functions jump at once
    new = np.cumsum(is_new, axis=1, dtype=np.int32)[:, last]
    place = np.arange(1, len(ordered) + 1)[last]
    news = np.maximum(1, is_new.sum(axis=1, keepdims=True))
    olds = np.maximum(1, len(ordered) - is_new.sum(axis=1, keepdims=True))
    return np.asarray(np.abs(new / news - (place - new) / olds).max(axis=1))


def _median(values: Array) -> float | None:
    return None if np.isnan(values).all() else round(float(np.nanmedian(values)), 4)
