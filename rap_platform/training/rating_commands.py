"""The commands `rap-platform ratings ...`: marks of people come in from files, are listed, judged and taken back."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.text import Text

from rap_platform.console import AsJson, err, out, refuse, running, show_json, table

if TYPE_CHECKING:
    from rap_platform.training.rating_importing import Report

app = typer.Typer(
    name="ratings", help="Marks that people gave to tracks: the labels that models learn.", no_args_is_help=True
)

NONE_YET = "no track is rated yet: rap-platform ratings import FILE"
NEXT = "next: rap-platform run (makes dataset, model and evaluation of what is rated)"
SHOWN = 5


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, JSON, JSONL or Parquet, also gz or zip: a mark a row, or a column for each rater."
        ),
    ],
    rater: Annotated[str | None, typer.Option(help="Whose marks these are, where no column says it.")] = None,
    source: Annotated[
        Literal["human", "critic"] | None,
        typer.Option(help="Listeners or critics; a poll of critics is known by its header."),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(help="LOW-HIGH, e.g. 1-5 or 0-100; percent; or points, of which only the order counts."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the file, where it has no byte order mark.")] = "utf-8",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report without storing anything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Store the marks of FILE for real tracks, on a scale from 1 to 10. Importing twice stores nothing new; corrected marks update."""
    from rap_platform.lyrics.importing import ImportRefused
    from rap_platform.orchestration import progress
    from rap_platform.resources.postgres import connect
    from rap_platform.training.rating_importing import import_ratings

    try:
        with running("postgres"), connect() as conn, progress.bars(err):
            report = import_ratings(
                conn, file, rater=rater, source=source, scale=scale, dry_run=dry_run, encoding=encoding
            )
    except ImportRefused as reason:
        refuse(str(reason))
    if as_json:
        show_json(report.told())
    else:
        _tell(report, dry_run=dry_run)


def _tell(report: "Report", *, dry_run: bool) -> None:
    counts = {
        name: getattr(report, name) for name in ("rows", "marks", "new", "changed", "removed", "unchanged", "repeats")
    }
    out.print(table([counts | {"rejected": sum(report.rejected.values())}]))
    out.print(Text(f"scale {report.scale} ({report.scale_known}); conversion: {report.conversion}"))
    linked = ", ".join(f"{key.replace('_', ' ')} {count}" for key, count in report.matched.items())
    out.print(
        Text(
            f"linked by: {linked or 'nothing'}; names link from {report.threshold} on, {report.margin} before the next song"
        )
    )
    for reason, problems in report.problems.items():
        out.print(Text(f"rejected, {reason.replace('_', ' ')}: {report.rejected[reason]}"))
        for problem in problems[:SHOWN]:
            name = f"{problem['artist']}: {problem['title']}".strip(": ")
            out.print(Text(f"  line {problem['line']}{', ' + name if name else ''}: {problem['detail']}"))
    if report.rejects_file:
        out.print(Text(f"all of them are listed in {report.rejects_file}"))
    if dry_run:
        out.print("nothing was stored: --dry-run")
    elif report.new or report.changed or report.removed:
        out.print(NEXT)


@app.command("list")
def list_(
    rater: Annotated[str | None, typer.Option(help="By the marks of this rater alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Rated tracks, best first."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import rating_queries as queries

    with running("postgres"), connect() as conn:
        rows = [asdict(row) for row in queries.rated(conn, limit=limit, rater=rater)]
    _show(rows, as_json, NONE_YET)


@app.command()
def imports(as_json: AsJson = False) -> None:
    """The files that marks came from."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import rating_queries as queries

    with running("postgres"), connect() as conn:
        found = queries.imports(conn)
    if as_json:
        show_json([asdict(one) for one in found])
        return
    rows = [
        {
            "import": one.import_id,
            "file": one.file_name,
            "source": one.source,
            "scale": one.scale,
            "when": f"{one.imported_at:%Y-%m-%d %H:%M}",
            "marks": one.marks,
            "that count": one.counting,
        }
        for one in found
    ]
    _show(rows, False, "no file of ratings was imported yet: rap-platform ratings import FILE")


@app.command()
def remove(
    import_id: Annotated[int, typer.Argument(metavar="IMPORT", help="Its number, see `ratings imports`.")],
    as_json: AsJson = False,
) -> None:
    """Take an import back; what an earlier one said of the same counts again."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import rating_queries as queries

    with running("postgres"), connect() as conn:
        changes = queries.remove_import(conn, import_id)
        if changes is None:
            refuse(f"there is no import {import_id}: `rap-platform ratings imports` lists them")
        conn.commit()
    if as_json:
        show_json(asdict(changes))
    else:
        out.print(
            Text(
                f"import {import_id} is taken back: {changes.removed} marks removed, {changes.changed} changed, {changes.new} count again"
            )
        )
        out.print(NEXT)


@app.command()
def report(as_json: AsJson = False) -> None:
    """How far the raters agree, what that allows, and each rater's habits; real and simulated songs apart."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import rating_queries as queries
    from rap_platform.training import rating_report

    told: dict[str, Any] = {}
    with running("postgres"), connect() as conn:
        for name, simulated in (("real", False), ("simulated", True)):
            if marks := queries.marks(conn, simulated=simulated):
                told[name] = rating_report.build(marks)
    if as_json:
        show_json(told)
        return
    if not told:
        out.print(NONE_YET)
    for name, body in told.items():
        out.print(Text(f"{name} songs: " + " ".join(rating_report.sentences(body))))
        if rows := rating_report.rows(body):
            out.print(table([dict(row) for row in rows]))
        out.print(table(body["raters"]))


def _show(rows: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    if as_json:
        show_json(rows)
    else:
        out.print(table(rows) if rows else nothing)
