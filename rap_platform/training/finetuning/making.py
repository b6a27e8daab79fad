"""From settings and a dataset version to its adapter; the asset and the command share it. How it is trained is in lora.py."""

from pathlib import Path

from rap_platform.settings import NotConfigured, Settings
from rap_platform.training.finetuning import adapters as store
from rap_platform.training.finetuning import bases, lora
from rap_platform.training.finetuning import rows as chat
from rap_platform.training.finetuning.adapters import Adapter
from rap_platform.training.queries import Version


def base_given(settings: Settings) -> str:
    """The folder of base weights that is set. Raises NotConfigured."""
    given = settings.training.adapter_base_model
    if given is None:
        wanted = "to a folder with Qwen3 weights (config.json, *.safetensors, the tokenizer's files)"
        raise NotConfigured("the base model of a fine-tuned adapter", f"{store.SETTING} {wanted}")
    return given


def trained(settings: Settings, given: str, version: Version) -> tuple[Adapter, bool]:
    """The adapter of these settings and this dataset, and whether it was made just now. Raises BadBase, BadRows."""
    base = bases.base_folder(store.SETTING, given, store.KINDS)
    train = folder_of(settings, version) / "train.jsonl"
    rows = chat.read(train)
    recipe = store.Recipe(
        bases.digest(base, store.home(settings.data_dir) / bases.NOTES),
        version.version,
        version.digest,
        bases.file_sha256(train),
        store.Params.of(settings),
    )
    fresh = store.find(settings.data_dir, recipe.name) is None
    steps = settings.training.checkpoint_steps
    return lora.train(recipe, base, rows, settings.data_dir, checkpoint_steps=steps), fresh


def folder_of(settings: Settings, version: Version) -> Path:
    """Where the files of a dataset version lie."""
    return settings.data_dir / "datasets" / version.version


def cut_share(adapter: Adapter) -> float:
    """The share of the train tracks whose lyrics the model read without their middle."""
    rows = adapter.manifest["rows"]
    return round(len(rows["cut"]) / int(rows["given"]), 4)
