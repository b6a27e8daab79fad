"""What all commands share: how they print, refuse and reach the servers they need; the commands themselves are elsewhere."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rap_platform.settings import ConfigurationError, NotConfigured, Settings, load

PIPED_WIDTH = 160  # of tables in a file or a pipe, where nothing says how wide they may be

out = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH)
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
BAD_INPUT = 2


def refuse(message: str, code: int = BAD_INPUT) -> NoReturn:
    """Say what is wrong on stderr and leave with `code`."""
    err.print(Text("error: ", style="bold red") + Text(message))
    raise typer.Exit(code)


def settings() -> Settings:
    """The settings, or exit 2 with what is wrong in them."""
    try:
        return load()
    except ConfigurationError as error:
        refuse(str(error))


def show_json(data: object) -> None:
    """Print `data` as JSON on stdout, unwrapped."""
    sys.stdout.write(json.dumps(data, default=str, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def running(*needs: str) -> Iterator[Settings]:
    """The settings of a running platform: the one that `up` runs, or the servers named, for as long as the block lasts."""
    from rap_platform.local import stack

    try:
        with stack.services(settings(), *needs) as ready:
            yield ready
    except stack.StackError as error:
        refuse(str(error), code=1)
    except NotConfigured as error:
        refuse(str(error))


def record_change(ready: Settings, asset: str, figures: Mapping[str, Any]) -> None:
    """Tell Dagster that a command changed what `asset` is, so that what is made of it is stale."""
    import dagster as dg

    from rap_platform.local.environment import dagster_instance

    with dagster_instance(ready) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(asset, metadata=figures))


def table(rows: list[dict[str, Any]]) -> Table:
    """Rows of the same keys as a table."""
    grid = Table(*(rows[0] if rows else ()))
    for row in rows:
        grid.add_row(*(Text(cell(value)) for value in row.values()))
    return grid


def cell(value: object) -> str:
    """A value as a table shows it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case int():
            return f"{value:,}"
        case float():
            told = f"{value:.3f}"
            nearly_one = told == "1.000" and value != 1.0  # agreements are told apart behind the nines
            return f"{value:.6f}" if nearly_one else told
        case _:
            return str(value)
