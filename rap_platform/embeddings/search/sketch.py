"""A rough likeness of lines, from the encoder's word table alone: microseconds where a forward pass takes milliseconds.

Used to point at the best line inside a section that the encoder already found; never stored, never used for ranking.
Smooth inverse frequency (Arora et al. 2017) with frequencies from Zipf's law, for the table is sorted by frequency.
"""

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

TENSOR = "embeddings.word_embeddings.weight"
FIRST_WORD = 996  # ids below are markers and unused
SMOOTHING = 1e-4


class WordTable:
    """The word-piece vectors (30522, 384) of a safetensors file, mapped from disk, with their weights."""

    def __init__(self, safetensors: Path) -> None:
        with safetensors.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            entry = json.loads(file.read(size))[TENSOR]
        if entry["dtype"] != "F32":
            raise ValueError(f"{TENSOR} in {safetensors} is {entry['dtype']}, expected F32")
        start, _ = entry["data_offsets"]
        rows, columns = entry["shape"]
        self._table: Any = np.memmap(safetensors, dtype="<f4", mode="r", offset=8 + size + start, shape=(rows, columns))
        rank = np.maximum(np.arange(rows) - FIRST_WORD + 1, 1)
        frequency = 1.0 / (rank * math.log(rows))
        self.weights = SMOOTHING / (SMOOTHING + frequency)

    def vectors(self, pieces: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """The weighted unit mean of the pieces between the markers of each text, float64 (n, 384); zeros when there are none."""
        inner = [list(one[1:-1]) for one in pieces]
        ids = [piece for one in inner for piece in one]
        sums = np.zeros((len(inner), self._table.shape[1]))
        filled = [place for place, one in enumerate(inner) if one]
        if filled:
            starts = np.cumsum([0, *(len(inner[place]) for place in filled[:-1])])
            sums[filled] = np.add.reduceat(self._table[ids] * self.weights[ids][:, None], starts, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.asarray(np.divide(sums, lengths, out=sums, where=lengths > 0), dtype=np.float64)

    def weighted(self) -> npt.NDArray[np.float32]:
        """All vectors times their weights, float32 (30522, 384)."""
        return np.asarray(self._table * self.weights[:, None], dtype=np.float32)
