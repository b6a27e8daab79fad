"""The benches of speed and of the world's sound measure what they say, on sizes small enough for every run."""

from pathlib import Path

import pytest

from rap_platform.features import benchmarks, world_benchmark
from rap_platform.settings import Settings


def test_a_song_of_the_bench_has_400_words() -> None:
    lengths = [len(benchmarks._of_words(number).split()) for number in range(20)]
    assert all(400 <= length < 430 for length in lengths)


def test_the_speed_bench_tells_speed_and_cost_by_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmarks, "SONGS", 3)
    monkeypatch.setattr(benchmarks, "ROUNDS", 1)
    monkeypatch.setattr(benchmarks, "LINES", (10, 100))
    bench = benchmarks.features(Settings(data_dir=tmp_path))
    assert bench.ratio == pytest.approx(bench.figures["songs_per_s_per_core"] / 58)
    assert bench.figures["us_per_line_of_10"] > 0
    assert bench.figures["peak_mb_of_10_lines"] < bench.figures["peak_mb_of_100_lines"]


def test_the_worlds_songs_lie_where_real_rap_does_and_follow_craft(tmp_path: Path) -> None:
    bench = world_benchmark.world(Settings(data_dir=tmp_path, world_songs=300, world_artists=100))
    assert bench.figures["songs"] == 300
    for name, usual in world_benchmark.PUBLISHED.items():
        assert usual.low < bench.figures[f"{name}_p50"] < usual.high
    assert bench.figures["spearman_of_craft_and_rhyme_density"] > 0.8
    assert bench.figures["spearman_of_craft_and_rhyme_factor"] > 0.85
