"""The parts of `bench embed` are what they are called; its figures are printed, never asserted."""

from contextlib import nullcontext

import numpy as np
import pytest

from rap_platform.embeddings import benchmarks, start_benchmark
from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.settings import Settings


def test_texts_have_the_lengths_that_they_are_named_for(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, fewer in (("SECTIONS", 64), ("FULL_TEXTS", 12), ("QUESTIONS", 30)):
        monkeypatch.setattr(benchmarks, name, fewer)
    texts = benchmarks.read_texts(encoder)
    assert len(texts.sections) == len(set(texts.sections)) == benchmarks.SECTIONS
    assert len(texts.full) == benchmarks.FULL_TEXTS
    assert len(set(texts.questions)) == benchmarks.QUESTIONS
    pieces = [len(ids) for ids in encoder.word_pieces(texts.full)]
    assert min(pieces) >= 256
    assert not any("[" in text for text in texts.sections)
    assert 20 < np.median([len(ids) for ids in encoder.word_pieces(texts.sections)]) < 200


def test_operations_are_those_of_six_layers() -> None:
    assert benchmarks.flops(256) == pytest.approx(
        6.04e9, rel=0.01
    )  # 10.6 million weights twice a piece, and the attention


def test_overlap_counts_common_neighbours() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((60, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert benchmarks.overlap(vectors, vectors) == 1.0
    assert benchmarks.overlap(vectors, np.roll(vectors, 1, axis=0)) < 0.5


def test_the_api_of_the_bench_starts_and_finds_a_song(
    database: str, embedder_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_benchmark, "RUNS", 1)
    monkeypatch.setattr(start_benchmark, "scratch_database", lambda _: nullcontext(database))  # spares the migrations
    found = start_benchmark.starts(embedder_settings)
    assert set(found) == {"to_first_search_s", "to_first_health_s"}
    assert all(0 < seconds < start_benchmark.PATIENCE_S for seconds in found.values())
