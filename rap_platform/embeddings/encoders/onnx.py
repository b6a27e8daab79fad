"""Texts in, unit vectors out, through ONNX Runtime and tokenizers alone: torch and transformers are not imported here."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import tokenizers

from rap_platform.embeddings.encoders import exporting, weights
from rap_platform.embeddings.encoders.windows import windows
from rap_platform.embeddings.search.sketch import WordTable
from rap_platform.settings import Settings

Vectors = npt.NDArray[np.float32]

MARKERS = 2  # [CLS] and [SEP]
TOKEN_BUDGET = 1024  # word pieces per forward pass, padding included: 4 full texts, best of the sizes tried on 2 cores


@dataclass(frozen=True)
class Encoded:
    """What one call made: vectors (n, 384), how many texts were longer than the limit, how many word pieces were read."""

    vectors: Vectors
    over_limit: int
    word_pieces: int


class Encoder:
    """The sentence encoder; safe to call from several threads at once."""

    name = weights.NAME
    dimension = weights.DIMENSION
    max_word_pieces = weights.MAX_WORD_PIECES

    def __init__(self, model: Path, folder: Path, *, threads: int = 0) -> None:
        """Load the exported `model` and the tokenizer and word table of the weights' `folder`.

        `threads` is the number of forward passes at a time, 0 for as many as there are cores. Each has one core to itself:
        passes side by side wait for one another less than cores that share a pass.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._passes = ThreadPoolExecutor(threads or _cores(), thread_name_prefix="encoder")
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._words = WordTable(folder / "model.safetensors")

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, 384), in the order of the texts; what lies beyond 256 word pieces is not read."""
        return self.encode_cut(texts).vectors

    def encode_cut(self, texts: Sequence[str]) -> Encoded:
        """As `encode`; `over_limit` says how many texts were cut."""
        pieces = self.word_pieces(texts)
        over = sum(len(ids) > self.max_word_pieces for ids in pieces)
        pieces = [self._cut(ids) for ids in pieces]
        return Encoded(self._encode_pieces(pieces), over, sum(map(len, pieces)))

    def encode_whole(self, texts: Sequence[str]) -> Encoded:
        """Unit vectors that read every word: a text over the limit is the normalised mean of its windows, cut along lines."""
        pieces: list[list[int]] = []
        owners: list[int] = []
        over = 0
        for owner, (text, ids) in enumerate(zip(texts, self.word_pieces(texts), strict=True)):
            parts = [ids]
            if len(ids) > self.max_word_pieces:
                over += 1
                lines = [line[1:-1] for line in self.word_pieces(text.split("\n"))]
                parts = [[ids[0], *window, ids[-1]] for window in windows(lines, self.max_word_pieces - MARKERS)]
            pieces.extend(parts)
            owners.extend([owner] * len(parts))
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        np.add.at(vectors, owners, self._encode_pieces(pieces))
        return Encoded(unit(vectors), over, sum(map(len, pieces)))

    def word_pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """The word-piece ids of each text, markers included, uncut."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def sketch(self, text: str, lines: Sequence[str]) -> npt.NDArray[np.float64]:
        """How alike each line and `text` are by their words' vectors, float64 (len(lines),), about 0..1: quick and rough."""
        if not lines:
            return np.zeros(0)
        query = self._words.vector(self.word_pieces([text])[0])
        return np.stack([self._words.vector(ids) for ids in self.word_pieces(lines)]) @ query

    def _encode_pieces(self, pieces: Sequence[list[int]]) -> Vectors:
        vectors = np.empty((len(pieces), self.dimension), dtype=np.float32)
        batches = list(_batches([len(ids) for ids in pieces], TOKEN_BUDGET))
        passes = self._passes.map(self._forward, ([pieces[index] for index in batch] for batch in batches))
        for batch, found in zip(batches, passes, strict=True):
            vectors[batch] = found
        return vectors

    def _cut(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= self.max_word_pieces else [*ids[: self.max_word_pieces - 1], ids[-1]]

    def _forward(self, pieces: list[list[int]]) -> Vectors:
        width = max(map(len, pieces))
        ids = np.zeros((len(pieces), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece)] = piece
            mask[row, : len(piece)] = 1
        (vectors,) = self._session.run([exporting.OUTPUT], {"input_ids": ids, "attention_mask": mask})
        return np.asarray(vectors, dtype=np.float32)


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1.0), dtype=np.float32)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions grouped so that texts of like length share a pass and rows times width stays within the budget."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and (len(batch) + 1) * lengths[index] > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def load_encoder(settings: Settings, *, threads: int = 0) -> Encoder:
    """The encoder of these settings, exported first when needed and loaded once per process.

    Raises WeightsError or ExportError when the weights or their export are not what they should be.
    """
    return _load(settings.data_dir, threads)


@lru_cache(maxsize=4)
def _load(data_dir: Path, threads: int) -> Encoder:
    folder = exporting.ensure_export(data_dir)
    source = weights.weights_folder()
    weights.verify(source, "tokenizer.json", "model.safetensors")
    exporting.verify(folder)
    return Encoder(folder / exporting.MODEL_FILE, source, threads=threads)
