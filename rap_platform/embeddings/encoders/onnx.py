"""MiniLM through ONNX Runtime and tokenizers alone: torch and transformers are not imported here."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from rap_platform.embeddings.encoders import exporting, weights
from rap_platform.embeddings.encoders.encoding import Encoded, Vectors
from rap_platform.embeddings.encoders.wordpieces import WordPieceEncoder, batches, cores
from rap_platform.embeddings.search.sketch import WordTable
from rap_platform.settings import Settings

__all__ = ["Encoded", "Encoder", "Vectors", "load_encoder"]

TOKEN_BUDGET = 1024  # word pieces per forward pass, padding included: 4 full texts, best of the sizes tried on 2 cores


class Encoder(WordPieceEncoder):
    """The sentence encoder; safe to call from several threads at once."""

    def __init__(
        self, model: Path, folder: Path, *, threads: int = 0, name: str = weights.NAME, variant: str = ""
    ) -> None:
        """Load the exported `model` and the tokenizer and word table of the weights' `folder`.

        `threads` is the number of forward passes at a time, 0 for as many as there are cores. Each has one core to itself:
        passes side by side wait for one another less than cores that share a pass.
        """
        super().__init__(name, folder, variant=variant)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._passes = ThreadPoolExecutor(threads or cores(), thread_name_prefix="encoder")
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._words = WordTable(folder / "model.safetensors")

    def sketch(self, text: str, lines: Sequence[str]) -> npt.NDArray[np.float64]:
        """How alike each line and `text` are by their words' vectors, float64 (len(lines),), about 0..1: quick and rough."""
        if not lines:
            return np.zeros(0)
        query = self._words.vector(self.word_pieces([text])[0])
        return np.stack([self._words.vector(ids) for ids in self.word_pieces(lines)]) @ query

    def encode_pieces(self, pieces: Sequence[list[int]]) -> Vectors:
        """Unit vectors of word pieces, those of like length in one pass."""
        vectors = np.empty((len(pieces), self.dimension), dtype=np.float32)
        grouped = list(batches([len(ids) for ids in pieces], TOKEN_BUDGET))
        passes = self._passes.map(self._forward, ([pieces[index] for index in batch] for batch in grouped))
        for batch, found in zip(grouped, passes, strict=True):
            vectors[batch] = found
        return vectors

    def _forward(self, pieces: list[list[int]]) -> Vectors:
        width = max(map(len, pieces))
        ids = np.zeros((len(pieces), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece)] = piece
            mask[row, : len(piece)] = 1
        (vectors,) = self._session.run([exporting.OUTPUT], {"input_ids": ids, "attention_mask": mask})
        return np.asarray(vectors, dtype=np.float32)


def load_encoder(settings: Settings, *, threads: int = 0) -> Encoder:
    """MiniLM of these settings, exported first when needed and loaded once per process.

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
