"""The measures against their textbook forms."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from rap_platform.evaluation import metrics

CHANCE = np.random.default_rng(7)
ACTUAL = CHANCE.normal(5, 1.5, 120)
PREDICTED = np.round(ACTUAL * 0.6 + CHANCE.normal(2, 1, 120), 1)
GROUPS = [f"g{n % 30}" for n in range(120)]
FIRST_HALF = np.arange(120) < 60


def test_values_are_those_of_the_textbook() -> None:
    measured = metrics.measure(PREDICTED, ACTUAL, metrics.group_weights(GROUPS, 500, seed=1))
    assert measured.mae.value == pytest.approx(mean_absolute_error(ACTUAL, PREDICTED))
    assert measured.rmse.value == pytest.approx(root_mean_squared_error(ACTUAL, PREDICTED))
    assert measured.r2.value == pytest.approx(r2_score(ACTUAL, PREDICTED))
    assert measured.spearman.value == pytest.approx(stats.spearmanr(PREDICTED, ACTUAL).statistic)
    assert measured.calibration_slope.value == pytest.approx(stats.linregress(PREDICTED, ACTUAL).slope)


def test_a_weight_of_two_is_a_row_that_stands_twice() -> None:
    weights = metrics.group_weights(GROUPS, 3, seed=4)
    for one in weights:
        repeated = np.repeat(np.arange(120), one.astype(int))
        expected = stats.spearmanr(PREDICTED[repeated], ACTUAL[repeated]).statistic
        assert metrics._spearman(one[None], PREDICTED, ACTUAL)[0] == pytest.approx(expected)


def test_groups_are_drawn_whole() -> None:
    weights = metrics.group_weights(GROUPS, 200, seed=2)
    assert weights.shape == (200, 120)
    assert all(len(set(one[np.array(GROUPS) == "g3"])) == 1 for one in weights)
    assert set(weights.sum(axis=1)) == {120.0}


def test_the_interval_of_a_mean_difference_has_the_width_of_theory() -> None:
    baseline = ACTUAL + CHANCE.normal(0, 1, 120)
    better = ACTUAL + CHANCE.normal(0, 0.3, 120)
    gap = metrics.paired_mae_difference(
        better, baseline, ACTUAL, metrics.group_weights([str(n) for n in range(120)], 4000, seed=3)
    )
    difference = np.abs(better - ACTUAL) - np.abs(baseline - ACTUAL)
    assert gap.low is not None and gap.high is not None
    assert gap.high - gap.low == pytest.approx(2 * 1.96 * difference.std() / np.sqrt(120), rel=0.1)
    assert gap.high < 0


def test_a_constant_has_no_rank_correlation() -> None:
    measured = metrics.measure(np.full(120, 5.0), ACTUAL, metrics.group_weights(GROUPS, 100, seed=1))
    assert measured.spearman == metrics.Measure(None)
    assert measured.calibration_slope == metrics.Measure(None)
    assert measured.mae.low is not None


def test_a_single_group_tells_no_interval() -> None:
    weights = metrics.group_weights(["one"] * 120, 100, seed=1)
    measured = metrics.measure(PREDICTED, ACTUAL, weights)
    assert measured.mae == metrics.Measure(float(np.abs(PREDICTED - ACTUAL).mean()))
    assert metrics.paired_mae_difference(ACTUAL, PREDICTED, ACTUAL, weights).low is None
    assert metrics.measure(PREDICTED[:60], ACTUAL[:60], metrics.kept(weights, FIRST_HALF)).spearman.low is None
