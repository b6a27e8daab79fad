"""The trend report as one HTML file that needs nothing else: pictures and the tables behind them."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from rap_platform.trends import pictures
from rap_platform.trends.markdown import TITLES, label, markdown
from rap_platform.trends.telling import telling

_STYLE = """
body{margin:2rem auto;max-width:66rem;padding:0 1rem;font:16px/1.6 system-ui,sans-serif;color:#1c1a17;background:#fbf9f5}
table{border-collapse:collapse;font-size:.92rem;margin:.6rem 0}th,td{text-align:left;padding:.2rem .9rem .2rem 0;border-bottom:1px solid #e4ded3}
.row{display:flex;flex-wrap:wrap;gap:.5rem}details{margin:.5rem 0}summary{cursor:pointer;color:#6a645b}
"""


def page(body: Mapping[str, Any], text: str | None = None) -> str:
    """The whole file; `text` is the report as Markdown when it is at hand."""
    title = f"Trends of {body['population']} songs"
    inner = "".join([*_pictures(body), *_told(text or markdown(body))])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}{pictures.STYLE}</style></head><body><h1>{title}</h1>{inner}</body></html>"
    )


def _pictures(body: Mapping[str, Any]) -> Iterator[str]:
    yield f'<div class="row">{pictures.columns(body["songs_per_year"])}</div>'
    for name, title in TITLES.items():
        part = body["parts"][name]
        chosen = telling(part)
        if chosen:
            yield f"<h2>{title}</h2>{multiples(part, chosen)}{behind(part, chosen)}"
    if body["clusters"]:
        part = body["clusters"]["part"]
        yield f"<h2>Groups of songs</h2>{pictures.dots(body['clusters'])}{multiples(part, telling(part))}{behind(part, telling(part))}"
    for name, found in body["careers"].items():
        if found["careers"]:
            drawn = "".join(svg for _, svg in pictures.careers(found))
            yield f'<h2>Careers: {label(name)}, less the field of the same years</h2><div class="row">{drawn}</div>'


def multiples(part: Mapping[str, Any], names: list[str]) -> str:
    """A row of pictures."""
    return f'<div class="row">{"".join(svg for _, svg in pictures.multiples(part, names))}</div>'


def behind(part: Mapping[str, Any], names: list[str]) -> str:
    """The numbers behind a row of pictures as a table that unfolds."""
    share = part["kind"] == "share"
    head = "".join(f'<th scope="col">{escape(label(name))}</th>' for name in names)
    rows = []
    for points in zip(*(part["by_year"][name] for name in names), strict=False):
        cells = "".join(f"<td>{_cell(point, share)}</td>" for point in points)
        rows.append(f'<tr><th scope="row">{points[0]["year"]}</th><td>{points[0]["songs"]}</td>{cells}</tr>')
    return (
        f"<details><summary>The numbers, with their 95 % intervals</summary><table><thead><tr><th>year</th><th>songs</th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></details>"
    )


def _cell(point: Mapping[str, Any], share: bool) -> str:
    if point["value"] is None:
        return "too few songs"
    form = "{:.0%}" if share else "{:.3g}"
    value, low, high = (form.format(point[key]) for key in ("value", "low", "high"))
    return f"{value} <small>({low} to {high})</small>"


def _told(text: str) -> Iterator[str]:
    """Our own Markdown: paragraphs, third-level headings, bold and tables."""
    rows: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        if line.startswith("|"):
            if not line.startswith("|---"):
                rows.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if rows:
            head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in rows[0])
            body = "".join(f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in row)}</tr>" for row in rows[1:])
            yield f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            rows = []
        if line.startswith("### "):
            yield f"<h2>{_inline(line[4:])}</h2>"
        elif line:
            yield f"<p>{_inline(line)}</p>"


def _inline(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
