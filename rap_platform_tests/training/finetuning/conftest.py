"""A tiny base and an adapter of it, trained once per process; the learning stages' fixtures."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rap_platform.settings import Settings, get_settings
from rap_platform.training.finetuning import commands, lora, packages
from rap_platform.training.finetuning.adapters import Adapter, Recipe
from rap_platform.training.finetuning.rows import Row
from rap_platform.training.finetuning.style import commands as style_commands
from rap_platform_tests.training.finetuning import tiny


@pytest.fixture
def already_running(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The commands on this test's database instead of a stack of their own."""

    @contextmanager
    def running(*_: str) -> Iterator[Settings]:
        yield get_settings()

    for module in (commands, style_commands):
        monkeypatch.setattr(module, "running", running)
    return settings


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
