"""MiniLM through ONNX Runtime and tokenizers alone: torch and transformers are not imported here."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from rap_platform.embeddings.encoders import exporting, weights
from rap_platform.embeddings.encoders.encoding import Encoded, Vectors
from rap_platform.embeddings.encoders.wordpieces import WordPieceEncoder, batches
from rap_platform.embeddings.search.sketch import WordTable
from rap_platform.resources.machine import cores
from rap_platform.settings import Settings

__all__ = ["Encoded", "Encoder", "Vectors", "load_encoder", "load_int8"]

INT8 = "minilm_int8"
INT8_VARIANT = "dynamic int8, fused, per channel"
TOKEN_BUDGET = 256  # word pieces per pass, padding included: one full text, whose layers stay in the cache of a core
SHORT_PIECES = 64  # a question; a longer text keeps one core busy long enough
SHARED_CORES = 4  # a pass of a short text gains nothing from more
SPIN_US = 50  # how long a core waits for the next operator of a shared pass before it sleeps
_LOADING = threading.Lock()  # lru_cache alone would let two who ask at once load twice


class Encoder(WordPieceEncoder):
    """The sentence encoder; safe to call from several threads at once.

    Batches go through passes side by side, each with one core to itself: they wait for one another less than cores that share a pass.
    A lone question, when no other pass runs, has a pass that all cores share.
    """

    def __init__(
        self, model: Path, folder: Path, *, threads: int = 0, name: str = weights.NAME, variant: str = ""
    ) -> None:
        """Load the exported `model` and the tokenizer and word table of the weights' `folder`.

        `threads` is the number of forward passes at a time, 0 for as many as there are cores.
        """
        super().__init__(name, folder, variant=variant)
        self._threads = threads or cores()
        self._passes = ThreadPoolExecutor(self._threads, thread_name_prefix="encoder")
        self._room = threading.BoundedSemaphore(self._threads)
        self._alone = threading.Lock()
        self._running = 0
        self._count = threading.Lock()
        self._session = _session(model, 1)
        shared = min(self._threads, SHARED_CORES)
        self._shared = _session(model, shared) if shared > 1 else self._session
        self._words = WordTable(folder / "model.safetensors")

    def sketch(self, text: str, lines: Sequence[str]) -> npt.NDArray[np.float64]:
        """How alike each line and `text` are by their words' vectors, float64 (len(lines),), about 0..1: quick and rough."""
        if not lines:
            return np.zeros(0)
        query = self._words.vector(self.word_pieces([text])[0])
        return np.stack([self._words.vector(ids) for ids in self.word_pieces(lines)]) @ query

    def encode_pieces(self, pieces: Sequence[list[int]]) -> Vectors:
        """Unit vectors of word pieces, those of like length in one pass."""
        if len(pieces) == 1:
            return self._pass(list(pieces))
        vectors = np.empty((len(pieces), self.dimension), dtype=np.float32)
        grouped = list(batches([len(ids) for ids in pieces], TOKEN_BUDGET))
        passes = self._passes.map(self._pass, ([pieces[index] for index in batch] for batch in grouped))
        for batch, found in zip(grouped, passes, strict=True):
            vectors[batch] = found
        return vectors

    def _pass(self, pieces: list[list[int]]) -> Vectors:
        """One forward pass, when there is room for it: more passes than cores would only slow each other down."""
        with self._room:
            with self._count:
                self._running += 1
                alone = self._running == 1
            try:
                lone_question = alone and len(pieces) == 1 and len(pieces[0]) <= SHORT_PIECES
                return _forward(self._shared if lone_question else self._session, pieces)
            finally:
                with self._count:
                    self._running -= 1


def _session(model: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if threads > 1:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_US))
        options.add_session_config_entry("session.force_spinning_stop", "1")  # nothing spins between questions
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _forward(session: Any, pieces: list[list[int]]) -> Vectors:
    width = max(map(len, pieces))
    ids = np.zeros((len(pieces), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, piece in enumerate(pieces):
        ids[row, : len(piece)] = piece
        mask[row, : len(piece)] = 1
    (vectors,) = session.run([exporting.OUTPUT], {"input_ids": ids, "attention_mask": mask})
    return np.asarray(vectors, dtype=np.float32)


def load_encoder(settings: Settings, *, threads: int = 0) -> Encoder:
    """MiniLM of these settings, exported first when needed and loaded once per process.

    Raises WeightsError or ExportError when the weights, their export or what it computes are not what they should be.
    """
    with _LOADING:
        return _load(settings.data_dir, threads, int8=False)


def load_int8(settings: Settings, *, threads: int = 0) -> Encoder:
    """MiniLM in int8: half the time, cosine about 0.99 to the reference, another set of neighbours; errors as `load_encoder`."""
    with _LOADING:
        return _load(settings.data_dir, threads, int8=True)


def _one_by_one(encoder: Encoder) -> Callable[[Sequence[str]], Vectors]:
    return lambda texts: np.concatenate([encoder.encode([text]) for text in texts])


@lru_cache(maxsize=8)
def _load(data_dir: Path, threads: int, *, int8: bool) -> Encoder:
    folder = exporting.ensure_export(data_dir)
    source = weights.weights_folder()
    weights.verify(source, "tokenizer.json", "model.safetensors")
    file = exporting.INT8_FILE if int8 else exporting.MODEL_FILE
    manifest = exporting.verify(folder, file)
    if int8:
        encoder = Encoder(folder / file, source, threads=threads, name=INT8, variant=INT8_VARIANT)
        remedy = f"take {INT8} out of RAP_EMBEDDINGS__BESIDE, or let searches ask minilm"
        exporting.check_agreement(encoder.encode, manifest, exporting.MINIMUM_INT8_COSINE, INT8, remedy)
    else:
        encoder = Encoder(folder / file, source, threads=threads)
        remedy = "set RAP_EMBEDDINGS__RUNTIME=torch for assets, and report the processor"
        for encode in (encoder.encode, _one_by_one(encoder)):  # a batch and a lone question have sessions of their own
            exporting.check_agreement(encode, manifest, exporting.MINIMUM_COSINE, "the ONNX encoder", remedy)
    return encoder
