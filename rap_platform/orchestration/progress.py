"""Progress of long work: a bar where a person watches, a log line now and then elsewhere."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LOG_EVERY_S = 10.0
log = logging.getLogger("rap_platform.progress")

T = TypeVar("T")

_bar: Progress | None = None


@contextmanager
def bars(console: Console) -> Iterator[Progress]:
    """Show a bar for everything that is tracked inside the block."""
    global _bar
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        _bar = progress
        try:
            yield progress
        finally:
            _bar = None


def track(iterable: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield the items of `iterable` while showing how many of `total` are done."""
    if _bar is not None:
        task = _bar.add_task(label, total=total)
        try:
            for item in iterable:
                yield item
                _bar.advance(task)
        finally:
            _bar.remove_task(task)
        return
    shown = time.monotonic()
    for done, item in enumerate(iterable, start=1):
        yield item
        if time.monotonic() - shown >= LOG_EVERY_S:
            shown = time.monotonic()
            log.info("%s: %d of %d", label, done, total)
