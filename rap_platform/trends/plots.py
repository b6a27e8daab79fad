"""Pictures of a trend report for MLflow and Dagster. A gap in the data is a gap in the line."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from rap_platform.trends.markdown import TITLES, label
from rap_platform.trends.telling import telling

COLOURS = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#b45309", "#0e7490", "#be185d", "#4d7c0f")
INK, QUIET = "#1f2933", "#9aa5b1"


def draw(body: Mapping[str, Any]) -> dict[str, Figure]:
    """The pictures of a population; none for a part that has no point."""
    figures = {}
    if body["songs_per_year"]:
        figures["songs_per_year"] = _songs(body)
    for name, title in TITLES.items():
        part = body["parts"][name]
        chosen = telling(part)
        if chosen:
            figures[name] = _multiples(part, chosen, f"{title} of {body['population']} songs")
    for name, found in body["careers"].items():
        if found["careers"]:
            figures[f"careers_{name}"] = _careers(found, f"{label(name)}: artists less the field of the same years")
    return figures | groups(body["clusters"], body["population"])


def groups(clusters: Mapping[str, Any] | None, population: str) -> dict[str, Figure]:
    """The pictures of the groups of songs; none without groups."""
    if not clusters:
        return {}
    names = telling(clusters["part"])
    shares = {"groups_by_year": _multiples(clusters["part"], names, f"Groups of {population} songs")} if names else {}
    return {"groups": _dots(clusters)} | shares


def _songs(body: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(8, 2.5), layout="constrained")
    axes = figure.subplots()
    years, songs = ([entry[key] for entry in body["songs_per_year"]] for key in ("year", "songs"))
    axes.bar(years, songs, color=QUIET)
    axes.set(ylabel="songs", title=f"{body['population']} songs by year")
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _grid(count: int) -> tuple[Figure, list[Axes]]:
    across = min(3, count)
    down = math.ceil(count / across)
    figure = Figure(figsize=(3.6 * across, 2.3 * down + 0.4), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(down, across)).ravel())
    for unused in axes[count:]:
        unused.set_axis_off()
    for one in axes[:count]:
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(labelsize=8)
        one.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure, axes


def _multiples(part: Mapping[str, Any], names: Sequence[str], title: str) -> Figure:
    figure, grid = _grid(len(names))
    figure.suptitle(title, fontsize=11)
    for k, (name, axes) in enumerate(zip(names, grid, strict=False)):
        colour = COLOURS[k % len(COLOURS)]
        line = part["by_year"][name]
        years = [point["year"] for point in line]
        value, low, high = ([math.nan if p[key] is None else p[key] for p in line] for key in ("value", "low", "high"))
        axes.fill_between(years, low, high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(years, value, color=colour, linewidth=1.6, marker="o", markersize=2)
        ahead = [one for one in part["outlook"]["forecasts"] if one["name"] == name]
        if ahead:
            to = [one["year"] for one in ahead]
            axes.fill_between(
                to, [one["low"] for one in ahead], [one["high"] for one in ahead], color=colour, alpha=0.1, linewidth=0
            )
            axes.plot(to, [one["value"] for one in ahead], color=colour, linewidth=1.4, linestyle=":")
        for jump in (one for one in part["changes"] if one["name"] == name and one["beside"] is None):
            axes.axvspan(jump["year_low"] - 0.5, jump["year_high"] - 0.5, color=INK, alpha=0.06, linewidth=0)
            axes.axvline(jump["year"] - 0.5, color=INK, linewidth=1, linestyle="--")
            axes.text(
                jump["year"],
                1.0,
                f" {jump['year']}",
                transform=axes.get_xaxis_transform(),
                fontsize=8,
                va="top",
                color=INK,
            )
        axes.set_title(label(name), fontsize=9, loc="left")
        if part["kind"] == "share":
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def _careers(found: Mapping[str, Any], title: str) -> Figure:
    shown = found["careers"]
    figure, grid = _grid(len(shown))
    figure.suptitle(title, fontsize=11)
    for k, (one, axes) in enumerate(zip(shown, grid, strict=False)):
        colour = COLOURS[k % len(COLOURS)]
        years = [stop["year"] for stop in one["path"]]
        axes.axhline(0, color=QUIET, linewidth=1)
        axes.vlines(
            years,
            [s["low"] for s in one["path"]],
            [s["high"] for s in one["path"]],
            color=colour,
            alpha=0.4,
            linewidth=1.4,
        )
        axes.plot(
            years, [stop["value"] for stop in one["path"]], color=colour, marker="o", markersize=3.5, linestyle=""
        )
        axes.set_title(f"{one['artist']}  {one['shrunken']:+.2g} per decade", fontsize=9, loc="left")
    return figure


def _dots(clusters: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(9, 6.2), layout="constrained")
    axes = figure.subplots()
    points = np.array(clusters["picture"]["points"], dtype=float).reshape(-1, 3)
    for group, one in enumerate(clusters["clusters"]):
        inside = points[points[:, 2] == group]
        if len(inside):
            axes.scatter(
                inside[:, 0], inside[:, 1], s=11, color=COLOURS[group % len(COLOURS)], alpha=0.5, edgecolors="none"
            )
            axes.annotate(
                one["name"], inside[:, :2].mean(axis=0), ha="center", fontsize=8, color=INK,
                bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.75},
            )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(
        f"Songs by what they mean; the two axes hold {clusters['picture']['explained']:.0%} of what parts them",
        fontsize=10,
    )
    axes.spines[:].set_visible(False)
    return figure
