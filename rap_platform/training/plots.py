"""Pictures of what a training run found. Figures only; where they go is decided by the caller."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from rap_platform.training.importance import Importance

INK, ACCENT, QUIET = "#1f2933", "#c2410c", "#9aa5b1"


def importance(found: Sequence[Importance], unit: str = "rating points") -> Figure:
    """A bar per family of features, the largest on top, with the spread over the repeats."""
    shown = list(reversed(found))
    figure = Figure(figsize=(7, 0.45 * len(shown) + 1.4), layout="constrained")
    axes = figure.subplots()
    colours = [ACCENT if entry.mae_growth > 2 * entry.sd else QUIET for entry in shown]
    axes.barh(
        [entry.feature for entry in shown],
        [entry.mae_growth for entry in shown],
        xerr=[entry.sd for entry in shown],
        color=colours,
        ecolor=INK,
    )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlabel(f"growth of the mean absolute error when shuffled among tracks left out, {unit}")
    axes.set_title("What the model rests on", loc="left", fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def learning_curve(points: Sequence[tuple[int, float, float, float]], unit: str = "rating points") -> Figure:
    """The mean error over tracks learned from, (tracks, mean, least, most), the draws' spread as a band."""
    sizes, means, least, most = (np.array(column) for column in zip(*points, strict=True))
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(sizes, least, most, color=ACCENT, alpha=0.2, linewidth=0)
    axes.plot(sizes, means, color=ACCENT, marker="o")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("tracks learned from (whole groups of artists)")
    axes.set_ylabel(f"MAE on held-out tracks, {unit}")
    axes.set_title("Learning curve, band over the draws", loc="left", fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
