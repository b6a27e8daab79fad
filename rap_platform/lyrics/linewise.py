"""Files with one line of a song per row: consecutive rows of one artist and title are put together to songs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rap_platform.lyrics.identity import normalise
from rap_platform.lyrics.reading import Row
from rap_platform.lyrics.values import MOST_BYTES, plain


class LineCount:
    """How many rows were read on the way to the songs."""

    def __init__(self) -> None:
        self.rows = 0


def songs_of_lines(rows: Iterable[Row], columns: Mapping[str, str], counted: LineCount) -> Iterator[Row]:
    """Yield a row per song, by the line it begins on, its lines joined; unreadable rows pass through as they are.

    Where a row brings the line that follows ("next lyric"), a line is said once: the chain is joined, the last one added.
    """
    group: _Group | None = None
    for row in rows:
        counted.rows += 1
        if row.values is None:
            yield row
            continue
        who = tuple(normalise(plain(row.values.get(columns.get(key, "")))) for key in ("artist", "title"))
        if group is not None and group.who != who:
            yield group.song()
            group = None
        if group is None:
            group = _Group(who, row, columns)
        group.add(row.values)
    if group is not None:
        yield group.song()


class _Group:
    def __init__(self, who: tuple[str, ...], first: Row, columns: Mapping[str, str]) -> None:
        self.who, self._first, self._columns = who, first, columns
        self._lines: list[str] = []
        self._awaited: str | None = None
        self._size = 0

    def add(self, values: Mapping[str, Any]) -> None:
        line = self._text(values, "lyrics")
        if self._awaited is not None and self._awaited != line:
            self._say(self._awaited)
        self._say(line)
        self._awaited = (self._text(values, "next") or None) if "next" in self._columns else None

    def song(self) -> Row:
        if self._awaited is not None:
            self._say(self._awaited)
        assert self._first.values is not None
        dropped = {self._columns["lyrics"], self._columns.get("next", "")}
        values = {name: value for name, value in self._first.values.items() if name not in dropped}
        return Row(self._first.line, values | {self._columns["lyrics"]: "\n".join(self._lines)})

    def _say(self, line: str) -> None:
        if self._size <= MOST_BYTES:  # what is longer is refused as a song anyhow
            self._lines.append(line)
            self._size += len(line) + 1

    def _text(self, values: Mapping[str, Any], key: str) -> str:
        value = values.get(self._columns.get(key, ""))
        return value.strip("\r\n") if isinstance(value, str) else ""
