"""The web pages: search, one song, the description of the API. Templates and scripts are in serving/ui."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from fastapi_problem.error import Problem
from pydantic import ValidationError
from starlette.datastructures import QueryParams

from rap_platform.analyses.results import MOODS, THEMES
from rap_platform.embeddings.search import explaining
from rap_platform.embeddings.search.question import RATINGS
from rap_platform.embeddings.search.recommending import DIVERSITY, MOST_LIKED
from rap_platform.lyrics.sections import header_of
from rap_platform.serving import queries
from rap_platform.serving.api.database import read, reading
from rap_platform.serving.api.recommendations import service as recommending
from rap_platform.serving.api.recommendations.schemas import RecommendationsQuery
from rap_platform.serving.api.rhymes import Line
from rap_platform.serving.api.search import service as searching
from rap_platform.serving.api.search.schemas import MatchedLine, Reason, SearchQuery
from rap_platform.serving.api.services import Services, ServicesDep
from rap_platform.serving.api.text import EXAMPLE_LYRICS
from rap_platform.serving.api.tracks import service as tracks
from rap_platform.serving.api.tracks.schemas import SimilarTrack, Track

UI = Path(__file__).parents[1] / "ui"
ASKED = ("q", "but_not", "cursor")
FILTERS = (
    "artist", "include_features", "featuring", "not_featuring", "year_from", "year_to", "language", "mood", "theme", "rating",
    "explicit", "simulated",
)  # fmt: skip
RARER = ("include_features", "featuring", "not_featuring", "language", "rating", "explicit", "simulated")
UNITS = {"_ms": "ms", "_bpm": "bpm", "_db": "dB"}
STATS = {
    "distinct_tracks": "songs",
    "artists": "artists",
    "section_vectors": "verses, hooks and other sections",
    "ratings": "ratings",
}

templates = Jinja2Templates(directory=UI / "templates")
templates.env.trim_blocks = templates.env.lstrip_blocks = True
templates.env.globals["assets_version"] = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted((UI / "static").iterdir()))
).hexdigest()[:12]

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True)
class Part:
    """A section of lyrics as a page shows it."""

    heading: str | None
    lines: list[Line]


def page(request: Request, name: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template."""
    return templates.TemplateResponse(request, name, context, status_code=status)


def sorry(request: Request, problem: Problem) -> HTMLResponse:
    """A problem as a page for people."""
    return page(request, "problem.html", problem.status, problem=problem)


@router.get("/")
async def index(request: Request, services: ServicesDep) -> HTMLResponse:
    """Search form and, when something is asked, what was found; the URL holds the whole question."""
    form = {field: request.query_params.get(field, "").strip() for field in (*ASKED, *FILTERS)}
    context: dict[str, Any] = {
        "page": "search",
        "form": form,
        "filtered": sum(bool(form[field]) for field in FILTERS),
        "rarer": any(form[field] for field in RARER),
        "example": EXAMPLE_LYRICS,
        "choices": choices([]),
        "here": address(form, without="cursor"),
    }
    status = 200
    try:
        context["choices"] = choices(await read(_languages, services))
        if form["q"]:
            question = SearchQuery.model_validate({field: value for field, value in form.items() if value})
            answer = context["answer"] = await searching.search(services, question)
            if answer.next_cursor:
                context["more"] = address({**form, "cursor": answer.next_cursor})
        else:
            context["stats"] = await read(_stats, services)
    except ValidationError as error:
        context["problem"], status = Problem("That search cannot be run.", detail=_messages(error), status=422), 422
    except Problem as problem:
        context["problem"], status = problem, problem.status
    return page(request, "index.html", status, **context)


@router.get("/songs/{track_id}")
async def song(request: Request, track_id: str, services: ServicesDep) -> HTMLResponse:
    """One song with coloured rhymes, features, analyses and neighbours."""
    if not track_id.isascii() or not track_id.isdigit() or not 1 <= int(track_id[:19]) < 2**63 or len(track_id) > 19:
        return sorry(request, Problem("There is no such song.", status=404))
    try:
        track, similar = await read(_song, services, int(track_id))
    except Problem as problem:
        return sorry(request, problem)
    return page(
        request, "song.html", track=track, similar=similar, parts=list(parts(track)), tables=list(tables(track))
    )


@router.get("/liked")
async def liked(request: Request, services: ServicesDep) -> HTMLResponse:
    """Songs for somebody who likes songs; the address holds which, so that it can be kept and shared."""
    context: dict[str, Any] = {"page": "liked", "liked": [], "disliked": [], "diversity": DIVERSITY}
    status = 200
    try:
        question = taste(request.query_params)
        if question is not None:
            context |= {"diversity": question.diversity, "taste": question}
            context["liked"], context["disliked"] = await read(_named, services, question)
            context["answer"] = await recommending.recommendations(services, question)
    except ValidationError as error:
        context["problem"], status = Problem("That list cannot be made.", detail=_messages(error), status=422), 422
    except Problem as problem:
        context["problem"], status = problem, problem.status
    return page(request, "liked.html", status, **context)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """What the API offers, written from its own OpenAPI description."""
    described = request.app.openapi()
    return page(
        request,
        "docs.html",
        page="docs",
        description=described["info"]["summary"],
        operations=list(operations(described, str(request.base_url))),
    )


def choices(languages: list[str]) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """The drop-down filters by field: title, [(value, text)]."""
    return {
        "mood": ("Mood", [(mood, mood.replace("_", " ")) for mood in MOODS]),
        "theme": ("Theme", [(theme, theme.replace("_", " ")) for theme in sorted(THEMES)]),
        "language": ("Language", [(language, language) for language in languages]),
        "rating": ("Rating", [(RATINGS[0], RATINGS[0]), *((name, f"{name} or milder") for name in RATINGS[1:])]),
        "explicit": ("Explicit", [("false", "no explicit songs"), ("true", "only explicit songs")]),
        "simulated": ("Made by", [("false", "real artists only"), ("true", "the simulated world only")]),
    }


def address(form: Mapping[str, str], *, without: str = "") -> str:
    """The address of a search with the fields that are set."""
    return f"/?{urlencode({field: value for field, value in form.items() if value and field != without})}"


def taste(parameters: QueryParams) -> RecommendationsQuery | None:
    """What the address of the page of liked songs asks for; None when it names no song. Raises ValidationError."""
    given: dict[str, Any] = {name: parameters.getlist(name) for name in ("liked", "disliked")}
    if not given["liked"]:
        return None
    given |= {name: parameters[name] for name in ("diversity",) if parameters.get(name)}
    return RecommendationsQuery.model_validate(given)


def tasting(question: RecommendationsQuery, change: str, track_id: int) -> str:
    """The address of a taste with a song `liked`, `disliked` or, to `forget`, neither; of too many the first one goes."""
    named = {
        name: [number for number in getattr(question, name) if number != track_id] for name in ("liked", "disliked")
    }
    if change != "forget":
        named[change] = [*named[change], track_id][-MOST_LIKED:]
    return f"/liked?{urlencode({**named, 'diversity': question.diversity}, doseq=True)}"


def pieces(line: MatchedLine) -> list[tuple[str, bool]]:
    """The text of a line in stretches: (text, whether the question found it)."""
    found = []
    at = 0
    for span in line.spans:
        found += [(line.text[at : span.start], False), (line.text[span.start : span.end], True)]
        at = span.end
    return [piece for piece in (*found, (line.text[at:], False)) if piece[0]]


def reasons(why: Reason, corrected: Mapping[str, str]) -> list[str]:
    """Why a hit was found, in words."""
    sounds = [(pair.asked, pair.sung) for pair in why.sounds]
    return explaining.found_by(why.meaning_rank, why.words, sounds, corrected)


def parts(track: Track) -> Iterator[Part]:
    """The lyrics by section, without the header lines that the headings repeat.

    Lines outside every section come without a heading; so does the rest of a verse that was cut for the encoder.
    """
    waiting = {line.line_no: line for line in track.rhymes if line.text.strip()}
    shown: str | None = None
    for section in track.sections:
        before = [waiting.pop(number) for number in sorted(waiting) if number < section.first_line]
        loose = [line for line in before if header_of(line.text) is None]
        if loose:
            yield Part(None, loose)
        numbers = range(section.first_line, section.last_line + 1)
        inside = [waiting.pop(number) for number in numbers if number in waiting]
        heading = section.label or section.kind
        yield Part(None if heading == shown and not before else heading, inside)
        shown = heading
    if waiting:
        yield Part(None, [line for _, line in sorted(waiting.items())])


def tables(track: Track) -> Iterator[tuple[str, str | None, list[tuple[str, str]]]]:
    """(title, note, [(name, value)]) of features, audio, Spotify and provenance."""
    features = track.features or {}
    note = f"{features['status'].replace('_', ' ')}: {features['reason']}" if features.get("reason") else None
    yield (
        "What the ear hears",
        note if features else "Not computed yet.",
        figures(features, {"version", "status", "reason", "computed_at", "section_schemes", "similes", "profanities"}),
    )
    audio = track.audio or {}
    audio_note = _marked(
        "not asked yet"
        if not audio
        else audio["reason"]
        if audio["status"] != "ok"
        else f"as heard by {audio['source']}",
        audio,
    )
    yield "Audio", audio_note, figures(audio, {"status", "reason", "source", "simulated", "fetched_at"})
    spotify = track.spotify or {}
    yield (
        "Spotify",
        _marked(spotify.get("reason") or spotify.get("status") or "not looked up yet", spotify),
        figures(spotify, {"status", "reason", "simulated"}),
    )
    origin = track.provenance
    counted = {f"cleaned: {rule.replace('_', ' ')}": times for rule, times in origin.cleaning.items() if times}
    known = {
        "source": origin.source,
        "source id": origin.source_id,
        "address": origin.url,
        "fetched": origin.fetched_at,
        "cleaner version": origin.cleaner_version,
    }
    yield (
        "Where it comes from",
        _marked(None, {"simulated": track.simulated}),
        figures({**known, **counted, "sha256": origin.lyrics_sha256}, set()),
    )


def figures(values: dict[str, Any], hidden: set[str]) -> list[tuple[str, str]]:
    """Names and values in words; what is missing is left out."""
    return [
        (named(name), shown(name, value))
        for name, value in values.items()
        if name not in hidden and value not in (None, [], {})
    ]


def named(name: str) -> str:
    """A column's name in words; its unit goes with the value."""
    for ending in UNITS:
        name = name.removesuffix(ending)
    return name.replace("_", " ")


def shown(name: str, value: object) -> str:
    """A value as a person reads it, with the unit that its name ends in."""
    if isinstance(value, float) and name.endswith("_share"):
        return f"{value:.0%}"
    for ending, unit in UNITS.items():
        if name.endswith(ending):
            return f"{value:,.0f} {unit}"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if hasattr(value, "strftime"):
        return str(value)[:16]
    return str(value)


def operations(described: dict[str, Any], base_url: str) -> Iterator[dict[str, Any]]:
    """The operations of an OpenAPI description with a request to copy."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield {
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "description": operation.get("description", ""),
                "parameters": list(_parameters(operation, described)),
                "statuses": sorted(operation["responses"]),
                "example": _curl(path, method, operation, described, base_url.rstrip("/")),
            }


def _parameters(operation: dict[str, Any], described: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    for parameter in operation.get("parameters", []):
        yield parameter["name"], parameter.get("required", False), parameter.get("description", "")
    body = _body(operation, described)
    for name, field in body.get("properties", {}).items():
        default = (
            f" Default: {json.dumps(field['default']).strip(chr(34))}." if field.get("default") is not None else ""
        )
        yield name, name in body.get("required", []), field.get("description", "") + default


def _body(operation: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    if "requestBody" not in operation:
        return {}
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    found: dict[str, Any] = described["components"]["schemas"][name]
    return found


def _curl(path: str, method: str, operation: dict[str, Any], described: dict[str, Any], base_url: str) -> str:
    if method == "post":
        body = json.dumps(_body(operation, described)["examples"][0], ensure_ascii=False)
        return f"curl {base_url}{path} --json '{body.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'"
    asked = {
        "/search": "?q=lonely+night+at+sea&but_not=love",
        "/recommendations": "?liked=1&liked=2",
        "/tracks/{track_id}/similar": "?by=audio",
    }
    return f"curl '{base_url}{path.replace('{track_id}', '1')}{asked.get(path, '')}'"


def _marked(note: str | None, row: dict[str, Any]) -> str | None:
    return ", ".join(part for part in (note, "simulated" if row.get("simulated") else None) if part) or None


def _messages(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])).replace('_', ' ')}: {e['msg'].removeprefix('Value error, ')}"
        for e in error.errors()
    )


def _song(services: Services, track_id: int) -> tuple[Track, list[tuple[str, list[SimilarTrack]]]]:
    """A song, and the songs like it under a title for each kind of comparing."""
    track, found = tracks.with_neighbours(services.pool, track_id)
    return track, [(f"By {explaining.BY[kind]}", others) for kind, others in found.items() if others]


def _named(services: Services, question: RecommendationsQuery) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    with reading(services.pool) as conn:
        return queries.titles(conn, question.liked), queries.titles(conn, question.disliked)


def _languages(services: Services) -> list[str]:
    with reading(services.pool) as conn:
        return queries.languages(conn)


def _stats(services: Services) -> list[tuple[str, int]]:
    with reading(services.pool) as conn:
        release = queries.current_release(conn)
    if release is None:
        return []
    return [(title, number) for name, title in STATS.items() if (number := int(release["counts"].get(name, 0)))]


templates.env.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
templates.env.globals |= {"pieces": pieces, "reasons": reasons, "tasting": tasting, "close_to": explaining.close_to}
