"""The commands `rap-platform ratings …`: marks come in, are listed, taken back and reported; what that means is in rating_importing and labels."""

from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rap_platform.console import AsJson, err, out, record_change, refuse, running, show_json, table
from rap_platform.settings import Settings

if TYPE_CHECKING:
    import psycopg

    from rap_platform.training.rating_importing import Report

app = typer.Typer(name="ratings", help="Marks from 1 to 10 that people gave to tracks.", no_args_is_help=True)


class RaterSource(StrEnum):
    """Who marks."""

    HUMAN = "human"
    CRITIC = "critic"


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(help="CSV, TSV, JSON, JSONL or Parquet, also gz: a mark a row, or a column for each rater."),
    ],
    rater: Annotated[str | None, typer.Option(help="Whose marks these are, where the file doesn't say.")] = None,
    source: Annotated[
        RaterSource | None, typer.Option(help="Who marked; human, unless it is a known poll of critics.")
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            help="LOW-HIGH of the marks, e.g. 1-5; percent; or points: no upper end, only their order counts."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report without storing anything.")] = False,
    encoding: Annotated[str, typer.Option(help="Encoding of the file, where it has no byte order mark.")] = "utf-8",
    as_json: AsJson = False,
) -> None:
    """Store the marks of FILE for real tracks. Importing twice changes nothing; a corrected mark takes the place of the old one."""
    from rap_platform.lyrics.importing import ImportRefused
    from rap_platform.orchestration import progress
    from rap_platform.resources.postgres import connect
    from rap_platform.training.rating_importing import import_ratings

    with running("postgres") as ready, connect() as conn:
        try:
            with progress.bars(err):
                report = import_ratings(
                    conn, file, rater=rater, source=source.value if source else None, scale=scale, dry_run=dry_run, encoding=encoding
                )  # fmt: skip
        except ImportRefused as reason:
            refuse(str(reason))
        if (report.new or report.changed or report.removed) and not dry_run:
            _tell_dagster(conn, ready, {"file": file.name, "rows_new": report.new, "rows_changed": report.changed})
    if as_json:
        show_json(report.told())
    else:
        _print(report, dry_run=dry_run)


@app.command()
def imports(as_json: AsJson = False) -> None:
    """Every import: what it said and how much of it still counts."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import rating_queries

    with running("postgres"), connect() as conn:
        found = rating_queries.imports(conn)
    if as_json:
        show_json([asdict(one) for one in found])
    elif not found:
        out.print("no ratings were imported: rap-platform ratings import FILE")
    else:
        out.print(table([
            {"import": str(one.import_id), "file": one.file_name, "source": one.source, "scale": one.scale, "marks": one.marks,
             "counting": one.counting, "rejected": sum(one.report.get("rejected", {}).values()),
             "imported": f"{one.imported_at:%Y-%m-%d %H:%M}"}
            for one in found
        ]))  # fmt: skip


@app.command()
def remove(
    import_id: Annotated[int, typer.Argument(metavar="IMPORT", help="Its number in `ratings imports`.")],
    as_json: AsJson = False,
) -> None:
    """Take an import back. What an earlier import said of the same tracks counts again."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import rating_queries

    with running("postgres") as ready, connect() as conn:
        with conn.transaction():
            done = rating_queries.remove_import(conn, import_id)
        if done is None:
            refuse(f"there is no import {import_id}: see rap-platform ratings imports")
        if done.new or done.changed or done.removed:
            _tell_dagster(
                conn, ready, {"import": import_id, "rows_removed": done.removed, "rows_changed": done.changed}
            )
    if as_json:
        show_json({"import_id": import_id} | asdict(done))
    else:
        out.print(f"import {import_id}: {done.removed} marks gone, {done.changed} as an earlier import has them")


@app.command()
def report(as_json: AsJson = False) -> None:
    """How far the raters agree, how good anybody can be against their marks, and how each of them marks."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import rating_report

    with running("postgres"), connect() as conn:
        body = rating_report.load(conn)
        conn.commit()
    if as_json:
        show_json(body)
        return
    if "missing" in body:
        out.print(Text(f"{body['missing']}: {body['remedy']}"))
    for population, found in body["populations"].items():
        counted = body["counts"][population]
        out.print(
            table([{"population": population, "source": source} | figures for source, figures in counted.items()])
        )
        out.print(table(rating_report.rows(found)))
        out.print(table([dict(rater) for rater in found["raters"]]))
        out.print(Text(f"a slope for each rater was {found['scale_use']}"))


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many tracks.")] = 50,
    rater: Annotated[str | None, typer.Option(help="By the marks of this rater alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rated tracks, best first."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import rating_queries

    with running("postgres"), connect() as conn:
        found = rating_queries.rated(conn, limit=limit, rater=rater)
    if as_json:
        show_json([asdict(one) for one in found])
    elif not found:
        out.print("no such marks: see rap-platform ratings report")
    else:
        out.print(table([asdict(one) for one in found]))


def _tell_dagster(conn: "psycopg.Connection", ready: Settings, figures: Mapping[str, Any]) -> None:
    """Record that the marks changed, so that what is made of them is stale."""
    from rap_platform.orchestration import metadata
    from rap_platform.training.assets import rating_metadata

    told = metadata.report(conn, table="ratings", **figures, **rating_metadata(conn))
    conn.commit()
    record_change(ready, "ratings", told)


def _print(report: "Report", *, dry_run: bool) -> None:
    told = report.told()
    out.print(table([{key: told[key] for key in ("rows", "marks", "blank", "new", "changed", "unchanged", "removed", "repeats")}
                     | {"rejected": sum(report.rejected.values())}]))  # fmt: skip
    out.print(Text(f"scale {report.scale} ({report.scale_known}); conversion: {report.conversion}"))
    columns = ", ".join(f"{field} <- {column}" for field, column in report.columns.items())
    out.print(Text(columns + (f"; raters: {', '.join(report.raters)}" if report.raters else "")))
    if report.ignored_columns:
        out.print(Text(f"columns that were not used: {', '.join(report.ignored_columns)}"))
    if report.matched:
        out.print(Text("linked by " + ", ".join(f"{key} {count}" for key, count in report.matched.items())))
    for reason, count in report.rejected.items():
        first = report.problems[reason]
        out.print(Text(f"rejected, {reason}: {count}"))
        for problem in first[:5]:
            named = f"{problem['artist']}: {problem['title']}; " if problem["title"] else ""
            out.print(Text(f"  line {problem['line']}: {named}{problem['detail']}"))
    if report.rejects_file:
        out.print(Text(f"listed in {report.rejects_file}"))
    if dry_run:
        out.print("nothing was stored")
    elif report.new or report.changed:
        out.print(f"import {report.import_id}; next: rap-platform run")
