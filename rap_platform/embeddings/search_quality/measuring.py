"""Mean reciprocal rank and recall over queries, and how sure a difference between two ways of finding is. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SHOWN = 10
RESAMPLES = 2000
SEED = 2026


@dataclass(frozen=True, slots=True)
class Scores:
    """One value per query, 0 to 1, in the order of the queries."""

    reciprocal_rank: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]

    @property
    def mrr(self) -> float:
        """Mean reciprocal rank of the first right song among the first ten; 0 for a query that has none there."""
        return float(self.reciprocal_rank.mean())

    @property
    def recall_at_10(self) -> float:
        """Mean share of right songs among the first ten, of the right ones that ten places can hold."""
        return float(self.recall.mean())

    def at(self, places: Sequence[int]) -> "Scores":
        """The values of some of the queries."""
        return Scores(self.reciprocal_rank[list(places)], self.recall[list(places)])


def score(answers: Sequence[Sequence[int]], right: Sequence[Collection[int]]) -> Scores:
    """Score ranked answers (songs, best first) by the right ones; of an answer only the first ten count."""
    return Scores(
        np.array([reciprocal_rank(found, wanted) for found, wanted in zip(answers, right, strict=True)]),
        np.array([recall(found, wanted) for found, wanted in zip(answers, right, strict=True)]),
    )


def reciprocal_rank(found: Sequence[int], right: Collection[int]) -> float:
    """1 over the rank of the first right song of the first ten, 0 when there is none."""
    return next((1.0 / rank for rank, song in enumerate(found[:SHOWN], start=1) if song in right), 0.0)


def recall(found: Sequence[int], right: Collection[int]) -> float:
    """Right songs among the first ten, over the number of right songs or ten if there are more."""
    return len(set(found[:SHOWN]) & set(right)) / min(SHOWN, len(right))


def interval(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The central 95 % of the mean difference over resampled queries (paired bootstrap, Efron 1979)."""
    differences = ours - theirs
    rng = np.random.default_rng(SEED)
    means = differences[rng.integers(0, len(differences), (RESAMPLES, len(differences)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
