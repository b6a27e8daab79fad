"""The console script `rap-platform`: thin commands over the stages; output for people, or JSON with --json."""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from rap_platform.analyses import commands as analyses
from rap_platform.console import AsJson, err, out, refuse, running, settings, show_json, table
from rap_platform.embeddings import commands as encoders
from rap_platform.embeddings.audio import commands as audio
from rap_platform.evaluation import commands as evaluation
from rap_platform.lyrics import commands as artists
from rap_platform.serving import commands as serving
from rap_platform.settings import NotConfigured, Settings
from rap_platform.spotify import commands as spotify
from rap_platform.training import dataset_commands as datasets
from rap_platform.training import rating_commands as ratings
from rap_platform.training.finetuning import commands as adapters
from rap_platform.training.finetuning.style import commands as style
from rap_platform.trends import commands as trends

app = typer.Typer(
    name="rap-platform",
    help="Collects rap songs, hears their rhymes, embeds and analyses them, learns their quality and serves it all.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(artists.app)
app.add_typer(spotify.app)
app.add_typer(encoders.app)
app.add_typer(audio.app)
app.add_typer(ratings.app)
app.add_typer(datasets.app)
app.add_typer(adapters.app)
app.add_typer(style.app)
app.add_typer(evaluation.app)


def report_title(settings: Settings, decision: dict[str, Any]) -> None:
    """Tell Dagster that a person moved the title, so that what rests on the champion is refreshed."""
    import dagster as dg

    from rap_platform.local.environment import dagster_instance

    figures = {name: decision[name] or "none" for name in ("action", "version", "previous", "reason", "actor")}
    with dagster_instance(settings) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("champion", metadata=figures))


evaluation.told.append(report_title)


def quietly(log: Path) -> None:
    """Send the libraries' log lines to a file, so that progress stays readable."""
    log.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=log, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    logging.captureWarnings(capture=True)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def prepare_encoder(settings: Settings) -> None:
    """Export the encoder while songs are fetched; whoever needs it first waits for the same export, and says what failed."""
    from rap_platform.embeddings.encoders.exporting import ExportError, ensure_export
    from rap_platform.embeddings.encoders.weights import WeightsError

    try:
        ensure_export(settings.data_dir)
    except (ExportError, WeightsError, OSError):
        logging.getLogger(__name__).exception("the encoder could not be exported")


@app.command()
def up(
    fill: Annotated[bool, typer.Option(help="Materialize what is stale before the daemon starts.")] = True,
    exit_after_fill: Annotated[
        bool, typer.Option("--exit-after-fill", help="Stop when the platform is filled.")
    ] = False,
) -> None:
    """Start the platform, fill it, keep it running until Ctrl-C."""
    from rap_platform.local import stack

    try:
        raise typer.Exit(stack.up(settings(), fill=fill, exit_after_fill=exit_after_fill))
    except stack.StackError as error:
        refuse(str(error), code=1)


@app.command()
def down() -> None:
    """Stop the platform that runs on this data directory."""
    from rap_platform.local import stack

    try:
        stopped = stack.down(settings())
    except stack.StackError as error:
        refuse(str(error), code=1)
    out.print("stopped" if stopped else "nothing runs on this data directory")


@app.command()
def status(as_json: AsJson = False) -> None:
    """What runs, since when, and how much memory it takes."""
    from rap_platform.local import stack

    services = stack.status(settings())
    if as_json:
        show_json(services)
    elif not services:
        out.print("nothing runs on this data directory: start it with `make up`")
    else:
        out.print(table([dict(service) for service in services]))


@app.command()
def run(
    select: Annotated[
        str | None, typer.Option(help='Assets: a name, "tracks+", "group:features"; materialized whether stale or not.')
    ] = None,
    partition: Annotated[
        list[str] | None, typer.Option(help="A shard (00 to 15) or an artist's slug; may be repeated.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All assets, stale or not.")] = False,
    as_json: AsJson = False,
) -> None:
    """Materialize what is stale (or the selection) without a daemon; exit 1 when anything failed."""
    with running("postgres", "redis", "mlflow", "world") as ready:
        from rap_platform.local.environment import dagster_instance
        from rap_platform.lyrics import watching
        from rap_platform.orchestration import headless, progress
        from rap_platform.orchestration.partitions import ARTISTS
        from rap_platform.resources.postgres import connect

        quietly(ready.data_dir / "logs" / "run.log")
        with err.status("loading the asset graph"):
            from rap_platform.definitions import defs

        with dagster_instance(ready) as instance:
            with connect() as conn:
                slugs = watching.sync_watch_list(conn, ready)
            new = sorted(set(slugs) - set(instance.get_dynamic_partitions(ARTISTS.name or "")))
            if new:
                instance.add_dynamic_partitions(ARTISTS.name or "", new)
            threading.Thread(target=prepare_encoder, args=(ready,), name="encoder export", daemon=True).start()
            with progress.bars(err):
                try:
                    outcomes = headless.run(
                        defs, instance, selection=select, partitions=partition, everything=everything,
                        announce=lambda segment: err.print(f"[dim]materializing {', '.join(k.to_user_string() for k in segment.keys)}"
                                                           f"{f' ({len(segment.partitions)} partitions)' if segment.partitions else ''}[/dim]"),
                    )  # fmt: skip
                except ValueError as error:
                    refuse(str(error))
    if as_json:
        show_json([asdict(outcome) for outcome in outcomes])
    elif not outcomes:
        out.print("everything is up to date")
    else:
        out.print(table([{"asset": o.asset, "partitions": o.partitions, "status": o.status, "seconds": round(o.seconds, 1),
                          "failed checks": ", ".join(o.failed_checks)} for o in outcomes]))  # fmt: skip
        for remedy, assets in headless.waiting(outcomes).items():
            out.print(Text(f"{', '.join(assets)}: ", style="bold") + Text(remedy))
        for outcome in outcomes:
            if outcome.error:
                err.print(Text(f"{outcome.asset}: ", style="bold red") + Text(outcome.error))
    if any(outcome.status != "ok" or outcome.failed_checks for outcome in outcomes):
        raise typer.Exit(1)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV, JSONL, JSON or Parquet, also gz or zip: songs, or audio features.")
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="COLUMN=FIELD for a header that is not known, e.g. --map words=lyrics."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the file, where it has no byte order mark.")] = "utf-8",
    per_line: Annotated[bool, typer.Option("--per-line", help="A row is a line of a song, not a song.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report without storing anything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Store the songs (or audio features) of FILE; `run` makes tracks of them. Importing twice stores nothing new."""
    from rap_platform.lyrics.importing import ImportRefused, Kind, import_file, kind_of

    mapping = {}
    for pair in columns or []:
        column, _, field = pair.partition("=")
        if not column or not field:
            refuse(f"--map {pair}: write COLUMN=FIELD, e.g. --map words=lyrics")
        mapping[column] = field
    try:
        kind = kind_of(file, columns=mapping or None, encoding=encoding, per_line=per_line)
        with running("postgres") as ready:
            from rap_platform.local.environment import dagster_instance
            from rap_platform.orchestration import progress
            from rap_platform.resources.postgres import connect
            from rap_platform.spotify.importing import import_features

            with connect() as conn, progress.bars(err):
                if kind is Kind.AUDIO_FEATURES:
                    report = import_features(conn, file, dry_run=dry_run, encoding=encoding)
                else:
                    report = import_file(
                        conn, file, dry_run=dry_run, columns=mapping or None, encoding=encoding, per_line=per_line
                    )
            if (report.new or report.changed) and not dry_run:
                import dagster as dg

                figures: dict[str, Any] = {
                    "file": file.name,
                    "rows": report.rows,
                    "rows_new": report.new,
                    "rows_changed": report.changed,
                }
                asset = "imported_songs" if kind is Kind.SONGS else "imported_audio_features"
                with dagster_instance(ready) as instance:
                    instance.report_runless_asset_event(dg.AssetMaterialization(asset, metadata=figures))
    except ImportRefused as error:
        refuse(str(error))
    if as_json:
        show_json(report.told())
        return
    told = report.told()
    out.print(table([{key: told[key] for key in ("rows", "songs", "new", "unchanged", "changed")}
                     | {"rejected": sum(report.rejected.values())}]))  # fmt: skip
    out.print(Text(f"{told['kind']}, {report.format}, {report.preset or 'no known header'}: "
                   + ", ".join(f"{field} <- {column}" for field, column in report.columns.items())))  # fmt: skip
    for reason, count in report.rejected.items():
        lines = ", ".join(map(str, report.first_lines[reason]))
        out.print(
            Text(
                f"rejected, {reason}: {count} (line {lines}{', …' if count > len(report.first_lines[reason]) else ''})"
            )
        )
    if report.rejects_file:
        out.print(Text(f"listed in {report.rejects_file}"))
    elif report.rejected and not dry_run:
        err.print(Text(f"the rejected rows could not be listed: {file.parent} can't be written"))
    for name, found in (report.survey or {}).items():
        shown = ", ".join(f"{key} {count}" for key, count in found.items()) if isinstance(found, dict) else found
        out.print(Text(f"{name.replace('_', ' ')}: {shown}"))
    if (report.new or report.changed) and not dry_run:
        out.print("next: rap-platform run")


app.command()(serving.search)
app.command()(serving.similar)
app.command()(serving.recommend)
app.command()(analyses.analyze)
app.command()(evaluation.evaluate)
app.command()(trends.trends)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Which; see `rap-platform bench list`.")],
    gold: Annotated[
        Path | None,
        typer.Option("--gold", help="For `bench rhyme`: annotated stanzas in the format of the ones that ship."),
    ] = None,
    tracks: Annotated[
        int | None,
        typer.Option(
            "--tracks",
            min=1,
            help="For `bench search`, `bench growth`, `bench quality` and `bench trends`: how many songs.",
        ),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=2, help="For `bench quality` and `bench trends`: how many worlds.")
    ] = None,
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--fresh", help="For `bench search`: use the songs of the last run of this size, or make them anew."
        ),
    ] = None,
    verse: Annotated[
        Path | None,
        typer.Option(
            help="For `bench search`: poems to mix into the songs, a CSV with a column `text`. "
            "For `bench search-quality`: texts to ask for besides the world's, any table that can be imported."
        ),
    ] = None,
    fit: Annotated[
        bool | None,
        typer.Option("--fit", help="For `bench search-quality`: fit the weights of the search on other lines first."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a figure beside its reference in the same run."""
    from rap_platform.benchmarks import BENCHES, find, machine, misplaced
    from rap_platform.orchestration import progress

    given: dict[str, Any] = {"gold": gold, "tracks": tracks, "seeds": seeds, "keep": keep, "verse": verse, "fit": fit}
    options = {option: value for option, value in given.items() if value is not None}
    if (wrong := misplaced(name, options)) is not None:
        refuse(wrong)

    if name == "list":
        show_json(list(BENCHES)) if as_json else out.print("\n".join(BENCHES))
        return
    try:
        measure = find(name)
    except KeyError as error:
        refuse(str(error.args[0]))
    needs = BENCHES[name][1]
    try:
        if needs:
            with running(*needs) as ready, progress.bars(err):
                result = measure(ready, **options)
        else:
            with progress.bars(err):
                result = measure(settings(), **options)
    except (NotConfigured, FileNotFoundError, ValueError) as error:
        refuse(str(error))
    except RuntimeError as error:
        refuse(str(error), code=1)
    report: dict[str, Any] = asdict(result) | {"machine": machine()}
    if as_json:
        show_json(report)
        return
    figures = [{"figure": k, "ours": v, "reference": result.reference.get(k, "")} for k, v in result.figures.items()]
    out.print(table(list(result.rows) or figures))
    if result.note:
        out.print(result.note)
    out.print(f"ratio {result.ratio:.3g}")


@app.command()
def purge(
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Everything that the simulated world or its stand-in LLM made.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what is simulated; what is real stays."""
    if not simulated:
        refuse("say what to purge: --simulated")
    with running("postgres", "mlflow") as ready:
        from rap_platform.local.environment import dagster_instance
        from rap_platform.orchestration.partitions import ARTISTS
        from rap_platform.resources.postgres import connect
        from rap_platform.serving.purging import purge_simulated, simulated_slugs

        with connect() as conn:
            slugs = simulated_slugs(conn)
            counts = purge_simulated(conn, ready)
        with dagster_instance(ready) as instance:
            for slug in slugs:
                instance.delete_dynamic_partition(ARTISTS.name or "", slug)
    if as_json:
        show_json(counts)
    else:
        out.print(table([{"table": name, "rows deleted": count} for name, count in counts.items()]))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check every outside system and say what to set; exit 1 when something that is set does not work."""
    from rap_platform.local.doctor import examine

    findings = examine(settings())
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        out.print(table([asdict(finding) for finding in findings]))
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def main() -> None:
    """Entry of the console script."""
    entry: Callable[[], None] = app
    entry()


if __name__ == "__main__":
    main()
