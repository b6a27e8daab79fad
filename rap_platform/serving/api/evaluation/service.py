"""Reads the newest evaluation and the title from the database and shapes them."""

from collections.abc import Mapping
from typing import Any

from rap_platform.serving import queries
from rap_platform.serving.api.database import Pool, reading
from rap_platform.serving.api.evaluation.schemas import (
    Champion,
    EvaluatedDataset,
    EvaluationAnswer,
    LastDecision,
    Links,
    ModelsAnswer,
    ModelVersion,
    PredictorScores,
    Served,
    SliceScores,
)
from rap_platform.serving.api.problems import NothingEvaluated
from rap_platform.serving.api.services import Services
from rap_platform.training.naming import MODEL_NAME

REMEDY = (
    "`rap-platform run` evaluates once enough tracks are rated; `training_dataset` in Dagster says what is missing."
)


def stored(pool: Pool | None) -> dict[str, Any]:
    """The newest evaluation as it is stored. Raises NothingEvaluated, DatabaseAway."""
    with reading(pool) as conn:
        row = queries.evaluation_in_force(conn)
    if row is None:
        raise NothingEvaluated(REMEDY)
    return row


def evaluation(pool: Pool | None) -> EvaluationAnswer:
    """The newest evaluation. Raises NothingEvaluated, DatabaseAway."""
    return shaped(stored(pool))


def shaped(row: Mapping[str, Any]) -> EvaluationAnswer:
    """A stored evaluation as the answer."""
    report = row["report"]
    best = report["best_baseline"]
    predictors = [PredictorScores(name=name, **entry) for name, entry in report["predictors"].items()]
    floor = report["noise_floor"]
    return EvaluationAnswer(
        evaluation_id=row["evaluation_id"],
        evaluated_at=row["created_at"],
        simulated=row["simulated"],
        model_version=report["model_version"],
        dataset=EvaluatedDataset(
            **{
                name: report[name]
                for name in ("population", "simulated", "train_tracks", "eval_tracks", "eval_groups", "label_sd")
            },
            version=report["dataset"],
            digest=report["dataset_digest"],
            noise_floor_mae=floor["mae"],
            highest_correlation=floor.get("correlation"),
        ),
        interval=report["interval"],
        resamples=report["resamples"],
        best_baseline=best,
        verdict=report["verdict"],
        predictors=sorted(predictors, key=_by_error),
        slices=[_slice(one, best) for one in report.get("slices", [])],
        learning_curve=report.get("learning_curve", []),
        links=_links(report.get("links", {})),
    )


def _by_error(scores: PredictorScores) -> float:
    value = None if scores.mae is None else scores.mae.value
    return float("inf") if value is None else value


def _slice(one: Mapping[str, Any], best: str | None) -> SliceScores:
    model = one["predictors"].get(MODEL_NAME, {})
    return SliceScores(
        by=one["by"],
        slice=one["slice"],
        tracks=one["n"],
        groups=one["groups"],
        too_small=one["too_small"],
        mae=model.get("mae"),
        mae_of_best_baseline=one["predictors"].get(best, {}).get("mae"),
        vs_best_baseline=model.get("vs_best_baseline"),
    )


def _links(links: Mapping[str, Any]) -> Links:
    return Links(**{name: links.get(name) for name in Links.model_fields})


def models(services: Services) -> ModelsAnswer:
    """Champion, challenger and the decision that counts. Raises DatabaseAway."""
    with reading(services.pool) as conn:
        title = queries.title(conn)
        holder = None if title is None else title["version"]
        judged = None if title is None else title["judged"]
        rows = {version: queries.judged(conn, version) for version in (holder, judged) if version is not None}
    loaded = services.quality_model.loaded
    champion = None
    if title is not None and holder is not None:
        known = _version(holder, rows[holder]).model_dump()
        known["links"]["mlflow_model"] = known["links"]["mlflow_model"] or title["links"].get("champion_model")
        champion = Champion(**known, since=title["since"])
    return ModelsAnswer(
        model=MODEL_NAME,
        champion=champion,
        challenger=_version(judged, rows[judged]) if judged is not None and judged != holder else None,
        decision=None
        if title is None
        else LastDecision(
            action=title["action"],
            reason=title["reason"],
            decided_at=title["decided_at"],
            decided_by=title["actor"],
            previous=title["previous"],
        ),
        served=Served(
            version=None if loaded is None else loaded.champion.version, trouble=services.quality_model.trouble
        ),
    )


def _version(version: str, row: Mapping[str, Any] | None) -> ModelVersion:
    report = {} if row is None else row["report"]
    entry = report.get("predictors", {}).get(MODEL_NAME, {})
    return ModelVersion(
        version=version,
        simulated=None if row is None else row["simulated"],
        dataset=report.get("dataset"),
        evaluation_id=None if row is None else row["evaluation_id"],
        evaluated_at=None if row is None else row["created_at"],
        mae=entry.get("mae"),
        vs_best_baseline=entry.get("vs_best_baseline"),
        best_baseline=report.get("best_baseline"),
        links=_links(report.get("links", {})),
    )
