"""`rap-platform style`: lines of one artist as another would say them. The work is in transfer.py."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rap_platform.console import AsJson, err, out, refuse, running, show_json, table
from rap_platform.settings import NotConfigured, Settings

if TYPE_CHECKING:
    from rap_platform.training.finetuning.style.transfer import Artists

app = typer.Typer(
    name="style", help="Lines of one artist as another would say them, by a fine-tuned T5.", no_args_is_help=True
)

Source = Annotated[str, typer.Option("--from", help="The artist whose lines are rewritten.")]
Target = Annotated[str, typer.Option("--to", help="The artist whose style they get.")]


@contextmanager
def _between(source: str, target: str) -> Iterator[tuple[Settings, "Artists"]]:
    """Settings and the two artists; what can't be done is said in one line."""
    with running("postgres") as ready:
        from rap_platform.orchestration import progress
        from rap_platform.resources.connecting import connect
        from rap_platform.training.finetuning.packages import BadBase, PackagesMissing
        from rap_platform.training.finetuning.style import transfer
        from rap_platform.training.finetuning.style.t5 import TooFewPairs

        try:
            with connect() as conn:
                both = transfer.artists(conn, source, target)
            with progress.bars(err):
                yield ready, both
        except (
            NotConfigured,
            transfer.NoSuchArtist,
            transfer.NoSuchStyle,
            BadBase,
            PackagesMissing,
            ValueError,
        ) as error:
            refuse(str(error))
        except TooFewPairs as error:
            refuse(str(error), code=1)


@app.command()
def train(source: Source, target: Target, as_json: AsJson = False) -> None:
    """Fine-tune T5 on lines of both artists that mean the same; the same lines are not trained on twice."""
    with _between(source, target) as (ready, both):
        from rap_platform.training.finetuning.style import transfer

        style = transfer.train(both, ready, transfer.encoder(ready))
    told = style.manifest
    if as_json:
        show_json(told)
        return
    out.print(f"{told['name']}: {told['source']} as {told['target']}{' (simulated)' if told['simulated'] else ''}, {told['pairs']['trained']} pairs of lines, "
              f"loss {style.losses[0][1]:.3f} to {style.losses[-1][1]:.3f} in {len(style.losses)} steps")  # fmt: skip


@app.command()
def rewrite(
    source: Source,
    target: Target,
    file: Annotated[str, typer.Argument(help="A text file with lyrics, or - for standard input.")] = "-",
    as_json: AsJson = False,
) -> None:
    """Rewrite lyrics line by line with the newest style of the two artists; nothing is stored."""
    try:
        lyrics = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{file}: {error}")
    with _between(source, target) as (ready, both):
        from rap_platform.training.finetuning.style import t5, transfer

        lines = lyrics.rstrip("\n").split("\n")
        said = t5.rewrite(transfer.newest(ready, both.source, both.target), lines)
    if as_json:
        show_json([{"line": line, "rewritten": told} for line, told in zip(lines, said, strict=True)])
    else:
        sys.stdout.write("\n".join(said) + "\n")


@app.command()
def measure(source: Source, target: Target, as_json: AsJson = False) -> None:
    """Rewrite songs that taught nothing, and measure style, content and rhyme beside copying and chance."""
    with _between(source, target) as (ready, both):
        from rap_platform.training.finetuning.style import transfer

        style = transfer.newest(ready, both.source, both.target)
        found = transfer.measured(both, style, transfer.encoder(ready), ready.training.seed)
    rows = [asdict(one) for one in found["measures"]]
    if as_json:
        show_json({**found, "measures": rows})
    else:
        out.print(table(rows))
        out.print(
            f"the judge of styles tells the two apart on unseen songs: {found['judge_accuracy']:.0%} (chance 50 %)"
        )
