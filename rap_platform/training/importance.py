"""Which figures the model rests on: how much worse it gets on tracks left out when they are shuffled among those tracks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from rap_platform.training.conformal import RatingModel
from rap_platform.training.features import FAMILIES

REPEATS = 5

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Importance:
    """By how much the mean absolute error grows, in rating points, without what `feature` tells; `sd` over the repeats."""

    feature: str
    mae_growth: float
    sd: float


def permutation(
    model: RatingModel, x: pd.DataFrame, y: Array, *, seed: int, families: Mapping[str, Sequence[str]] = FAMILIES
) -> tuple[Importance, ...]:
    """Importance of each family of columns, largest first; columns of a family are shuffled together.

    Each fold's model is asked about the tracks that it did not see (`x` and `y` in the order that the model was fitted on). What two
    families both tell is missed from neither. Source: Breiman, Random forests, Machine Learning 45 (2001), in groups of features.
    """
    chance = np.random.default_rng(seed)
    fold = np.asarray(model.fold, dtype=int)
    growth: dict[str, Array] = {name: np.zeros(REPEATS) for name in families}
    places = {name: x.columns.get_indexer(pd.Index(columns)) for name, columns in families.items()}
    for number in range(int(fold.max()) + 1):
        rows = np.flatnonzero(fold == number)
        left_out, actual = x.iloc[rows], y[rows]
        error = np.abs(model.left_out(number, left_out) - actual).sum()
        for name, columns in places.items():
            copies = _shuffled(left_out, columns, chance)
            errors = np.abs(model.left_out(number, copies).reshape(REPEATS, -1) - actual)
            growth[name] += (errors.sum(axis=1) - error) / len(y)
    found = [Importance(name, float(values.mean()), float(values.std(ddof=1))) for name, values in growth.items()]
    return tuple(sorted(found, key=lambda entry: -entry.mae_growth))


def _shuffled(x: pd.DataFrame, columns: npt.NDArray[np.int64], chance: np.random.Generator) -> pd.DataFrame:
    """The rows REPEATS times, below each other; in each, what stands in the columns at these places is shuffled anew."""
    values = x.to_numpy(dtype=float)
    mixed = np.tile(values, (REPEATS, 1))
    for copy in np.split(mixed, REPEATS):  # views: pandas would set each of the hundreds of columns on its own
        copy[:, columns] = values[chance.permutation(len(values))][:, columns]
    return pd.DataFrame(mixed, columns=x.columns)


def table(found: Sequence[Importance], unit: str) -> str:
    """The importances as a Markdown table."""
    lines = [f"| shuffled | error grows by ({unit}) | spread over {REPEATS} repeats |", "|---|---|---|"]
    return "\n".join(lines + [f"| {entry.feature} | {entry.mae_growth:+.4f} | {entry.sd:.4f} |" for entry in found])
