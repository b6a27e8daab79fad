"""One encoder, three ways to run it: what they agree in, and what is refused when they don't."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rap_platform.embeddings.encoders import exporting, minilm, reference, registry, runtimes
from rap_platform.embeddings.encoders.minilm import load_encoder
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.settings import Embeddings, Settings

TEXTS = [
    "I left the harbour in the dark\nnobody waved, nobody cried",
    "We rise, we rise",
    "Corazón de piedra",
    "count the money, count the cost " * 120,
]


@pytest.fixture(scope="module")
def torch_settings(shared_models: Path) -> Settings:
    return Settings(data_dir=shared_models.parent, embeddings=Embeddings(runtime="torch"))


def test_torch_gives_the_same_vectors_under_the_same_name(encoder: minilm.Encoder, torch_settings: Settings) -> None:
    found = Encoders(torch_settings, batch=True).get("minilm")
    assert isinstance(found, reference.Encoder)
    assert (found.name, found.fingerprint) == (encoder.name, encoder.fingerprint)
    assert found.computed_by == "torch on cpu, float32"
    ours, theirs = encoder.encode_whole(TEXTS), found.encode_whole(TEXTS)
    assert (ours.over_limit, ours.word_pieces) == (theirs.over_limit, theirs.word_pieces) == (1, ours.word_pieces)
    assert (ours.vectors * theirs.vectors).sum(axis=1).min() > 0.9999


def test_a_process_that_answers_searches_never_takes_torch(torch_settings: Settings) -> None:
    assert isinstance(Encoders(torch_settings).get("minilm"), minilm.Encoder)


def test_a_gpu_is_used_where_there_is_one(
    torch_settings: Settings, shared_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.reference, "gpu_is_there", lambda: True)
    found = Encoders(Settings(data_dir=shared_models.parent), batch=True).get("minilm")
    assert isinstance(found, reference.Encoder)
    monkeypatch.setattr(registry.reference, "gpu_is_there", lambda: False)
    assert isinstance(Encoders(Settings(data_dir=shared_models.parent), batch=True).get("minilm"), minilm.Encoder)


def test_a_gpu_that_torch_does_not_see_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(reference, "GPU_NODES", (str(tmp_path),))
    for seen in (False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda seen=seen: seen)
        assert reference.gpu_is_there() is seen
    monkeypatch.setattr(reference, "GPU_NODES", (str(tmp_path / "absent"),))
    assert not reference.gpu_is_there()


@pytest.mark.parametrize("asked", ["batch", "question"])
@pytest.mark.parametrize("runtime", ["openvino", "onnx"])
def test_a_pass_that_computes_something_else_is_refused(
    shared_models: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, runtime: str, asked: str
) -> None:
    monkeypatch.setattr(runtimes, "has_bfloat16", lambda: True)
    broken = {"openvino": runtimes.OpenVino, "onnx": runtimes.OnnxRuntime}[runtime]
    right = getattr(broken, asked)
    monkeypatch.setattr(broken, asked, lambda self, pieces: right(self, pieces)[:, ::-1])
    if runtime == "onnx":
        with pytest.raises(exporting.ExportError, match="ONNX Runtime agrees with .* only to cosine"):
            minilm._load.__wrapped__(shared_models.parent, 2, bfloat16=False)
    else:
        found = minilm._load.__wrapped__(shared_models.parent, 2, bfloat16=True)
        assert isinstance(found.runtime, runtimes.OnnxRuntime)
        assert "OpenVINO in bfloat16 agrees with" in caplog.text


@pytest.mark.parametrize(
    ("chosen", "processor", "expected"),
    [("auto", True, runtimes.OpenVino), ("auto", False, runtimes.OnnxRuntime), ("onnx", True, runtimes.OnnxRuntime)],
)
def test_bfloat16_is_for_processors_that_have_it_and_settings_that_allow_it(
    shared_models: Path, monkeypatch: pytest.MonkeyPatch, chosen: Any, processor: bool, expected: type
) -> None:
    monkeypatch.setattr(runtimes, "has_bfloat16", lambda: processor)
    monkeypatch.setattr(minilm, "_load", minilm._load.__wrapped__)
    settings = Settings(data_dir=shared_models.parent, embeddings=Embeddings(runtime=chosen))
    found = load_encoder(settings)
    assert isinstance(found.runtime, expected)
    assert found.computed_by == ("OpenVINO, bfloat16" if expected is runtimes.OpenVino else "ONNX Runtime, float32")


def test_every_pass_that_openvino_prepares_is_checked_at_start(encoder: minilm.Encoder) -> None:
    lengths = [len(ids) for ids in encoder.word_pieces(exporting.AGREEMENT_TEXTS[: exporting.STARTING_TEXTS])]
    narrowest = {min(width for width in runtimes.QUESTION_WIDTHS if length <= width) for length in lengths}
    assert narrowest == set(runtimes.QUESTION_WIDTHS)


def test_openvino_reports_to_nobody_that_it_is_used(shared_models: Path, tmp_path: Path) -> None:
    package = tmp_path / "openvino_telemetry"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('reported')")
    code = "from rap_platform.embeddings.encoders import runtimes; runtimes.has_bfloat16(); print('quiet')"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr) == ("quiet\n", "")


def test_int8_is_another_encoder_and_near_the_reference(encoder: minilm.Encoder, shared_models: Path) -> None:
    found = Encoders(Settings(data_dir=shared_models.parent)).get("minilm_int8")
    assert found.name == "minilm_int8"
    assert found.fingerprint != encoder.fingerprint
    cosines = (found.encode(TEXTS) * encoder.encode(TEXTS)).sum(axis=1)
    assert 0.95 < cosines.min() < 0.9999


def test_a_processor_that_computes_something_else_is_refused_at_start(shared_models: Path) -> None:
    manifest = exporting.read_manifest(exporting.model_folder(shared_models.parent))
    assert manifest is not None
    assert len(manifest.reference_vectors) == manifest.texts
    right = np.asarray(manifest.reference_vectors[: exporting.STARTING_TEXTS], dtype=np.float32)
    exporting.check_agreement(lambda _: right, manifest, 0.9999, "this", "do that")
    for wrong in (right[::-1], right[:, ::-1], np.full_like(right, np.nan), right[:2]):
        with pytest.raises(
            exporting.ExportError, match=r"this agrees with sentence-transformers .* only to cosine .*: do that"
        ):
            exporting.check_agreement(lambda _, wrong=wrong: wrong, manifest, 0.9999, "this", "do that")
