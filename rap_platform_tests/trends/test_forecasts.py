"""Forecasts: better than the naive one where there is noise or drift, naive where it is not, with intervals that hold."""

import numpy as np
import pytest

from rap_platform.trends import forecasts, panel
from rap_platform.trends.panel import Array, Panel

YEARS = np.arange(1985, 2026)


def of_lines(lines: Array, *, per_year: int = 60, noise: float = 0.0, seed: int = 0) -> Panel:
    chance = np.random.default_rng(seed)
    years = np.repeat(np.arange(1985, 1985 + len(lines)), per_year)
    values = np.repeat(lines, per_year, axis=0) + chance.normal(0, noise, (len(years), lines.shape[1]))
    return panel.of_songs(
        "mean", [str(k) for k in range(lines.shape[1])], years.tolist(), list(range(len(years))), values
    )


def test_noise_around_a_level_is_averaged_and_beats_the_same_as_last_year() -> None:
    found = forecasts.outlook(of_lines(np.full((41, 20), 5.0), noise=3.0))
    first = found.backtests[0]
    assert (found.method, first.forecasts) == ("model", 33 * 20)
    assert first.ratio == pytest.approx(0.75, abs=0.06)  # sqrt(1/2) at best
    assert first.coverage == pytest.approx(0.92, abs=0.04)
    assert {one.year for one in found.forecasts} == {2026, 2027, 2028}
    assert all(one.low < 5 < one.high and abs(one.value - 5) < 0.5 for one in found.forecasts)


def test_a_walk_that_is_seen_without_noise_is_forecast_by_its_last_year() -> None:
    walk = np.cumsum(np.random.default_rng(3).normal(0, 1, (41, 20)), axis=0)
    found = forecasts.outlook(of_lines(walk, noise=0.05))
    assert found.method == "naive"
    assert found.backtests[0].ratio == pytest.approx(1, abs=0.1)
    assert "no better" in found.reason
    assert found.forecasts[0].value == pytest.approx(walk[-1, 0], abs=0.1)


def test_a_forecast_knows_nothing_of_the_year_it_is_about() -> None:
    lines = np.random.default_rng(1).normal(5, 1, (30, 4))
    changed = lines.copy()
    changed[20:] += 50
    before, after = (forecasts._model(one, np.full(one.shape, 0.5)).value[0, :21] for one in (lines, changed))
    assert before == pytest.approx(after, nan_ok=True)


def test_a_gap_is_not_a_zero() -> None:
    made = of_lines(np.full((41, 3), 5.0), noise=0.5)
    made.songs[:, 30], made.sums[:, 30], made.artists[30] = 0, 0, 0
    assert all(abs(one.value - 5) < 0.2 for one in forecasts.outlook(made).forecasts)


def test_eight_years_are_too_few_and_say_so() -> None:
    found = forecasts.outlook(of_lines(np.full((8, 2), 5.0), noise=1.0))
    assert (found.method, found.forecasts) == ("none", [])
    assert "more than 8 years" in found.reason
