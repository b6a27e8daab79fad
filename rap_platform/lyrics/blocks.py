"""Cuts a byte stream of records into blocks whose ends depend on the bytes alone, so that they fall back into step after an edit.

A block ends at a line end outside quotes whose last bytes hash to a mark; what is in it is read elsewhere.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

READ: Final = 4 * 1024 * 1024
_LONGEST: Final = 64 * 1024 * 1024
_WINDOW: Final = 32
_PIECE: Final = 512
_WEIGHTS: Final = np.array([pow(0x9E3779B97F4A7C15, power, 2**64) for power in range(1, _WINDOW + 1)], dtype=np.uint64)

Read = Callable[[int], bytes]


@dataclass(frozen=True)
class Sizes:
    """Bytes of a block at least and (where a line ends) at most; one line end in `every`, on average, is a mark."""

    least: int = 256 * 1024
    most: int = 2 * 1024 * 1024
    every: int = 128


USUAL = Sizes()


class Cutter:
    """Gives the lines and then the blocks of a stream; what was cut too long can be given back."""

    def __init__(self, read: Read, *, quoted: bool, sizes: Sizes | None = None) -> None:
        self._read, self._quoted, self._sizes = read, quoted, sizes or USUAL
        self._least = self._sizes.least
        self._buffer, self._start, self._ended = b"", 0, False
        self._ends: deque[int] = deque()

    @property
    def ended(self) -> bool:
        """Whether everything was given out."""
        if self._start == len(self._buffer) and not self._ended:
            self._fill(READ)
        return self._ended and self._start == len(self._buffer)

    def line(self, most: int) -> bytes:
        """Give the next line with its end, cut after `most` bytes; b"" at the end of the stream."""
        end = self._buffer.find(b"\n", self._start) + 1
        while not end and not self._ended and (size := len(self._buffer) - self._start) <= most:
            self._fill(size + READ)
            end = self._buffer.find(b"\n", size) + 1
        self._ends.clear()
        return self._take(min(end or len(self._buffer), self._start + most))

    def cut(self) -> tuple[bytes, bool]:
        """Give the next block and whether it ends where such a block always ends; (b"", True) at the end of the stream.

        What holds no line end for 64 MB is given as it is.
        """
        sizes, self._least = replace(self._sizes, least=self._least), self._sizes.least
        usual = sizes.least == self._sizes.least
        wanted = max(READ, 2 * sizes.most, 2 * sizes.least)
        while not self._ends:
            self._fill(wanted)
            self._ends.extend(block_ends(self._buffer, self._start, quoted=self._quoted, sizes=sizes))
            if self._ends:
                break
            if self._ended:
                return self._take(len(self._buffer)), True
            end = self._buffer.rfind(b"\n", self._start + sizes.least) + 1
            if end or wanted > _LONGEST:
                return self._take(end or len(self._buffer)), False
            wanted *= 2
        block = self._take(self._ends.popleft())
        if not usual:
            self._ends.clear()
        return block, usual

    def give_back(self, tail: bytes, *, whole: bool) -> None:
        """Put the end of the last block back; after a `whole` one the next is at least twice as long."""
        self._buffer, self._start = tail + self._buffer[self._start :], 0
        self._ends.clear()
        if whole:
            self._least = 2 * len(tail)

    def _take(self, end: int) -> bytes:
        taken = self._buffer[self._start : end]
        self._start = end
        return taken

    def _fill(self, wanted: int) -> None:
        """Have `wanted` bytes in the buffer, or all that are left."""
        parts = [self._buffer[self._start :]]
        size = len(parts[0])
        while size < wanted and not self._ended:
            parts.append(self._read(wanted - size))
            size += len(parts[-1])
            self._ended = not parts[-1]
        self._buffer, self._start = b"".join(parts), 0


def block_ends(data: bytes, start: int, *, quoted: bool, sizes: Sizes) -> list[int]:
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
    while (end := _next_end(view, lines, at, sizes)) is not None:
        at = int(end) + 1
        ends.append(start + at)
    return ends


def _next_end(view: npt.NDArray[np.uint8], lines: npt.NDArray[np.intp], at: int, sizes: Sizes) -> np.intp | None:
    first = int(np.searchsorted(lines, at + max(sizes.least, _WINDOW + 1) - 1))
    while first < len(lines):
        piece = lines[first : first + _PIECE]
        windows = view[piece[:, None] + np.arange(-_WINDOW, 0)].astype(np.uint64)
        hashed = (windows * _WEIGHTS).sum(axis=1, dtype=np.uint64)
        marks = ((hashed >> np.uint64(40)) % np.uint64(sizes.every) == 0) | (piece - at >= sizes.most - 1)
        if marks.any():
            end: np.intp = piece[int(np.argmax(marks))]
            return end
        first += _PIECE
    return None
