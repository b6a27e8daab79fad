"""From many raters' marks to one label per track: rater effects out, reliability and noise floor computed, not assumed.

The model: rating = track + rater + taste + noise, crossed over tracks and raters (rating_components), and a slope for each rater
where held-out marks say that raters use the scale differently (rating_scale_use). A label is the mean of its track's marks with
slopes and rater effects out, not drawn towards the middle; it is off from the truth by `label_se`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from rap_platform.training.rating_cells import Array, Cells, cells_of
from rap_platform.training.rating_cells import Rating as Rating
from rap_platform.training.rating_components import Components, effects, estimate
from rap_platform.training.rating_scale_use import ScaleUse, rescaled, scale_use

LOWEST, HIGHEST = 1.0, 10.0


@dataclass(frozen=True)
class Reliability:
    """How far the raters agree; None where the marks can't tell (nobody shares a track).

    The `icc_` are shares of variance that is the track's, from the marks as they were given: absolute agreement of one
    mark, ICC(A,1), and of the mean of `raters_per_track` raters, ICC(A,k), and the same for consistency, where a rater's
    generosity doesn't count, ICC(C,1) and ICC(C,k). With raters drawn anew for each track, ICC(A,1) is Shrout and
    Fleiss' ICC(1,1) and ICC(2,1); ICC(C,1) is their ICC(3,1).
    `rater_sd` is the spread of one mark around its track after rater effects and slopes, in points, `label_reliability`
    the share of the labels' variance that is the track's; `taste_sd` and `noise_sd` are told apart only where raters were
    asked twice (`repeats` marks), else the latter holds both.
    """

    ratings: int
    raters: int
    tracks: int
    rater_sd: float | None = None
    icc_single: float | None = None
    icc_mean: float | None = None
    icc_single_consistency: float | None = None
    icc_mean_consistency: float | None = None
    raters_per_track: float | None = None
    track_sd: float | None = None
    rater_effect_sd: float | None = None
    taste_sd: float | None = None
    noise_sd: float | None = None
    repeats: int = 0
    label_reliability: float | None = None

    @property
    def ceiling_r2(self) -> float | None:
        """The largest R2 against the labels that somebody who knows the truth can reach."""
        return self.label_reliability

    @property
    def ceiling_correlation(self) -> float | None:
        """The largest correlation with the labels, Pearson's and nearly Spearman's: the root of reliability."""
        return None if self.label_reliability is None else math.sqrt(self.label_reliability)


@dataclass(frozen=True)
class Labels:
    """Label per track, its standard error, how many marks it rests on, and each rater's effect, its error and slope.

    An effect is by how many points the rater marks above the others, a slope how far their marks lie apart for one point
    of the track.
    """

    labels: dict[int, float]
    counts: dict[int, int]
    rater_effects: dict[str, float]
    reliability: Reliability
    label_se: dict[int, float] = field(default_factory=dict)
    rater_effect_se: dict[str, float] = field(default_factory=dict)
    rater_slopes: dict[str, float] = field(default_factory=dict)
    rater_counts: dict[str, int] = field(default_factory=dict)
    scale_use: str = "left out: no marks"

    def floor(self, track_ids: Iterable[int]) -> float | None:
        """The MAE that somebody who knows the truth would still get against the labels of these tracks, in points.

        A label is off by a normal error of its standard error, whose mean size is that times sqrt(2 / pi).
        """
        errors = [self.label_se[track_id] for track_id in track_ids if track_id in self.label_se]
        return float(np.mean(errors)) * math.sqrt(2 / math.pi) if errors else None


def fit(ratings: Sequence[Rating]) -> Labels:
    """Fit the model of this module to all marks, inside and outside the dataset, and return labels clipped to 1..10."""
    if not ratings:
        return Labels({}, {}, {}, Reliability(0, 0, 0))
    with threadpool_limits(limits=1):
        return _fit(cells_of(ratings))


def _fit(cells: Cells) -> Labels:
    given = estimate(cells)
    use = scale_use(cells, given)
    adjusted = rescaled(cells, use)
    part = estimate(adjusted, use.slopes, given) if use.used else given
    found = effects(adjusted, part, use.slopes if use.used else 1.0)
    known = part is not None
    ids = [int(track_id) for track_id in cells.track_ids]
    counts = cells.by_track(cells.count)
    return Labels(
        labels=dict(zip(ids, np.clip(found.label, LOWEST, HIGHEST).tolist(), strict=True)),
        counts=dict(zip(ids, counts.astype(int).tolist(), strict=True)),
        rater_effects=dict(zip(cells.raters, found.rater.tolist(), strict=True)),
        reliability=reliability(cells, given, part, found.label_se),
        label_se=dict(zip(ids, found.label_se.tolist(), strict=True)) if known else {},
        rater_effect_se=dict(zip(cells.raters, found.rater_se.tolist(), strict=True)) if known else {},
        rater_slopes=dict(zip(cells.raters, use.slopes.tolist(), strict=True)),
        rater_counts=dict(zip(cells.raters, cells.by_rater(cells.count).astype(int).tolist(), strict=True)),
        scale_use=use.reason,
    )


def reliability(cells: Cells, given: Components | None, part: Components | None, label_se: Array) -> Reliability:
    """Put the components of the marks as `given`, and of those with slopes out, into the figures that people know."""
    total = int(cells.count.sum())
    if given is None or part is None:
        return Reliability(total, len(cells.raters), len(cells.track_ids), repeats=cells.repeat_df)
    per_track = float(len(cells.track_ids) / np.sum(1 / cells.per_track))  # harmonic mean
    alone, biased = given.mark, given.mark + given.rater
    error = float(np.mean(np.square(label_se)))
    return Reliability(
        ratings=total,
        raters=len(cells.raters),
        tracks=len(cells.track_ids),
        rater_sd=math.sqrt(part.mark),
        icc_single=given.track / (given.track + biased),
        icc_mean=given.track / (given.track + biased / per_track),
        icc_single_consistency=given.track / (given.track + alone),
        icc_mean_consistency=given.track / (given.track + alone / per_track),
        raters_per_track=per_track,
        track_sd=math.sqrt(part.track),
        rater_effect_sd=math.sqrt(given.rater),
        taste_sd=None if part.taste is None else math.sqrt(part.taste),
        noise_sd=math.sqrt(part.noise),
        repeats=cells.repeat_df,
        label_reliability=part.track / (part.track + error),
    )


__all__ = ["Labels", "Rating", "Reliability", "ScaleUse", "fit", "reliability"]
