"""Choosing a list that is relevant and varied: maximal marginal relevance. Pure.

Carbonell and Goldstein (1998), The use of MMR, diversity-based reranking; their lambda is 1 - diversity here.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt


def choose(
    relevance: npt.NDArray[np.float64],
    alike: Callable[[int], npt.NDArray[np.float64]],
    never_both: Callable[[int], npt.NDArray[np.bool_]],
    groups: npt.NDArray[np.int64],
    *,
    diversity: float,
    limit: int,
    per_group: int,
) -> list[int]:
    """Positions of up to `limit` of n items, in the order of their choice; the first is the most relevant.

    `relevance` (n,) and what `alike` gives, the likeness of an item to all (n,), are on one scale; `never_both` gives which of all
    (n,) an item excludes: both are asked about chosen items alone, so n may be thousands. Of `groups` (n,) each gives at most
    `per_group` items. `diversity` 0 goes by relevance alone, 1 by distance to what was chosen alone.
    """
    chosen: list[int] = []
    free = np.ones(len(relevance), dtype=bool)
    nearest = np.full(len(relevance), -np.inf)
    taken: dict[int, int] = {}
    while len(chosen) < limit and free.any():
        marginal = relevance if not chosen else (1 - diversity) * relevance - diversity * nearest
        best = int(np.argmax(np.where(free, marginal, -np.inf)))
        chosen.append(best)
        free[best] = False
        free &= ~never_both(best)
        nearest = np.maximum(nearest, alike(best))
        group = int(groups[best])
        taken[group] = taken.get(group, 0) + 1
        if taken[group] >= per_group:
            free &= groups != group
    return chosen
