"""Lines of two artists that mean the same, by retrieval: mutual nearest neighbours among their vectors. No SQL, no model is trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from rap_platform.training.finetuning.style.texts import Line, wording

Vectors = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
BLOCK: Final = 2048  # lines whose similarities to all others are held at once
NEVER: Final = -2.0  # below any cosine


@dataclass(frozen=True)
class Pair:
    """Two lines that mean nearly the same, with the cosine of their vectors."""

    source: Line
    target: Line
    similarity: float


def pairs(sources: Sequence[Line], targets: Sequence[Line], encode: Encode, least: float) -> list[Pair]:
    """The pairs of lines that are each other's nearest, from a similarity of `least` on, the likest first.

    Never two lines of one song or of near-duplicates, and never the same wording: what is quoted teaches copying. `encode` gives unit
    vectors (n, d). Memory grows with the lines of one artist times BLOCK.
    """
    if not sources or not targets:
        return []
    ones, others = encode([line.text for line in sources]), encode([line.text for line in targets])
    families = np.array([line.family for line in targets])
    wordings = np.array([wording(line.text) for line in targets])
    best_of_source, best_of_target = np.zeros(len(sources), dtype=int), np.zeros(len(targets), dtype=int)
    top_of_source, top_of_target = np.full(len(sources), NEVER), np.full(len(targets), NEVER)
    for start in range(0, len(sources), BLOCK):
        block = sources[start : start + BLOCK]
        cosines = ones[start : start + BLOCK] @ others.T
        for row, line in enumerate(block):
            cosines[row, (families == line.family) | (wordings == wording(line.text))] = NEVER
        best_of_source[start : start + BLOCK] = cosines.argmax(axis=1)
        top_of_source[start : start + BLOCK] = cosines.max(axis=1)
        higher = cosines.max(axis=0) > top_of_target
        best_of_target[higher] = start + cosines.argmax(axis=0)[higher]
        top_of_target[higher] = cosines.max(axis=0)[higher]
    found = [
        Pair(sources[row], targets[column], float(top_of_source[row]))
        for row, column in enumerate(best_of_source)
        if best_of_target[column] == row and top_of_source[row] >= least
    ]
    return sorted(found, key=lambda pair: pair.similarity, reverse=True)
