"""`rap-platform encoders`: which encoders have vectors, which one searches ask, their indexes. The work is in encoders/ and indexing.py."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rap_platform.console import AsJson, err, out, refuse, running, show_json, table

if TYPE_CHECKING:
    import psycopg

app = typer.Typer(
    name="encoders",
    help="Encoders beside one another: which have vectors, which one searches ask.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="The encoder, as `rap-platform encoders list` calls it.")]


@contextmanager
def _database() -> Iterator["psycopg.Connection[Any]"]:
    """A connection to the platform's database; what an encoder refuses is said in one line."""
    with running("postgres"):
        from rap_platform.embeddings.encoders.encoding import EncoderError
        from rap_platform.resources.connecting import connect

        try:
            with connect() as conn:
                yield conn
        except (EncoderError, ValueError) as error:
            refuse(str(error))


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every encoder that has vectors: coverage, recall, size, and which one serves."""
    with _database() as conn:
        from rap_platform.embeddings.encoders.switching import standings

        found = standings(conn)
    if as_json:
        show_json([asdict(standing) | {"unready": standing.unready()} for standing in found])
    elif not found:
        out.print("no encoder has vectors yet: `rap-platform run` makes those of minilm")
    else:
        out.print(table([{
            "encoder": standing.name, "model": standing.model, "dimension": standing.dimension,
            "sections": f"{standing.sections - standing.missing:,} of {standing.sections:,}",
            "recall@10": standing.recall_at_10, "MB": round(standing.size_bytes / 1e6, 1),
            "searches": "ask it" if standing.serving else standing.unready() or "can ask it",
        } for standing in found]))  # fmt: skip


@app.command()
def switch(name: Name, as_json: AsJson = False) -> None:
    """Let searches ask this encoder from the next one on; refused while it is not complete."""
    with _database() as conn:
        from rap_platform.embeddings.encoders.switching import switch as switch_to

        switch_to(conn, name)
    show_json({"serving": name}) if as_json else out.print(f"searches ask {name} now")


@app.command()
def drop(name: Name, as_json: AsJson = False) -> None:
    """Forget an encoder and its vectors; refused for minilm and for the one that serves."""
    with _database() as conn:
        from rap_platform.embeddings.encoders.switching import drop as forget

        forget(conn, name)
    show_json({"dropped": name}) if as_json else out.print(f"{name} and its vectors are gone")


@app.command()
def rebuild(
    name: Annotated[str, typer.Argument(help="The encoder whose indexes are built anew, or audio.")] = "minilm",
    as_json: AsJson = False,
) -> None:
    """Build an encoder's indexes anew beside the old ones, with the present settings; searches go on all the while."""
    with _database() as conn, ExitStack() as stack:
        from rap_platform.embeddings import indexing
        from rap_platform.resources.connecting import advisory_lock, connect

        wanted = [target for target in indexing.targets(conn) if (target.encoder or "audio") == name]
        if not wanted:
            names = dict.fromkeys(target.encoder or "audio" for target in indexing.targets(conn))
            refuse(f"no encoder {name!r} has vectors; there are: {', '.join(names)}")
        conn.commit()
        with err.status("waiting for another run that builds indexes"):
            lock = stack.enter_context(connect(autocommit=True, application_name="rap_platform lock"))
            stack.enter_context(advisory_lock(lock, indexing.LOCK))
        seconds: dict[str, float] = {}
        for target in wanted:
            with err.status(f"building {target.index}"):
                seconds[target.index] = indexing.rebuild(conn, target)
    if as_json:
        show_json(seconds)
    else:
        out.print(table([{"index": index, "seconds": value} for index, value in seconds.items()]))
