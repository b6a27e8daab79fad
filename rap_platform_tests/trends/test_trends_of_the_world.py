"""Small worlds with planted turns, heard as the rules hear them: turns are found, calm worlds stay calm, forecasts beat the naive one."""

import numpy as np
import pytest

from rap_platform.trends import benchmark
from rap_platform.trends.hearsay import Hearsay
from rap_platform.world import truth
from rap_platform.world.lexicon import THEMES

# As measured on written songs: three quarters of first themes are named, a fifth of the others, a tenth of those that are not there.
HEARD = Hearsay(np.where(np.eye(len(THEMES), dtype=bool), 0.77, 0.10), np.full(len(THEMES), 0.2), 0)


def test_worlds_have_turns_of_their_own_and_some_have_none() -> None:
    assert truth.planted(20) == ()
    plans = {tuple((turn.theme, turn.year) for turn in truth.planted(seed)) for seed in range(1, 10)}
    assert len(plans) == 9
    for seed in range(1, 10):
        years = [turn.year for turn in truth.planted(seed)]
        assert min(np.diff(years)) >= 5


def test_a_turn_moves_a_theme_and_leaves_how_good_songs_are() -> None:
    turn = truth.planted(2)[0]
    told = [truth.song(2, artist, number) for artist in range(1500) for number in range(3)]
    before, after = (
        np.mean([turn.theme == one.themes[0] for one in told if chosen(one.year)])
        for chosen in (lambda year: turn.year - 6 <= year < turn.year, lambda year: turn.year <= year < turn.year + 5)
    )
    assert (after - before) * (1 if turn.rises else -1) == pytest.approx(truth.TURN_SHARE, abs=0.06)
    up = [one.quality for one in told if one.themes[0] == turn.theme]
    assert np.mean(up) == pytest.approx(np.mean([one.quality for one in told]), abs=0.15)


def test_planted_turns_are_found_and_calm_worlds_stay_calm() -> None:
    jumping, calm = benchmark.worlds(5)
    found, alarms = benchmark.jumps(HEARD, jumping, 6000), benchmark.jumps(HEARD, calm, 6000)
    assert found.planted == 15
    assert found.recall >= 0.8
    assert found.precision >= 0.8
    assert alarms.false <= 1


def test_forecasts_beat_the_same_as_last_year_and_come_nearer_to_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "MANY", 10_000)
    ahead = benchmark.forecast(HEARD, [1, 2, 10], 2000)
    assert ahead.high < 1
    assert ahead.against_truth < 0.8
    assert 0.86 < ahead.coverage < 0.97
