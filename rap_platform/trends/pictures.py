"""Pictures as inline SVG, for the web page and the HTML report: small multiples of series, stops of careers, songs as dots.

Colours are classes (c0 to c5, ink, quiet, band) that the page's style sheet fills; STYLE does so where there is none.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from rap_platform.trends.markdown import label

STYLE = """
.chart{max-width:100%;height:auto;font:11px system-ui,sans-serif}.chart text{fill:#6a645b}.chart .title{fill:#1c1a17;font-weight:600;font-size:12px}
.chart .axis{stroke:#cfc7ba}.chart .gridline{stroke:#ece6db}.chart .line{fill:none;stroke-width:1.8}.chart .band{stroke:none;opacity:.16}
.chart .fan{stroke:none;opacity:.1}.chart .ahead{fill:none;stroke-width:1.6;stroke-dasharray:3 3}
.chart .jump{stroke:#1c1a17;stroke-dasharray:4 3}.chart .jumptext{fill:#1c1a17}.chart .columns{fill:#9aa5b1}
.chart .line,.chart .ahead,.chart .bar{stroke:var(--c)}.chart .band,.chart .fan,.chart .dot{fill:var(--c)}
.c0{--c:#c2410c}.c1{--c:#1d4ed8}.c2{--c:#15803d}.c3{--c:#7e22ce}.c4{--c:#b45309}.c5{--c:#0e7490}.c6{--c:#be185d}.c7{--c:#4d7c0f}
"""
_W, _H, _LEFT, _RIGHT, _TOP, _BOTTOM = 320, 178, 40, 8, 26, 22
COLOURS = 8


class _Frame:
    """Maps years and values to the picture's coordinates."""

    def __init__(self, years: tuple[float, float], values: tuple[float, float]) -> None:
        self.years, self.values = years, values

    def x(self, year: float) -> float:
        span = max(1.0, self.years[1] - self.years[0])
        return round(_LEFT + (year - self.years[0]) / span * (_W - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        low, high = self.values
        return round(_H - _BOTTOM - (value - low) / max(1e-12, high - low) * (_H - _TOP - _BOTTOM), 1)


def multiples(
    part: Mapping[str, Any], names: Sequence[str], coloured: Sequence[str] | None = None
) -> list[tuple[str, str]]:
    """(name, SVG) for each series: means with their band, gaps left open, jumps as dashed lines, the forecast as a fan.

    Colours go by the place in `coloured`, or in `names`.
    """
    order = list(coloured or names)
    return [(name, _multiple(part, name, order.index(name) % COLOURS)) for name in names]


def _multiple(part: Mapping[str, Any], name: str, colour: int) -> str:
    line = part["by_year"][name]
    ahead = [one for one in part["outlook"]["forecasts"] if one["name"] == name]
    there = [point for point in line if point["value"] is not None]
    if not there:
        return ""
    highs = [point["high"] for point in there] + [one["high"] for one in ahead]
    lows = [point["low"] for point in there] + [one["low"] for one in ahead]
    share = part["kind"] == "share"
    ticks = _ticks(0.0 if share else min(lows), max(highs))
    years = (line[0]["year"], max([line[-1]["year"], *(one["year"] for one in ahead)]))
    frame = _Frame(years, (ticks[0], max(ticks[-1], *highs)))
    body = [_axes(frame, ticks, share)]
    for run in _runs(line):
        body += _run(frame, run)
    if ahead:
        body += _fan(frame, there[-1], ahead)
    for jump in (one for one in part["changes"] if one["name"] == name and one["beside"] is None):
        at = frame.x(jump["year"] - 0.5)
        body.append(f'<line class="jump" x1="{at}" x2="{at}" y1="{_TOP}" y2="{_H - _BOTTOM}"/>')
        anchor, dx = ("end", -3) if at > _W * 0.75 else ("start", 3)
        body.append(f'<text class="jumptext" x="{at + dx}" y="{_TOP + 8}" text-anchor="{anchor}">{jump["year"]}</text>')
    return _svg(label(name), f'<g class="c{colour}">{"".join(body)}</g>', _says(line, part, name))


def _says(line: Sequence[Mapping[str, Any]], part: Mapping[str, Any], name: str) -> str:
    there = [point for point in line if point["value"] is not None]
    form = "{:.0%}" if part["kind"] == "share" else "{:.3g}"
    jumps = ", ".join(str(one["year"]) for one in part["changes"] if one["name"] == name and one["beside"] is None)
    first, last = there[0], there[-1]
    told = f"{label(name)}: {form.format(first['value'])} in {first['year']}, {form.format(last['value'])} in {last['year']}"
    return f"{told}; jumps in {jumps}" if jumps else told


def _runs(line: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Stretches of years without a gap."""
    runs: list[list[Mapping[str, Any]]] = [[]]
    for point in line:
        if point["value"] is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _run(frame: _Frame, run: Sequence[Mapping[str, Any]]) -> list[str]:
    if len(run) == 1:
        point = run[0]
        x = frame.x(point["year"])
        return [
            f'<line class="bar band" x1="{x}" x2="{x}" y1="{frame.y(point["low"])}" y2="{frame.y(point["high"])}"/>',
            f'<circle class="dot" cx="{x}" cy="{frame.y(point["value"])}" r="2"/>',
        ]
    top = [f"{frame.x(p['year'])},{frame.y(p['high'])}" for p in run]
    low = [f"{frame.x(p['year'])},{frame.y(p['low'])}" for p in reversed(run)]
    middle = " ".join(f"{frame.x(p['year'])},{frame.y(p['value'])}" for p in run)
    return [f'<polygon class="band" points="{" ".join([*top, *low])}"/>', f'<polyline class="line" points="{middle}"/>']


def _fan(frame: _Frame, last: Mapping[str, Any], ahead: Sequence[Mapping[str, Any]]) -> list[str]:
    start = f"{frame.x(last['year'])},{frame.y(last['value'])}"
    top = [f"{frame.x(p['year'])},{frame.y(p['high'])}" for p in ahead]
    low = [f"{frame.x(p['year'])},{frame.y(p['low'])}" for p in reversed(ahead)]
    middle = " ".join([start, *(f"{frame.x(p['year'])},{frame.y(p['value'])}" for p in ahead)])
    return [
        f'<polygon class="fan" points="{" ".join([start, *top, *low])}"/>',
        f'<polyline class="ahead" points="{middle}"/>',
    ]


def _axes(frame: _Frame, ticks: Sequence[float], share: bool) -> str:
    parts = []
    for tick in ticks:
        y = frame.y(tick)
        text = f"{tick:.0%}" if share else f"{tick:.4g}"
        parts.append(f'<line class="gridline" x1="{_LEFT}" x2="{_W - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{_LEFT - 4}" y="{y + 4}" text-anchor="end">{text}</text>')
    step = 10 if frame.years[1] - frame.years[0] > 15 else 5 if frame.years[1] - frame.years[0] > 6 else 1
    for year in range(math.ceil(frame.years[0] / step) * step, int(frame.years[1]) + 1, step):
        x = frame.x(year)
        parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{_H - _BOTTOM}" y2="{_H - _BOTTOM + 3}"/>')
        parts.append(f'<text x="{x}" y="{_H - 6}" text-anchor="middle">{year}</text>')
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_W - _RIGHT}" y1="{_H - _BOTTOM}" y2="{_H - _BOTTOM}"/>')
    return "".join(parts)


def _ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers that hold the range."""
    span = max(high - low, 1e-9)
    raw = span / wanted
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= raw)
    start = math.floor(low / step) * step
    return [round(start + k * step, 10) for k in range(math.ceil((high - start) / step) + 1)]


def columns(per_year: Sequence[Mapping[str, int]]) -> str:
    """Songs per year as columns."""
    if not per_year:
        return ""
    ticks = _ticks(0, max(one["songs"] for one in per_year))
    frame = _Frame((per_year[0]["year"] - 0.5, per_year[-1]["year"] + 0.5), (0, ticks[-1]))
    width = max(1.0, (_W - _LEFT - _RIGHT) / len(per_year) - 1)
    bars = [
        f'<rect class="columns" x="{frame.x(one["year"]) - width / 2:.1f}" y="{frame.y(one["songs"])}" width="{width:.1f}" '
        f'height="{max(0.0, frame.y(0) - frame.y(one["songs"])):.1f}"/>'
        for one in per_year
    ]
    total = sum(one["songs"] for one in per_year)
    return _svg("songs per year", _axes(frame, ticks, share=False) + "".join(bars), f"{total} songs over the years")


def careers(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(artist, SVG) of each career that is told: the artist less the field, year by year with intervals."""
    drawn = []
    for k, one in enumerate(found["careers"]):
        path = one["path"]
        ticks = _ticks(min(0.0, *(stop["low"] for stop in path)), max(0.0, *(stop["high"] for stop in path)))
        frame = _Frame((path[0]["year"], path[-1]["year"]), (ticks[0], ticks[-1]))
        zero = frame.y(0)
        body = [
            _axes(frame, ticks, share=False),
            f'<line class="axis" x1="{_LEFT}" x2="{_W - _RIGHT}" y1="{zero}" y2="{zero}"/>',
        ]
        for stop in path:
            x = frame.x(stop["year"])
            body.append(
                f'<line class="bar" opacity="0.45" x1="{x}" x2="{x}" y1="{frame.y(stop["low"])}" y2="{frame.y(stop["high"])}"/>'
            )
            body.append(f'<circle class="dot" cx="{x}" cy="{frame.y(stop["value"])}" r="2.5"/>')
        says = f"{one['artist']} against the field of the same years: {one['shrunken']:+.3g} per decade after shrinking"
        drawn.append((one["artist"], _svg(one["artist"], f'<g class="c{k % COLOURS}">{"".join(body)}</g>', says)))
    return drawn


def dots(clusters: Mapping[str, Any]) -> str:
    """Songs on the two main axes of meaning, coloured by group, the name of each group at its middle."""
    points = clusters["picture"]["points"]
    if not points:
        return ""
    width, height = 680, 460
    across, up = [p[0] for p in points], [p[1] for p in points]

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            round(10 + (x - min(across)) / max(1e-9, max(across) - min(across)) * (width - 20), 1),
            round(height - 14 - (y - min(up)) / max(1e-9, max(up) - min(up)) * (height - 44), 1),
        )

    body = []
    for x, y, group in points:
        px, py = at(x, y)
        body.append(f'<circle class="dot c{group % COLOURS}" cx="{px}" cy="{py}" r="2.4" opacity="0.5"/>')
    taken: list[tuple[float, float]] = []
    for group, one in enumerate(clusters["clusters"]):
        inside = [p for p in points if p[2] == group]
        if not inside:
            continue
        px, py = at(sum(p[0] for p in inside) / len(inside), sum(p[1] for p in inside) / len(inside))
        while any(abs(py - other) < 13 and abs(px - beside) < 190 for beside, other in taken):
            py += 13
        px = min(max(px, 90), width - 90)
        taken.append((px, py))
        body.append(f'<text class="title halo" x="{px}" y="{py}" text-anchor="middle">{escape(one["name"])}</text>')
    says = f"{len(points)} songs in {len(clusters['clusters'])} groups"
    title = f"each dot a song; the two axes hold {clusters['picture']['explained']:.0%} of what parts them"
    return _svg(title, "".join(body), says, width, height)


def _svg(title: str, body: str, says: str, width: int = _W, height: int = _H) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{escape(says)}">'
        f'<text class="title" x="{8 if width > _W else _LEFT}" y="14">{escape(title)}</text>{body}</svg>'
    )
