"""What an evaluation and a decision about the title leave in MLflow: runs, dataset inputs, pictures, aliases, and words that explain them."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rap_platform.evaluation import wording
from rap_platform.evaluation.predictors import MODEL
from rap_platform.resources.mlflow import MlflowResource, Run
from rap_platform.training.naming import MODEL_NAME
from rap_platform.training.queries import Version

EXPERIMENT = "evaluation"
CHAMPION, CHALLENGER = "champion", "challenger"
INTERVALLED = (
    "mae", "rmse", "r2", "spearman", "calibration_slope", "calibration_intercept", "bias", "skill", "vs_best_baseline", "mae_charged",
)  # fmt: skip
PLAIN = (
    "coverage", "failed", "failure_share", "parse_failures", "other_failures", "prediction_sd", "rmse_charged", "times_floor",
    "times_rule_based", "times_random",
)  # fmt: skip


@dataclass(frozen=True)
class Logged:
    """The parent run of an evaluation and where a person sees it."""

    run_id: str
    url: str | None


def log_report(
    mlflow: MlflowResource,
    report: dict[str, Any],
    page: str,
    plots: Mapping[str, bytes],
    *,
    dataset: Version,
    source: str,
    tags: Mapping[str, object],
) -> Logged:
    """Log a parent run with the report, its pictures and the dataset, and a child per predictor with its measures.

    The address of the parent run is added to `report["links"]`. `page` is the HTML file, `plots` are PNG by name, `source` where the dataset lies.
    """
    common = {**tags, "dataset": dataset.version, "simulated": str(dataset.simulated).lower()}
    with mlflow.run(EXPERIMENT, f"evaluation of {dataset.version}", tags=common) as parent:
        report["links"] |= {"mlflow_run": parent.url, "mlflow_run_id": parent.run_id}
        _dataset(parent, dataset, source, report["eval_tracks"])
        parent.log(
            params={name: report[name] for name in ("dataset", "resamples", "best_baseline", "model_version")},
            metrics={
                "noise_floor_mae": report["noise_floor"]["mae"],
                "highest_correlation": report["noise_floor"]["correlation"],
                "label_sd": report["label_sd"],
                "eval_tracks": report["eval_tracks"],
                "eval_groups": report["eval_groups"],
                **{
                    f"mae/{name}": entry["mae"]["value"]
                    for name, entry in report["predictors"].items()
                    if "mae" in entry
                },
                **{f"model/{name}": value for name, value in flat(report["predictors"].get(MODEL, {})).items()},
            },
            tags={"verdict": report["verdict"]["reason"], "model_url": report["links"].get("mlflow_model") or ""},
        )
        parent.note(wording.note(report))
        _artifacts(parent, report, page, plots)
        for name, entry in report["predictors"].items():
            _child(mlflow, parent, name, entry, common, dataset, source, report["eval_tracks"])
    return Logged(parent.run_id, parent.url)


def _artifacts(run: Run, report: Mapping[str, Any], page: str, plots: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "report.html": page,
            "report.md": wording.markdown(report),
            "report.json": json.dumps(report, indent=2, ensure_ascii=False),
        }
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        (Path(folder) / "plots").mkdir()
        for name, png in plots.items():
            (Path(folder) / "plots" / f"{name}.png").write_bytes(png)
        run.files(Path(folder))


def _child(
    mlflow: MlflowResource, parent: Run, name: str, entry: Mapping[str, Any], tags: Mapping[str, object], dataset: Version,
    source: str, rows: int,
) -> None:  # fmt: skip
    with mlflow.run(EXPERIMENT, name, tags={**tags, "predictor": name}, parent=parent) as child:
        _dataset(child, dataset, source, rows)
        child.log(params={"predictor": name, "kind": entry["kind"], "note": entry["note"]}, metrics=flat(entry))


def _dataset(run: Run, dataset: Version, source: str, rows: int) -> None:
    run.dataset(name=dataset.version, digest=dataset.digest, source=source, rows=rows, context="evaluation")


def flat(entry: Mapping[str, Any]) -> dict[str, float | None]:
    """The measures of one predictor as MLflow metrics: mae, mae_low, mae_high, ..."""
    found: dict[str, float | None] = {name: entry[name] for name in PLAIN if entry.get(name) is not None}
    for name in INTERVALLED:
        if (figure := entry.get(name)) is not None:
            found |= _spread(name, figure)
    if intervals := entry.get("intervals"):
        found |= _spread("interval_coverage", intervals["coverage"]) | {"interval_width": intervals["mean_width"]}
    return found


def _spread(name: str, figure: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: figure["value"], f"{name}_low": figure["low"], f"{name}_high": figure["high"]}


def log_title(
    mlflow: MlflowResource, decision: Mapping[str, Any], sentence: str, evaluation: Mapping[str, Any] | None
) -> None:
    """Make MLflow say what a decision about the title says: aliases, descriptions and tags of the versions, tags and note of the
    evaluation's runs. Saying it twice changes nothing."""
    holder, judged = decision["version"], decision["judged"]
    _alias(mlflow, CHAMPION, holder)
    _alias(mlflow, CHALLENGER, judged if judged != holder else None)
    for version in {holder, judged, decision["previous"]} - {None}:
        _describe(mlflow, str(version), decision, sentence)
    if evaluation is not None and evaluation["mlflow_run_id"] is not None:
        _tag_evaluation(mlflow, evaluation, decision, sentence)


def _alias(mlflow: MlflowResource, alias: str, version: str | None) -> None:
    holder = mlflow.alias(MODEL_NAME, alias)
    if version is None and holder is not None:
        mlflow.client().delete_registered_model_alias(MODEL_NAME, alias)
    elif version is not None and (holder is None or str(holder.version) != version):
        mlflow.client().set_registered_model_alias(MODEL_NAME, alias, version)


def _describe(mlflow: MlflowResource, version: str, decision: Mapping[str, Any], sentence: str) -> None:
    """Description and tags of a version: its role, why, on which data, from which runs. A version that is gone is left out."""
    found = next(iter(v for v in mlflow.versions(MODEL_NAME) if str(v.version) == version), None)
    if found is None:
        return
    links = decision["links"]
    role = (
        "champion"
        if version == decision["version"]
        else "challenger"
        if version == decision["judged"]
        else "former champion"
    )
    tags = {
        "role": role,
        "reason": sentence,
        "decided": decision["decided_at"].isoformat(timespec="seconds"),
        "decision": decision["decision_id"],
        "evaluation_run_id": links.get("mlflow_run_id"),
        "evaluation_run": links.get("mlflow_run"),
        "decided_on_dataset": decision["dataset_version"],
        "decided_in_dagster": links.get("champion_dagster_run") or links.get("dagster_run"),
    }
    for name, value in tags.items():
        if value is not None and found.tags.get(name) != str(value):
            mlflow.client().set_model_version_tag(MODEL_NAME, version, name, str(value))
    description = _description(role, sentence, found, decision)
    if (found.description or "") != description:
        mlflow.client().update_model_version(MODEL_NAME, version, description)


def _description(role: str, sentence: str, version: Any, decision: Mapping[str, Any]) -> str:
    links, tags = decision["links"], version.tags
    learned = f"Learned from dataset `{tags.get('dataset', 'unknown')}`{', simulated' if tags.get('simulated') == 'true' else ''}"
    if url := tags.get("dagster.url"):
        learned += f", in [this Dagster run]({url})"
    told = [f"**{role.capitalize()}.** {sentence}.", f"{learned}."]
    if decision["evaluation_id"] is not None:
        run = links.get("mlflow_run")
        evaluation = f"evaluation {decision['evaluation_id']}"
        told.append(
            f"Decided on {f'[{evaluation}]({run})' if run else evaluation}, dataset `{decision['dataset_version']}`."
        )
    if dagster := links.get("champion_dagster_run"):
        told.append(f"Decided in [this Dagster run]({dagster}).")
    return "  \n".join(told)


def _tag_evaluation(
    mlflow: MlflowResource, evaluation: Mapping[str, Any], decision: Mapping[str, Any], sentence: str
) -> None:
    """Say on the evaluation's parent run who is champion and why, and mark the child that is about the champion."""
    run_id, report = evaluation["mlflow_run_id"], evaluation["report"]
    about_champion = decision["version"] is not None and decision["version"] == report["model_version"]
    champion = "none" if decision["version"] is None else f"{MODEL_NAME} version {decision['version']}"
    tags = {
        "champion": champion,
        "champion_reason": sentence,
        "champion_url": decision["links"].get("champion_model") or "",
        "champion_dagster_url": decision["links"].get("champion_dagster_run") or "",
    }
    mlflow.tag(run_id, tags | {"mlflow.note.content": wording.note(report, sentence)})
    for child, predictor in mlflow.children(run_id, "predictor"):
        mlflow.tag(child, {"champion": str(about_champion and predictor == MODEL).lower()})
