"""Cutting a text that is longer than the encoder reads into windows along its lines. Pure: word-piece ids in, ids out."""

import math
from collections.abc import Sequence


def windows(lines: Sequence[Sequence[int]], limit: int) -> list[list[int]]:
    """Windows of at most `limit` ids that together hold every id of `lines` once, in order and of about equal length.

    Windows end where lines end; a single line over the limit is cut into equal parts. Raises ValueError when limit < 1.
    """
    if limit < 1:
        raise ValueError("a window holds at least one word piece")
    units = [part for line in lines for part in _parts(line, limit)]
    total = sum(map(len, units))
    target = total / max(1, math.ceil(total / limit))
    found: list[list[int]] = []
    for unit in units:
        if not found or len(found[-1]) + len(unit) > limit or len(found[-1]) >= target:
            found.append([])
        found[-1].extend(unit)
    return found


def _parts(line: Sequence[int], limit: int) -> list[Sequence[int]]:
    if not line:
        return []
    size = math.ceil(len(line) / math.ceil(len(line) / limit))
    return [line[start : start + size] for start in range(0, len(line), size)]
