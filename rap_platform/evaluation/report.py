"""The evaluation report: every predictor on the same tracks, differences to the best baseline, verdict, markdown. Also reads it back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import psycopg

from rap_platform.evaluation import metrics, queries
from rap_platform.evaluation.predictors import MODEL, Array, Predictions, Tracks

EQUAL_ERRORS = 1e-9


def build(
    contestants: Sequence[Predictions],
    test: Tracks,
    *,
    resamples: int,
    seed: int,
    header: Mapping[str, Any],
    noise_floor: float | None,
) -> dict[str, Any]:
    """The report as JSON: one entry per predictor, the best baseline, the model's paired difference to it and the verdict.

    A predictor that fails on some tracks is measured on those it covers, and compared with a baseline on exactly those.
    The best baseline is the one of lowest MAE among those that cover every track.
    """
    weights = metrics.group_weights(test.groups, resamples, seed)
    entries: dict[str, dict[str, Any]] = {}
    for predictor in contestants:
        covered = predictor.covered
        entry: dict[str, Any] = {
            "kind": predictor.kind,
            "note": predictor.note,
            "coverage": float(covered.mean()),
            "failures": dict(Counter(predictor.failures.values()).most_common(5)),
            "failed": int((~covered).sum()),
        }
        if covered.sum() >= 2:
            measured = metrics.measure(predictor.values[covered], test.labels[covered], _kept(weights, covered))
            error = np.abs(predictor.values[covered] - test.labels[covered])
            entry |= asdict(measured) | {"all_errors_equal": bool(np.ptp(error) < EQUAL_ERRORS)}
        entries[predictor.name] = entry

    by_name = {predictor.name: predictor for predictor in contestants}
    best = best_baseline(entries)
    for name, entry in entries.items():
        if name != best and "mae" in entry and best is not None:
            entry["vs_best_baseline"] = asdict(difference(by_name[name], by_name[best], test, weights))
    floor = {"mae": noise_floor, "meaning": "MAE of somebody who knows the truth, from how far the raters disagree"}
    verdict = judge(entries, best)
    return {
        **header,
        "eval_tracks": len(test),
        "eval_groups": len(set(test.groups)),
        "resamples": resamples,
        "interval": metrics.LEVEL,
        "label_sd": float(np.std(test.labels)),
        "noise_floor": floor,
        "best_baseline": best,
        "predictors": entries,
        "verdict": verdict,
    }


def _kept(weights: Array, covered: Any) -> Array:
    kept = weights[:, covered]
    return np.asarray(kept[kept.sum(axis=1) > 0])


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
        predictor.values[both], baseline.values[both], test.labels[both], _kept(weights, both)
    )


def judge(entries: Mapping[str, Mapping[str, Any]], best: str | None) -> dict[str, Any]:
    """Whether the quality model earns the alias champion, and why."""
    model = entries.get(MODEL)
    if model is None or "mae" not in model:
        return {"promote": False, "reason": "there is no quality model of this dataset"}
    if best is None:
        return {"promote": False, "reason": "no baseline covers every track"}
    if model["failed"]:
        return {"promote": False, "reason": f"it fails on {model['failed']} tracks"}
    gap = model["vs_best_baseline"]
    shown = f"its MAE {model['mae']['value']:.3f} differs from that of the best baseline, {best} {entries[best]['mae']['value']:.3f}, by "
    shown += f"{gap['value']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})"
    if gap["high"] < 0:
        return {"promote": True, "reason": f"{shown}: better, the interval excludes zero"}
    if gap["low"] > 0:
        return {"promote": False, "reason": f"{shown}: worse"}
    return {"promote": False, "reason": f"{shown}: the interval includes zero"}


def markdown(report: Mapping[str, Any]) -> str:
    """The report as a table that a person reads in Dagster, MLflow or a terminal."""
    simulated = " Everything here is **simulated**." if report["simulated"] else ""
    floor = report["noise_floor"]["mae"]
    lines = [
        f"Dataset `{report['dataset']}`: {report['train_tracks']} tracks to learn from, {report['eval_tracks']} held out "
        f"({report['eval_groups']} groups of artists).{simulated}",
        "",
        f"Ratings from 1 to 10. Intervals: 95 %, {report['resamples']} resamples over groups. Label sd {report['label_sd']:.3f}. "
        f"Noise floor (MAE): {'unknown' if floor is None else f'{floor:.3f}'}.",
        "",
        "| predictor | MAE | RMSE | R² | Spearman | calibration slope | MAE against best baseline | covered |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ordered = sorted(report["predictors"].items(), key=lambda item: item[1].get("mae", {}).get("value") or float("inf"))
    for name, entry in ordered:
        title = (
            f"**{name}**" if name == MODEL else f"{name} (best baseline)" if name == report["best_baseline"] else name
        )
        if "mae" not in entry:
            lines.append(f"| {title} | - | - | - | - | - | - | {entry['coverage']:.1%} |")
            continue
        cells = [_shown(entry[key]) for key in ("mae", "rmse", "r2", "spearman", "calibration_slope")]
        gap = entry.get("vs_best_baseline")
        cells.append("-" if gap is None else _shown(gap, signed=True))
        lines.append(f"| {title} | {' | '.join(cells)} | {entry['coverage']:.1%} |")
    verdict = report["verdict"]
    lines += ["", f"Verdict: {'champion' if verdict['promote'] else 'no promotion'}; {verdict['reason']}."]
    lines += [f"- {name}: {entry['note']}" for name, entry in ordered]
    return "\n".join(lines)


def _shown(figure: Mapping[str, float | None], *, signed: bool = False) -> str:
    if figure["value"] is None:
        return "undefined"
    style = "+.3f" if signed else ".3f"
    if figure["low"] is None or figure["high"] is None:
        return format(figure["value"], style)
    return f"{figure['value']:{style}} ({figure['low']:{style}} to {figure['high']:{style}})"


def load_latest(conn: psycopg.Connection) -> dict[str, Any] | None:
    """The newest evaluation: report, markdown, id, dataset, MLflow run, simulated or not, time; None when nothing was evaluated."""
    return queries.latest_evaluation(conn)
