"""The export agrees with the reference, happens once, and never leaves half a model behind."""

import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rap_platform.embeddings.encoders import exporting, weights
from rap_platform.embeddings.encoders.minilm import Encoder

MANIFEST = exporting.Manifest(
    exporting.EXPORT_VERSION,
    weights.SHA256["model.safetensors"],
    {exporting.MODEL_FILE: "0" * 64},
    True,
    "test",
    1,
    1.0,
    0.0,
    1.0,
    [],
)


def test_the_export_agrees_with_sentence_transformers(encoder: Encoder, shared_models: Path) -> None:
    manifest = exporting.read_manifest(exporting.model_folder(shared_models.parent))
    assert manifest is not None
    assert manifest.minimum_cosine >= 0.9999
    assert manifest.maximum_difference < 1e-5
    assert manifest.fused
    assert manifest.weights_sha256 == weights.SHA256["model.safetensors"]


def test_two_that_ask_at_once_export_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def slow_export(folder: Path) -> None:
        calls.append(folder)
        time.sleep(0.2)
        folder.mkdir(parents=True)
        (folder / exporting.MANIFEST).write_text(json.dumps(asdict(MANIFEST)))

    monkeypatch.setattr(exporting, "_export_into", slow_export)
    threads = [threading.Thread(target=exporting.ensure_export, args=(tmp_path,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [exporting.model_folder(tmp_path)]


def test_an_export_that_fails_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(exporting.ExportError, match="could not be exported to ONNX: exit status 1"):
        exporting.ensure_export(tmp_path)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("file", "damaged"),
    [
        (exporting.MODEL_FILE, exporting.MODEL_FILE),
        (exporting.INT8_FILE, exporting.INT8_FILE),
        (exporting.OPENVINO_FILE, exporting.OPENVINO_FILE),
        (exporting.OPENVINO_FILE, exporting.WEIGHTS_FILE),
    ],
)
def test_a_damaged_model_is_refused(tmp_path: Path, file: str, damaged: str) -> None:
    names = (exporting.MODEL_FILE, exporting.INT8_FILE, exporting.OPENVINO_FILE, exporting.WEIGHTS_FILE)
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    sha256 = {name: weights.sha256_of(tmp_path / name) for name in names}
    (tmp_path / exporting.MANIFEST).write_text(json.dumps(asdict(replace(MANIFEST, sha256=sha256))))
    assert exporting.verify(tmp_path, file).sha256 == sha256
    (tmp_path / damaged).write_bytes(b"half a model")
    with pytest.raises(exporting.ExportError, match=r"is damaged: delete"):
        exporting.verify(tmp_path, file)


@pytest.mark.parametrize(
    "text", ["", '{"export_version": "2"', "[]", '{"export_version": "2"}', '{"export_version": "1"}']
)
def test_a_damaged_or_older_manifest_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / exporting.MANIFEST).write_text(text)
    assert exporting.read_manifest(tmp_path) is None


def test_the_query_path_loads_without_torch(encoder: Encoder, shared_models: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from rap_platform.embeddings.search.finding import search\n"
        "from rap_platform.embeddings.encoders.minilm import load_encoder\n"
        "from rap_platform.settings import Settings\n"
        f"load_encoder(Settings(data_dir=Path({str(shared_models.parent)!r}))).encode(['a line'])\n"
        "print(*sorted({'torch', 'transformers', 'dagster'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
