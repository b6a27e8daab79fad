"""Labels: rater effects out, reliability as simulated."""

import numpy as np
import pytest

from rap_platform.training.labels import Rating, fit, noise_floor


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
    floor = noise_floor(fitted.reliability.rater_sd, list(fitted.counts.values()))
    assert floor == pytest.approx(mae(fitted.labels, truth), abs=0.02)


def test_a_rater_alone_on_their_tracks_gets_no_large_effect() -> None:
    ratings = [Rating(track, "ann", 5.0) for track in range(5)] + [Rating(track, "bo", 9.0) for track in range(5, 10)]
    fitted = fit(ratings)
    assert abs(fitted.rater_effects["bo"]) < 1e-6
    assert fitted.labels[7] == pytest.approx(9.0)


def test_one_mark_per_track_leaves_the_spread_unknown() -> None:
    fitted = fit([Rating(1, "ann", 4.0), Rating(2, "ann", 6.0)])
    assert fitted.reliability.rater_sd is None
    assert noise_floor(None, [1, 1]) is None


def test_no_ratings_give_no_labels() -> None:
    assert fit([]).labels == {}
