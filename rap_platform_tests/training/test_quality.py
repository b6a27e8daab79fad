"""The quality model on labels whose making is known: what it finds, how honest its error and its intervals are, what it rests on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.dummy import DummyRegressor

from rap_platform.training import estimators, importance, quality
from rap_platform.training.conformal import RatingModel
from rap_platform.training.features import COLUMNS, EAR, FAMILIES, TEXT, frame


@dataclass(frozen=True)
class Made:
    x: pd.DataFrame
    y: np.ndarray
    groups: list[str]

    def rows(self, wanted: np.ndarray) -> "Made":
        return Made(self.x.iloc[wanted], self.y[wanted], [self.groups[row] for row in wanted])


def made(seed: int, tracks: int = 200, artists: int = 50, *, signal: float = 1.0, artist_sd: float = 0.0) -> Made:
    """Rhyme density tells the label, with noise of 0.5 and an offset per artist that nothing tells."""
    chance = np.random.default_rng(seed)
    x = frame(
        range(tracks),
        {n: list(chance.normal(size=len(EAR))) for n in range(tracks)},
        {n: (chance.normal(size=384) / 20).astype(np.float32) for n in range(tracks)},
    )
    artist = np.arange(tracks) % artists
    offset = chance.normal(0, artist_sd, artists)[artist]
    y = np.clip(5.5 + signal * x["rhyme_density"].to_numpy() + offset + chance.normal(0, 0.5, tracks), 1, 10)
    return Made(x, y, [f"g{number}" for number in artist])


@pytest.fixture(scope="module")
def learned() -> tuple[Made, quality.Fitted]:
    data = made(1)
    return data, quality.fit(data.x, data.y, data.groups, seed=3)


def test_every_column_is_in_one_family_and_none_tells_who_or_how_popular() -> None:
    told = [column for columns in FAMILIES.values() for column in columns]
    assert sorted(told) == sorted(COLUMNS)
    forbidden = ("artist", "name", "views", "popularity", "quality", "confidence", "theme", "mood", "year")
    assert not [column for column in COLUMNS if any(word in column for word in forbidden)]


def test_no_group_is_learned_from_in_the_fold_that_leaves_it_out() -> None:
    groups = [f"g{n % 7}" for n in range(70)]
    for seen, unseen in estimators.folds(groups, 1):
        assert not {groups[row] for row in seen} & {groups[row] for row in unseen}
    with pytest.raises(ValueError, match="1 group"):
        estimators.folds(["g"] * 10, 1)


def test_the_chosen_candidate_has_the_least_error_and_finds_the_signal(learned: tuple[Made, quality.Fitted]) -> None:
    data, fitted = learned
    assert fitted.cv_mae[fitted.chosen] == min(fitted.cv_mae.values())
    new = made(2)
    error = np.abs(quality.predict(fitted.model, new.x) - new.y).mean()
    assert error == pytest.approx(0.5 * np.sqrt(2 / np.pi), abs=0.12)
    assert error < np.abs(data.y.mean() - new.y).mean() / 1.8


def test_a_blend_weighs_by_what_was_said_of_tracks_left_out_and_nothing_counts_against() -> None:
    chance = np.random.default_rng(4)
    truth, noise = chance.normal(5, 1, 400), chance.normal(0, 1, 400)
    weighed = estimators.blend(np.column_stack([2 * truth, -truth + noise]), truth, ("good", "bad"))
    assert weighed.weights == pytest.approx([0.5, 0.0], abs=1e-9)
    assert weighed.intercept == pytest.approx(0, abs=1e-9)


def test_the_nested_error_is_that_on_new_artists_although_the_embedding_tells_who_sings() -> None:
    data = made(5, tracks=400, artists=80, signal=0.3, artist_sd=1.0)
    artist = np.array([int(group[1:]) for group in data.groups])
    data.x[list(TEXT)] += 0.3 * np.random.default_rng(1).normal(size=(80, 384))[artist]
    known, new = (data.rows(np.flatnonzero(side)) for side in (artist < 50, artist >= 50))
    found = quality.nested(known.x, known.y, known.groups, seed=3)
    model = quality.fit(known.x, known.y, known.groups, seed=3).model
    assert found.mae == pytest.approx(np.abs(quality.predict(model, new.x) - new.y).mean(), rel=0.2)
    assert len(found.fold_mae) == 5
    assert found.mae_sd > 0
    flattering = quality.fit(known.x, known.y, [str(row) for row in range(len(known.y))], seed=3)
    assert min(flattering.cv_mae.values()) < 0.85 * found.mae


def test_nine_in_ten_labels_of_new_artists_lie_in_their_intervals() -> None:
    covered = []
    for seed in range(6):
        data, new = made(seed, 150, artist_sd=0.5), made(100 + seed, artist_sd=0.5)
        values, low, high = quality.predict_interval(quality.fit(data.x, data.y, data.groups, seed=3), new.x)
        assert np.all((low <= values) & (values <= high) & (low >= 1) & (high <= 10))
        covered.append(float(np.mean((low <= new.y) & (new.y <= high))))
    assert 0.87 < np.mean(covered) < 0.94


def test_an_interval_is_the_order_statistic_of_the_paper() -> None:
    class Says:
        def __init__(self, value: float) -> None:
            self.value = value

        def transform(self, x: pd.DataFrame) -> pd.DataFrame:
            return x

        def predict(self, x: pd.DataFrame) -> np.ndarray:
            return np.full(len(x), self.value)

    centres, fold = (5.0, 6.0), np.arange(39) % 2
    residuals = np.linspace(0.1, 2.0, 39)
    same = Says(0)
    model = RatingModel(same, [Says(5.5)], [same, same], [[Says(c)] for c in centres], [1.0], 0.0, fold, residuals)
    low, high = model.interval(pd.DataFrame({"a": [0.0]}), 0.9)
    middle = np.array(centres)[fold]
    assert high[0] == pytest.approx(np.sort(middle + residuals)[35])  # the 36th of 39: 0.9 * 40
    assert low[0] == pytest.approx(np.sort(middle - residuals)[3])  # the 4th: 0.1 * 40
    everything = model.interval(pd.DataFrame({"a": [0.0]}), 0.99)
    assert [float(end[0]) for end in everything] == [1.0, 10.0]


def test_a_model_from_a_file_gives_the_same_ratings_and_intervals(
    learned: tuple[Made, quality.Fitted], tmp_path: Path
) -> None:
    data, fitted = learned
    file = tmp_path / "model.skops"
    skops.io.dump(fitted.model, file)
    assert set(skops.io.get_untrusted_types(file=file)) <= set(quality.TRUSTED_TYPES)
    read = skops.io.load(file, trusted=list(quality.TRUSTED_TYPES))
    for ours, theirs in zip(
        quality.predict_interval(fitted, data.x), quality.predict_interval(read, data.x), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_model_without_residuals_has_no_interval_and_says_what_to_do() -> None:
    data = made(7, tracks=20)
    with pytest.raises(quality.NoInterval, match="train again"):
        quality.predict_interval(DummyRegressor().fit(data.x, data.y), data.x)


def test_the_family_that_tells_the_label_matters_most_and_the_others_not_at_all(
    learned: tuple[Made, quality.Fitted],
) -> None:
    _, fitted = learned
    first, *others = fitted.importance
    assert first[0] == "rhyme"
    assert first[1] > 0.4
    assert max(growth for _, growth in others) < 0.05
    assert {name for name, _ in fitted.importance} == set(FAMILIES)
    assert importance.table(fitted.permutation, "points").count("\n") == len(FAMILIES) + 1


def test_more_tracks_make_a_smaller_error_and_each_size_has_a_spread(learned: tuple[Made, quality.Fitted]) -> None:
    data, fitted = learned
    new = made(8)
    curve = quality.learning_curve(
        data.x, data.y, data.groups, new.x, new.y, sizes=(50, 100, 800), seed=1, model=fitted.model
    )
    assert [size for size, _ in curve] == [50] * 4 + [100] * 4 + [200]
    spread = quality.spread(curve)
    assert [size for size, *_ in spread] == [50, 100, 200]
    assert spread[0][1] > spread[2][1]
    assert all(least <= mean <= most for _, mean, least, most in spread)
    assert spread[0][2] < spread[0][3]


def test_labels_on_another_scale_are_cut_to_that_scale() -> None:
    data = made(9, tracks=100)
    fitted = quality.fit(data.x, 10 * data.y, data.groups, seed=3, scale=(0.0, 100.0))
    values, low, high = quality.predict_interval(fitted, data.x)
    assert values.max() > 50
    assert low.min() >= 0
    assert high.max() <= 100


def test_a_text_without_an_embedding_is_still_rated(learned: tuple[Made, quality.Fitted]) -> None:
    data, fitted = learned
    blind = data.x.iloc[:5].copy()
    blind[list(TEXT)] = np.nan
    assert np.all(np.isfinite(quality.predict(fitted.model, blind)))
