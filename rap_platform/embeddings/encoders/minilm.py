"""MiniLM from its exported graph and tokenizers alone: torch and transformers are not imported here."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rap_platform.embeddings.encoders import exporting, runtimes, weights
from rap_platform.embeddings.encoders.encoding import Encoded, Vectors
from rap_platform.embeddings.encoders.runtimes import Runtime
from rap_platform.embeddings.encoders.wordpieces import WordPieceEncoder, batches
from rap_platform.embeddings.search.sketch import WordTable
from rap_platform.resources.machine import cores
from rap_platform.settings import Settings

__all__ = ["Encoded", "Encoder", "Vectors", "load_encoder", "load_int8"]

INT8 = "minilm_int8"
INT8_VARIANT = "dynamic int8, fused, per channel"
WORDS_KEPT = 50_000  # of lines that were sketched
_LOADING = threading.Lock()  # lru_cache alone would let two who ask at once load twice

_log = logging.getLogger(__name__)


class Encoder(WordPieceEncoder):
    """The sentence encoder; safe to call from several threads at once.

    Batches go through passes side by side, each with one core to itself: they wait for one another less than cores that share a pass.
    A short text alone, as questions are, goes another way, on which its vector is the same whatever else is encoded.
    """

    def __init__(
        self, runtime: Runtime, folder: Path, *, passes: int, name: str = weights.NAME, variant: str = ""
    ) -> None:
        """Encode with `runtime`, up to `passes` at a time, and the tokenizer and word table of the weights' `folder`."""
        super().__init__(name, folder, variant=variant)
        self.runtime = runtime
        self.computed_by = runtime.name
        self._passes = ThreadPoolExecutor(passes, thread_name_prefix="encoder")
        self._room = threading.BoundedSemaphore(passes)
        self._words = WordTable(folder / "model.safetensors")
        self._pieces_of = lru_cache(maxsize=WORDS_KEPT)(lambda word: self.word_pieces([word])[0][1:-1])

    def sketch(self, text: str, lines: Sequence[str]) -> npt.NDArray[np.float64]:
        """How alike each line and `text` are by their words' vectors, float64 (len(lines),), about 0..1: quick and rough."""
        if not lines:
            return np.zeros(0)
        vectors = self._words.vectors([self._read(line) for line in (text, *lines)])
        return np.asarray(vectors[1:] @ vectors[0], dtype=np.float64)

    def _read(self, line: str) -> list[int]:
        """The word pieces of a line without markers: those of its words one by one, most of which were met before."""
        return [piece for word in line.split() for piece in self._pieces_of(word)]

    def encode_pieces(self, pieces: Sequence[list[int]]) -> Vectors:
        """Unit vectors of word pieces, those of like length in one pass."""
        if len(pieces) == 1:
            return self._pass(list(pieces))
        vectors = np.empty((len(pieces), self.dimension), dtype=np.float32)
        grouped = list(batches([len(ids) for ids in pieces], self.runtime.token_budget))
        passes = self._passes.map(self._pass, ([pieces[index] for index in batch] for batch in grouped))
        for batch, found in zip(grouped, passes, strict=True):
            vectors[batch] = found
        return vectors

    def _pass(self, pieces: list[list[int]]) -> Vectors:
        """One forward pass, when there is room for it: more passes than cores would only slow each other down."""
        with self._room:
            if len(pieces) == 1 and len(pieces[0]) <= runtimes.QUESTION_WIDTHS[-1]:
                return self.runtime.question(pieces[0])
            return self.runtime.batch(pieces)


def load_encoder(settings: Settings, *, threads: int = 0) -> Encoder:
    """MiniLM of these settings, exported first when needed and loaded once per process; `threads` passes at a time, 0 for one per core.

    In bfloat16 where the processor has it and the settings leave the choice, else in float32. Raises WeightsError or ExportError when
    the weights, their export or what it computes are not what they should be.
    """
    with _LOADING:
        return _load(settings.data_dir, threads or cores(), settings.embeddings.runtime != "onnx")


def load_int8(settings: Settings, *, threads: int = 0) -> Encoder:
    """MiniLM in int8, a trade-off: cosine about 0.99 to the reference, another set of neighbours; errors as `load_encoder`."""
    with _LOADING:
        return _load_int8(settings.data_dir, threads or cores())


@lru_cache(maxsize=8)
def _load(data_dir: Path, passes: int, bfloat16: bool) -> Encoder:
    if bfloat16 and runtimes.has_bfloat16():
        model, source, manifest = _files(data_dir, exporting.OPENVINO_FILE)
        encoder = Encoder(runtimes.OpenVino(model, passes), source, passes=passes)
        try:
            _check(encoder, manifest, "OpenVINO in bfloat16", "ONNX Runtime is used")
        except exporting.ExportError as disagreement:
            _log.warning("%s", disagreement)
        else:
            return encoder
    model, source, manifest = _files(data_dir, exporting.MODEL_FILE)
    encoder = Encoder(runtimes.OnnxRuntime(model, passes), source, passes=passes)
    _check(encoder, manifest, "ONNX Runtime", "set RAP_EMBEDDINGS__RUNTIME=torch for assets, and report the processor")
    return encoder


@lru_cache(maxsize=8)
def _load_int8(data_dir: Path, passes: int) -> Encoder:
    model, source, manifest = _files(data_dir, exporting.INT8_FILE)
    encoder = Encoder(runtimes.OnnxRuntime(model, passes), source, passes=passes, name=INT8, variant=INT8_VARIANT)
    remedy = f"take {INT8} out of RAP_EMBEDDINGS__BESIDE, or let searches ask minilm"
    _check(encoder, manifest, INT8, remedy, exporting.MINIMUM_INT8_COSINE)
    return encoder


def _files(data_dir: Path, file: str) -> tuple[Path, Path, exporting.Manifest]:
    """The exported graph, the folder of the weights, and the manifest, all verified."""
    folder = exporting.ensure_export(data_dir)
    source = weights.weights_folder()
    weights.verify(source, "tokenizer.json", "model.safetensors")
    return folder / file, source, exporting.verify(folder, file)


def _check(
    encoder: Encoder,
    manifest: exporting.Manifest,
    what: str,
    remedy: str,
    minimum: float = exporting.MINIMUM_COSINE,
) -> None:
    """Raise ExportError unless batches and lone questions, whose passes differ, agree with the reference."""
    exporting.check_agreement(encoder.encode, manifest, minimum, what, remedy)
    exporting.check_agreement(_one_by_one(encoder), manifest, minimum, what, remedy)


def _one_by_one(encoder: Encoder) -> Callable[[Sequence[str]], Vectors]:
    return lambda texts: np.concatenate([encoder.encode([text]) for text in texts])
