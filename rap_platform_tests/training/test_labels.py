"""Labels: rater effects out, reliability as simulated, and the noise floor as the world's hidden truth has it."""

from functools import cache

import numpy as np
import pytest

from rap_platform.training import rating_components, rating_reliability
from rap_platform.training.labels import Labels, Rating, fit
from rap_platform.training.rating_cells import cells_of
from rap_platform.world import truth as hidden
from rap_platform.world.corpus import Corpus

SONGS = 1200


def panel(
    effects: dict[str, float], noise: float, tracks: int = 400, marks: int = 4
) -> tuple[list[Rating], np.ndarray]:
    chance = np.random.default_rng(5)
    truth = chance.normal(5.5, 1.0, tracks)
    ratings = [
        Rating(track, rater, float(truth[track] + effects[rater] + chance.normal(0, noise)))
        for track in range(tracks)
        for rater in chance.choice(list(effects), marks, replace=False)
    ]
    return ratings, truth


def test_a_generous_and_a_strict_rater_are_told_apart() -> None:
    effects = {"ann": 1.0, "bo": -1.0, "cy": 0.0, "di": 0.0, "ed": 0.0, "flo": 0.0}
    ratings, truth = panel(effects, noise=0.4)
    fitted = fit(ratings)
    assert {name: round(value, 1) + 0.0 for name, value in fitted.rater_effects.items()} == effects
    plain = {t: np.mean([r.rating for r in ratings if r.track_id == t]) for t in fitted.labels}
    assert mae(fitted.labels, truth) < 0.8 * mae(plain, truth)


def mae(labels: dict[int, float], truth: np.ndarray) -> float:
    return float(np.mean([abs(label - truth[track]) for track, label in labels.items()]))


def test_reliability_and_noise_floor_are_those_of_the_simulation() -> None:
    ratings, truth = panel(dict.fromkeys("abcdef", 0.0), noise=0.8, tracks=1500)
    fitted = fit(ratings)
    assert fitted.reliability.rater_sd == pytest.approx(0.8, abs=0.03)
    assert fitted.reliability.icc_single == pytest.approx(1 / (1 + 0.64), abs=0.03)
    assert fitted.reliability.icc_mean == pytest.approx(1 / (1 + 0.64 / 4), abs=0.03)
    assert fitted.floor(fitted.labels) == pytest.approx(mae(fitted.labels, truth), abs=0.02)


def test_a_rater_alone_on_their_tracks_gets_no_large_effect() -> None:
    ratings = [Rating(track, "ann", 5.0) for track in range(5)] + [Rating(track, "bo", 9.0) for track in range(5, 10)]
    fitted = fit(ratings)
    assert abs(fitted.rater_effects["bo"]) < 1e-6
    assert fitted.labels[7] == pytest.approx(9.0)


def test_one_mark_per_track_leaves_the_spread_unknown() -> None:
    fitted = fit([Rating(1, "ann", 4.0), Rating(2, "ann", 6.0)])
    assert fitted.reliability.rater_sd is None
    assert fitted.floor(fitted.labels) is None


def test_no_ratings_give_no_labels() -> None:
    assert fit([]).labels == {}


@cache
def world(seed: int) -> tuple[list[Rating], np.ndarray, Labels]:
    """The marks of a world's first songs, their hidden quality and the labels."""
    corpus = Corpus(seed, 250, SONGS)
    places = [corpus.at(number) for number in range(SONGS)]
    marks = [
        Rating(number, given.rater, given.rating, given.occasion)
        for number, place in enumerate(places)
        for given in hidden.ratings(seed, *place)
    ]
    return marks, np.array([hidden.song(seed, *place).quality for place in places]), fit(marks)


@pytest.mark.parametrize("seed", [2026, 99])
def test_the_floor_from_marks_alone_is_the_error_of_the_hidden_truth(seed: int) -> None:
    marks, truth, fitted = world(seed)
    error = mae(fitted.labels, truth)
    assert fitted.floor(fitted.labels) == pytest.approx(error, rel=0.03)
    raw = {t: np.mean([m.rating for m in marks if m.track_id == t]) for t in range(SONGS)}
    assert error < 0.96 * mae(raw, truth)
    correlation = np.corrcoef(truth, [fitted.labels[t] for t in range(SONGS)])[0, 1]
    assert fitted.reliability.ceiling_correlation == pytest.approx(correlation, abs=0.01)


@pytest.mark.parametrize("seed", [2026, 99])
def test_the_panel_agrees_as_people_do(seed: int) -> None:
    fitted = world(seed)[2]
    assert fitted.reliability.icc_single is not None
    assert fitted.reliability.icc_single_consistency is not None
    assert 0.6 < fitted.reliability.icc_single < fitted.reliability.icc_single_consistency < 0.7


def test_habits_of_the_worlds_raters_are_found_from_their_marks() -> None:
    fitted = world(2026)[2]
    panel = hidden.raters(2026)
    assert fitted.scale_use.startswith("used")
    for told, wanted in (
        (fitted.rater_effects, [rater.bias for rater in panel]),
        (fitted.rater_slopes, [rater.scale for rater in panel]),
    ):
        assert np.corrcoef([told[rater.name] for rater in panel], wanted)[0, 1] > 0.9


def test_slopes_make_labels_better_where_raters_differ_in_them_and_are_left_out_where_not() -> None:
    marks, truth, fitted = world(2026)
    part = rating_components.estimate(cells_of(marks))
    plain = rating_components.effects(cells_of(marks), part).label
    assert mae(fitted.labels, truth) < mae(dict(enumerate(plain)), truth)
    alike, _ = panel(dict.fromkeys("abcdefgh", 0.0), noise=0.8)
    assert fit(alike).scale_use.startswith("left out")
    assert set(fit(alike).rater_slopes.values()) == {1.0}


def test_repeats_tell_taste_from_noise() -> None:
    chance = np.random.default_rng(3)
    truth = chance.normal(5.5, 1.2, 600)
    marks = []
    for track in range(600):
        for rater in chance.choice(list("abcdef"), 4, replace=False):
            meant = truth[track] + chance.normal(0, 0.7)
            marks += [
                Rating(track, rater, float(meant + chance.normal(0, 0.4)), n) for n in range(1, 2 + (track % 3 == 0))
            ]
    found = fit(marks).reliability
    assert found.taste_sd == pytest.approx(0.7, abs=0.05)
    assert found.noise_sd == pytest.approx(0.4, abs=0.03)
    again = rating_reliability.retest(marks)
    assert again.noise_sd == pytest.approx(0.4, abs=0.03)
    assert again.correlation == pytest.approx((1.44 + 0.49) / (1.44 + 0.49 + 0.16), abs=0.03)
    once = fit([mark for mark in marks if mark.occasion == 1]).reliability
    assert once.taste_sd is None
    assert once.noise_sd == pytest.approx(np.hypot(0.7, 0.4), abs=0.05)


def test_raters_who_choose_good_songs_do_not_pass_for_generous() -> None:
    chance = np.random.default_rng(4)
    truth = np.sort(chance.normal(5.5, 1.4, 500))
    marks = [Rating(t, r, float(truth[t] + chance.normal(0, 0.6))) for t in range(500) for r in ("ann", "bo")]
    marks += [Rating(t, "low", float(truth[t] + chance.normal(0, 0.6))) for t in range(150)]
    marks += [Rating(t, "high", float(truth[t] + chance.normal(0, 0.6))) for t in range(350, 500)]
    assert max(map(abs, fit(marks).rater_effects.values())) < 0.12


def test_the_restricted_likelihood_is_that_of_the_whole_covariance_matrix() -> None:
    chance = np.random.default_rng(1)
    marks = [
        Rating(t, f"r{r}", float(chance.normal(5, 1)), n)
        for t in range(30)
        for r in chance.choice(6, 3, replace=False)
        for n in range(1, 1 + chance.integers(1, 3))
    ]
    cells = cells_of(marks)
    slopes = chance.normal(1, 0.1, 6)[cells.rater]
    tracks, raters = np.eye(30)[cells.track], np.eye(6)[cells.rater]

    def whole(part: rating_components.Components) -> float:
        v = np.diag(part.of_cell(cells.count, slopes)) + part.rater * raters @ raters.T
        inverse = np.linalg.inv(v)
        inner = tracks.T @ inverse @ tracks
        p = inverse - inverse @ tracks @ np.linalg.inv(inner) @ tracks.T @ inverse
        repeats = cells.repeat_df * np.log(part.noise) + cells.repeat_ss / part.noise
        return float(np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1] + cells.mean @ p @ cells.mean + repeats)

    def ours(logs: np.ndarray) -> tuple[float, np.ndarray]:
        equations = rating_components._Equations(cells)
        return rating_components._deviance(equations, rating_components._unpack(logs), slopes, cells)

    here, there = np.log([0.3, 0.4, 0.7]), np.log([0.1, 0.2, 0.9])
    difference = whole(rating_components._unpack(here)) - whole(rating_components._unpack(there))
    assert ours(here)[0] - ours(there)[0] == pytest.approx(difference)
    steps = [(ours(here + step)[0] - ours(here - step)[0]) / 2e-5 for step in 1e-5 * np.eye(3)]
    assert ours(here)[1] == pytest.approx(steps, rel=1e-4)


def test_intervals_hold_what_was_simulated() -> None:
    ratings, truth = panel({"ann": 0.6, "bo": -0.6, "cy": 0.3, "di": -0.3, "ed": 0.0}, noise=0.8, tracks=300)
    found = rating_reliability.intervals(ratings, rounds=60)
    low, high = found["icc_single_consistency"]
    assert low < truth.var() / (truth.var() + 0.64) < high
    assert 0.02 < high - low < 0.2
    assert found["rater_sd"][0] < 0.8 < found["rater_sd"][1]
    assert "taste_sd" not in found
    assert rating_reliability.retest(ratings) == rating_reliability.Retest(0)


def test_thousands_of_raters_are_served_as_well() -> None:
    chance = np.random.default_rng(6)
    bias = chance.normal(0, 0.8, 700)
    truth = chance.normal(5.5, 1.0, 900)
    marks = [
        Rating(t, f"r{r:03d}", float(truth[t] + bias[r] + chance.normal(0, 0.5)))
        for t in range(900)
        for r in chance.choice(700, 8, replace=False)
    ]
    fitted = fit(marks)
    assert np.corrcoef(bias, [fitted.rater_effects[f"r{r:03d}"] for r in range(700)])[0, 1] > 0.9
    assert fitted.floor(fitted.labels) == pytest.approx(mae(fitted.labels, truth), rel=0.25)
