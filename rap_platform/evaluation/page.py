"""The report as one HTML file that needs nothing else: table, slices and pictures inline; prints well, light and dark."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from rap_platform.evaluation import pictures, wording


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("rap_platform.evaluation", "templates"),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )


def html(report: Mapping[str, Any], drawn: Mapping[str, str]) -> str:
    """The whole page; `drawn` are the pictures as SVG elements by name, of our own making (`pictures.svg`)."""
    template = _environment().get_template("report.html")
    return template.render(
        report=report,
        summary=wording.summary(report),
        verdict=wording.verdict(report),
        headings=wording.HEADINGS,
        rows=list(wording.rows(report)),
        subject=wording.subject(report),
        slices=list(wording.slice_rows(report, wording.subject(report))),
        meanings=wording.MEANINGS,
        notes=[(name, entry["note"], entry["failures"]) for name, entry in wording.ordered(report)],
        pictures=[(pictures.TITLES[name], Markup(svg)) for name, svg in drawn.items()],  # noqa: S704 - drawn by ourselves
        links=wording.links(report),
    )
