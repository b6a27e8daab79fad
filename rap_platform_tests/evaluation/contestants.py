"""Held-out tracks and predictors with known properties, for the tests of report, pictures and pages."""

import numpy as np

from rap_platform.evaluation import predictors, report
from rap_platform.evaluation.predictors import MODEL, Predictions, Tracks
from rap_platform.evaluation.slices import Traits

TRACKS, GROUPS = 120, 40
CHANCE = np.random.default_rng(3)
LABELS = np.clip(CHANCE.normal(5.6, 1.4, TRACKS), 1.2, 9.6)
TEST = Tracks(tuple(range(TRACKS)), LABELS, tuple(f"g{n % GROUPS}" for n in range(TRACKS)), np.full(TRACKS, 300.0))
TRAIN = Tracks((900, 901, 902), np.array([4.0, 5.5, 7.0]), ("a", "b", "c"), np.array([100.0, 200.0, 300.0]))
# Most of the catalogue is French from the nineties; five tracks have no year and no language.
TRAITS = {
    n: Traits(None if n < 5 else 1995 if n < 80 else 2004, n % 30 + 1, 200 + n, None if n < 5 else "fr")
    for n in range(TRACKS)
}
UNREADABLE, UNASKED = (3, 14, 15), (92, 65)


def opinionated() -> Predictions:
    """A predictor that is perfect where it answers, fails to be read on three tracks and was not asked about two."""
    values = LABELS.copy()
    failures = dict.fromkeys(UNREADABLE, "invalid_answer") | dict.fromkeys(UNASKED, "not analysed")
    values[list(failures)] = np.nan
    return Predictions("qwen_zero_shot", "model", values, failures, "stored QWEN quality")


def model(error: float = 0.4) -> Predictions:
    """A quality model whose errors are normal, with an interval of ± 0.6 around each prediction."""
    values = np.clip(LABELS + np.random.default_rng(5).normal(0, error, TRACKS), 1, 10)
    return Predictions(MODEL, "model", values, {}, "registered version 3", values - 0.6, values + 0.6)


def contestants() -> list[Predictions]:
    """Three constants or draws, a weak opinion, an LLM with failures, and the model."""
    raw = np.clip(5.8 + 0.5 * (LABELS - 5.5) + np.random.default_rng(6).normal(0, 0.6, TRACKS), 1, 10)
    return [
        predictors.Uniform("random", "uniform on 1..10, seeded", seed=1).fit(TRAIN).predict(TEST),
        predictors.Constant("median", "median label of train", statistic="median").fit(TRAIN).predict(TEST),
        Predictions("rule_based", "baseline", raw, {}, "stored rule-based quality as it is"),
        opinionated(),
        model(),
    ]


def body(**changes: object) -> dict[str, object]:
    """A whole report over them."""
    header = {
        "dataset": "simulated-0f3a", "dataset_digest": "a" * 64, "population": "simulated", "simulated": True, "train_tracks": 480,
        "raters": None, "model_version": "3",
        "links": {"mlflow_run": "http://127.0.0.1:5000/#/experiments/2/runs/0f", "dagster_run": "http://127.0.0.1:3000/runs/5d"},
    }  # fmt: skip
    settings = {
        "resamples": 500, "seed": 1, "header": header, "best_possible": report.Ceiling(0.3, 0.93), "traits": TRAITS,
        "learning_curve": [[50, 0.9], [480, 0.4]], "importance": [("rhyme_density", 0.2), ("words", -0.01)],
    } | changes  # fmt: skip
    return report.build(contestants(), TEST, **settings)  # type: ignore[arg-type]
