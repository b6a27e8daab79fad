"""Who competes: the predictors of the ratings and those of commercial potential, and the inputs that they are given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rap_platform.evaluation.predictors import (
    COMMERCIAL,
    LEAST_OPINIONS,
    MODEL,
    BagOfWords,
    Constant,
    LengthOnly,
    Model,
    Opinion,
    Predictions,
    Predictor,
    Recalibrated,
    StoredOpinion,
    Tracks,
    Uniform,
)

ANALYZERS = ("rule_based", "qwen")
Said = Mapping[int, Opinion]


@dataclass(frozen=True)
class Inputs:
    """What the contestants of one dataset version are given. `said` is each analyzer's stored opinions by track.

    `model` is the registered model that was learned from exactly this train, None when there is none.
    """

    train: Tracks
    test: Tracks
    seed: int
    said: Mapping[str, Said] = field(default_factory=dict)
    model: Any = None
    model_version: str | None = None


def contestants(inputs: Inputs) -> list[Predictions]:
    """Every predictor of the ratings on the held-out tracks, baselines first; one that has nothing to go by is left out."""
    return [predictor.fit(inputs.train).predict(inputs.test) for predictor in predictors(inputs)]


def predictors(inputs: Inputs) -> list[Predictor]:
    """The predictors before they are fitted."""
    rules, qwen = inputs.said.get("rule_based", {}), inputs.said.get("qwen", {})
    entered: list[Predictor] = [
        Uniform("random", "uniform on 1..10, seeded", seed=inputs.seed),
        Constant("mean", "mean label of train", statistic="mean"),
        Constant("median", "median label of train", statistic="median"),
        LengthOnly("length_only", "line on log(words), fitted on train"),
    ]
    if inputs.train.texts:
        entered.append(BagOfWords("bag_of_words", "ridge on TF-IDF of words", seed=inputs.seed))
    entered.append(StoredOpinion("rule_based", "stored rule-based quality as it is", said=rules))
    if sum(opinion_known(rules, track_id) for track_id in inputs.train.track_ids) >= LEAST_OPINIONS:
        note = "a line on rule-based quality, fitted on train"
        entered.append(Recalibrated("rule_based_recalibrated", note, said=rules))
    if qwen:
        note = "stored QWEN quality; failures count as failures"
        entered.append(StoredOpinion("qwen_zero_shot", note, kind="model", said=qwen))
    if tuned := inputs.said.get("qwen_lora"):
        note = "what the fine-tuned adapter said; failures count as failures"
        entered.append(StoredOpinion("qwen_lora", note, kind="model", said=tuned))
    if inputs.model is not None:
        note = f"registered version {inputs.model_version}, learned from train alone"
        entered.append(Model(MODEL, note, seed=inputs.seed, model=inputs.model))
    return entered


@dataclass(frozen=True)
class CommercialInputs:
    """What the contestants for commercial potential are given: the split of the ratings, tracks without a label left out.

    `labels` are of the target by track, `scale` its ends, `model` the registered commercial model of exactly these labels.
    """

    train: Tracks
    test: Tracks
    labels: Mapping[int, float]
    target: str
    scale: tuple[float, float]
    seed: int
    model: Any = None
    model_version: str | None = None


def commercial(inputs: CommercialInputs) -> tuple[Tracks, list[Predictions]]:
    """The held-out tracks with the labels of commercial potential, and every contestant's predictions of them."""
    train, test = (labelled(side, inputs.labels) for side in (inputs.train, inputs.test))
    entered: list[Predictor] = [
        Constant("median", "median label of train", statistic="median"),
        LengthOnly("length_only", "line on log(words), fitted on train", scale=inputs.scale),
    ]
    if train.texts:
        entered.append(BagOfWords("bag_of_words", "ridge on TF-IDF of words", seed=inputs.seed, scale=inputs.scale))
    if inputs.model is not None:
        note = f"registered version {inputs.model_version}, learned from train alone"
        entered.append(Model(COMMERCIAL, note, seed=inputs.seed, model=inputs.model))
    return test, [predictor.fit(train).predict(test) for predictor in entered]


def labelled(side: Tracks, labels: Mapping[int, float]) -> Tracks:
    """The tracks of a side that have a label of another target, with that label."""
    rows = [row for row, track_id in enumerate(side.track_ids) if track_id in labels]
    return Tracks(
        tuple(side.track_ids[row] for row in rows),
        np.array([labels[side.track_ids[row]] for row in rows], dtype=float),
        tuple(side.groups[row] for row in rows),
        side.words[rows],
        tuple(side.texts[row] for row in rows) if side.texts else (),
        None if side.features is None else side.features.iloc[rows],
    )


def opinion_known(said: Said, track_id: int) -> bool:
    """Whether the analyzer has a number for the track."""
    opinion = said.get(track_id)
    return opinion is not None and opinion.quality is not None


def opinions(rows: Sequence[tuple[int, str, str, float | None, str | None]]) -> dict[str, dict[int, Opinion]]:
    """Stored (track id, analyzer, status, quality, error) as opinions by analyzer and track."""
    said: dict[str, dict[int, Opinion]] = {analyzer: {} for analyzer in ANALYZERS}
    for track_id, analyzer, status, value, error in rows:
        said[analyzer][track_id] = Opinion(value, None) if status == "ok" else Opinion(None, _short(error))
    return said


def _short(error: str | None) -> str:
    """The kind of failure: what stands before the first colon."""
    return (error or "no reason stored").split(":", 1)[0][:80]
