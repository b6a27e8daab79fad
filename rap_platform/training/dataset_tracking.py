"""A dataset version as a run in MLflow: its files, its card as the note, its tables as dataset inputs. Once per version."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rap_platform.resources.mlflow import MlflowResource
from rap_platform.training import dataset_card as cards
from rap_platform.training import dataset_plots as plots
from rap_platform.training.dataset_files import TABLE

if TYPE_CHECKING:
    from mlflow.entities import Run as Logged

EXPERIMENT = "datasets"


def logged(mlflow: MlflowResource, key: str, experiment: str = EXPERIMENT) -> "Logged | None":
    """The finished run of an experiment that was made from the input with this digest, or None."""
    client = mlflow.client()
    known = client.get_experiment_by_name(experiment)
    if known is None:
        return None
    wanted = f"tags.key = '{key}' and attributes.status = 'FINISHED'"
    found = client.search_runs([known.experiment_id], wanted, max_results=1)
    return found[0] if found else None


def log(mlflow: MlflowResource, folder: Path, card: Mapping[str, Any], tags: Mapping[str, object]) -> str | None:
    """Log the version whose files are in `folder`; returns the address of its page, None for a store that has none.

    Nothing is logged when a finished run has this digest; a run that a killed process left open is closed and made anew.
    """
    version, digest = card["version"], card["digest"]
    known = logged(mlflow, digest)
    if known is not None:
        return mlflow.url(known.info.experiment_id, known.info.run_id)
    told = {"key": digest, "dataset": version, "population": card["population"]}
    with mlflow.run(EXPERIMENT, version, tags={**tags, **told, "mlflow.note.content": cards.markdown(card)}) as run:
        counts = card["counts"]
        for name, rows, context in (
            ("train.jsonl", counts["train"], "training"),
            ("eval.jsonl", counts["eval"], "evaluation"),
            (TABLE, sum(counts.values()), "training and evaluation"),
        ):
            path = folder / name
            with path.open("rb") as file:
                digest_of_file = hashlib.file_digest(file, "sha256").hexdigest()
            run.dataset(
                name=f"{version}/{name}",
                digest=digest_of_file,
                source=str(path),
                rows=rows,
                context=context,
                profile={"dataset_digest": digest},
            )
        run.log(
            params={
                "seed": card["seed"],
                "asked_for": card["asked_for"],
                "digest": digest,
                "complete": card["complete"],
            },
            metrics={
                "train": counts["train"],
                "eval": counts["eval"],
                "artists": card["artists"],
                "rated": card["rated"],
                "dropped": sum(card["dropped"].values()),
                "largest_imbalance_points": abs(card["largest_imbalance"]["points"]),
                "noise_floor_mae": card["noise_floor_mae"],
                "icc_single": card["raters"]["icc_single"],
                "icc_mean": card["raters"]["icc_mean"],
                **{f"on_both_sides/{what.replace(' ', '_')}": count for what, count in card["overlaps"].items()},
            },
        )
        run.files(folder, "dataset")
        run.figures({"sides": plots.sides(card)})
    return run.url
