"""Jumps: planted ones are found at their year, drift and habits of artists are none, an echo is told as one."""

import numpy as np
import pytest

from rap_platform.trends import changes, panel
from rap_platform.trends.panel import Array, Panel

YEARS = np.arange(1985, 2026)


def songs(share: Array, *, per_year: int = 150, seed: int = 0) -> Panel:
    """Songs of many artists that hold a theme with the share (41, K) of their year."""
    chance = np.random.default_rng(seed)
    years = np.repeat(YEARS, per_year)
    artists = chance.integers(0, 800, len(years))
    held = chance.random((len(years), share.shape[1])) < np.repeat(share, per_year, axis=0)
    return panel.of_songs(
        "share", [f"theme {k}" for k in range(share.shape[1])], years.tolist(), artists.tolist(), held.astype(float)
    )


def drift(height: float, peak: int) -> Array:
    return np.asarray(0.1 + height * np.exp(-(((YEARS - peak) / 9) ** 2)))


def test_a_jump_is_found_at_its_year_with_its_height() -> None:
    share = np.column_stack([np.where(YEARS >= 2004, 0.3, 0.15), np.full(41, 0.2), drift(0.1, 1996)])
    (jump,) = changes.changes(songs(share))
    assert (jump.name, jump.year, jump.year_low <= 2004 <= jump.year_high) == ("theme 0", 2004, True)
    assert jump.year_high - jump.year_low <= 3
    assert jump.jump_low < 0.15 < jump.jump_high
    assert (jump.before, jump.after) == (pytest.approx(0.15, abs=0.03), pytest.approx(0.3, abs=0.03))


def test_two_jumps_of_one_theme_are_both_found() -> None:
    share = np.where((YEARS >= 1997) & (YEARS < 2010), 0.35, 0.15)[:, None]
    assert sorted(jump.year for jump in changes.changes(songs(share))) == [1997, 2010]


def test_what_drifts_or_stays_hardly_ever_jumps() -> None:
    share = np.column_stack([*(drift(0.1, peak) for peak in range(1990, 2020, 2)), *[np.full(41, 0.2)] * 9])
    told = [jump.name for seed in range(4) for jump in changes.changes(songs(share, seed=seed))]
    assert len(told) <= 3  # of 96 series, 60 of which double within a decade
    assert not {f"theme {k}" for k in range(15, 24)} & set(told)


def test_the_habits_of_a_few_artists_make_no_jump() -> None:
    chance = np.random.default_rng(5)
    years = np.repeat(YEARS, 60)
    artists = (years - 1985) // 5 * 4 + chance.integers(0, 4, len(years))  # four artists at a time, for five years each
    habit = chance.random((40, 12))
    held = chance.random((len(years), 12)) < habit[artists]
    made = panel.of_songs("share", [str(k) for k in range(12)], years.tolist(), artists.tolist(), held.astype(float))
    alone = panel.of_songs("share", made.names, years.tolist(), list(range(len(years))), held.astype(float))
    assert len(changes.changes(made)) < len(changes.changes(alone)) / 2


def test_few_years_have_no_jump() -> None:
    years = [year for year in range(2000, 2010) for _ in range(50)]
    values = np.array([[float(year >= 2005)] for year in years])
    assert changes.changes(panel.of_songs("share", ["x"], years, list(range(500)), values)) == []


def test_a_jump_that_comes_of_another_is_its_echo_and_a_real_one_is_beside_it() -> None:
    chance = np.random.default_rng(7)
    years = np.repeat(YEARS, 300)
    artists = chance.integers(0, 800, len(years)).tolist()
    taken = (years >= 2004) & (chance.random(len(years)) < 0.4)
    crowded = (chance.random(len(years)) < 0.45) & ~taken  # no room for it where the new theme is
    beside = chance.random(len(years)) < np.where(years >= 2004, 0.3, 0.15)
    held = np.column_stack([taken, crowded, beside]).astype(float)
    names = ["new", "crowded", "beside"]

    def without(name: str) -> Panel:
        chosen = np.flatnonzero(held[:, names.index(name)] == 0)
        return panel.of_songs("share", names, years[chosen].tolist(), [artists[n] for n in chosen], held[chosen])

    told = changes.told_apart(changes.changes(panel.of_songs("share", names, years.tolist(), artists, held)), without)
    assert {one.name: (one.beside, one.echo) for one in told} == {
        "new": (None, False), "crowded": ("new", True), "beside": ("new", False),
    }  # fmt: skip
