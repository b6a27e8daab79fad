"""What /evaluation and /models answer."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Figure(BaseModel):
    """A figure with its 95 % interval from resampling groups of artists; null where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


class Intervals(BaseModel):
    """How honest a predictor's own intervals are."""

    level: float = Field(description="What they promise.")
    coverage: Figure = Field(description="Share of the ratings inside.")
    mean_width: float


class PredictorScores(BaseModel):
    """One predictor on the held-out tracks; measured on those it covers."""

    name: str
    kind: Literal["baseline", "model"]
    note: str = Field(description="What it is.")
    coverage: float = Field(ge=0, le=1, description="Share of the tracks that it has a prediction for.")
    failed: int
    parse_failures: int | None = Field(None, description="Failures because the answer could not be read.")
    other_failures: int | None = None
    mae: Figure | None = None
    rmse: Figure | None = None
    r2: Figure | None = None
    spearman: Figure | None = None
    calibration_slope: Figure | None = None
    calibration_intercept: Figure | None = None
    bias: Figure | None = Field(None, description="Mean of prediction minus rating.")
    skill: Figure | None = Field(None, description="1 - MAE / MAE of the median rating.")
    vs_best_baseline: Figure | None = Field(None, description="Paired MAE difference; below zero is better.")
    mae_charged: Figure | None = Field(
        None, description="MAE when a failure costs the largest error that its rating allows."
    )
    times_rule_based: float | None = Field(None, description="MAE divided by that of the rule-based quality as stored.")
    times_random: float | None = Field(None, description="MAE divided by that of random ratings.")
    times_floor: float | None = Field(None, description="MAE divided by the noise floor.")
    prediction_sd: float | None = None
    intervals: Intervals | None = None


class SliceScores(BaseModel):
    """The quality model on some of the tracks, beside the best baseline; `too_small` says why there are no figures."""

    by: str
    slice: str
    tracks: int
    groups: int
    too_small: str | None = None
    mae: Figure | None = None
    mae_of_best_baseline: Figure | None = None
    vs_best_baseline: Figure | None = None


class EvaluatedDataset(BaseModel):
    """What was learned from and what was held out."""

    version: str
    digest: str
    population: str
    simulated: bool
    train_tracks: int
    eval_tracks: int
    eval_groups: int = Field(description="Groups of artists and near-duplicates that stay together.")
    label_sd: float
    noise_floor_mae: float | None = Field(description="MAE of somebody who knows the truth.")
    highest_correlation: float | None = Field(None, description="Of a perfect prediction with these ratings.")


class Verdict(BaseModel):
    """Whether the model beats the best baseline beyond doubt."""

    promote: bool
    reason: str


class Links(BaseModel):
    """Where a person finds the runs; null when there is no such page."""

    mlflow_run: str | None = None
    mlflow_model: str | None = None
    training_run: str | None = None
    dagster_run: str | None = None


_FIGURE: dict[str, Any] = {"value": 0.52, "low": 0.47, "high": 0.57}
_LINKS: dict[str, Any] = {
    "mlflow_run": "http://127.0.0.1:5000/#/experiments/2/runs/0f3a",
    "mlflow_model": "http://127.0.0.1:5000/#/models/quality_model/versions/3",
    "training_run": "http://127.0.0.1:5000/#/experiments/1/runs/77b2",
    "dagster_run": "http://127.0.0.1:3000/runs/5d1c",
}  # fmt: skip
_SCORES: dict[str, Any] = {
    "name": "quality_model", "kind": "model", "note": "registered version 3, learned from train alone", "coverage": 1.0, "failed": 0,
    "parse_failures": 0, "other_failures": 0, "mae": _FIGURE, "rmse": _FIGURE, "r2": _FIGURE, "spearman": _FIGURE,
    "calibration_slope": _FIGURE, "calibration_intercept": _FIGURE, "bias": _FIGURE, "skill": _FIGURE,
    "vs_best_baseline": {"value": -0.31, "low": -0.41, "high": -0.22}, "mae_charged": _FIGURE, "times_rule_based": 0.44,
    "times_random": 0.21, "times_floor": 1.27, "prediction_sd": 1.21,
    "intervals": {"level": 0.9, "coverage": {"value": 0.9, "low": 0.86, "high": 0.94}, "mean_width": 2.2},
}  # fmt: skip


class EvaluationAnswer(BaseModel):
    """The newest evaluation of every predictor on the same held-out tracks."""

    model_config = ConfigDict(
        protected_namespaces=(),
        json_schema_extra={
            "examples": [
                {
                    "evaluation_id": 4, "evaluated_at": "2026-11-23T07:00:00Z", "simulated": True, "model_version": "3",
                    "dataset": {
                        "version": "simulated-0f3a55c1d2e4", "digest": "0f3a55c1d2e4", "population": "simulated", "simulated": True,
                        "train_tracks": 800, "eval_tracks": 200, "eval_groups": 61, "label_sd": 1.4, "noise_floor_mae": 0.41,
                        "highest_correlation": 0.93,
                    },
                    "interval": 0.95, "resamples": 2000, "best_baseline": "rule_based_recalibrated",
                    "verdict": {"promote": True, "reason": "better, the interval excludes zero"}, "predictors": [_SCORES],
                    "slices": [{
                        "by": "era", "slice": "1990s", "tracks": 58, "groups": 30, "too_small": None, "mae": _FIGURE,
                        "mae_of_best_baseline": _FIGURE, "vs_best_baseline": {"value": -0.3, "low": -0.45, "high": -0.16},
                    }],
                    "learning_curve": [[50.0, 0.9], [800.0, 0.52]], "links": _LINKS,
                }
            ]
        },
    )  # fmt: skip

    evaluation_id: int
    evaluated_at: datetime
    simulated: bool
    model_version: str | None = Field(description="The version of the quality model that was judged.")
    dataset: EvaluatedDataset
    interval: float = Field(description="Level of the intervals.")
    resamples: int
    best_baseline: str | None = Field(description="The baseline of lowest MAE that covers every track.")
    verdict: Verdict
    predictors: list[PredictorScores] = Field(description="Smallest MAE first.")
    slices: list[SliceScores]
    learning_curve: list[list[float]] = Field(
        description="Tracks to learn from, MAE, and its interval where there is one."
    )
    links: Links


class ModelVersion(BaseModel):
    """A version of the quality model and how it did when it was judged last."""

    model_config = ConfigDict(protected_namespaces=())

    version: str
    simulated: bool | None = Field(
        description="Whether it learned from simulated ratings; null when it was never judged here."
    )
    dataset: str | None
    evaluation_id: int | None
    evaluated_at: datetime | None
    mae: Figure | None
    vs_best_baseline: Figure | None
    best_baseline: str | None
    links: Links


class Champion(ModelVersion):
    """The version that holds the title."""

    since: datetime


class Served(BaseModel):
    """What this process answers with; MLflow is not asked for it."""

    version: str | None = Field(description="The version in memory; null before the first question for a rating.")
    trouble: str | None = Field(description="Why a newer version is not served.")


class LastDecision(BaseModel):
    """The decision that counts."""

    action: str
    reason: str
    decided_at: datetime
    decided_by: str = Field(description="`dagster`, or the person who decided.")
    previous: str | None = Field(description="Who held the title before.")


_VERSION: dict[str, Any] = {
    "version": "3", "simulated": True, "dataset": "simulated-0f3a55c1d2e4", "evaluation_id": 4, "evaluated_at": "2026-11-23T07:00:00Z",
    "mae": _FIGURE, "vs_best_baseline": {"value": -0.31, "low": -0.41, "high": -0.22}, "best_baseline": "rule_based_recalibrated",
    "links": _LINKS,
}  # fmt: skip


class ModelsAnswer(BaseModel):
    """Champion and challenger of the quality model."""

    model_config = ConfigDict(
        protected_namespaces=(),
        json_schema_extra={
            "examples": [
                {
                    "model": "quality_model",
                    "champion": {**_VERSION, "since": "2026-11-23T07:01:00Z"},
                    "challenger": {**_VERSION, "version": "4"},
                    "decision": {
                        "action": "kept", "reason": "not better beyond doubt", "decided_at": "2026-11-24T03:02:00Z",
                        "decided_by": "dagster", "previous": "3",
                    },
                    "served": {"version": "3", "trouble": None},
                }
            ]
        },
    )  # fmt: skip

    model: str
    champion: Champion | None
    challenger: ModelVersion | None = Field(description="The version judged last, when it is not champion.")
    decision: LastDecision | None = Field(description="null when nothing was ever judged.")
    served: Served
