"""The evaluation report as JSON: every predictor on the same tracks, differences to the best baseline, slices, verdict. Also reads it back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psycopg

from rap_platform.analyses.agreement import UNPARSED
from rap_platform.evaluation import metrics, promotion, queries, slices
from rap_platform.evaluation.metrics import Array
from rap_platform.evaluation.predictors import Predictions, Tracks
from rap_platform.evaluation.slices import Traits

EQUAL_ERRORS = 1e-9
LOWEST, HIGHEST = 1.0, 10.0
# What every predictor is set against in the table, besides the best baseline.
MEDIAN, RANDOM, RAW_RULES = "median", "random", "rule_based"


@dataclass(frozen=True)
class Ceiling:
    """What the raters' disagreement leaves to be reached.

    `mae` is that of somebody who knows the truth; `correlation` the largest correlation that a perfect prediction has with the
    labels, the square root of their reliability (Spearman 1904). None where the raters can't tell.
    """

    mae: float | None
    correlation: float | None


def ceiling(card: Mapping[str, Any]) -> Ceiling:
    """Noise floor and ceiling from a dataset's card."""
    raters = card.get("raters") or {}
    reliability = raters.get("label_reliability") or raters.get("icc_mean")
    correlation = None if reliability is None else float(np.sqrt(max(0.0, reliability)))
    return Ceiling(card.get("noise_floor_mae"), correlation)


def build(
    contestants: Sequence[Predictions],
    test: Tracks,
    *,
    resamples: int,
    seed: int,
    header: Mapping[str, Any],
    best_possible: Ceiling,
    traits: Mapping[int, Traits] | None = None,
    learning_curve: Sequence[Sequence[float]] = (),
    importance: Sequence[tuple[str, float]] = (),
) -> dict[str, Any]:
    """The report: one entry per predictor, the best baseline, the model's paired difference to it, slices and the verdict.

    A predictor that fails on some tracks is measured on those it covers, and compared with a baseline on exactly those; the
    measures `*_charged` count every failure as the largest error that the label allows. The best baseline is the one of lowest
    MAE among those that cover every track. `learning_curve` is (train tracks, mean MAE[, least, most of the draws]).
    """
    weights = metrics.group_weights(test.groups, resamples, seed)
    entries = {predictor.name: _entry(predictor, test, weights, best_possible) for predictor in contestants}
    by_name = {predictor.name: predictor for predictor in contestants}
    best = best_baseline(entries)
    for name, entry in entries.items():
        if "mae" in entry:
            _compare(entry, by_name[name], by_name, best, test, weights)
    return {
        **header,
        "eval_tracks": len(test),
        "eval_groups": len(set(test.groups)),
        "resamples": resamples,
        "interval": metrics.LEVEL,
        "label_sd": float(np.std(test.labels)),
        "noise_floor": {
            "mae": best_possible.mae,
            "correlation": best_possible.correlation,
            "meaning": "MAE of somebody who knows the truth, and the highest correlation with the labels, from how far the raters disagree",
        },
        "best_baseline": best,
        "predictors": entries,
        "slices": [] if traits is None else slices.measure(contestants, best, test, traits, weights),
        "learning_curve": [list(map(float, point)) for point in learning_curve],
        "importance": [[name, float(value)] for name, value in importance],
        "verdict": promotion.judge(entries, best, len(set(test.groups))),
    }


def _entry(predictor: Predictions, test: Tracks, weights: Array, best_possible: Ceiling) -> dict[str, Any]:
    covered = predictor.covered
    unparsed = sum(reason in UNPARSED for reason in predictor.failures.values())
    failed = int((~covered).sum())
    charged = charged_errors(predictor, test)
    entry: dict[str, Any] = {
        "kind": predictor.kind,
        "note": predictor.note,
        "coverage": float(covered.mean()),
        "failures": dict(Counter(predictor.failures.values()).most_common(5)),
        "failed": failed,
        "failure_share": failed / len(test),
        "parse_failures": unparsed,
        "other_failures": failed - unparsed,
        "mae_charged": asdict(metrics.mean_error(charged, weights)),
        "rmse_charged": float(np.sqrt(np.mean(charged**2))),
    }
    if covered.sum() < 2:
        return entry
    values, labels, kept = predictor.values[covered], test.labels[covered], metrics.kept(weights, covered)
    measured = asdict(metrics.measure(values, labels, kept))
    entry |= measured | {
        "all_errors_equal": bool(np.ptp(np.abs(values - labels)) < EQUAL_ERRORS),
        "times_floor": None if not best_possible.mae else measured["mae"]["value"] / best_possible.mae,
        "deciles": [asdict(decile) for decile in metrics.deciles(values, labels)],
        "intervals": _intervals(predictor, test, weights),
    }
    return entry


def _intervals(predictor: Predictions, test: Tracks, weights: Array) -> dict[str, Any] | None:
    """How honest the predictor's own 90 % intervals are; None when it gives none."""
    if predictor.low is None or predictor.high is None:
        return None
    given = np.isfinite(predictor.low) & np.isfinite(predictor.high)
    if given.sum() < 2:
        return None
    kept = metrics.kept(weights, given)
    return asdict(metrics.interval_quality(predictor.low[given], predictor.high[given], test.labels[given], kept))


def _compare(
    entry: dict[str, Any],
    predictor: Predictions,
    by_name: Mapping[str, Predictions],
    best: str | None,
    test: Tracks,
    weights: Array,
) -> None:
    """Add skill, ratios and the paired difference to the best baseline, each on the tracks that both cover."""
    if best is not None and predictor.name != best:
        entry["vs_best_baseline"] = asdict(difference(predictor, by_name[best], test, weights))
    if MEDIAN in by_name:
        mine, theirs, both = _paired(predictor, by_name[MEDIAN], test)
        entry["skill"] = asdict(metrics.skill(mine, theirs, metrics.kept(weights, both)))
    for name in (RAW_RULES, RANDOM):
        if name in by_name:
            mine, theirs, _ = _paired(predictor, by_name[name], test)
            entry[f"times_{name}"] = float(mine.mean() / theirs.mean()) if len(mine) and theirs.mean() else None


def _paired(predictor: Predictions, other: Predictions, test: Tracks) -> tuple[Array, Array, Any]:
    """Absolute errors of both on the tracks that both cover, and which those are."""
    both = predictor.covered & other.covered
    return np.abs(predictor.values - test.labels)[both], np.abs(other.values - test.labels)[both], both


def charged_errors(predictor: Predictions, test: Tracks) -> Array:
    """Absolute errors (n,) of all tracks: a failure costs the largest error that the label allows, so that failing never pays."""
    worst = np.maximum(test.labels - LOWEST, HIGHEST - test.labels)
    return np.where(predictor.covered, np.abs(predictor.values - test.labels), worst)


def best_baseline(entries: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The baseline of lowest MAE that covers every track."""
    complete = {
        name: entry["mae"]["value"]
        for name, entry in entries.items()
        if entry["kind"] == "baseline" and entry["failed"] == 0 and "mae" in entry
    }
    return min(complete, key=lambda name: complete[name], default=None)


def difference(predictor: Predictions, baseline: Predictions, test: Tracks, weights: Array) -> metrics.Measure:
    """Paired MAE difference on the tracks that both cover."""
    both = predictor.covered & baseline.covered
    return metrics.paired_mae_difference(
        predictor.values[both], baseline.values[both], test.labels[both], metrics.kept(weights, both)
    )


def load_latest(conn: psycopg.Connection) -> dict[str, Any] | None:
    """The newest evaluation: report, markdown, id, dataset, MLflow run, simulated or not, time; None when nothing was evaluated."""
    return queries.latest_evaluation(conn)
