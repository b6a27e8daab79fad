"""How sure the figures of the raters' agreement are, and how far a rater agrees with themselves; the model is in labels."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from rap_platform.training.labels import Reliability, reliability
from rap_platform.training.rating_cells import Array, Cells, Index, Rating, cells_of
from rap_platform.training.rating_components import effects, estimate
from rap_platform.training.rating_scale_use import rescaled, scale_use

ROUNDS = 200
MOST_TRACKS = 1_000  # drawn in a round; more tracks narrow the interval by the root of what they are more
LEAST_PAIRS = 10
FIGURES = (
    "icc_single", "icc_mean", "icc_single_consistency", "icc_mean_consistency", "rater_sd", "track_sd", "rater_effect_sd",
    "taste_sd", "noise_sd", "label_reliability",
)  # fmt: skip

Interval = tuple[float, float]


@dataclass(frozen=True)
class Retest:
    """How a rater's second mark of a track agrees with their first: Pearson's correlation, mean difference in points.

    `noise_sd` is the spread of one mark around what the rater means: the differences' root mean square / sqrt(2).
    """

    pairs: int
    correlation: float | None = None
    correlation_interval: Interval | None = None
    noise_sd: float | None = None
    noise_sd_interval: Interval | None = None
    drift: float | None = None


def intervals(ratings: Sequence[Rating], rounds: int = ROUNDS, seed: int = 0) -> dict[str, Interval]:
    """95 % intervals of the figures of `Reliability`, by bootstrap over tracks; the raters and their slopes stay as they are.

    Above 1,000 tracks a round draws 1,000, and its distance from the figure shrinks by sqrt(1,000 / tracks) (the m out of n
    bootstrap, Bickel, Goetze and van Zwet 1997). Figures that the marks don't give are left out.
    """
    with threadpool_limits(limits=1):  # thousands of small tables: threads would wait for one another
        return _intervals(cells_of(ratings), rounds, seed)


def _intervals(cells: Cells, rounds: int, seed: int) -> dict[str, Interval]:
    given = estimate(cells)
    if given is None:
        return {}
    use = scale_use(cells, given)
    adjusted = rescaled(cells, use)
    part = estimate(adjusted, use.slopes, given) if use.used else given
    whole = reliability(cells, given, part, effects(adjusted, part, use.slopes).label_se)
    drawn: dict[str, list[float]] = defaultdict(list)
    for chosen, track in _draws(cells, rounds, seed):
        sample, other = (_redrawn(source, chosen, track) for source in (cells, adjusted))
        slopes = use.slopes[np.unique(cells.rater[chosen])]
        ours = estimate(sample, start=given)
        theirs = estimate(other, slopes, part) if use.used else ours
        told = reliability(sample, ours, theirs, effects(other, theirs, slopes).label_se)
        for name in FIGURES:
            if (value := getattr(told, name)) is not None:
                drawn[name].append(value)
    shrink = min(1.0, np.sqrt(MOST_TRACKS / len(cells.track_ids)))
    return {
        name: _interval(np.array(drawn[name]), float(value), float(shrink))
        for name in FIGURES
        if (value := getattr(whole, name)) is not None and len(drawn[name]) > rounds // 2
    }


def _interval(values: Array, figure: float, shrink: float) -> Interval:
    low, high = np.quantile(figure + shrink * (values - figure), [0.025, 0.975])
    return float(low), float(high)


def _draws(cells: Cells, rounds: int, seed: int) -> Iterator[tuple[Index, Index]]:
    """The cells of tracks drawn with replacement, and the number of the draw that each cell came with."""
    chance = np.random.default_rng(seed)
    tracks = len(cells.track_ids)
    order = np.argsort(cells.track, kind="stable")
    first = np.searchsorted(cells.track[order], np.arange(tracks))
    length = np.bincount(cells.track, minlength=tracks)
    for _ in range(rounds):
        drawn = chance.integers(tracks, size=min(tracks, MOST_TRACKS))
        number = np.repeat(np.arange(len(drawn)), length[drawn])
        within = np.arange(len(number)) - np.repeat(np.cumsum(length[drawn]) - length[drawn], length[drawn])
        yield order[first[drawn][number] + within], number


def _redrawn(cells: Cells, chosen: Index, track: Index) -> Cells:
    """A track that was drawn twice is two tracks."""
    return replace(cells.take(chosen), track=track, track_ids=np.arange(int(track.max()) + 1))


def retest(ratings: Sequence[Rating], rounds: int = ROUNDS, seed: int = 0) -> Retest:
    """Test-retest reliability from the first and second occasion of each rater and track; intervals over tracks."""
    seen: dict[tuple[int, str], list[Rating]] = defaultdict(list)
    for rating in ratings:
        seen[rating.track_id, rating.rater].append(rating)
    twice = [sorted(marks, key=lambda mark: mark.occasion)[:2] for marks in seen.values() if len(marks) > 1]
    if len(twice) < LEAST_PAIRS:
        return Retest(len(twice))
    pairs = np.array([[first.rating, second.rating] for first, second in twice])
    _, track = np.unique([first.track_id for first, _ in twice], return_inverse=True)
    rows = [np.flatnonzero(track == number) for number in range(int(track.max()) + 1)]
    chance = np.random.default_rng(seed)
    samples = [
        pairs[np.concatenate([rows[number] for number in chance.integers(len(rows), size=len(rows))])]
        for _ in range(rounds)
    ]
    return Retest(
        len(twice),
        _correlation(pairs),
        _over(samples, _correlation),
        _noise(pairs),
        _over(samples, _noise),
        float(np.mean(pairs[:, 1] - pairs[:, 0])),
    )


def _over(samples: Sequence[Array], measure: Callable[[Array], float | None]) -> Interval | None:
    values = [value for sample in samples if (value := measure(sample)) is not None]
    if len(values) <= len(samples) // 2:
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _correlation(pairs: Array) -> float | None:
    if not np.all(pairs.std(axis=0) > 0):
        return None
    return float(np.corrcoef(pairs[:, 0], pairs[:, 1])[0, 1])


def _noise(pairs: Array) -> float:
    return float(np.sqrt(np.mean((pairs[:, 1] - pairs[:, 0]) ** 2) / 2))


def told(found: Reliability) -> dict[str, float | int | None]:
    """The figures with the ceilings that follow from them, as JSON's types."""
    return asdict(found) | {"ceiling_r2": found.ceiling_r2, "ceiling_correlation": found.ceiling_correlation}
