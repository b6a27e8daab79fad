"""The picture of the raters. A figure only; where it goes is decided by the caller."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

INK, ACCENT, QUIET = "#1f2933", "#c2410c", "#9aa5b1"
MOST = 40  # raters that a picture holds; of more, the most generous and the strictest


def raters(report: Mapping[str, Any], name: str) -> Figure:
    """How many points each rater marks above the others, with 95 % intervals, the most generous on top."""
    known = report["raters"]
    shown = known if len(known) <= MOST else [*known[: MOST // 2], *known[-MOST // 2 :]]
    shown = list(reversed(shown))
    places = range(len(shown))
    effects = [rater["effect"] for rater in shown]
    errors = [1.96 * (rater["effect_se"] or 0.0) for rater in shown]
    figure = Figure(figsize=(7, 0.24 * len(shown) + 1.6), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color=QUIET, linewidth=1)
    for place, effect, error in zip(places, effects, errors, strict=True):
        colour = ACCENT if abs(effect) > error else QUIET
        axes.errorbar(effect, place, xerr=error, color=colour, marker="o", markersize=4, linewidth=1.2)
    axes.set_yticks(list(places), [f"{rater['rater']} ({rater['marks']})" for rater in shown], fontsize=7)
    axes.set_xlabel("points above the other raters, 95 % interval; marks given in brackets")
    axes.set_title(f"Raters of {name} songs", loc="left", fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
