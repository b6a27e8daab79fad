"""Adapters as folders: named by what they were trained from, so that nothing is trained twice. How they are trained is in lora.py."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rap_platform.settings import Settings
from rap_platform.training.finetuning.loop import Schedule

PREDICTOR: Final = "qwen_lora"
CODE_VERSION: Final = "1"  # raise it when the same rows and settings come to another adapter
MANIFEST: Final = "manifest.json"
WEIGHTS: Final = "adapter_model.safetensors"
KINDS: Final = ("qwen3",)
SETTING: Final = "RAP_TRAINING__ADAPTER_BASE_MODEL"
VLLM_RANKS: Final = (8, 16, 32, 64, 128, 256, 320, 512)  # what --max-lora-rank may be
SHORT: Final = 12  # characters of a key in a name


@dataclass(frozen=True)
class Params:
    """What is set about an adapter."""

    rank: int
    max_tokens: int
    schedule: Schedule

    @classmethod
    def of(cls, settings: Settings) -> "Params":
        """As the settings say."""
        told = settings.training
        return cls(
            told.adapter_rank,
            told.adapter_max_tokens,
            Schedule(told.adapter_epochs, told.adapter_learning_rate, told.batch_rows, told.batch_tokens, told.seed),
        )


@dataclass(frozen=True)
class Recipe:
    """All that an adapter depends on: base weights, dataset, parameters, and our code."""

    base_sha256: str
    dataset_version: str
    dataset_digest: str
    rows_sha256: str
    params: Params

    @property
    def key(self) -> str:
        """All of it as one hash."""
        told = json.dumps([CODE_VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def name(self) -> str:
        """What the adapter is called, as a folder and as a model of an endpoint."""
        return f"{PREDICTOR}-{self.key[:SHORT]}"


@dataclass(frozen=True)
class Adapter:
    """A trained adapter on disk."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def key(self) -> str:
        """The key of its recipe."""
        return str(self.manifest["key"])

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.manifest["name"])

    @property
    def losses(self) -> list[tuple[int, float]]:
        """(step, loss) of the training."""
        return [(step, loss) for step, loss in self.manifest["losses"]]

    def vllm_command(self) -> list[str]:
        """How vLLM serves it, in production."""
        room = next(rank for rank in VLLM_RANKS if rank >= self.manifest["params"]["rank"])
        module = json.dumps({"name": self.name, "path": str(self.folder)})
        return [
            *("vllm", "serve", str(self.manifest["base"]["folder"]), "--enable-lora"),
            *("--max-lora-rank", str(room), "--lora-modules", module, "--host", "127.0.0.1"),
        ]


def home(data_dir: Path) -> Path:
    """Where the adapters lie."""
    return data_dir / "adapters"


def find(data_dir: Path, name: str) -> Adapter | None:
    """The adapter of this name, when it was trained to its end; a folder without manifest or weights is none."""
    folder = home(data_dir) / name
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Adapter(folder, manifest) if (folder / WEIGHTS).is_file() else None


def known(data_dir: Path) -> list[Adapter]:
    """Every adapter, the newest first."""
    folders = sorted(home(data_dir).glob(f"{PREDICTOR}-*"))
    found: Sequence[Adapter | None] = [find(data_dir, folder.name) for folder in folders]
    return sorted((one for one in found if one), key=lambda one: str(one.manifest["made_at"]), reverse=True)


def put(scratch: Path, folder: Path, manifest: dict[str, Any]) -> None:
    """Make a folder of a finished scratch folder, manifest included, in one step."""
    (scratch / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)  # without manifest or weights, else it had been found
    scratch.replace(folder)
