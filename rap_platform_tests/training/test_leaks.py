"""A column that knows the label is a suspect; what is merely good is not."""

import math

import numpy as np
import pandas as pd
import pytest

from rap_platform.training.leaks import suspicious
from rap_platform_tests.training.world_songs import heard

ROWS = 600
CHANCE = np.random.default_rng(7)
TRUTH = CHANCE.normal(5.8, 1.4, ROWS)
LABELS = np.clip(TRUTH + CHANCE.normal(0, 0.45, ROWS), 1, 10)
CEILING = math.sqrt(1.4**2 / (1.4**2 + 0.45**2))
HONEST = {f"honest_{k}": TRUTH + CHANCE.normal(0, spread, ROWS) for k, spread in enumerate((1.4, 2.0, 4.0, 9.0))}
HONEST |= {f"noise_{k}": CHANCE.normal(0, 1, ROWS) for k in range(400)}


def frame(**more: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(HONEST | more)


def test_no_honest_column_is_a_suspect() -> None:
    assert suspicious(frame(), LABELS, ceiling=CEILING) == []


def test_nothing_that_the_ear_hears_in_the_world_is_a_suspect_but_its_labels_are() -> None:
    world = heard()
    ceiling = math.sqrt(world.reliability.icc_mean or 1)
    assert suspicious(world.x, world.labels, ceiling=ceiling) == []
    leaking = world.x.assign(label=world.labels, half_mark=np.round(world.labels * 2))
    assert {s.column for s in suspicious(leaking, world.labels, ceiling=ceiling)} == {"label", "half_mark"}


@pytest.mark.parametrize(
    ("name", "column"),
    {
        "the label": LABELS,
        "the label turned round": -LABELS,
        "a monotone function": np.exp(LABELS) + 3,
        "the label with small noise": LABELS + CHANCE.normal(0, 0.15, ROWS),
        "the rounded label": np.round(LABELS * 2) / 2,
        "an id that sorts by it": np.argsort(np.argsort(LABELS)) + 1_000_000.0,
        "a wave of it": np.abs(LABELS - 5.8) + 20 * (LABELS > 5.8),
        "codes without order": np.array([(int(v * 4) * 37) % 41 for v in LABELS], dtype=float),
        "the label where there is one": np.where(np.arange(ROWS) % 3 == 0, np.nan, LABELS),
        "two values that know it": (np.median(LABELS) < LABELS).astype(float),
        "gaps that know it": np.where(np.median(LABELS) < LABELS, np.nan, LABELS),
    }.items(),
)
def test_whatever_knows_the_label_is_a_suspect_and_the_only_one(name: str, column: np.ndarray) -> None:
    (suspect,) = suspicious(frame(planted=column), LABELS, ceiling=CEILING)
    assert suspect.column == "planted", name
    assert suspect.strength > CEILING


def test_columns_without_values_or_of_one_value_are_no_suspects() -> None:
    empty, constant = np.full(ROWS, np.nan), np.full(ROWS, 3.0)
    assert suspicious(frame(empty=empty, constant=constant), LABELS, ceiling=None) == []


def test_rows_that_stand_in_the_order_of_the_label_make_no_suspect() -> None:
    order = np.argsort(LABELS)
    coarse = np.repeat([0.0, 1.0, 2.0], ROWS // 3)[CHANCE.permutation(ROWS)]
    assert suspicious(frame(coarse=coarse).iloc[order], LABELS[order], ceiling=CEILING) == []


def test_noisier_labels_let_less_be_honest() -> None:
    as_good_as_it_gets = frame(planted=TRUTH + CHANCE.normal(0, 0.05, ROWS))
    noisy = TRUTH + CHANCE.normal(0, 1.4, ROWS)
    assert suspicious(as_good_as_it_gets, noisy, ceiling=None) == []
    assert [s.column for s in suspicious(as_good_as_it_gets, noisy, ceiling=0.54)] == ["planted"]


def test_few_rows_and_many_columns_raise_no_false_alarm() -> None:
    alarms = 0
    for seed in range(20):
        chance = np.random.default_rng(seed)
        alarms += bool(suspicious(pd.DataFrame(chance.normal(0, 1, (40, 418))), chance.normal(0, 1, 40), ceiling=0.6))
    assert alarms == 0
