"""Which of the sounds asked for some stored sections hold, and in which lines: looked up at once in the keys of all. Pure.

Keys come as `vector_send` gives them, big-endian 32-bit floats behind four bytes.
"""

import sys
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

_LOW = 0 if sys.byteorder == "little" else 1  # of the two halves of a 32-bit number
_HEADER = 4


class KeysHeld:
    """The keys of `asked` that are among those of each of some sections, whose keys `sent` has one after another.

    `owners` and `which` are of one length: a section's position, and the position in `asked`, sorted, of a key it holds; a key that
    stands in several lines is there as often.
    """

    def __init__(self, sent: Sequence[bytes], asked: Collection[int]) -> None:
        self.asked: npt.NDArray[np.int32] = np.array(sorted(asked), dtype=np.int32)
        self.sizes = np.array([max(0, len(one) - _HEADER) // 4 for one in sent], dtype=np.intp)
        self._ends = np.cumsum(self.sizes)
        self._places, self.which = _found(b"".join([one[_HEADER:] for one in sent]), self.asked)
        self.owners = np.searchsorted(self._ends, self._places, side="right")

    def lines(self, at: int, sent_ends: bytes) -> list[set[int]]:
        """The keys asked for that each line of a section holds; `sent_ends` says where the keys of each line end.

        All keys are of one line where the ends are not those of these keys: a release that does not know lines left them as they were.
        """
        ends = _numbers(sent_ends[_HEADER:])
        if not len(ends) or ends[-1] != self.sizes[at]:
            ends = self.sizes[at : at + 1].astype(np.int32)
        first, last = np.searchsorted(self.owners, (at, at + 1))
        where = np.searchsorted(ends, self._places[first:last] - (self._ends[at - 1] if at else 0), side="right")
        found: list[set[int]] = [set() for _ in ends]
        for line, key in zip(where.tolist(), self.asked[self.which[first:last]].tolist(), strict=True):
            found[line].add(key)
        return found


def _found(sent: bytes, asked: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The positions of the keys that are asked for, and which of these they are. Half of a number's bits tell most others apart."""
    if not len(asked):
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    likely = np.zeros(1 << 16, dtype=bool)
    likely[asked & 0xFFFF] = True
    numbers = _numbers(sent)
    places = np.flatnonzero(likely[numbers.view(np.uint16)[_LOW::2]])
    found = np.minimum(np.searchsorted(asked, numbers[places]), len(asked) - 1)
    right = asked[found] == numbers[places]
    return places[right], found[right]


def _numbers(sent: bytes) -> npt.NDArray[np.int32]:
    return np.frombuffer(sent, dtype=">f4").astype(np.int32)
