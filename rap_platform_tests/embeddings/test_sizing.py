"""What larger libraries need: the arithmetic, on numbers that can be checked by hand."""

import pytest

from rap_platform.embeddings.sizing import Measured, measured_of, need

# 1,000 sections: 3 kB each of what must be in memory, 5 kB in all.
SMALL = Measured(
    sections=1_000, vectors_bytes=1_000_000, graph_bytes=1_500_000, texts_bytes=1_000_000, words_bytes=500_000,
    sounds_bytes=1_000_000, build_s=10.0, build_cores=2, vector_p95_ms=2.0,
)  # fmt: skip


def test_a_library_of_the_measured_size_takes_what_was_measured() -> None:
    found = need(SMALL, 159, memory_gb=1, cores=2)
    assert (found.sections, found.shards) == (1_002, 1)
    assert found.vector_p95_ms == pytest.approx(2.0, abs=0.01)


def test_shards_are_as_many_as_keep_the_indexes_in_memory() -> None:
    found = need(SMALL, 5_000_000, memory_gb=64, cores=16)
    assert found.sections == 31_500_000
    assert found.stored_gb == 157.5
    assert found.shards == 3  # 94.5 GB and half of that again, over 64
    assert found.hot_gb_per_shard == 31.5
    # ln(10.5 million) / ln(1,000) = 2.34 times as deep; 20 core seconds a thousand, on 16 cores
    assert found.vector_p95_ms == pytest.approx(4.68, abs=0.01)
    assert found.build_h_per_shard == pytest.approx(0.02 * 10_500_000 * 2.34 / 16 / 3600, abs=0.01)


def test_twenty_times_the_tracks_take_twenty_times_the_shards_and_no_more_time() -> None:
    small, large = (need(SMALL, tracks, memory_gb=64, cores=16) for tracks in (5_000_000, 100_000_000))
    assert large.shards == pytest.approx(20 * small.shards, rel=0.3)
    assert large.build_h_per_shard == pytest.approx(small.build_h_per_shard, rel=0.4)


def test_figures_of_the_bench_become_a_measurement() -> None:
    figures = {
        "sections": 2.0,
        "mb_section_vectors_minilm_hnsw": 1.5,
        "mb_section_sounds_keys": 0.5,
        "vector_p95_ms_1_client": 3.0,
    }
    found = measured_of(figures, build_cores=2)
    assert (found.graph_bytes, found.sounds_bytes, found.texts_bytes) == (1_500_000, 500_000, 0)
    assert (found.sections, found.vector_p95_ms) == (2, 3.0)


def test_nothing_is_reckoned_for_a_machine_without_memory() -> None:
    with pytest.raises(ValueError, match="all must be above zero"):
        need(SMALL, 10, memory_gb=0, cores=1)
