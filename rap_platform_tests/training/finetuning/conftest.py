"""A tiny base and an adapter of it, trained once per process; the learning stages' fixtures."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rap_platform.training.finetuning import lora, packages
from rap_platform.training.finetuning.adapters import Adapter, Recipe
from rap_platform.training.finetuning.rows import Row
from rap_platform_tests.training.finetuning import tiny


@dataclass(frozen=True)
class Trained:
    """An adapter with what it was made from."""

    adapter: Adapter
    recipe: Recipe
    base: Path
    rows: list[Row]
    train: Path
    data_dir: Path


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    """No hub of models is asked for anything; one thread computes."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    packages.require()
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # what is this small is only slowed down by more
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A tiny Qwen3 and its adapter."""
    data_dir = tmp_path_factory.mktemp("finetuning")
    rows = tiny.rows()
    base = tiny.qwen3(data_dir / "base", [row.user for row in rows])
    train = tiny.write(data_dir / "train.jsonl", rows)
    recipe = tiny.recipe(base, data_dir, train)
    adapter = lora.train(recipe, base, rows, data_dir, checkpoint_steps=10)
    return Trained(adapter, recipe, base, rows, train, data_dir)
