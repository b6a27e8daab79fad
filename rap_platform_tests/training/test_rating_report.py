"""What marks are worth: on the world, whose truth is known, and on panels with planted habits."""

import numpy as np
import pytest

from rap_platform.training import labels, rating_report
from rap_platform.training.labels import Rating
from rap_platform.training.rating_reliability import retest
from rap_platform.world import truth

SONGS = 400


def world_marks(seed: int) -> tuple[list[Rating], dict[int, float]]:
    """What the panel gave four hundred songs by a hundred artists, and how good each is in truth."""
    marks, quality = [], {}
    for number in range(SONGS):
        artist, song = divmod(number, 4)
        quality[number] = truth.song(seed, artist, song).quality
        marks += [
            Rating(number, given.rater, float(given.rating), given.occasion)
            for given in truth.ratings(seed, artist, song)
        ]
    return marks, quality


def mae(found: dict[int, float], quality: dict[int, float]) -> float:
    return float(np.mean([abs(found[number] - quality[number]) for number in quality]))


@pytest.mark.parametrize("seed", [2026, 7])
def test_the_floor_from_marks_alone_is_the_error_of_the_hidden_truth(seed: int) -> None:
    marks, quality = world_marks(seed)
    fitted = labels.fit(marks)
    assert fitted.floor(quality) == pytest.approx(mae(fitted.labels, quality), rel=0.06)
    plain = {n: float(np.mean([mark.rating for mark in marks if mark.track_id == n])) for n in quality}
    assert mae(fitted.labels, quality) < 0.95 * mae(plain, quality)


@pytest.mark.parametrize("seed", [2026, 7])
def test_single_raters_of_the_world_agree_like_people_do(seed: int) -> None:
    marks, _ = world_marks(seed)
    single = labels.fit(marks).reliability.icc_single
    assert single is not None
    assert 0.57 < single < 0.72  # 0.6 to 0.7 over the whole world; a third of it wavers by 0.03


def test_second_marks_tell_taste_from_noise() -> None:
    marks, _ = world_marks(2026)
    found = labels.fit(marks).reliability
    assert found.repeats > 100
    assert found.taste_sd == pytest.approx(truth.RATER_TASTE_SD, abs=0.2)
    assert found.noise_sd == pytest.approx((truth.RATER_NOISE_SD**2 + 1 / 12) ** 0.5, abs=0.1)  # whole marks add 1/12
    again = retest(marks)
    assert again.pairs == found.repeats
    assert again.correlation is not None
    assert 0.75 < again.correlation < 0.95


def test_the_report_has_an_interval_around_each_figure_and_every_rater() -> None:
    marks, _ = world_marks(7)
    report = rating_report.build(marks)
    low, high = report["intervals"]["icc_single"]
    assert low < report["reliability"]["icc_single"] < high
    assert len(report["raters"]) == truth.RATERS
    effects = [rater["effect"] for rater in report["raters"]]
    assert effects == sorted(effects, reverse=True)
    assert effects[0] - effects[-1] > 1
    told = rating_report.markdown(report)
    assert f"{len(marks)} marks of {SONGS} tracks by 24 raters" in told
    assert "| one mark, absolute agreement: ICC(A,1) | 0.6" in told


def test_marks_that_nobody_shares_say_so() -> None:
    report = rating_report.build([Rating(1, "ann", 4.0), Rating(2, "bo", 6.0)])
    assert report["reliability"]["icc_single"] is None
    assert report["intervals"] == {}
    assert "Too few tracks were marked by several raters" in rating_report.markdown(report)
