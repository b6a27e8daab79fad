"""LoRA of Qwen3 on chat rows with trl and peft, and the merged model. Where adapters lie and what they are called is in adapters.py."""

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rap_platform.training.finetuning import adapters, bases, loop, packages
from rap_platform.training.finetuning import rows as chat
from rap_platform.training.finetuning.adapters import Adapter, Recipe
from rap_platform.training.finetuning.packages import BadBase

DROPOUT = 0.05


def train(recipe: Recipe, base: Path, rows: Sequence[chat.Row], data_dir: Path, *, checkpoint_steps: int) -> Adapter:
    """The adapter of this recipe: trained, or found where it was trained before; a killed training goes on.

    The loss is that of the answers alone. Raises PackagesMissing, BadBase, BadRows.
    """
    found = adapters.find(data_dir, recipe.name)
    if found is not None:
        return found
    packages.require()
    home = adapters.home(data_dir)
    work, scratch = home / f".{recipe.name}.work", home / f".{recipe.name}.scratch"
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(base)
    made = chat.tokens(rows, tokenizer, recipe.params.max_tokens)
    trainer = _trainer(recipe, base, tokenizer, made, work, checkpoint_steps)
    trained = loop.run(trainer, work, f"LoRA {recipe.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    trainer.model.save_pretrained(str(scratch), safe_serialization=True)
    tokenizer.save_pretrained(str(scratch))
    adapters.put(scratch, home / recipe.name, _manifest(recipe, base, made, trained, len(rows)))
    shutil.rmtree(work)
    return _there(data_dir, recipe.name)


def _trainer(recipe: Recipe, base: Path, tokenizer: Any, made: chat.Tokens, work: Path, checkpoint_steps: int) -> Any:
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    schedule, rank = recipe.params.schedule, recipe.params.rank
    return SFTTrainer(
        model=load_model(base),
        args=SFTConfig(**loop.arguments(schedule, made.longest, work, checkpoint_steps), max_length=None),
        train_dataset=Dataset.from_list(list(made.rows)),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            task_type="CAUSAL_LM", r=rank, lora_alpha=2 * rank, lora_dropout=DROPOUT, target_modules="all-linear"
        ),
    )


def _manifest(recipe: Recipe, base: Path, made: chat.Tokens, trained: loop.Trained, given: int) -> dict[str, Any]:
    return {
        "key": recipe.key,
        "name": recipe.name,
        "base": {"folder": str(base), "sha256": recipe.base_sha256},
        "dataset": {
            "version": recipe.dataset_version,
            "digest": recipe.dataset_digest,
            "train_sha256": recipe.rows_sha256,
        },
        "params": {
            **asdict(recipe.params.schedule),
            "rank": recipe.params.rank,
            "max_tokens": recipe.params.max_tokens,
        },
        "rows": {"given": given, "trained": len(made.rows), "cut": list(made.cut), "left_out": list(made.left_out)},
        "losses": [list(pair) for pair in trained.losses],
        "seconds": round(trained.seconds, 2),
        "resumed_at": trained.resumed_at,
        "device": trained.device,
        "packages": packages.versions(),
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder; nothing is fetched."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)


def load_model(folder: Path) -> Any:
    """The weights of a folder: bf16 where a GPU is, else in 32 bit; nothing is fetched."""
    import torch
    from transformers import AutoModelForCausalLM

    kind = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    return AutoModelForCausalLM.from_pretrained(str(folder), local_files_only=True, dtype=kind)


def merged(adapter: Adapter) -> Path:
    """A folder with the base weights and the adapter in one, named like the adapter; made once. Raises BadBase, PackagesMissing."""
    folder = adapter.folder / "merged" / adapter.name
    if (folder / "config.json").is_file():
        return folder
    packages.require()
    from peft import PeftModel

    base, scratch = Path(adapter.manifest["base"]["folder"]), folder.with_name(f".{adapter.name}")
    if bases.digest(base, adapter.folder.parent / bases.NOTES) != adapter.manifest["base"]["sha256"]:
        raise BadBase(f"{base} does not hold the weights any more that {adapter.name} was trained on: put them back")
    shutil.rmtree(scratch, ignore_errors=True)
    model = PeftModel.from_pretrained(load_model(base), str(adapter.folder))
    model.merge_and_unload().save_pretrained(str(scratch))
    load_tokenizer(adapter.folder).save_pretrained(str(scratch))
    scratch.replace(folder)
    return folder


def _there(data_dir: Path, name: str) -> Adapter:
    found = adapters.find(data_dir, name)
    if found is None:
        raise FileNotFoundError(f"{adapters.home(data_dir) / name} was written and is not there")
    return found
