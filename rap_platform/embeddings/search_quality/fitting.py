"""Fits the weights of the fusion on the half of the queries that nothing is reported on, by coordinate search. Pure.

The candidates of each side are looked up once per query; a trial only fuses them again, by the very function that searches use.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from rap_platform.embeddings.search.fusion import Weights, fuse
from rap_platform.embeddings.search.question import SIDES, Found, Side
from rap_platform.embeddings.search_quality.measuring import Scores, score
from rap_platform.embeddings.search_quality.query_set import Query

PENALTY = 2.0  # for each point under the best single side, in either measure
ALLOWED = 0.005  # under it at no cost
FLAT = 0.002  # of the objective: what is that near to the optimum is as good
# What is tried, in this order; meaning counts 1, for only ratios matter.
GRID: Mapping[str, tuple[float, ...]] = {
    "sound": (1, 2, 4, 6, 8, 12, 16, 24, 32),
    "words": (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8),
    "constant": (1, 2, 3, 5, 10, 20, 40, 60),
    "exponent": (0.5, 1, 1.5, 2, 3, 4),
    "margin": (0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25),
    "steepness": (2, 4, 8, 12),
}


@dataclass(frozen=True)
class Looked:
    """A query with what each side found for it."""

    query: Query
    found: Mapping[Side, Sequence[Found]]


@dataclass(frozen=True)
class Fit:
    """The best weights, their objective, how many were tried, and of each parameter the values within FLAT of the optimum."""

    weights: Weights
    objective: float
    tried: int
    flat: Mapping[str, tuple[float, float]]


def fit(looked: Sequence[Looked], start: Weights, passed: Callable[[], object] = lambda: None) -> Fit:
    """The weights from which no change of one parameter to another value of the grid is better; `passed` is called per trial.

    Started also from what is far away, so that a poor start costs time and not quality.
    """
    aim = _Aim(looked, passed)
    starts = [start, Weights(1.0, 1.0, 4.0, 10.0, 2.0, 0.1, 4.0)]
    best = max((_climb(aim, one) for one in starts), key=aim)
    flat = {}
    for name, values in GRID.items():
        good = [value for value in values if aim(replace(best, **{name: value})) >= aim(best) - FLAT]
        flat[name] = (min([*good, getattr(best, name)]), max([*good, getattr(best, name)]))
    return Fit(best, aim(best), len(aim.known), flat)


def _climb(aim: "_Aim", best: Weights) -> Weights:
    while True:
        before = best
        for name, values in GRID.items():
            best = max([best, *(replace(best, **{name: value}) for value in values)], key=aim)
        if best == before:
            return best


class _Aim:
    """Mean over kinds of the fused MRR, less the penalty wherever fusing is worse than the best side of a kind."""

    def __init__(self, looked: Sequence[Looked], passed: Callable[[], object]) -> None:
        self._looked, self._passed = looked, passed
        self._right = [one.query.right for one in looked]
        groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for place, one in enumerate(looked):
            groups[one.query.kind, one.query.source].append(place)
            groups[one.query.kind, "all"].append(place)
        self._groups = dict(groups)
        sides = [score([alone(one.found, side) for one in looked], self._right) for side in SIDES]
        self._bars = {
            group: (max(side.at(places).mrr for side in sides), max(side.at(places).recall_at_10 for side in sides))
            for group, places in self._groups.items()
        }
        self.known: dict[Weights, float] = {}

    def __call__(self, weights: Weights) -> float:
        if weights not in self.known:
            self.known[weights] = self._value(score([_fused(one, weights) for one in self._looked], self._right))
            self._passed()
        return self.known[weights]

    def _value(self, scores: Scores) -> float:
        mrr, penalty = [], 0.0
        for (kind, source), places in self._groups.items():
            of_group = scores.at(places)
            bars = self._bars[kind, source]
            below = [bars[0] - of_group.mrr - ALLOWED, bars[1] - of_group.recall_at_10 - ALLOWED]
            penalty += sum(max(0.0, one) for one in below) * (1.0 if source == "all" else 0.25)
            if source == "all":
                mrr.append(of_group.mrr)
        return float(np.mean(mrr)) - PENALTY * penalty


def alone(found: Mapping[Side, Sequence[Found]], side: Side) -> list[int]:
    """The tracks as one side ranks them."""
    return list(dict.fromkeys(section.original_id for section in found[side]))


def _fused(looked: Looked, weights: Weights) -> list[int]:
    return [ranked.original_id for ranked in fuse(looked.found, weights)]


def described(weights: Weights) -> dict[str, float]:
    """The parameters by name."""
    return {field.name: float(getattr(weights, field.name)) for field in fields(weights)}
