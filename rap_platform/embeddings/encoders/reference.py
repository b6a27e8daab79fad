"""MiniLM through sentence-transformers, on the GPU where there is one: the reference of the ONNX file. Imports torch on loading."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rap_platform.embeddings.encoders import exporting, weights
from rap_platform.embeddings.encoders.encoding import Vectors
from rap_platform.embeddings.encoders.wordpieces import WordPieceEncoder, batches
from rap_platform.settings import Settings

CPU_BUDGET = 4096  # word pieces per forward pass, padding included
GPU_BUDGET = 131_072
GPU_NODES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd")


def gpu_is_there() -> bool:
    """Whether torch sees a GPU; it is imported only where the machine shows a device node of one."""
    if not any(Path(node).exists() for node in GPU_NODES):
        return False
    import torch

    return torch.cuda.is_available()


class Encoder(WordPieceEncoder):
    """The same weights, word pieces and windows as the ONNX encoder's, so the same table of vectors."""

    def __init__(self, folder: Path, *, device: str | None = None) -> None:
        """Load the weights' `folder` onto `device`; None takes CUDA when torch sees one, else the CPU."""
        import sentence_transformers
        import torch

        super().__init__(weights.NAME, folder)
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.computed_by = f"torch on {self.device}, float32"
        self._model: Any = sentence_transformers.SentenceTransformer(str(folder), device=self.device).eval()

    def encode_pieces(self, pieces: Sequence[list[int]]) -> Vectors:
        """Unit vectors of word pieces, those of like length in one pass."""
        vectors = np.empty((len(pieces), self.dimension), dtype=np.float32)
        budget = CPU_BUDGET if self.device == "cpu" else GPU_BUDGET
        for batch in batches([len(ids) for ids in pieces], budget):
            vectors[batch] = self._forward([pieces[index] for index in batch])
        return vectors

    def _forward(self, pieces: list[list[int]]) -> Vectors:
        import torch

        width = max(map(len, pieces))
        ids = torch.tensor([piece + [0] * (width - len(piece)) for piece in pieces])
        mask = torch.tensor([[1] * len(piece) + [0] * (width - len(piece)) for piece in pieces])
        with torch.inference_mode():
            features = {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device)}
            found = torch.nn.functional.normalize(self._model(features)["sentence_embedding"], dim=1)
        return np.asarray(found.float().cpu().numpy(), dtype=np.float32)


@lru_cache(maxsize=2)
def _load(data_dir: Path, device: str | None) -> Encoder:
    manifest = exporting.read_manifest(exporting.ensure_export(data_dir))
    source = weights.weights_folder()
    weights.verify(source)
    encoder = Encoder(source, device=device)
    if manifest is not None:
        what = f"torch on {encoder.device}"
        remedy = "set RAP_EMBEDDINGS__RUNTIME=onnx"
        exporting.check_agreement(encoder.encode, manifest, exporting.MINIMUM_COSINE, what, remedy)
    return encoder


def load_reference(settings: Settings, *, device: str | None = None) -> Encoder:
    """MiniLM through torch, loaded once per process, checked against the export's reference vectors as the ONNX file is."""
    return _load(settings.data_dir, device)
