"""The report as one HTML file that needs nothing else: table, slices and pictures inline; prints well, light and dark."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from rap_platform.evaluation import wording
from rap_platform.evaluation.picture_titles import TITLES
from rap_platform.training.naming import MODEL_NAME


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
    return _environment().get_template("report.html").render(report=report, body=body(report, drawn))


def body(report: Mapping[str, Any], drawn: Mapping[str, str]) -> Markup:
    """What stands on the page, for other pages too: no style and no script of its own."""
    text = (
        _environment()
        .get_template("body.html")
        .render(
            report=report,
            summary=wording.summary(report),
            verdict=wording.verdict(report),
            tables=[
                (f"Every predictor on the same {report['eval_tracks']} tracks", wording.ERRORS),
                ("How far the predictions mean what they say", wording.CALIBRATION),
                ("Where there was no answer", wording.FAILURES),
            ],
            rows=list(wording.rows(report)),
            model=MODEL_NAME,
            subject=wording.subject(report),
            slices=list(wording.slice_rows(report, wording.subject(report))),
            meanings=wording.MEANINGS,
            notes=[(name, entry["note"], entry["failures"]) for name, entry in wording.ordered(report)],
            pictures=[(title, Markup(drawn[name])) for name, title in TITLES.items() if name in drawn],  # noqa: S704 - drawn by ourselves
            links=wording.links(report),
            second=_second(report),
        )
    )
    return Markup(text)  # noqa: S704 - rendered with autoescape


def _second(report: Mapping[str, Any]) -> dict[str, Any] | None:
    second = report.get("commercial")
    if second is None:
        return None
    title, verdict = wording.second_title(second), wording.second_verdict(second)
    return {"title": title, "headings": wording.SECOND, "rows": list(wording.rows(second)), "verdict": verdict}
