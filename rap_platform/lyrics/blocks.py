"""Cuts a byte stream of records into blocks whose ends depend on the bytes alone, so that they fall back into step after an edit.

A block ends at a line end outside quotes whose last bytes hash to a mark; what is in it is read elsewhere.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

LEAST: Final = 256 * 1024
MOST: Final = 2 * 1024 * 1024
READ: Final = 4 * 1024 * 1024
EVERY: Final = 128  # one line end in so many, on average, is a mark
_WINDOW: Final = 32
_PIECE: Final = 512
_WEIGHTS: Final = np.array([pow(0x9E3779B97F4A7C15, power, 2**64) for power in range(1, _WINDOW + 1)], dtype=np.uint64)

Read = Callable[[int], bytes]


class Cutter:
    """Gives the lines and then the blocks of a stream; what was cut too long can be given back."""

    def __init__(self, read: Read, *, quoted: bool, least: int = LEAST, most: int = MOST) -> None:
        self._read, self._quoted, self._usual_least, self._most = read, quoted, least, most
        self._least = least
        self._buffer, self._start, self._ended = b"", 0, False
        self._ends: deque[int] = deque()

    @property
    def ended(self) -> bool:
        """Whether everything was given out; true only after the stream said so."""
        if self._start == len(self._buffer) and not self._ended:
            self._fill(READ)
        return self._ended and self._start == len(self._buffer)

    def line(self, most: int) -> bytes:
        """Give the next line with its end, cut after `most` bytes; b"" at the end of the stream."""
        end = self._buffer.find(b"\n", self._start) + 1
        while not end and not self._ended and len(self._buffer) - self._start <= most:
            before = len(self._buffer) - self._start
            self._fill(READ)
            end = self._buffer.find(b"\n", before) + 1
        return self._take(min(end or len(self._buffer), self._start + most))

    def cut(self) -> tuple[bytes, bool]:
        """Give the next block and whether it ends where such a block always ends; (b"", True) at the end of the stream."""
        wanted = max(READ, 2 * self._most, 2 * self._least)
        while True:
            if self._ends:
                usual = self._least == self._usual_least
                self._least = self._usual_least
                return self._take(self._ends.popleft(), keep=True), usual
            if len(self._buffer) - self._start < wanted and not self._ended:
                self._fill(wanted)
            found = block_ends(self._buffer, self._start, quoted=self._quoted, least=self._least, most=self._most)
            self._ends = deque(found[:1] if self._least != self._usual_least else found)
            if self._ends:
                continue
            if self._ended:
                self._least = self._usual_least
                return self._take(len(self._buffer)), True
            if (end := self._buffer.rfind(b"\n", self._start + self._least) + 1) > 0:
                self._least = self._usual_least
                return self._take(end), False
            wanted *= 2

    def give_back(self, tail: bytes, *, whole: bool) -> None:
        """Put the end of the last block back; after a `whole` one the next is longer."""
        self._buffer, self._start = tail + self._buffer[self._start :], 0
        self._ends.clear()
        if whole:
            self._least = len(tail) + 1

    def _take(self, end: int, *, keep: bool = False) -> bytes:
        taken = self._buffer[self._start : end]
        self._start = end
        if not keep:
            self._ends.clear()
        return taken

    def _fill(self, wanted: int) -> None:
        parts = [self._buffer[self._start :]]
        size = len(parts[0])
        while size < wanted:
            part = self._read(wanted - size)
            if not part:
                self._ended = True
                break
            parts.append(part)
            size += len(part)
            if size >= READ and wanted <= READ:
                break
        self._buffer, self._start = b"".join(parts), 0
        self._ends.clear()


def block_ends(data: bytes, start: int, *, quoted: bool, least: int, most: int) -> list[int]:
    """Give the ends of the whole blocks in `data` from `start`, where a block begins.

    With `quoted` only line ends after an even number of quotes count. The ends depend on what lies between them and
    the block's start, never on how much of the stream `data` holds.
    """
    view = np.frombuffer(data, np.uint8, offset=start) if start < len(data) else np.empty(0, np.uint8)
    lines = np.flatnonzero(view == 10)
    if quoted:
        quotes = np.flatnonzero(view == 34)
        lines = lines[np.searchsorted(quotes, lines) % 2 == 0]
    ends: list[int] = []
    at = 0
    while (end := _next_end(view, lines, at, least, most)) is not None:
        at = int(end) + 1
        ends.append(start + at)
    return ends


def _next_end(
    view: npt.NDArray[np.uint8], lines: npt.NDArray[np.intp], at: int, least: int, most: int
) -> np.intp | None:
    first = int(np.searchsorted(lines, at + max(least, _WINDOW + 1) - 1))
    while first < len(lines):
        piece = lines[first : first + _PIECE]
        windows = view[piece[:, None] + np.arange(-_WINDOW, 0)].astype(np.uint64)
        hashed = (windows * _WEIGHTS).sum(axis=1, dtype=np.uint64)
        marks = ((hashed >> np.uint64(40)) % np.uint64(EVERY) == 0) | (piece - at >= most - 1)
        if marks.any():
            end: np.intp = piece[int(np.argmax(marks))]
            return end
        first += _PIECE
    return None
