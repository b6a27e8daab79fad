"""The bench on a small world: the real songs, ear, encoder, panel, dataset, model and report."""

from pathlib import Path

import pytest

from rap_platform.evaluation import floor_benchmark, quality_benchmark, world_songs
from rap_platform.evaluation.quality_benchmark import MODEL
from rap_platform.settings import Evaluation, Settings


@pytest.fixture(scope="module")
def small(shared_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("bench")
    (folder / "models").symlink_to(shared_models)
    return Settings(data_dir=folder, evaluation=Evaluation(bootstrap=200))


def test_a_small_world_is_learned_and_measured_against_its_truth(small: Settings) -> None:
    bench = quality_benchmark.bench_quality(small, seeds=1, tracks=96)
    (world, means) = bench.rows
    assert (world["seed"], means["seed"]) == (2026, "mean")
    assert bench.ratio > 1, "nobody beats the truth"
    assert bench.figures["of_floor_worst"] < 3
    assert 0 < float(str(world["of random"])) < 0.5
    assert "not promoted" in bench.note


def test_a_second_run_hears_nothing_again_and_knows_the_same_songs(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world_songs.songs(small, 2026, tracks=96, artists=20)
    monkeypatch.setattr(world_songs, "_heard", None)  # calling it would fail
    again = world_songs.songs(small, 2026, tracks=96, artists=20)
    assert [song.sha256 for song in again] == [song.sha256 for song in first]
    assert all((new.vector == old.vector).all() for new, old in zip(again, first, strict=True))
    monkeypatch.setattr(world_songs, "_world", lambda: "another writer")
    assert len(world_songs.songs(small, 2026, tracks=96, artists=20)) == 96


def test_shuffled_marks_leave_nothing_to_learn(small: Settings) -> None:
    known = world_songs.songs(small, 2026, tracks=96, artists=20)
    honest = quality_benchmark.outcome(known, 2026, small)
    shuffled = quality_benchmark.outcome(known, 2026, small, shuffle=True)
    assert honest.mae(MODEL) < 0.7 * honest.mae("median")
    assert shuffled.mae(MODEL) > 0.85 * shuffled.mae("median")
    assert shuffled.body["verdict"]["promote"] is False


def test_a_song_of_another_world_is_refused_by_name() -> None:
    from rap_platform.world.corpus import Corpus

    corpus = Corpus(2026, 20, 96)
    right = floor_benchmark._quality(corpus, str(corpus.song_id(3, 0)), corpus.title(3, 0))
    assert 1 <= right <= 10
    with pytest.raises(ValueError, match="'Elsewhere' is no song of world 2026"):
        floor_benchmark._quality(corpus, str(corpus.song_id(3, 0)), "Elsewhere")


def test_a_killed_run_hears_again_only_what_it_had_not_kept(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = world_songs.songs(small, 2026, tracks=96, artists=20)
    (file,) = (small.data_dir / world_songs.FOLDER).glob("2026-96-20-*.parquet")
    stored, _ = world_songs._load(file)
    world_songs._save(file, stored[:92], None)
    heard = []
    real = world_songs._heard
    monkeypatch.setattr(world_songs, "_heard", lambda text, *others: heard.append(text) or real(text, *others))
    again = world_songs.songs(small, 2026, tracks=96, artists=20)
    assert heard == [song.lyrics for song in whole[92:]]
    assert [song.quality for song in again] == [song.quality for song in whole]
