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

    def vector(self, pieces: Sequence[int]) -> npt.NDArray[np.float64]:
        """The weighted unit mean of the pieces between the markers, float64 (384,); zeros when there are none."""
        ids = list(pieces[1:-1])
        if not ids:
            return np.zeros(self._table.shape[1])
        total = (self._table[ids] * self.weights[ids][:, None]).sum(axis=0)
        length = float(np.linalg.norm(total))
        return np.asarray(total / length if length > 0 else total, dtype=np.float64)

    def weighted(self) -> npt.NDArray[np.float32]:
        """All vectors times their weights, float32 (30522, 384)."""
        return np.asarray(self._table * self.weights[:, None], dtype=np.float32)
