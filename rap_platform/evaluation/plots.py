"""Pictures of an evaluation. Figures only; where they go is decided by the caller."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rap_platform.evaluation.predictors import MODEL, Array

INK, ACCENT, QUIET = "#1f2933", "#c2410c", "#9aa5b1"


def predicted_against_actual(predicted: Array, actual: Array, title: str) -> Figure:
    """One dot per held-out track; on the diagonal the prediction is right."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([1, 10], [1, 10], color=QUIET, linewidth=1)
    axes.scatter(predicted, actual, s=14, color=ACCENT, alpha=0.6, edgecolors="none")
    axes.set(xlabel="predicted rating", ylabel="rating", xlim=(1, 10), ylim=(1, 10), title=title)
    return figure


def residuals(predicted: Array, actual: Array, title: str) -> Figure:
    """Error over prediction, and how often each error occurs."""
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[2, 1])
    error = predicted - actual
    left.axhline(0, color=QUIET, linewidth=1)
    left.scatter(predicted, error, s=14, color=ACCENT, alpha=0.6, edgecolors="none")
    left.set(xlabel="predicted rating", ylabel="predicted minus rating", title=title)
    right.hist(error, bins=np.linspace(-4, 4, 25), color=INK)
    right.set(xlabel="error", ylabel="tracks")
    return figure


def mae_bars(report: Mapping[str, Any]) -> Figure:
    """MAE of every predictor with its interval, best on top, and the noise floor."""
    shown = [(name, entry["mae"], entry) for name, entry in report["predictors"].items() if "mae" in entry]
    shown.sort(key=lambda item: item[1]["value"], reverse=True)
    figure = Figure(figsize=(8, 0.6 + 0.42 * max(1, len(shown))), layout="constrained")
    axes = figure.subplots()
    for row, (name, mae, _) in enumerate(shown):
        axes.barh(row, mae["value"], color=ACCENT if name == MODEL else QUIET, height=0.65)
        if mae["low"] is not None:
            axes.plot([mae["low"], mae["high"]], [row, row], color=INK, linewidth=2)
        axes.text(
            max(mae["value"], mae["high"] or 0) + 0.02, row, f"{mae['value']:.2f}", va="center", fontsize=8, color=INK
        )
    labels = [
        name if entry["coverage"] == 1 else f"{name} ({entry['coverage']:.0%} covered)" for name, _, entry in shown
    ]
    axes.set_yticks(range(len(shown)), labels)
    floor = report["noise_floor"]["mae"]
    if floor is not None:
        axes.axvline(floor, color=INK, linewidth=1, linestyle=":")
        axes.text(floor, len(shown) - 0.4, " noise floor", fontsize=8, color=INK)
    axes.set(xlabel="mean absolute error, ratings 1 to 10 (95 % interval)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
