"""From many raters' marks to one label per track: rater effects out, reliability and noise floor computed, not assumed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A rater with few marks is pulled towards no effect: the effect of n marks counts n / (n + SHRINKAGE).
SHRINKAGE = 3.0
_ROUNDS = 200
_TOLERANCE = 1e-7


@dataclass(frozen=True)
class Rating:
    """One mark, 1 to 10."""

    track_id: int
    rater: str
    rating: float


@dataclass(frozen=True)
class Reliability:
    """How far the raters agree.

    `rater_sd` is the spread of one mark around its track after rater effects; `icc_single` the share of variance that is the
    track's in a single mark, `icc_mean` in a track's mean mark. None where the marks can't tell (nobody shares a track).
    """

    ratings: int
    raters: int
    tracks: int
    rater_sd: float | None
    icc_single: float | None
    icc_mean: float | None


@dataclass(frozen=True)
class Labels:
    """Label per track, how many marks it rests on, and each rater's effect (how much above the others they mark)."""

    labels: dict[int, float]
    counts: dict[int, int]
    rater_effects: dict[str, float]
    reliability: Reliability


def fit(ratings: Sequence[Rating]) -> Labels:
    """Fit rating = track + rater + noise by alternating least squares and return the track terms, clipped to 1..10.

    Rater effects sum to zero over all marks and are shrunk by n / (n + 3), so that an effect which the marks can't tell from
    the tracks (a rater alone on their tracks) stays near zero. Uses every rating given, inside and outside the dataset.
    Source: two-way additive model, Searle, Linear Models, ch. 7; ICC(1) after Shrout and Fleiss 1979.
    """
    if not ratings:
        return Labels({}, {}, {}, Reliability(0, 0, 0, None, None, None))
    track_ids, track = np.unique([r.track_id for r in ratings], return_inverse=True)
    raters, rater = np.unique([r.rater for r in ratings], return_inverse=True)
    marks = np.array([r.rating for r in ratings], dtype=float)
    per_track = np.bincount(track)
    per_rater = np.bincount(rater)

    effects = np.zeros(len(raters))
    means = np.zeros(len(track_ids))
    for _ in range(_ROUNDS):
        means = np.bincount(track, marks - effects[rater]) / per_track
        updated = np.bincount(rater, marks - means[track]) / (per_rater + SHRINKAGE)
        updated -= np.average(updated, weights=per_rater)
        moved = float(np.max(np.abs(updated - effects)))
        effects = updated
        if moved < _TOLERANCE:
            break
    means = np.bincount(track, marks - effects[rater]) / per_track

    return Labels(
        labels={int(t): float(value) for t, value in zip(track_ids, np.clip(means, 1, 10), strict=True)},
        counts={int(t): int(n) for t, n in zip(track_ids, per_track, strict=True)},
        rater_effects={str(name): float(value) for name, value in zip(raters, effects, strict=True)},
        reliability=_reliability(marks - effects[rater], track, means, per_track, len(raters)),
    )


def _reliability(
    marks: np.ndarray, track: np.ndarray, means: np.ndarray, per_track: np.ndarray, raters: int
) -> Reliability:
    total, tracks = len(marks), len(means)
    freedom = total - tracks - (raters - 1)
    if freedom < 1 or tracks < 2:
        return Reliability(total, raters, tracks, None, None, None)
    within = float(np.sum((marks - means[track]) ** 2)) / freedom
    typical = (total - float(np.sum(per_track**2)) / total) / (
        tracks - 1
    )  # marks per track, as the unequal-n ANOVA weighs them
    between = float(np.sum(per_track * (means - np.average(means, weights=per_track)) ** 2)) / (tracks - 1)
    variance = max(0.0, (between - within) / typical)
    if variance + within == 0:
        return Reliability(total, raters, tracks, 0.0, None, None)
    return Reliability(
        ratings=total,
        raters=raters,
        tracks=tracks,
        rater_sd=math.sqrt(within),
        icc_single=variance / (variance + within),
        icc_mean=variance / (variance + within / typical),
    )


def noise_floor(rater_sd: float | None, counts: Sequence[int]) -> float | None:
    """The MAE that somebody who knows the truth would still get against these labels.

    A label that is the mean of n marks is off by a normal error of sd rater_sd / sqrt(n), whose mean size is that times
    sqrt(2 / pi). Half-point rounding and the ends of the scale are left out. None when the spread is unknown.
    """
    if rater_sd is None or not counts:
        return None
    return float(np.mean(rater_sd / np.sqrt(np.asarray(counts, dtype=float)))) * math.sqrt(2 / math.pi)
