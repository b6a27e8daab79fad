"""The newest trend report from the database, as it is or cut down to what is asked."""

from typing import Any

from fastapi_problem.error import NotFoundProblem, StatusProblem

from rap_platform.serving.api.database import read, reading
from rap_platform.serving.api.services import Services
from rap_platform.serving.api.trends.schemas import Population, TrendsAnswer, TrendsQuery
from rap_platform.trends import queries


class NoTrends(StatusProblem):
    """No trend report was made yet."""

    title = "There is no trend report yet."
    type_ = "no-trends"
    status = 503


class NoSuchSeries(NotFoundProblem):
    """No series of the report has this name."""

    title = "No series has this name."
    type_ = "no-such-series"


async def stored(services: Services, population: Population) -> dict[str, Any]:
    """The newest report as a row. Raises DatabaseAway and NoTrends."""
    found = await read(_latest, services, population)
    if found is None:
        raise NoTrends("`rap-platform run` makes one once there are songs with a year.")
    return found


async def trends(services: Services, question: TrendsQuery) -> TrendsAnswer:
    """The report, or the series asked for. Raises DatabaseAway, NoTrends and NoSuchSeries."""
    row = await stored(services, question.population)
    body = row["body"]
    whole = question.part is None and question.name is None
    parts = {name: part for name, part in body["parts"].items() if question.part in (None, name)}
    if question.name is not None:
        parts = {kind: _only(part, question.name) for kind, part in parts.items() if question.name in part["by_year"]}
        if not parts:
            raise NoSuchSeries("Leave `name` out to see all of them.")
    return TrendsAnswer.model_validate(
        {
            "population": body["population"],
            "simulated": body["simulated"],
            "made_at": row["created_at"],
            "songs": body["songs"],
            "songs_without_year": body["songs_without_year"],
            "analyzer": body["analyzer"],
            "warnings": body["composition"]["warnings"],
            "parts": parts,
            "careers": body["careers"] if whole else {},
            "words": body["words"] if whole else None,
            "groups": body["clusters"] if whole else None,
        }
    )


def _only(part: dict[str, Any], name: str) -> dict[str, Any]:
    chosen = {key: [one for one in part[key] if one["name"] == name] for key in ("slopes", "changes")}
    forecasts = [one for one in part["outlook"]["forecasts"] if one["name"] == name]
    return (
        part
        | chosen
        | {"by_year": {name: part["by_year"][name]}, "outlook": part["outlook"] | {"forecasts": forecasts}}
    )


def _latest(services: Services, population: Population) -> dict[str, Any] | None:
    wanted = [False, True] if population == "auto" else [population == "simulated"]
    with reading(services.pool) as conn:
        return next((found for one in wanted if (found := queries.latest(conn, one)) is not None), None)
