"""The web page of the trends: pictures with the table behind each."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi_problem.error import Problem

from rap_platform.serving.api.pages import page, templates
from rap_platform.serving.api.services import Services
from rap_platform.serving.api.trends import service
from rap_platform.serving.api.trends.schemas import TrendsQuery
from rap_platform.trends import markdown, pictures
from rap_platform.trends.telling import STABLE, falling, rising, telling

EVERY = 60  # series that somebody may ask to see at once


def wanted(request: Request) -> bool:
    """Whether a person asks, with a browser: it names text/html before anything else."""
    return request.headers.get("accept", "").split(",")[0].split(";")[0].strip() == "text/html"


async def show(request: Request, services: Services, question: TrendsQuery) -> HTMLResponse:
    """The page, or what is missing for it."""
    try:
        row = await service.stored(services, question.population)
    except Problem as problem:
        shown = page(request, "trends.html", problem.status, page="trends", problem=problem)
    else:
        shown = page(request, "trends.html", page="trends", **_context(row, question))
    shown.headers["vary"] = "accept"
    return shown


def _context(row: dict[str, Any], question: TrendsQuery) -> dict[str, Any]:
    body = row["body"]
    parts = [_part(title, name, body["parts"][name], question) for name, title in markdown.TITLES.items()]
    return {
        "body": body,
        "made_at": row["created_at"],
        "question": question,
        "songs": pictures.columns(body["songs_per_year"]),
        "parts": [part for part in parts if part["names"]],
        "careers": [
            (markdown.label(name), found, pictures.careers(found))
            for name, found in body["careers"].items()
            if found["careers"]
        ],
        "groups": _groups(body["clusters"]) if body["clusters"] and question.name is None else None,
        "words": body["words"] if question.name is None else None,
    }


def _part(title: str, kind: str, part: dict[str, Any], question: TrendsQuery) -> dict[str, Any]:
    names = telling(part)
    if question.part == kind:
        names = telling(part, EVERY)
    if question.name is not None:
        names = [question.name] if question.name in part["by_year"] else []
    elif question.part not in (None, kind):
        names = []
    return {
        "title": title,
        "kind": kind,
        "part": part,
        "names": names,
        "more": len(telling(part, EVERY)) - len(names),
        "pictures": pictures.multiples(part, names),
        "rows": list(zip(*(part["by_year"][name] for name in names), strict=False)),
        "rising": [(markdown.label(one["name"]), markdown.change(one, part)) for one in rising(part)],
        "falling": [(markdown.label(one["name"]), markdown.change(one, part)) for one in falling(part)],
        "jumps": [
            (one, markdown.label(one["name"]), markdown.number(one["before"], part), markdown.number(one["after"], part), markdown.beside(one))
            for one in part["changes"]
        ],
    }  # fmt: skip


def _groups(clusters: dict[str, Any]) -> dict[str, Any]:
    part = clusters["part"]
    return {
        "about": clusters,
        "firm": clusters["stability"] >= STABLE,
        "dots": pictures.dots(clusters),
        "pictures": pictures.multiples(part, telling(part, EVERY), [group["name"] for group in clusters["clusters"]]),
    }


def shown(point: dict[str, Any], kind: str) -> str:
    """A year's figure in a table."""
    if point["value"] is None:
        return "too few songs"
    form = "{:.0%}" if kind == "share" else "{:.3g}"
    value, low, high = (form.format(point[key]) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


templates.env.globals["trend_point"] = shown
templates.env.filters["in_words"] = markdown.label
