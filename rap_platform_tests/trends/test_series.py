"""Figures per year and slopes: intervals hold, gaps stay gaps, planted trends are found and chance is not."""

import numpy as np
import pytest
from scipy import stats

from rap_platform.trends import panel, series


def test_a_year_with_too_few_songs_or_artists_is_a_gap() -> None:
    years = [2000] * 5 + [2002] * 4 + [2003] * 6
    artists = [1, 2, 3, 4, 5, 1, 2, 3, 4, 1, 1, 1, 2, 2, 2]
    line = series.points(panel.of_songs("mean", ["x"], years, artists, np.arange(15, dtype=float)[:, None]))["x"]
    assert [(p.year, p.songs, p.artists, p.value) for p in line] == [
        (2000, 5, 5, 2.0), (2001, 0, 0, None), (2002, 4, 4, None), (2003, 6, 2, None),
    ]  # fmt: skip


def test_shares_of_songs_by_different_artists_carry_wilsons_interval() -> None:
    holds = np.array([1.0] * 5 + [0.0] * 15)[:, None]
    (point,) = series.points(panel.of_songs("share", ["x"], [1999] * 20, list(range(20)), holds))["x"]
    expected = stats.binomtest(round(20 * 0.25), 20).proportion_ci(0.95, method="wilson")
    assert point.effective == pytest.approx(20, abs=0.1)
    assert (point.value, point.low, point.high) == (
        0.25, pytest.approx(expected.low, abs=0.002), pytest.approx(expected.high, abs=0.002),
    )  # fmt: skip


def test_ten_songs_of_one_artist_say_as_much_as_one() -> None:
    chance = np.random.default_rng(1)
    artists = np.repeat(np.arange(400), 10)
    holds = np.repeat((chance.random(400) < 0.5).astype(float), 10)[:, None]
    (point,) = series.points(panel.of_songs("share", ["x"], [1999] * 4000, artists.tolist(), holds))["x"]
    assert point.effective == pytest.approx(400, rel=0.05)


def test_sums_by_artist_and_year_come_to_the_same_as_single_songs() -> None:
    chance = np.random.default_rng(3)
    years, artists, values = chance.integers(1990, 2000, 300), chance.integers(0, 20, 300), chance.normal(5, 1, 300)
    single = panel.of_songs("mean", ["x"], years.tolist(), artists.tolist(), values[:, None])
    cells = []
    for artist in range(20):
        for year in range(1990, 2000):
            chosen = values[(years == year) & (artists == artist)]
            cells.append((artist, year, len(chosen), [chosen.sum()], [(chosen**2).sum()]))
    summed = panel.of_cells("mean", ["x"], cells)
    assert series.points(summed)["x"][3].low == pytest.approx(series.points(single)["x"][3].low)
    assert series.slopes(summed)[0].p == pytest.approx(series.slopes(single)[0].p)


def years_and_artists(count: int = 1000) -> tuple[list[int], list[int]]:
    return [1995 + n % 25 for n in range(count)], [n % 97 for n in range(count)]


def test_a_planted_rise_and_fall_are_found_among_noise() -> None:
    chance = np.random.default_rng(2)
    years, artists = years_and_artists()
    time = (np.array(years) - 1995) / 24
    names = ["rising", "falling", *(f"noise {n}" for n in range(20))]
    holds = chance.random((1000, 22)) < np.column_stack(
        [0.1 + 0.4 * time, 0.5 - 0.4 * time, *[np.full(1000, 0.2)] * 20]
    )
    found = series.slopes(panel.of_songs("share", names, years, artists, holds.astype(float)))
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
    (clustered,) = series.slopes(panel.of_songs("share", ["habit"], years, artists, holds))
    (naive,) = series.slopes(panel.of_songs("share", ["habit"], years, list(range(1000)), holds))
    assert clustered.high - clustered.low > 4 * (naive.high - naive.low)


def test_three_songs_have_no_slope() -> None:
    assert series.slopes(panel.of_songs("share", ["x"], [2000, 2001, 2002], [1, 2, 3], np.ones((3, 1)))) == []
