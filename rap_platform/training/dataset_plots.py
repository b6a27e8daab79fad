"""Pictures of a dataset version. Figures only; where they go is decided by the caller."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

INK, ACCENT = "#1f2933", "#c2410c"
SHOWN = ("label", "era", "genre")


def sides(card: Mapping[str, Any]) -> Figure:
    """Share of each side's tracks by label, era and genre; bars of one stratum are as high on both sides where the split is even."""
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    for axes, dimension in zip(figure.subplots(len(SHOWN)), SHOWN, strict=True):
        strata = card["strata"][dimension]
        for offset, split, colour in ((-0.2, "train", INK), (0.2, "eval", ACCENT)):
            total = card["counts"][split]
            shares = [100 * of[split] / total for of in strata.values()]
            places = [place + offset for place in range(len(strata))]
            axes.bar(places, shares, width=0.4, color=colour, label=f"{split} ({total})")
        axes.set_xticks(range(len(strata)), list(strata), fontsize=8)
        axes.set(ylabel="tracks, %", title=dimension)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(fontsize=8)
    return figure
