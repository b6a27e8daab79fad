"""Asks a registered version of the quality model for its ratings of a dataset's tracks, and measures an incumbent by them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import psycopg

from rap_platform.evaluation import metrics, promotion, queries
from rap_platform.evaluation.metrics import Array, Measure
from rap_platform.evaluation.predictors import MODEL
from rap_platform.evaluation.promotion import Duel
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.training import features as feature_rows
from rap_platform.training import quality
from rap_platform.training import queries as datasets


class Unusable(Exception):
    """The version can't be loaded, or does not understand the features of today."""


def ratings(
    conn: psycopg.Connection, mlflow: MlflowResource, dataset: str, version: str, track_ids: Sequence[int]
) -> Array:
    """Ratings (n,) of these tracks of a dataset version by a version of the model. Raises Unusable."""
    from mlflow.exceptions import MlflowException

    ears = datasets.feature_rows(conn, dataset, feature_rows.EAR)
    vectors = datasets.lyric_vectors(conn, dataset)
    x = feature_rows.frame(track_ids, ears, vectors)
    try:
        return quality.predict(mlflow.load(quality.MODEL_NAME, version), x)
    except (MlflowException, OSError, ValueError, KeyError, AttributeError, ImportError, TypeError) as error:
        raise Unusable(f"{type(error).__name__} while it was loaded or asked") from error


def duel(
    conn: psycopg.Connection,
    mlflow: MlflowResource,
    evaluation: Mapping[str, Any],
    incumbent: str,
    learned: str | None,
    *,
    seed: int,
) -> Duel:
    """What an incumbent is worth on the held-out tracks of an evaluation, on the resamples of `seed`.

    `learned` is the dataset version that the incumbent learned from; when it is unknown or gone, no track counts as clean.
    Groups are drawn whole. An artist whom the incumbent knows from another track is in its favour. Raises LookupError when the
    held-out tracks are gone.
    """
    report = evaluation["report"]
    dataset, best = evaluation["dataset_version"], report["best_baseline"]
    members = [member for member in datasets.members(conn, dataset) if member.split == "eval"]
    if not members:
        number = evaluation["evaluation_id"]
        raise LookupError(
            f"the held-out tracks of evaluation {number} are gone: materialize training_dataset and what follows"
        )
    track_ids = [member.track_id for member in members]
    try:
        values = ratings(conn, mlflow, dataset, incumbent, track_ids)
    except Unusable as reason:
        return Duel(unusable=str(reason))
    said = queries.said(conn, evaluation["evaluation_id"], [MODEL, *([best] if best else [])])
    labels = np.array([member.label for member in members])
    groups = [member.group_key for member in members]
    clean = _clean(conn, dataset, learned, track_ids)
    clean_groups = len({group for group, kept in zip(groups, clean, strict=True) if kept})
    decides = promotion.enough(int(clean.sum()), clean_groups)
    weights = metrics.group_weights(groups, int(report["resamples"]), seed)

    def gap(left: Array, right: Array, rows: Any) -> Measure | None:
        both = rows & np.isfinite(left) & np.isfinite(right)
        if both.sum() < 2:
            return None
        return metrics.paired_mae_difference(left[both], right[both], labels[both], metrics.kept(weights, both))

    challenger = _column(said.get(MODEL, {}), track_ids)
    baseline = _column(said.get(best or "", {}), track_ids)
    return Duel(
        clean_tracks=int(clean.sum()),
        clean_groups=clean_groups,
        against_challenger=gap(challenger, values, clean) if decides else None,
        against_baseline=gap(values, baseline, clean if decides else np.full(len(members), True)),
    )


def _clean(conn: psycopg.Connection, dataset: str, learned: str | None, track_ids: Sequence[int]) -> Any:
    if learned is None or not datasets.members(conn, learned):
        return np.full(len(track_ids), False)
    known = queries.learned_from(conn, dataset, learned)
    return np.array([track_id not in known for track_id in track_ids])


def _column(values: Mapping[int, float], track_ids: Sequence[int]) -> Array:
    return np.array([values.get(track_id, np.nan) for track_id in track_ids], dtype=float)


def told(duel: Duel | None) -> dict[str, Any]:
    """The duel as the evidence that is stored with a decision."""
    return {} if duel is None else asdict(duel)
