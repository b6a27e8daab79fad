"""Trains, examines, logs and registers a model of training.quality: what the assets quality_model and commercial_model share."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rap_platform.orchestration.progress import track
from rap_platform.resources.mlflow import MlflowResource, Run
from rap_platform.training import importance, plots, quality
from rap_platform.training.conformal import RATINGS
from rap_platform.training.queries import Version

PACKAGES = ("scikit-learn", "skops", "pandas", "numpy", "scipy")

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """One side of the split: feature rows, labels and groups in the same order."""

    x: pd.DataFrame
    y: Array
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Learned:
    """A fitted model and what was found out about it; `nested` is None with fewer than three groups."""

    fitted: quality.Fitted
    nested: quality.Nested | None
    curve: list[tuple[int, float, float, float]]

    @property
    def figures(self) -> dict[str, float]:
        """What a reader wants to know first; errors in the label's unit, coverage as a share."""
        told = {"cv_mae": self.fitted.cv_mae[self.fitted.chosen]}
        if self.nested is not None:
            told |= {
                "nested_mae": self.nested.mae,
                "nested_mae_sd": self.nested.mae_sd,
                "nested_coverage": self.nested.coverage,
                "nested_interval_width": self.nested.width,
            }
        return told


def learn(
    train: Side, held_out: Side, *, seed: int, scale: tuple[float, float] = RATINGS, label: str = "quality model"
) -> Learned:
    """Fit on train, and find out by nested cross-validation inside train how good the procedure is.

    The held-out side chooses nothing: the learning curve alone is measured on it, after everything is chosen.
    Raises ValueError with fewer than two groups in train.
    """
    steps = iter(track(("fit", "nested cross-validation", "learning curve"), 3, label))
    next(steps)
    fitted = quality.fit(train.x, train.y, train.groups, seed=seed, scale=scale)
    next(steps)
    checked = (
        quality.nested(train.x, train.y, train.groups, seed=seed, scale=scale) if len(set(train.groups)) > 2 else None
    )
    next(steps)
    curve = quality.learning_curve(
        train.x, train.y, train.groups, held_out.x, held_out.y, seed=seed, model=fitted.model
    )
    return Learned(fitted, checked, quality.spread(curve))


def register(
    mlflow: MlflowResource,
    learned: Learned,
    train: Side,
    *,
    name: str,
    version: Version,
    folder: Path,
    seed: int,
    tags: Mapping[str, object],
    unit: str,
) -> tuple[Any, Run]:
    """Log the run of a model and register it as a new version of `name`; gives that version and the run."""
    fitted = learned.fitted
    with mlflow.run(name, f"{fitted.chosen} on {version.version}", tags=tags) as run:
        run.dataset(
            name=version.version,
            digest=version.digest,
            source=str(folder),
            rows=len(train.y),
            context="training",
            profile=version.card["counts"],
        )
        run.log(params=params(learned, len(train.y), seed), metrics=metrics(learned))
        if folder.is_dir():
            run.files(folder, "dataset")
        _examined(run, learned, unit)
        example = train.x.head(2)
        made = run.model(
            fitted.model,
            name=name,
            example=example,
            predicted=quality.predict(fitted.model, example),
            requirements=[f"{package}=={importlib.metadata.version(package)}" for package in PACKAGES],
            trusted_types=quality.TRUSTED_TYPES,
            tags=tags,
        )
    return made, run


def _examined(run: Run, learned: Learned, unit: str) -> None:
    """Importance and learning curve as tables and pictures."""
    found = learned.fitted.permutation
    run.json([[entry.feature, entry.mae_growth, entry.sd] for entry in found], "importance_table.json")
    run.json([list(entry) for entry in learned.fitted.importance], "importance.json")
    run.json([list(point) for point in learned.curve], "learning_curve.json")
    run.text(importance.table(found, unit), "importance.md")
    pictures = {
        "importance": plots.importance(found, unit),
        "learning_curve": plots.learning_curve(learned.curve, unit),
    }
    run.figures(pictures)


def params(learned: Learned, tracks: int, seed: int) -> dict[str, object]:
    """How the model was made."""
    model = learned.fitted.model
    nested = learned.nested
    return {
        "estimator": learned.fitted.chosen,
        "weights": ", ".join(f"{weight:.3f}" for weight in np.asarray(model.weights)),
        "folds": learned.fitted.folds,
        "seed": seed,
        "train_tracks": tracks,
        "interval": f"CV+ at {quality.LEVEL:.0%}, residuals of {len(model.residuals)} tracks whose groups were left out",
        "nested_chosen": "-" if nested is None else ", ".join(nested.chosen),
    }


def metrics(learned: Learned) -> dict[str, float]:
    """Errors by candidate, of the choice and of the whole procedure; coverage of the intervals; importance."""
    by_candidate = {f"cv_mae/{metric_name(name)}": error for name, error in learned.fitted.cv_mae.items()}
    folds = {} if learned.nested is None else {f"nested_mae/fold_{n}": e for n, e in enumerate(learned.nested.fold_mae)}
    rests_on = {f"importance/{name}": growth for name, growth in learned.fitted.importance}
    curve = {f"learning_curve/{size}": mean for size, mean, _, _ in learned.curve}
    return learned.figures | by_candidate | folds | rests_on | curve


def metric_name(name: str) -> str:
    """A candidate's name as MLflow takes it."""
    return name.replace("(", "_").replace(")", "").replace("=", "_")


def shown(learned: Learned) -> dict[str, Any]:
    """The same for Dagster, rounded."""
    figures: dict[str, Any] = {name: round(value, 4) for name, value in learned.figures.items()}
    figures["estimator"] = learned.fitted.chosen
    figures["cv_mae_by_candidate"] = {name: round(error, 4) for name, error in learned.fitted.cv_mae.items()}
    figures["importance"] = {name: round(growth, 4) for name, growth in learned.fitted.importance}
    figures["learning_curve"] = {str(size): round(mean, 4) for size, mean, _, _ in learned.curve}
    return figures


def sides(tracks: Sequence[tuple[str, float, str]], x: pd.DataFrame) -> tuple[Side, Side]:
    """Train and held-out side of rows of `x`; `tracks` are (split, label, group) in the order of the rows."""

    def side(name: str) -> Side:
        rows = [row for row, (split, _, _) in enumerate(tracks) if split == name]
        labels = np.array([tracks[row][1] for row in rows], dtype=float)
        return Side(x.iloc[rows], labels, tuple(tracks[row][2] for row in rows))

    return side("train"), side("eval")
