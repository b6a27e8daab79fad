"""The trend report of one population as JSON: series, changes, forecasts, careers. Figures come from the modules that compute them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from rap_platform.trends import careers, changes, forecasts, series
from rap_platform.trends.careers import Cell
from rap_platform.trends.panel import MINIMUM_ARTISTS, MINIMUM_SONGS, Panel

SEED = 8
# Figures of which careers are followed: rhyme, flow, words.
FOLLOWED = ("rhyme_density", "syllables_per_line", "mattr_50", "rare_word_share")
MIXED_FROM = 0.1  # of the songs: a language or source whose share moves by so much may pose as a trend

Body = dict[str, Any]


@dataclass(frozen=True)
class Inputs:
    """What a report is made of; `without` gives the panel of themes among songs that don't have a theme."""

    simulated: bool
    analyzer: str | None
    songs: int
    songs_without_year: int
    themes: Panel
    moods: Panel
    sentiments: Panel
    figures: Sequence[Panel]
    without: Callable[[str], Panel] | None = None
    cells: Mapping[str, Sequence[Cell]] = field(default_factory=dict)
    composition: Sequence[tuple[int, str, str, int]] = ()
    words: Body | None = None
    clusters: Body | None = None


def build(inputs: Inputs) -> Body:
    """The whole report. A year with too few songs or artists is a gap (None); numbers have six significant digits."""
    body: Body = {
        "population": "simulated" if inputs.simulated else "real",
        "simulated": inputs.simulated,
        "songs": inputs.songs,
        "songs_without_year": inputs.songs_without_year,
        "analyzer": inputs.analyzer,
        "minimum_songs_per_year": MINIMUM_SONGS,
        "minimum_artists_per_year": MINIMUM_ARTISTS,
        "songs_per_year": _per_year(inputs.composition),
        "composition": composition(inputs.composition),
        "parts": {
            "themes": part(inputs.themes, without=inputs.without),
            "moods": part(inputs.moods),
            "sentiments": part(inputs.sentiments),
            "figures": part(*inputs.figures),
        },
        "careers": {name: _careers(inputs.cells[name]) for name in FOLLOWED if name in inputs.cells},
        "words": inputs.words,
        "clusters": inputs.clusters,
    }
    told: Body = rounded(body)
    return told


def part(*panels: Panel, without: Callable[[str], Panel] | None = None) -> Body:
    """Series of one kind: by year, slopes, changes, and the outlook with its back-test."""
    by_year = {
        name: [asdict(point) for point in line] for panel in panels for name, line in series.points(panel).items()
    }
    found = changes.told_apart(changes.changes(*panels, seed=SEED), without)
    return {
        "kind": panels[0].kind if panels else "share",
        "songs": int(max((panel.songs.sum() for panel in panels), default=0)),
        "design_effect": float(np.mean([effect for panel in panels for effect in panel.design_effects] or [1.0])),
        "by_year": by_year,
        "slopes": [asdict(slope) for slope in series.slopes(*panels)],
        "changes": [asdict(change) for change in found],
        "outlook": asdict(forecasts.outlook(*panels, seed=SEED)),
    }


def _per_year(rows: Sequence[tuple[int, str, str, int]]) -> list[dict[str, int]]:
    total: dict[int, int] = {}
    for year, _, _, songs in rows:
        total[year] = total.get(year, 0) + songs
    return [{"year": year, "songs": total.get(year, 0)} for year in range(min(total), max(total) + 1)] if total else []


def composition(rows: Sequence[tuple[int, str, str, int]]) -> Body:
    """Which languages and sources the songs of each year have, and what to beware of.

    A warning names a language or source whose share differs by MIXED_FROM or more between the earlier and the later half of the songs.
    """
    total = sum(row[3] for row in rows)
    body: Body = {"warnings": []}
    for column, kind in ((1, "language"), (2, "source")):
        held: dict[str, int] = {}
        for row in rows:
            held[str(row[column])] = held.get(str(row[column]), 0) + row[3]
        names = sorted(held, key=lambda name: (-held[name], name))[:5]
        body[f"{kind}s"] = {
            name: [{"year": year, "share": share} for year, share in _shares(rows, column, name)] for name in names
        }
        for name in names:
            early, late = _halves(rows, column, name)
            if abs(late - early) >= MIXED_FROM:
                body["warnings"].append(
                    f"{kind} {name}: {early:.0%} of the earlier half of the songs, {late:.0%} of the later half; "
                    "what changes with it is no trend of rap"
                )
    body["songs"] = total
    return body


def _shares(rows: Sequence[tuple[int, str, str, int]], column: int, name: str) -> list[tuple[int, float]]:
    total: dict[int, int] = {}
    held: dict[int, int] = {}
    for row in rows:
        total[row[0]] = total.get(row[0], 0) + row[3]
        held[row[0]] = held.get(row[0], 0) + row[3] * (row[column] == name)
    return [(year, held[year] / total[year]) for year in sorted(total)]


def _halves(rows: Sequence[tuple[int, str, str, int]], column: int, name: str) -> tuple[float, float]:
    total = sum(row[3] for row in rows)
    seen = 0
    songs, held = [0, 0], [0, 0]
    for row in sorted(rows):
        half = int(seen >= total / 2)
        seen += row[3]
        songs[half] += row[3]
        held[half] += row[3] * (row[column] == name)
    return held[0] / max(1, songs[0]), held[1] / max(1, songs[1])


def _careers(cells: Sequence[Cell]) -> Body:
    found = careers.careers(cells)
    return {
        "artists": found.artists,
        "mean": found.mean,
        "spread": found.spread,
        "moved": sum(one.moved for one in found.careers),
        "careers": [asdict(one) for one in found.careers[: careers.SHOWN]],
    }


def rounded(value: Any) -> Any:
    """The same with numbers of six significant digits and None for what is no number, so that it is JSON."""
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
