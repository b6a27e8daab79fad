"""Turns the pinned weights into ONNX files, once per data directory, in a process of its own. Encoding is not done here."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.encoding import EncoderError, Vectors

EXPORT_VERSION = "3"
MODEL_FILE = "model.onnx"
INT8_FILE = "model_int8.onnx"
OPENVINO_FILE = "model.xml"  # model.onnx as OpenVINO stores it, which it reads in a tenth of the time
WEIGHTS_FILE = "model.bin"  # of that
MANIFEST = "manifest.json"
MINIMUM_COSINE = 0.9999  # to the reference
MINIMUM_INT8_COSINE = 0.95  # a broken quantisation has 0.84
STARTING_TEXTS = 6  # of the agreement texts, the short ones: what every process checks when it loads an encoder
OUTPUT = "sentence"

AGREEMENT_TEXTS = (
    "love",
    "I never slept, I counted every window on the block",
    "Ain't no stoppin', we was hungry, now the table's ours!",
    "The rain came down; the ships were far at sea.\nNobody called my name.",
    "Corazón de piedra, la ciudad no duerme",
    "They told my brother wait, they told my mother pray,\nI told the mirror nothing, put my winter coat away,\n"
    "and every door I knocked on had a window where they watched me walk away.",
    "count the money, count the cost, count the friends that money lost " * 40,
)


class ExportError(EncoderError):
    """The ONNX file could not be made or does not agree with the reference."""


@dataclass(frozen=True)
class Manifest:
    """What an export was made of, and how well it agrees with sentence-transformers."""

    export_version: str
    weights_sha256: str
    sha256: dict[str, str]  # of every file of the export, by name
    fused: bool
    reference: str
    texts: int
    minimum_cosine: float
    maximum_difference: float
    minimum_int8_cosine: float
    reference_vectors: list[list[float]]  # of AGREEMENT_TEXTS, by the reference


def model_folder(data_dir: Path) -> Path:
    """Where the export of the pinned weights lies under a data directory."""
    return data_dir / "models" / weights.SHA256["model.safetensors"]


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a finished export of this version, or None; a damaged one is none, so that the export is made again."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        found = Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return None
    return found if found.export_version == EXPORT_VERSION else None


def ensure_export(data_dir: Path) -> Path:
    """The folder with the models and manifest.json, made on first use; safe when several processes ask at once.

    Raises WeightsError when the weights are not the pinned ones and ExportError when the export fails or disagrees with
    the reference.
    """
    folder = model_folder(data_dir)
    if read_manifest(folder) is not None:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / ".lock"):
        if read_manifest(folder) is None:
            _export_into(folder)
    return folder


def verify(folder: Path, file: str = MODEL_FILE) -> Manifest:
    """The manifest; raises ExportError unless the model's `file`, and what lies beside it, are those that it describes."""
    manifest = read_manifest(folder)
    names = [file, WEIGHTS_FILE] if file == OPENVINO_FILE else [file]
    if manifest is not None and all(_is_intact(folder / name, manifest.sha256.get(name)) for name in names):
        return manifest
    raise ExportError(f"{folder / file} is damaged: delete {folder} and it is made again")


def _is_intact(path: Path, sha256: str | None) -> bool:
    return path.is_file() and weights.sha256_of(path) == sha256


def check_agreement(
    encode: Callable[[Sequence[str]], Vectors], manifest: Manifest, minimum: float, what: str, remedy: str
) -> None:
    """Raise ExportError with the remedy unless `encode` gives the short agreement texts the reference's vectors, to cosine `minimum`.

    Run by every process that loads the encoder: the file may be right and the processor or the runtime another one.
    """
    import numpy as np

    expected = np.asarray(manifest.reference_vectors[:STARTING_TEXTS], dtype=np.float32)
    found = encode(AGREEMENT_TEXTS[:STARTING_TEXTS])
    lowest = float((expected * found).sum(axis=1).min()) if found.shape == expected.shape else float("nan")
    if not lowest >= minimum:
        raise ExportError(
            f"{what} agrees with {manifest.reference} only to cosine {lowest:.6f} on this machine, needed {minimum}: {remedy}"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _export_into(folder: Path) -> None:
    source = weights.weights_folder()
    weights.verify(source)
    for leftover in folder.parent.glob("export-*"):  # of a process that was killed; we hold the lock
        shutil.rmtree(leftover)
    work = Path(tempfile.mkdtemp(prefix="export-", dir=folder.parent))
    work.chmod(0o755)
    package_root = str(Path(__file__).resolve().parents[3])
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "rap_platform.embeddings.encoders.exporting", str(source), str(work)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 our own module
    if result.returncode != 0:
        shutil.rmtree(work)
        last = result.stderr.strip().splitlines()[-1:] or [f"exit status {result.returncode}"]
        raise ExportError(f"the encoder could not be exported to ONNX: {last[0]}")
    if folder.exists():  # an older export version
        shutil.rmtree(folder)
    work.rename(folder)


def export(source: Path, target: Path) -> Manifest:
    """Write the models and manifest.json into `target`; needs torch and sentence-transformers, so run it in a subprocess."""
    from rap_platform.embeddings.encoders import runtimes

    plain = target / "plain.onnx"
    _trace(source, plain)
    _fuse(plain, target / MODEL_FILE)
    plain.unlink()
    _quantise(target / MODEL_FILE, target / INT8_FILE)
    runtimes.convert(target / MODEL_FILE, target / OPENVINO_FILE)
    manifest = _compare(source, target)
    if manifest.minimum_cosine < MINIMUM_COSINE:
        raise ExportError(
            f"the ONNX encoder agrees with {manifest.reference} only to cosine {manifest.minimum_cosine:.6f}, "
            f"needed {MINIMUM_COSINE}"
        )
    if manifest.minimum_int8_cosine < MINIMUM_INT8_COSINE:
        raise ExportError(
            f"the int8 encoder agrees with {manifest.reference} only to {manifest.minimum_int8_cosine:.4f}"
        )
    (target / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def _trace(source: Path, target: Path) -> None:
    import torch
    from transformers import BertModel

    class SentenceEncoder(torch.nn.Module):
        """Token ids and mask in, unit sentence vectors out: mean pooling and L2 norm are part of the graph."""

        def __init__(self, bert: Any) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            tokens = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
            mean = (tokens * mask).sum(dim=1) / mask.sum(dim=1)
            return torch.nn.functional.normalize(mean, dim=1)

    bert = BertModel.from_pretrained(str(source), add_pooling_layer=False, attn_implementation="eager")
    ids = torch.tensor([[101, 2293, 2003, 102], [101, 2293, 102, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    axes = {0: "batch", 1: "sequence"}
    with torch.no_grad():
        torch.onnx.export(
            SentenceEncoder(bert).eval(),
            (ids, mask),
            str(target),
            input_names=["input_ids", "attention_mask"],
            output_names=[OUTPUT],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, OUTPUT: {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


def _fuse(plain: Path, target: Path) -> None:
    from onnxruntime.transformers import optimizer

    model = optimizer.optimize_model(str(plain), model_type="bert", num_heads=12, hidden_size=weights.DIMENSION)
    model.save_model_to_file(str(target))


def _quantise(source: Path, target: Path) -> None:
    """Dynamic int8 of the fused graph, a scale per channel; per tensor, unfused or unsigned it falls to cosine 0.84 to 0.91."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(source), str(target), per_channel=True, weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": 1}
    )


def _compare(source: Path, target: Path) -> Manifest:
    import numpy as np
    import sentence_transformers

    from rap_platform.embeddings.encoders.minilm import Encoder
    from rap_platform.embeddings.encoders.runtimes import OnnxRuntime

    reference = sentence_transformers.SentenceTransformer(str(source), device="cpu")
    expected = np.asarray(reference.encode(list(AGREEMENT_TEXTS), normalize_embeddings=True), dtype=np.float32)
    found = Encoder(OnnxRuntime(target / MODEL_FILE, 1), source, passes=1).encode(AGREEMENT_TEXTS)
    int8 = Encoder(OnnxRuntime(target / INT8_FILE, 1), source, passes=1).encode(AGREEMENT_TEXTS)
    operators = {node.op_type for node in _graph_nodes(target / MODEL_FILE)}
    return Manifest(
        export_version=EXPORT_VERSION,
        weights_sha256=weights.SHA256["model.safetensors"],
        sha256={path.name: weights.sha256_of(path) for path in sorted(target.iterdir())},
        fused="Attention" in operators,
        reference=f"sentence-transformers {sentence_transformers.__version__}",
        texts=len(AGREEMENT_TEXTS),
        minimum_cosine=float((expected * found).sum(axis=1).min()),
        maximum_difference=float(np.abs(expected - found).max()),
        minimum_int8_cosine=float((expected * int8).sum(axis=1).min()),
        reference_vectors=expected.tolist(),
    )


def _graph_nodes(path: Path) -> list[Any]:
    import onnx

    return list(onnx.load(str(path)).graph.node)


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
