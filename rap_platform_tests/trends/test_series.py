"""Figures per year and slopes: intervals hold, gaps stay gaps, planted trends are found and chance is not."""

import numpy as np
import pytest
from scipy import stats

from rap_platform.trends import series


def test_a_year_with_fewer_than_five_songs_is_a_gap() -> None:
    points = series.means([2000] * 5 + [2002] * 4, np.arange(9, dtype=float))
    assert [(p.year, p.songs, p.value) for p in points] == [(2000, 5, 2.0), (2001, 0, None), (2002, 4, None)]
    low, high = stats.t.interval(0.95, 4, loc=2.0, scale=stats.sem(np.arange(5)))
    assert (points[0].low, points[0].high) == (pytest.approx(low), pytest.approx(high))


def test_shares_carry_wilsons_interval() -> None:
    (point,) = series.shares([1999] * 20, np.array([1.0] * 5 + [0.0] * 15))
    expected = stats.binomtest(5, 20).proportion_ci(0.95, method="wilson")
    assert (point.value, point.low, point.high) == (0.25, pytest.approx(expected.low), pytest.approx(expected.high))


def years_and_artists(count: int = 1000) -> tuple[list[int], list[int]]:
    return [1995 + n % 25 for n in range(count)], [n % 97 for n in range(count)]


def test_a_planted_rise_and_fall_are_found_among_noise() -> None:
    chance = np.random.default_rng(2)
    years, artists = years_and_artists()
    time = (np.array(years) - 1995) / 24
    holds = (
        chance.random((1000, 22)) < np.column_stack([0.1 + 0.4 * time, 0.5 - 0.4 * time, *[np.full(1000, 0.2)] * 20])
    ).astype(float)
    found = series.slopes(["rising", "falling", *(f"noise {n}" for n in range(20))], years, artists, holds)
    assert (found[0].name, found[-1].name) == ("rising", "falling")
    assert found[0].clear and found[-1].clear
    assert found[0].low < 0.4 / 2.4 < found[0].high
    assert sum(slope.clear for slope in found[1:-1]) <= 1


def test_songs_of_one_artist_do_not_count_as_independent() -> None:
    chance = np.random.default_rng(4)
    years, _ = years_and_artists()
    artists = [year - 1995 for year in years]
    habit = chance.random(25) < 0.5
    holds = np.array([float(habit[artist]) for artist in artists])[:, None]
    (clustered,) = series.slopes(["habit"], years, artists, holds)
    (naive,) = series.slopes(["habit"], years, list(range(1000)), holds)
    assert clustered.high - clustered.low > 4 * (naive.high - naive.low)


def test_three_songs_have_no_slope() -> None:
    assert series.slopes(["x"], [2000, 2001, 2002], [1, 2, 3], np.ones((3, 1))) == []
