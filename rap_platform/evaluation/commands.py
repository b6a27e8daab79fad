"""The commands `rap-platform evaluate` and `rap-platform champion …`: what was measured, who is champion, and a person's decision about it."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rap_platform.console import AsJson, out, refuse, running, show_json, table

if TYPE_CHECKING:
    import psycopg

    from rap_platform.evaluation.promotion import Action
    from rap_platform.resources.mlflow import MlflowResource
    from rap_platform.settings import Settings

app = typer.Typer(
    name="champion", help="The model that is served: who it is, why, and how to take it back.", no_args_is_help=True
)
SHOWN = {
    "champion_model": "in MLflow",
    "training_run": "the judged version was trained in",
    "mlflow_run": "judged in",
    "champion_dagster_run": "decided in Dagster",
}
# Who else hears of a person's decision; cli.py adds Dagster, which commands don't know.
told: "list[Callable[[Settings, dict[str, Any]], None]]" = []
NEXT = "the API takes it over within 15 s; next: rap-platform run, which records the release"


def evaluate(
    slices: Annotated[bool, typer.Option("--slices", help="Also by era, artist size, length and language.")] = False,
    as_json: AsJson = False,
) -> None:
    """The newest evaluation: every predictor on the same held-out tracks."""
    with running("postgres"):
        from rap_platform.evaluation import wording
        from rap_platform.evaluation.report import load_latest
        from rap_platform.resources.postgres import connect

        with connect() as conn:
            stored = load_latest(conn)
    if stored is None:
        refuse("no evaluation yet: `rap-platform run` makes one once enough tracks are rated", code=1)
    if as_json:
        show_json(stored)
        return
    body = stored["report"]
    for sentence in wording.summary(body):
        out.print(Text(sentence))
    rows = list(wording.rows(body))
    for headings in wording.NARROW:
        out.print(table([{name: _stacked(row[name]) for name in headings} for row in rows]))
    for name, entry in wording.ordered(body):
        for reason, count in entry["failures"].items():
            out.print(Text(f"{name} failed on {count}: {reason}"))
    if slices:
        sliced = list(wording.slice_rows(body, wording.subject(body)))
        out.print(table(sliced) if sliced else Text("no slices: this evaluation is from before there were any"))
    for text, address in wording.links(body):
        out.print(Text(f"{text}: {address}"))
    out.print(Text(f"verdict: {wording.verdict(body)}"))


def _stacked(cell: str) -> str:
    """A figure over its interval: half as wide."""
    figure, _, interval = cell.partition(" (")
    return f"{figure}\n{interval.removesuffix(')')}" if interval else figure


@app.command()
def show(as_json: AsJson = False) -> None:
    """Who is champion, since when and why."""
    decisions = _decisions()
    if not decisions:
        refuse("nobody was ever judged: `rap-platform run` trains a model and evaluates it", code=1)
    last = decisions[-1]
    if as_json:
        show_json(last | {"since": _since(decisions)})
        return
    from rap_platform.evaluation.titles import sentence

    out.print(Text(f"{sentence(last)}."))
    rows = {
        "since": _since(decisions) or "",
        "decided": f"{last['decided_at']:%Y-%m-%d %H:%M} by {last['actor']}",
        "judged": f"version {last['judged']}" if last["judged"] else "",
        "dataset": last["dataset_version"] or "",
        "evaluation": last["evaluation_id"] or "",
        **{title: last["links"].get(name) for name, title in SHOWN.items()},
    }
    out.print(table([{"": name, " ": value} for name, value in rows.items() if value]))


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many of the newest.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Every decision about the title, newest first."""
    decisions = _decisions()[::-1][:limit]
    if as_json:
        show_json(decisions)
        return
    if not decisions:
        out.print("no decision yet")
        return
    out.print(table([
        {"when": f"{row['decided_at']:%Y-%m-%d %H:%M}", "decision": row["action"], "champion": row["version"] or "none",
         "before": row["previous"] or "none", "judged": row["judged"] or "", "by": row["actor"], "simulated": row["simulated"],
         "reason": row["reason"]}
        for row in decisions
    ]))  # fmt: skip


@app.command()
def rollback(
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="Which version; without it, the champion before.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the history and in MLflow.")] = "no reason given",
    as_json: AsJson = False,
) -> None:
    """Give the title back to an earlier version. The one that loses it is not promoted again unless a person says so."""
    _decide("rolled back", to, reason, as_json)


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="A registered version of the quality model.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the history and in MLflow.")],
    as_json: AsJson = False,
) -> None:
    """Make a version champion whatever the rules say."""
    _decide("promoted by hand", version, reason, as_json)


def _decide(action: "Action", version: str | None, reason: str, as_json: bool) -> None:
    if version is not None and not version.isdigit():
        refuse(f"{version}: a version is a number, such as 3; `rap-platform champion history` lists them")
    if not reason.strip():
        refuse("--reason is empty: say why, it stands in the history")
    from rap_platform.evaluation import titles

    with _registry() as (ready, conn, mlflow):
        try:
            decision, changed = titles.by_hand(conn, mlflow, action, version, reason.strip(), _person())
        except titles.NoSuchVersion as error:
            refuse(str(error))
        if changed:
            for tell in told:
                tell(ready, decision)
    if as_json:
        show_json(decision | {"changed": changed})
        return
    out.print(
        Text(f"{titles.sentence(decision)}." if changed else f"version {decision['version']} is champion already")
    )
    if changed:
        out.print(NEXT)


@contextmanager
def _registry() -> Iterator[tuple["Settings", "psycopg.Connection", "MlflowResource"]]:
    with running("postgres", "mlflow") as ready:
        from rap_platform.resources.mlflow import MlflowResource
        from rap_platform.resources.postgres import PostgresResource

        postgres = PostgresResource()
        with postgres.exclusively("champion"), postgres.connection() as conn:
            yield ready, conn, MlflowResource()


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "somebody"


def _decisions() -> list[dict[str, Any]]:
    with running("postgres"):
        from rap_platform.evaluation import queries
        from rap_platform.resources.postgres import connect

        with connect() as conn:
            return queries.decisions(conn)


def _since(decisions: list[dict[str, Any]]) -> str | None:
    """When the present champion took the title."""
    holder, since = decisions[-1]["version"], None
    for row in reversed(decisions):
        if row["version"] != holder:
            break
        since = row["decided_at"]
    return None if holder is None or since is None else f"{since:%Y-%m-%d %H:%M}"
