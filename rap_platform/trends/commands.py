"""The command `rap-platform trends`: prints the newest trend report of a population."""

from typing import Annotated, Any, Literal

import typer

from rap_platform.console import AsJson, out, refuse, running, show_json, table


def trends(
    theme: Annotated[
        str | None, typer.Option(help="Only this theme, mood, sentiment, figure or group, year by year.")
    ] = None,
    population: Annotated[
        Literal["auto", "real", "simulated"], typer.Option(help="auto: real songs where there is a report of them.")
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """How rap changes: what rises and falls, when it jumps, what comes next, with intervals and back-tests."""
    with running("postgres"):
        from rap_platform.resources.postgres import connect
        from rap_platform.trends import queries

        with connect() as conn:
            wanted = [False, True] if population == "auto" else [population == "simulated"]
            stored = next((found for one in wanted if (found := queries.latest(conn, one)) is not None), None)
    if stored is None:
        refuse("no trend report yet: `rap-platform run` makes one once there are songs with a year", code=1)
    body = stored["body"]
    if theme is not None:
        _one(body, theme, as_json)
    elif as_json:
        show_json(body)
    else:
        _all(body)


def _one(body: dict[str, Any], name: str, as_json: bool) -> None:
    from rap_platform.trends import markdown

    parts = body["parts"] | ({"groups": body["clusters"]["part"]} if body["clusters"] else {})
    part = next((part for part in parts.values() if name in part["by_year"]), None)
    if part is None:
        known = ", ".join(series for part in parts.values() for series in part["by_year"])
        refuse(f"nothing is called {name!r}; there are: {known or 'no series yet'}")
    told = {
        "name": name,
        "by_year": part["by_year"][name],
        **{key: [one for one in part[key] if one["name"] == name] for key in ("slopes", "changes")},
        "forecasts": [one for one in part["outlook"]["forecasts"] if one["name"] == name],
        "method": part["outlook"]["method"],
        "backtests": part["outlook"]["backtests"],
    }
    if as_json:
        show_json(told)
        return
    columns = ("songs", "artists", "value", "low", "high")
    out.print(table([{"year": point["year"]} | {key: point[key] for key in columns} for point in told["by_year"]]))
    for slope in told["slopes"]:
        out.print(
            f"per decade {markdown.change(slope, part)}{'' if slope['clear'] else ', not to be told from chance'}"
        )
    for change in told["changes"]:
        out.print(
            f"jumps in {change['year']} ({change['year_low']} to {change['year_high']}): "
            f"{markdown.number(change['before'], part)} to {markdown.number(change['after'], part)} {markdown.beside(change)}".rstrip()
        )
    _ahead(told["forecasts"], told["method"], told["backtests"])


def _ahead(forecasts: list[dict[str, Any]], method: str, backtests: list[dict[str, Any]]) -> None:
    """Forecasts beside their back-tests; without the one, not the other."""
    rows = [
        {
            "forecast": one["year"], "value": one["value"], "90 % low": one["low"], "90 % high": one["high"], "by": method,
            "back-test: error over naive": backtests[number]["ratio"], "in the interval": backtests[number]["coverage"],
        }
        for number, one in enumerate(forecasts)
    ]  # fmt: skip
    if rows:
        out.print(table(rows))


def _all(body: dict[str, Any]) -> None:
    from rap_platform.trends import markdown

    out.print(
        f"{body['songs']:,} {body['population']} songs with a year, {body['songs_without_year']:,} without; "
        f"themes by {body['analyzer'] or 'nobody yet'}"
    )
    for warning in body["composition"]["warnings"]:
        out.print(f"beware: {warning}")
    for name, part in body["parts"].items():
        moving = [slope for slope in part["slopes"] if slope["clear"]]
        if moving:
            out.print(
                table(
                    [
                        {name: markdown.label(one["name"]), "per decade (95 %)": markdown.change(one, part)}
                        for one in moving
                    ]
                )
            )
        jumps = [
            {"year": str(one["year"]), "95 %": f"{one['year_low']} to {one['year_high']}", f"jump of {name}": markdown.label(one["name"]),
             "before": markdown.number(one["before"], part), "after": markdown.number(one["after"], part), "": markdown.beside(one)}
            for one in part["changes"]
        ]  # fmt: skip
        if jumps:
            out.print(table(jumps))
        tests = [test for test in part["outlook"]["backtests"] if test["ratio"] is not None]
        if tests:
            out.print(f"forecasts of {name} by the {part['outlook']['method']}: {part['outlook']['reason']}")
            out.print(table([
                {"years ahead": t["ahead"], "forecasts": t["forecasts"], "error over naive": t["ratio"],
                 "from": t["ratio_low"], "to": t["ratio_high"], "in the 90 % interval": t["coverage"]}
                for t in tests
            ]))  # fmt: skip
    if body["words"]:
        for key in ("rising", "falling", "new"):
            rows = [
                {f"{key} word": one["word"], "songs before": f"{one['before']:.1%}", "of late": f"{one['recent']:.1%}", "z": one["z"],
                 "first heard": str(one["first_year"])}
                for one in body["words"][key][:10]
            ]  # fmt: skip
            if rows:
                out.print(table(rows))
    if body["clusters"]:
        out.print(
            table([{"group of songs": one["name"], "songs": one["songs"]} for one in body["clusters"]["clusters"]])
        )
