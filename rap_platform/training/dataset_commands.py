"""The commands `rap-platform dataset ...`: the versions that are kept, the card of one, what changed between two."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markdown import Markdown
from rich.text import Text

from rap_platform.console import AsJson, err, out, refuse, running, show_json, table

if TYPE_CHECKING:
    import psycopg

    from rap_platform.training.dataset_diff import Diff
    from rap_platform.training.queries import Stored

app = typer.Typer(
    name="dataset", help="Datasets that models learn from: versions, cards, differences.", no_args_is_help=True
)

SHOWN = 10
NONE_YET = (
    "no dataset yet: `rap-platform run` makes one once enough tracks are rated (`rap-platform ratings import FILE`)"
)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """The versions that are kept, the newest first; the current one is what the next model learns from."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import dataset_files, queries

    with running("postgres") as ready, connect() as conn:
        current = queries.current_dataset(conn, ready.population)
        rows = [
            {
                "version": one.version,
                "made": f"{one.created_at:%Y-%m-%d %H:%M}",
                "train": one.train_count,
                "eval": one.eval_count,
                "seed": one.seed,
                "simulated": one.simulated,
                "current": current is not None and current.version == one.version,
                "files": dataset_files.complete(ready.data_dir / "datasets" / one.version),
            }
            for one in queries.versions(conn)
        ]
    if as_json:
        show_json(rows)
    else:
        out.print(table(rows) if rows else NONE_YET)


@app.command()
def show(
    version: Annotated[
        str | None, typer.Argument(help="A version or its beginning; the current one by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The card of a version: counts, sides, raters, what was dropped and why, how to make it again."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import dataset_card, queries

    with running("postgres") as ready, connect() as conn:
        if version is None:
            current = queries.current_dataset(conn, ready.population)
            if current is None:
                refuse(NONE_YET, code=1)
            version = current.version
        chosen = _find(conn, version)
    if as_json or "strata" not in chosen.card:  # cards of earlier releases say less
        show_json(chosen.card)
    else:
        out.print(Markdown(dataset_card.markdown(chosen.card)))


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A version or its beginning.")],
    new: Annotated[str, typer.Argument(help="The version to compare it with.")],
    as_json: AsJson = False,
) -> None:
    """What changed from OLD to NEW: tracks, sides, labels, texts, strata; warns when a held-out track is learned from now."""
    from rap_platform.resources.postgres import connect
    from rap_platform.training import dataset_diff, queries

    with running("postgres"), connect() as conn:
        one, other = _find(conn, old), _find(conn, new)
        before, after = queries.described(conn, one.version), queries.described(conn, other.version)
    found = dataset_diff.compare(one.version, before, other.version, after)
    for version, members in ((one, before), (other, after)):
        if gone := version.train_count + version.eval_count - len(members):
            found.warnings.append(f"{gone} tracks of {version.version} were deleted since; they are not compared")
    if as_json:
        show_json(found.told())
    else:
        _print(found)


def _find(conn: "psycopg.Connection", name: str) -> "Stored":
    from rap_platform.training import queries

    known = queries.versions(conn)
    matching = [one for one in known if one.version == name] or [one for one in known if one.version.startswith(name)]
    if not known:
        refuse(NONE_YET, code=1)
    if not matching:
        refuse(f"no dataset version {name}; there are {', '.join(one.version for one in known)}")
    if len(matching) > 1:
        refuse(f"{name} is the beginning of {', '.join(one.version for one in matching)}: write more of it")
    return matching[0]


def _print(found: "Diff") -> None:
    for warning in found.warnings:
        err.print(Text("warning: ", style="bold yellow") + Text(warning))
    if found.same:
        out.print(f"{found.old} and {found.new} have the same tracks, sides, labels and texts")
        return
    counts: dict[str, Any] = {
        "added": len(found.added),
        "removed": len(found.removed),
        "moved across the split": len(found.moved),
        "relabelled": len(found.relabelled),
        "text changed": len(found.reworded),
        "held out before, learned from now": len(found.contaminated),
    }
    out.print(table([{"tracks": name, "count": count} for name, count in counts.items()]))
    for name, values in (("added", found.added), ("removed", found.removed), ("learned from now", found.contaminated)):
        if values:
            out.print(Text(f"{name}: {'; '.join(values[:SHOWN])}{'; ...' if len(values) > SHOWN else ''}"))
    changes = [("label", c) for c in found.relabelled[:SHOWN]] + [("side", c) for c in found.moved[:SHOWN]]
    if changes:
        out.print(table([{"track": c.name, "what": what, "before": c.before, "after": c.after} for what, c in changes]))
    strata = [
        {"of": dimension, "stratum": stratum, **of}
        for dimension, by_stratum in found.strata.items()
        for stratum, of in by_stratum.items()
        if of["before"] != of["after"]
    ]
    if strata:
        out.print(table(strata))
    labels = [
        {"labels": name, **{key: f"{value:+.3f}" for key, value in of.items()}}
        for name, of in found.labels.items()
        if of
    ]
    for row in labels:
        out.print(Text(", ".join(f"{key} {value}" for key, value in row.items())))
