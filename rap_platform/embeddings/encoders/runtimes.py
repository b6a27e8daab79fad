"""What computes the exported graph: ONNX Runtime in float32, or OpenVINO in bfloat16 where the processor multiplies that in hardware.

Both are asked for batches, several passes side by side with one core each, and for a lone question, which all cores share.
"""

import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rap_platform.embeddings.encoders import exporting
from rap_platform.embeddings.encoders.encoding import Vectors

SHARED_CORES = 4  # a pass of a short text gains nothing from more
SPIN_US = 50  # how long a core of ONNX Runtime waits for the next operator of a shared pass before it sleeps
# Word pieces of the passes that are prepared for questions: OpenVINO plans a pass of any other width while somebody waits.
QUESTION_WIDTHS = (24, 64)

Pieces = list[int]
Matrix = npt.NDArray[np.int64]


class Runtime(Protocol):
    """The graph, loaded; safe to call from several threads at once."""

    @property
    def name(self) -> str:
        """What it is and in which arithmetic it computes."""
        ...

    @property
    def token_budget(self) -> int:
        """Word pieces per pass of a batch, padding included, with which it is quickest."""
        ...

    def batch(self, pieces: Sequence[Pieces]) -> Vectors:
        """Unit vectors, float32 (n, 384), of word-piece ids with their markers: one pass on one core."""
        ...

    def question(self, pieces: Pieces) -> Vectors:
        """The unit vector, float32 (1, 384), of a text of up to 64 word pieces, the same each time: one pass over all cores."""
        ...


class OnnxRuntime:
    """ONNX Runtime in float32, the same on every machine. A question shares its cores with nobody, so one that is not alone has one core."""

    name = "ONNX Runtime, float32"
    token_budget = 256  # one full text, whose layers stay in the cache of a core

    def __init__(self, model: Path, passes: int) -> None:
        """Load `model` for as many `passes` of batches at a time."""
        self._session = _session(model, 1)
        shared = min(passes, SHARED_CORES)
        self._shared = _session(model, shared) if shared > 1 else self._session
        self._running = 0
        self._count = threading.Lock()

    def batch(self, pieces: Sequence[Pieces]) -> Vectors:
        with self._counted():
            return _run(self._session, pieces)

    def question(self, pieces: Pieces) -> Vectors:
        with self._counted() as running:
            return _run(self._shared if running == 1 else self._session, [pieces])

    @contextmanager
    def _counted(self) -> Iterator[int]:
        """How many passes run, this one included."""
        with self._count:
            self._running += 1
            running = self._running
        try:
            yield running
        finally:
            with self._count:
                self._running -= 1


class OpenVino:
    """OpenVINO in bfloat16: a third of the time for batches, half for a question, cosine above 0.9999 to float32."""

    name = "OpenVINO, bfloat16"
    token_budget = 1024

    def __init__(self, model: Path, passes: int) -> None:
        """Compile `model` for as many `passes` of batches at a time, and for a question of each width."""
        graph = _core().read_model(str(model))
        self._batches = _requests(graph, threads=1, passes=passes)
        self._questions: dict[int, queue.SimpleQueue[Any]] = {}
        for width in QUESTION_WIDTHS:
            narrow = graph.clone()  # the weights are shared
            narrow.reshape({"input_ids": [1, width], "attention_mask": [1, width]})
            self._questions[width] = _requests(narrow, threads=min(passes, SHARED_CORES))

    def batch(self, pieces: Sequence[Pieces]) -> Vectors:
        return _infer(self._batches, *_padded(pieces))

    def question(self, pieces: Pieces) -> Vectors:
        width = next(width for width in QUESTION_WIDTHS if len(pieces) <= width)
        return _infer(self._questions[width], *_padded([pieces], width))


@lru_cache(maxsize=1)
def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; without that, converting costs more than it saves."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def convert(model: Path, target: Path) -> None:
    """Write an ONNX `model` as OpenVINO stores it, the weights untouched, into `target` (.xml) and a .bin beside it."""
    core = _core()
    import openvino

    openvino.save_model(core.read_model(str(model)), str(target), compress_to_fp16=False)


def _session(model: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if threads > 1:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_US))
        options.add_session_config_entry("session.force_spinning_stop", "1")  # nothing spins between questions
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _run(session: Any, pieces: Sequence[Pieces]) -> Vectors:
    ids, mask = _padded(pieces)
    (vectors,) = session.run([exporting.OUTPUT], {"input_ids": ids, "attention_mask": mask})
    return np.asarray(vectors, dtype=np.float32)


@lru_cache(maxsize=1)
def _core() -> Any:
    """OpenVINO; it reports every import of itself to a server of statistics wherever it finds its telemetry package."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # importing it fails from here on
    import openvino

    return openvino.Core()


def _requests(graph: Any, threads: int, passes: int = 1) -> queue.SimpleQueue[Any]:
    """Requests of a compiled graph, one per pass at a time."""
    options = {
        "INFERENCE_PRECISION_HINT": "bf16",
        "NUM_STREAMS": passes,
        "INFERENCE_NUM_THREADS": passes * threads,
        "ENABLE_CPU_PINNING": False,  # others work on these cores too
    }
    compiled = _core().compile_model(graph, "CPU", options)
    idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _ in range(passes):
        idle.put(compiled.create_infer_request())
    return idle


def _infer(idle: queue.SimpleQueue[Any], ids: Matrix, mask: Matrix) -> Vectors:
    """What a request makes of the input; the vectors are a copy, for the request goes to whoever comes next."""
    request = idle.get()
    try:
        request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)
        return np.array(request.get_output_tensor(0).data, dtype=np.float32)
    finally:
        idle.put(request)


def _padded(pieces: Sequence[Pieces], width: int = 0) -> tuple[Matrix, Matrix]:
    """Word-piece ids as a matrix (n, width or the longest), and its mask."""
    width = width or max(map(len, pieces))
    ids = np.zeros((len(pieces), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, piece in enumerate(pieces):
        ids[row, : len(piece)] = piece
        mask[row, : len(piece)] = 1
    return ids, mask
