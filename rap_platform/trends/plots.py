"""Pictures of a trend report. A gap in the data is a gap in the line."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rap_platform.trends import report

COLOURS = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#b45309", "#0e7490")
QUIET = "#9aa5b1"


def draw(body: Mapping[str, Any]) -> dict[str, Figure]:
    """The pictures of a population; none for a series that has no point."""
    figures = {}
    if body["songs_per_year"]:
        figures["songs_per_year"] = _songs(body)
    if any(point["value"] is not None for point in body["rhyme_density"]["by_year"]):
        figures["rhyme_density"] = _lines(
            {"rhyme density": body["rhyme_density"]["by_year"]}, "rhymed syllables per syllable", body
        )
    for kind in ("themes", "moods"):
        chosen = moving(body[kind])
        if any(point["value"] is not None for points in chosen.values() for point in points):
            figures[kind] = _lines(chosen, f"share of songs, {kind}", body)
    return figures


def moving(part: Mapping[str, Any], most: int = 5) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The series that move clearly, steepest first; the commonest where none does."""
    names = [slope["name"] for slope in (*report.rising(part)[:3], *report.falling(part)[:2])] or list(part["by_year"])[
        :most
    ]
    return {name: part["by_year"][name] for name in names}


def _title(body: Mapping[str, Any]) -> str:
    return "simulated songs" if body["simulated"] else "real songs"


def _songs(body: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(8, 2.5), layout="constrained")
    axes = figure.subplots()
    axes.bar(
        [entry["year"] for entry in body["songs_per_year"]],
        [entry["songs"] for entry in body["songs_per_year"]],
        color=QUIET,
    )
    axes.set(ylabel="songs", title=_title(body))
    return figure


def _lines(parts: Mapping[str, Sequence[Mapping[str, Any]]], label: str, body: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes: Axes = figure.subplots()
    for colour, (name, points) in zip(COLOURS, parts.items(), strict=False):
        years = [point["year"] for point in points]
        value, low, high = (
            [math.nan if point[key] is None else point[key] for point in points] for key in ("value", "low", "high")
        )
        axes.plot(years, value, color=colour, marker="o", markersize=3, label=name)
        axes.fill_between(years, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set(ylabel=label, title=_title(body))
    axes.set_ylim(bottom=0)
    if len(parts) > 1:
        axes.legend(fontsize=8, loc="upper left")
    return figure
