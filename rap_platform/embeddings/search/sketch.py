"""A rough likeness of lines, from the encoder's word table alone: microseconds where a forward pass takes milliseconds.

Used to point at the best line inside a section that the encoder already found; never stored, never used for ranking.
Smooth inverse frequency (Arora et al. 2017) with frequencies from Zipf's law, for the table is sorted by frequency.
"""

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rap_platform.embeddings.encoders.encoding import unit

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
        table = np.memmap(safetensors, dtype="<f4", mode="r", offset=8 + size + start, shape=(rows, columns))
        self._table = table.view(np.ndarray)  # taking rows of a memmap costs as much again as the rows
        rank = np.maximum(np.arange(rows) - FIRST_WORD + 1, 1)
        frequency = 1.0 / (rank * math.log(rows))
        self.weights = np.asarray(SMOOTHING / (SMOOTHING + frequency), dtype=np.float32)

    def vectors(self, texts: Sequence[list[int]]) -> npt.NDArray[np.float32]:
        """The weighted unit mean of each text's pieces, without markers, float32 (n, 384); zeros where there are none."""
        found = np.zeros((len(texts), self._table.shape[1]), dtype=np.float32)
        for place, pieces in enumerate(texts):
            if pieces:
                found[place] = self.weights[pieces] @ self._table[pieces]
        return unit(found)

    def weighted(self) -> npt.NDArray[np.float32]:
        """All vectors times their weights, float32 (30522, 384)."""
        return np.asarray(self._table * self.weights[:, None], dtype=np.float32)
