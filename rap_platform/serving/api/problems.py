"""Errors of the API as RFC 9457 problem+json. No exception text ever reaches a client from here."""

import logging
from collections.abc import MutableMapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_problem.error import NotFoundProblem, Problem, StatusProblem
from fastapi_problem.handler import ExceptionHandler, add_exception_handler, new_exception_handler
from psycopg.errors import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

logger = logging.getLogger("rap_platform.api")

MAX_ERRORS = 20


def _retry_after(seconds: int) -> MutableMapping[str, str]:
    return {"Retry-After": str(seconds)}


class InternalProblem(StatusProblem):
    """Something broke on our side; what, is in the log under the request id and nowhere else."""

    title = "Something broke on our side."
    type_ = "internal-error"
    status = 500

    def __init__(self, detail: str | None = None, **extras: Any) -> None:
        del detail  # the exception's text, which may carry a DSN
        super().__init__("The request id names the entry in the server's log.", **extras)


class DatabaseAway(StatusProblem):
    """PostgreSQL does not answer."""

    title = "The database does not answer."
    type_ = "database-unavailable"
    status = 503
    headers_ = _retry_after(2)


class EncoderAway(StatusProblem):
    """The text encoder cannot be loaded."""

    title = "The text encoder is not available."
    type_ = "encoder-unavailable"
    status = 503
    headers_ = _retry_after(30)


class NoModel(StatusProblem):
    """No quality model can be used."""

    title = "No quality model is served."
    type_ = "model-unavailable"
    status = 503
    headers_ = _retry_after(60)


class TrackNotFound(NotFoundProblem):
    """No track has this number."""

    title = "There is no such track."
    type_ = "track-not-found"


class NothingEvaluated(NotFoundProblem):
    """There is no evaluation yet."""

    title = "Nothing was evaluated yet."
    type_ = "nothing-evaluated"


class BadSearch(StatusProblem):
    """A search that cannot be run as it was put."""

    title = "That search cannot be run."
    type_ = "bad-search"
    status = 422


class NotComparable(StatusProblem):
    """A song that has no vector to be compared by."""

    title = "That song cannot be compared yet."
    type_ = "not-comparable"
    status = 422


class Unanalysable(StatusProblem):
    """The text cannot be analysed or rated, and why."""

    title = "These lyrics cannot be worked on."
    type_ = "unanalysable-lyrics"
    status = 422


class TooLarge(StatusProblem):
    """The body exceeds the limit."""

    title = "The request body is too large."
    type_ = "body-too-large"
    status = 413


def documented(*problems: type[StatusProblem]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses of the problems that an operation can answer with, in addition to a refused request."""
    by_status: dict[int, list[type[StatusProblem]]] = {}
    possible: tuple[type[StatusProblem], ...] = (*problems, InternalProblem)
    for problem in possible:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {
            "description": " Or: ".join(problem.title for problem in found),
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {str(problem.type_): {"value": problem().marshal()} for problem in found},
                }
            },
        }
        for status, found in by_status.items()
    }


def printable(text: object, limit: int = 300) -> str:
    """Text that is safe in UTF-8 JSON: lone surrogates and control characters shown as escapes, cut at `limit`."""
    shown = str(text)[:limit].encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def validation_problem(handler: ExceptionHandler, request: Request, error: RequestValidationError) -> Problem:
    """What is wrong with the request, field by field, without echoing what was sent."""
    del handler, request
    found = error.errors()
    errors = [
        {
            "field": ".".join(printable(part, 100) for part in e["loc"]),
            "message": printable(e["msg"].removeprefix("Value error, ")),
            "type": e["type"],
        }
        for e in found[:MAX_ERRORS]
    ]
    detail = "; ".join(f"{e['field']}: {e['message']}" for e in errors[:3])
    return Problem("The request is not valid.", type_="invalid-request", status=422, detail=detail, errors=errors)


def database_problem(handler: ExceptionHandler, request: Request, error: OperationalError) -> Problem:
    """A connection that broke in the middle of a query."""
    del handler, request, error
    return DatabaseAway("The connection broke. The API reconnects by itself; try again.")


def add_request_id(content: dict[str, Any], request: Request, response: Response) -> tuple[dict[str, Any], Response]:
    """Give the request id in the body too, where people copy from."""
    content["request_id"] = request.scope.get("request_id")
    content["instance"] = printable(request.url.path)
    return content, response.__class__(content, response.status_code, headers=dict(response.headers))


def log(request: Request, error: Exception) -> None:
    """What was foreseen takes a line, what was not takes its whole trace; both under the request id."""
    name = f"{request.method} {printable(request.url.path)} [{request.scope.get('request_id')}]"
    if isinstance(error, Problem):
        if error.status >= 500:
            logger.warning("%s: %s %s", name, error.title, error.detail or "")
    elif isinstance(error, OperationalError):
        logger.warning("%s: the database connection broke: %s", name, type(error).__name__)
    elif not isinstance(error, HTTPException | RequestValidationError):
        logger.error("%s: %s", name, type(error).__name__, exc_info=error)


def new_handler() -> ExceptionHandler:
    """The one exception handler of the application."""
    return new_exception_handler(
        unhandled_wrappers={"default": InternalProblem},
        handlers={OperationalError: database_problem},
        request_validation_handler=validation_problem,
        pre_hooks=[log],
        post_hooks=[add_request_id],
    )


def install(app: FastAPI, handler: ExceptionHandler) -> None:
    """Make every error of the application a problem+json."""
    add_exception_handler(app, handler, generic_swagger_defaults=False)
    app.add_exception_handler(OperationalError, handler)


SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "What is wrong with the request, field by field.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}, "type": {"type": "string"}},
            },
        },
    },
}
