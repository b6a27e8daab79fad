"""The pictures of the agreement report."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rap_platform.analyses.agreement import LEAST_PAIRS, Maker, Pair, Row, makers_of, paired
from rap_platform.analyses.results import MOODS, SCORES, SENTIMENTS

LATENCY_BINS = 40


def plots(rows: Sequence[Row], body: Mapping[str, Any], population: str) -> Iterator[tuple[str, Figure]]:
    """Each picture with its name: scores and confusions of every pair, latency, reliability."""
    for number, (one, other) in enumerate(combinations(makers_of(rows), 2), 1):
        pairs = paired(rows, one, other)
        if len(pairs) >= LEAST_PAIRS:
            yield f"scores_{number}", scores(pairs, one, other, population)
            yield f"confusion_{number}", confusions(pairs, one, other, population)
    if any(row["latency_ms"] is not None for row in rows):
        yield "latency", latencies(rows, population)
    if earned := [one for one in body["analyzers"] if one["calibration"]]:
        yield "reliability", reliability(earned)


def scores(pairs: Sequence[Pair], one: Maker, other: Maker, population: str) -> Figure:
    """Every score of two analysts against each other."""
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    figure.suptitle(f"{len(pairs)} tracks, {population}")
    for axes, name in zip(figure.subplots(1, len(SCORES)), SCORES, strict=True):
        axes.scatter([a[name] for a, _ in pairs], [b[name] for _, b in pairs], s=8, alpha=0.35)
        axes.plot([1, 10], [1, 10], color="grey", linewidth=0.5)
        axes.set(xlim=(1, 10), ylim=(1, 10), title=name, xlabel=one[0], ylabel=other[0])
    return figure


def confusions(pairs: Sequence[Pair], one: Maker, other: Maker, population: str) -> Figure:
    """Which label of one goes with which of the other: shares of each row, and the number of tracks."""
    figure = Figure(figsize=(15, 9), layout="constrained")
    figure.suptitle(f"{len(pairs)} tracks, {population}; colour is the share of the row")
    mood, sentiment = figure.subplots(1, 2, width_ratios=[3, 1])
    _confusion(mood, [(a["primary_mood"], b["primary_mood"]) for a, b in pairs], MOODS)
    _confusion(sentiment, [(a["sentiment"], b["sentiment"]) for a, b in pairs], SENTIMENTS)
    for axes, title in ((mood, "primary mood"), (sentiment, "sentiment")):
        axes.set(title=title, xlabel=f"{other[0]} {other[1]}", ylabel=f"{one[0]} {one[1]}")
    return figure


def _confusion(axes: Axes, labels: Sequence[tuple[str, str]], names: Sequence[str]) -> None:
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    for a, b in labels:
        counts[names.index(a), names.index(b)] += 1
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", fontsize=7, color=color)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)


def latencies(rows: Sequence[Row], population: str) -> Figure:
    """How long the answers took, by analyst."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for maker in makers_of(rows):
        known = [row["latency_ms"] for row in rows if (row["analyzer"], row["model"]) == maker and row["latency_ms"]]
        if known:
            edges = np.geomspace(max(1, min(known)), max(2, *known) + 1, LATENCY_BINS)
            axes.hist(known, bins=list(edges), alpha=0.6, label=" ".join(maker))
    axes.set(xscale="log", xlabel="milliseconds, all requests of a song", ylabel="songs", title=population)
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    return figure


def reliability(makers: Sequence[Mapping[str, Any]]) -> Figure:
    """Confidence against truth on labelled verses kept out of the fit; on the diagonal it keeps what it says."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.5)
    for one in makers:
        bins = one["calibration"]["reliability"]
        axes.plot(
            [part["confidence"] for part in bins], [part["right"] for part in bins], "o-",
            label=f"{one['analyzer']} {one['model']}, {one['calibration']['answered']} verses",
        )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share with the right mood", title="labelled verses")
    axes.legend()
    return figure
