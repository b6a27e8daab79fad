"""Pictures of an evaluation. Figures only; where they go is decided by the caller."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from rap_platform.evaluation import wording
from rap_platform.evaluation.predictors import MODEL, Array, Predictions, Tracks

INK, ACCENT, QUIET = "#1f2933", "#c2410c", "#9aa5b1"
RATING, PREDICTED = "rating by people, 1 to 10", "predicted rating, 1 to 10"
SIMULATED = "rating by the simulated panel, 1 to 10"
MAE = "mean absolute error (95 % interval)"
DOT: dict[str, Any] = {"s": 16, "color": ACCENT, "alpha": 0.55, "edgecolors": "none"}


def draw(report: Mapping[str, Any], contestants: Sequence[Predictions], test: Tracks) -> dict[str, Figure]:
    """Every picture that the report has figures for, by name, in the order in which they are shown."""
    figures = {"mae": mae_bars(report)}
    name = wording.subject(report)
    chosen = next((predictor for predictor in contestants if predictor.name == name), None)
    if chosen is not None and "mae" in report["predictors"][name]:
        covered = chosen.covered
        predicted, actual = chosen.values[covered], test.labels[covered]
        rating = SIMULATED if report["simulated"] else RATING
        figures["predicted_against_actual"] = predicted_against_actual(predicted, actual, name, rating)
        figures["residuals"] = residuals(predicted, actual, name)
        figures["calibration"] = calibration(predicted, actual, report["predictors"][name], name, rating)
        figures["deciles"] = decile_errors(report, name, rating)
    if report["slices"]:
        figures["slices"] = slice_errors(report, name)
    if report["learning_curve"]:
        figures["learning_curve"] = learning_curve(report)
    if report["importance"]:
        figures["importance"] = importance(report["importance"])
    for figure in figures.values():  # laid out once, drawn several times
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return figures


def _axes(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    _plain(axes)
    axes.set_title(title, fontsize=11, loc="left", color=INK)
    return figure, axes


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK, labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)


def _square(axes: Axes, low: float, high: float) -> None:
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(1))
    axes.plot([low, high], [low, high], color=QUIET, linewidth=1, zorder=0)


def _span(*values: Array) -> tuple[float, float]:
    """Whole ratings around all values, so that the dots fill the picture."""
    return max(0.5, np.floor(min(v.min() for v in values)) - 0.2), min(
        10.5, np.ceil(max(v.max() for v in values)) + 0.2
    )


def predicted_against_actual(predicted: Array, actual: Array, name: str, rating: str = RATING) -> Figure:
    """One dot per held-out track; on the line the prediction is right."""
    figure, axes = _axes(5.2, 5.2, f"{name} on {len(actual)} held-out tracks")
    low, high = _span(predicted, actual)
    _square(axes, low, high)
    axes.scatter(predicted, actual, **DOT)
    axes.annotate("prediction = rating", (high, high), (-4, -16), textcoords="offset points", ha="right", fontsize=8, color=INK,
                  rotation=0)  # fmt: skip
    axes.set(xlabel=PREDICTED, ylabel=rating)
    return figure


def residuals(predicted: Array, actual: Array, name: str) -> Figure:
    """Error over prediction, and how often each error occurs."""
    figure = Figure(figsize=(6.8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[2.2, 1], sharey=True)
    error = predicted - actual
    edge = max(1.0, float(np.ceil(np.abs(error).max() * 2) / 2))
    left.axhline(0, color=QUIET, linewidth=1)
    left.scatter(predicted, error, **DOT)
    left.set(xlabel=PREDICTED, ylabel="prediction minus rating", ylim=(-edge, edge))
    right.hist(error, bins=np.linspace(-edge, edge, 25), color=QUIET, orientation="horizontal")
    right.axhline(float(error.mean()), color=ACCENT, linewidth=1.5)
    right.set(xlabel="tracks")
    right.set_title(f"mean {error.mean():+.2f}", fontsize=9, color=INK)
    for axes in (left, right):
        _plain(axes)
    left.set_title(f"Errors of {name}: above the line it rates too high", fontsize=11, loc="left", color=INK)
    return figure


def calibration(
    predicted: Array, actual: Array, entry: Mapping[str, Any], name: str, rating: str = RATING, bins: int = 8
) -> Figure:
    """Mean rating of tracks that were given about the same prediction; on the diagonal a prediction means what it says."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), max(1, min(bins, len(predicted) // 5)))
    x, y = np.array([predicted[p].mean() for p in parts]), np.array([actual[p].mean() for p in parts])
    spread = np.array([1.96 * actual[p].std(ddof=1) / np.sqrt(len(p)) if len(p) > 1 else 0.0 for p in parts])
    slope, intercept = entry["calibration_slope"]["value"], entry["calibration_intercept"]["value"]
    title = f"Calibration of {name}"
    if slope is not None and intercept is not None:
        title += f": slope {slope:.2f}, intercept {intercept:+.2f}"
    figure, axes = _axes(5.2, 5.2, title)
    low, high = _span(x, y - spread, y + spread)
    _square(axes, low, high)
    if slope is not None and intercept is not None:
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, slope * ends + intercept, color=ACCENT, linewidth=1.5, linestyle="--")
    axes.errorbar(x, y, yerr=spread, fmt="o", color=ACCENT, ecolor=INK, elinewidth=1, capsize=3, markersize=6)
    axes.set(xlabel=f"{PREDICTED} (mean of {len(parts)} equal parts)", ylabel=f"mean {rating}")
    return figure


def decile_errors(report: Mapping[str, Any], name: str, rating: str = RATING) -> Figure:
    """MAE by tenths of the tracks in order of their rating, the best baseline beside the predictor."""
    tenths = report["predictors"][name]["deciles"]
    best = report["best_baseline"]
    figure, axes = _axes(6.8, 3.8, "Error from the lowest rated tenth of the tracks to the highest")
    beside = best is not None and best != name and "deciles" in report["predictors"][best]
    width = 0.38 if beside else 0.7
    places = np.arange(len(tenths))
    axes.bar(places - (width / 2 if beside else 0), [d["mae"] for d in tenths], width, color=ACCENT, label=name)
    if beside:
        others = report["predictors"][best]["deciles"]
        axes.bar(np.arange(len(others)) + width / 2, [d["mae"] for d in others], width, color=QUIET, label=f"{best} (best baseline)")  # fmt: skip
        axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper center")
    _floor(axes, report, horizontal=True)
    axes.set_xticks(places, [f"{d['lowest']:.1f}\nto {d['highest']:.1f}" for d in tenths])
    axes.set(xlabel=rating, ylabel="mean absolute error", xlim=(-0.6, len(tenths) + 0.4))
    return figure


def mae_bars(report: Mapping[str, Any]) -> Figure:
    """MAE of every predictor with its interval, best on top, and the noise floor."""
    shown = [(name, entry) for name, entry in reversed(wording.ordered(report)) if "mae" in entry]
    figure, axes = _axes(6.8, 1.1 + 0.42 * max(1, len(shown)), f"Error on the same {report['eval_tracks']} held-out tracks, lower is better")  # fmt: skip
    for row, (name, entry) in enumerate(shown):
        mae = entry["mae"]
        axes.barh(row, mae["value"], color=ACCENT if name == MODEL else QUIET, height=0.65)
        if mae["low"] is not None:
            axes.plot([mae["low"], mae["high"]], [row, row], color=INK, linewidth=2, solid_capstyle="butt")
        axes.annotate(f"{mae['value']:.2f}", (max(mae["value"], mae["high"] or 0), row), (5, 0), textcoords="offset points",
                      va="center", fontsize=9, color=INK)  # fmt: skip
    labels = [name if entry["coverage"] == 1 else f"{name} ({entry['coverage']:.0%} covered)" for name, entry in shown]
    axes.set_yticks(range(len(shown)), labels)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    _floor(axes, report, horizontal=False)
    axes.set(xlabel=MAE)
    return figure


def _floor(axes: Axes, report: Mapping[str, Any], *, horizontal: bool) -> None:
    floor = report["noise_floor"]["mae"]
    if floor is None:
        return
    if horizontal:
        axes.axhline(floor, color=INK, linewidth=1, linestyle=":")
        axes.annotate("noise floor", (1, floor), (-2, 3), xycoords=("axes fraction", "data"), textcoords="offset points",
                      ha="right", fontsize=8, color=INK)  # fmt: skip
    else:
        axes.axvline(floor, color=INK, linewidth=1, linestyle=":")
        axes.annotate("noise floor", (floor, 0), (3, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
                      fontsize=8, color=INK)  # fmt: skip


def slice_errors(report: Mapping[str, Any], name: str) -> Figure:
    """MAE on each slice that is large enough, with its interval; the best baseline as a hollow mark."""
    rows = [one for one in report["slices"] if "mae" in one["predictors"].get(name, {})]
    rows.reverse()
    figure, axes = _axes(6.8, 1.3 + 0.36 * max(1, len(rows)), f"Error of {name} by slice")
    best = report["best_baseline"]
    for row, one in enumerate(rows):
        mae = one["predictors"][name]["mae"]
        if mae["low"] is not None:
            axes.plot([mae["low"], mae["high"]], [row, row], color=ACCENT, linewidth=2)
        axes.plot(mae["value"], row, "o", color=ACCENT, label=name if row == 0 else None)
        other = one["predictors"].get(best, {}).get("mae")
        if other is not None and best != name:
            axes.plot(other["value"], row, "D", markerfacecolor="none", markeredgecolor=INK, markersize=5,
                      label=f"{best} (best baseline)" if row == 0 else None)  # fmt: skip
    axes.set_yticks(range(len(rows)), [f"{one['by']}: {one['slice']}  ({one['n']} tracks)" for one in rows])
    axes.set_ylim(-0.6, max(1, len(rows)) - 0.4)
    _floor(axes, report, horizontal=False)
    if rows:
        figure.legend(*axes.get_legend_handles_labels(), frameon=False, fontsize=9, labelcolor=INK, loc="outside lower right", ncols=2)  # fmt: skip
    else:
        axes.text(0.5, 0.5, "every slice is too small", transform=axes.transAxes, ha="center", color=INK)
    axes.set(xlabel=MAE)
    return figure


def learning_curve(report: Mapping[str, Any]) -> Figure:
    """MAE over the number of tracks that were learned from, its least and most over the draws as a band, and the noise floor."""
    points = sorted(report["learning_curve"])
    sizes, errors = [p[0] for p in points], [p[1] for p in points]
    figure, axes = _axes(7, 3.8, "What more tracks to learn from are worth")
    if all(len(p) >= 4 for p in points):
        axes.fill_between(sizes, [p[2] for p in points], [p[3] for p in points], color=ACCENT, alpha=0.15, linewidth=0)
    axes.plot(sizes, errors, "o-", color=ACCENT, markersize=5)
    for size, error in ((sizes[0], errors[0]), (sizes[-1], errors[-1])):
        axes.annotate(f"{error:.2f}", (size, error), (0, 7), textcoords="offset points", ha="center", fontsize=9, color=INK)  # fmt: skip
    best = report["best_baseline"]
    if best is not None:
        error = report["predictors"][best]["mae"]["value"]
        axes.axhline(error, color=QUIET, linewidth=1)
        axes.annotate(f"best baseline: {best}", (1, error), (-2, 3), xycoords=("axes fraction", "data"), textcoords="offset points",
                      ha="right", fontsize=8, color=INK)  # fmt: skip
    _floor(axes, report, horizontal=True)
    axes.set(xlabel="tracks to learn from (band: least and most of the draws)", ylabel="mean absolute error")
    axes.set_xlim(left=0)
    axes.margins(y=0.15)
    return figure


def importance(features: Sequence[Sequence[Any]], most: int = 15) -> Figure:
    """The features that matter most, largest on top: by how much the error grows when the feature is shuffled."""
    top = sorted(features, key=lambda one: float(one[1]))[-most:]
    figure, axes = _axes(6.8, 1.1 + 0.32 * len(top), "What the quality model listens to")
    axes.barh(range(len(top)), [float(value) for _, value in top], color=ACCENT, height=0.65)
    axes.set_yticks(range(len(top)), [str(name).replace("_", " ") for name, _ in top])
    axes.axvline(0, color=INK, linewidth=1)
    axes.set(xlabel="by how much the MAE grows when this is shuffled")
    return figure
