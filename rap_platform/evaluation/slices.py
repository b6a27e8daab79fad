"""Which slice each held-out track belongs to, and how predictors do on each slice. Whether a slice is too small to say is said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rap_platform.evaluation import metrics
from rap_platform.evaluation.metrics import Array
from rap_platform.evaluation.predictors import Predictions, Tracks

# Below either an interval says nothing: few tracks, or few groups to resample.
LEAST_TRACKS = 20
LEAST_GROUPS = 5
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Traits:
    """What tracks are sliced by; `artist_tracks` are all tracks of the artist in the catalogue, not only the rated ones."""

    year: int | None
    artist_tracks: int
    words: int
    language: str | None


def era(traits: Traits) -> str:
    """The decade."""
    return UNKNOWN if traits.year is None else f"{traits.year // 10 * 10}s"


def artist_size(traits: Traits) -> str:
    """How much of the artist is in the catalogue."""
    return _bucket(traits.artist_tracks, (5, 20), "tracks")


def length(traits: Traits) -> str:
    """How long the lyrics are."""
    return _bucket(traits.words, (250, 500), "words")


def language(traits: Traits) -> str:
    """The language of the lyrics, as its code."""
    return traits.language or UNKNOWN


def _bucket(value: int, edges: tuple[int, int], unit: str) -> str:
    low, high = edges
    if value <= low:
        return f"up to {low} {unit}"
    return f"{low + 1} to {high} {unit}" if value <= high else f"over {high} {unit}"


WAYS: Mapping[str, Callable[[Traits], str]] = {
    "era": era,
    "artist size": artist_size,
    "length": length,
    "language": language,
}
_ORDER = ("up to", "to", "over", UNKNOWN)


def measure(
    contestants: Sequence[Predictions], best: str | None, test: Tracks, traits: Mapping[int, Traits], weights: Array
) -> list[dict[str, Any]]:
    """Tracks, groups, and by predictor MAE and paired difference to the best baseline, for each slice of each way of slicing.

    `weights` (resamples, n) are those of the whole report, so that slices and whole rest on the same resamples. A slice below
    20 tracks or 5 groups carries `too_small` in words and no figure.
    """
    by_name = {predictor.name: predictor for predictor in contestants}
    found = []
    for way, slice_of in WAYS.items():
        names = np.array([slice_of(traits[track_id]) for track_id in test.track_ids])
        for name in sorted(set(names), key=_rank):
            chosen = names == name
            groups = len({group for group, inside in zip(test.groups, chosen, strict=True) if inside})
            entry: dict[str, Any] = {"by": way, "slice": str(name), "n": int(chosen.sum()), "groups": groups}
            entry["too_small"] = _objection(entry["n"], groups)
            entry["predictors"] = {}
            if entry["too_small"] is None:
                entry["predictors"] = {
                    predictor.name: _figures(predictor, by_name.get(best or ""), test, chosen, weights)
                    for predictor in contestants
                }
            found.append(entry)
    return found


def _rank(name: str) -> tuple[int, str]:
    place = next((n for n, word in enumerate(_ORDER) if f" {word} " in f" {name} "), 0)
    return place, name


def _objection(tracks: int, groups: int) -> str | None:
    if tracks >= LEAST_TRACKS and groups >= LEAST_GROUPS:
        return None
    return f"{tracks} tracks of {groups} groups: an interval needs {LEAST_TRACKS} of {LEAST_GROUPS}"


def _figures(
    predictor: Predictions, baseline: Predictions | None, test: Tracks, chosen: Any, weights: Array
) -> dict[str, Any]:
    covered = chosen & predictor.covered
    figures: dict[str, Any] = {"n": int(covered.sum())}
    if covered.sum() < 2:
        return figures
    kept = metrics.kept(weights, covered)
    figures["mae"] = asdict(metrics.mean_error(np.abs(predictor.values - test.labels)[covered], kept))
    if baseline is not None and baseline is not predictor:
        gap = metrics.paired_mae_difference(
            predictor.values[covered], baseline.values[covered], test.labels[covered], kept
        )
        figures["vs_best_baseline"] = asdict(gap)
    return figures
