"""The picture of the raters."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

MOST_SHOWN = 60


def rater_effects(raters: Sequence[Mapping[str, Any]], population: str) -> Figure:
    """Each rater's effect with its 95 % interval, and the slope; of more than 60 those with the most marks."""
    busiest = sorted(raters, key=lambda rater: -rater["marks"])[:MOST_SHOWN]
    shown = sorted(busiest, key=lambda rater: rater["effect"])
    figure = Figure(figsize=(9, 1.2 + 0.22 * len(shown)), layout="constrained")
    effects, slopes = figure.subplots(1, 2, sharey=True, width_ratios=[2, 1])
    places = range(len(shown))
    for place, rater in zip(places, shown, strict=True):
        if rater["low"] is not None:
            effects.plot([rater["low"], rater["high"]], [place, place], color="tab:blue", linewidth=1)
    effects.plot([rater["effect"] for rater in shown], places, "o", markersize=4, color="tab:blue")
    effects.axvline(0, color="grey", linewidth=0.5)
    effects.set_yticks(list(places), [f"{rater['rater']} ({rater['marks']})" for rater in shown], fontsize=7)
    effects.set(xlabel="marks above the others, points (95 % interval)", title="strict to generous")
    slopes.plot([rater["slope"] for rater in shown], places, "o", markersize=4, color="tab:orange")
    slopes.axvline(1, color="grey", linewidth=0.5)
    slopes.set(xlabel="points for one point of the track", title="use of the scale")
    left = "" if len(shown) == len(raters) else f", the {len(shown)} with the most marks"
    figure.suptitle(f"{len(raters)} raters, {population}{left}")
    return figure
