"""Versions of the quality model that always say the same, and evaluations that say what a test needs: real store, real tables."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import psycopg
from psycopg.types.json import Jsonb
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from rap_platform.evaluation import queries
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.training.features import COLUMNS
from rap_platform.training.quality import MODEL_NAME, TRUSTED_TYPES


def register(
    mlflow: MlflowResource, rating: float = 5.0, *, simulated: bool = True, dataset: str = "made-up", columns: int | None = None
) -> str:  # fmt: skip
    """Register a version that gives every track the same rating; its number. With `columns` it knows only so many of today's columns."""
    rows = pd.DataFrame(np.zeros((2, columns or len(COLUMNS))), columns=list(COLUMNS[:columns]))
    kind = DummyRegressor(strategy="constant", constant=rating) if columns is None else Ridge()
    model = kind.fit(rows, np.array([rating, rating]))
    tags = {
        "simulated": str(simulated).lower(),
        "population": "simulated" if simulated else "real",
        "dataset": dataset,
        "dagster.url": "http://127.0.0.1:3000/runs/training",
    }
    with mlflow.run("quality_model", f"always {rating}", tags=tags) as run:
        version = run.model(
            model, name=MODEL_NAME, example=rows, predicted=model.predict(rows), requirements=["scikit-learn"],
            trusted_types=TRUSTED_TYPES, tags=tags,
        )  # fmt: skip
    return str(version.version)


def dataset(
    conn: psycopg.Connection, name: str, train: list[int], held_out: list[int], labels: dict[int, float]
) -> None:
    """Store a dataset version whose groups are single tracks."""
    conn.execute(
        "insert into dataset_versions (version, content_digest, seed, train_count, eval_count, simulated, card) "
        "values (%s, %s, 1, %s, %s, true, %s)",
        [
            name,
            hashlib.sha256(name.encode()).hexdigest(),
            len(train),
            len(held_out),
            Jsonb({"population": "simulated"}),
        ],
    )
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into dataset_members (version, track_id, split, label, group_key, lyrics_sha256) "
            "select %s, track_id, %s, %s, 'g' || track_id, lyrics_sha256 from tracks where track_id = %s",
            [(name, split, labels[t], t) for split, side in (("train", train), ("eval", held_out)) for t in side],
        )
    conn.commit()


def evaluation(
    conn: psycopg.Connection,
    judged: str,
    *,
    promote: bool = True,
    name: str = "made-up",
    simulated: bool = True,
    said: dict[str, dict[int, float]] | None = None,
    run_id: str | None = None,
    attempt: int = 0,
) -> dict[str, Any]:
    """Store an evaluation that judged a version, with the predictions given, and read it back."""
    if conn.execute("select from dataset_versions where version = %s", [name]).fetchone() is None:
        conn.execute(
            "insert into dataset_versions (version, content_digest, seed, train_count, eval_count, simulated, card) "
            "values (%s, %s, 1, 1, 1, %s, '{}')",
            [name, hashlib.sha256(name.encode()).hexdigest(), simulated],
        )
    figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    report = {
        "dataset": name, "dataset_digest": "d" * 64, "population": "simulated" if simulated else "real", "simulated": simulated,
        "model_version": judged, "best_baseline": "median", "resamples": 500, "train_tracks": 1, "eval_tracks": 1, "eval_groups": 1,
        "label_sd": 1.0, "interval": 0.95, "noise_floor": {"mae": None, "correlation": None, "meaning": ""}, "slices": [],
        "learning_curve": [], "importance": [],
        "links": {"dagster_run": "http://127.0.0.1:3000/runs/evaluation", "mlflow_run": "http://127.0.0.1:5000/#/run", "mlflow_run_id": run_id},
        "predictors": {
            "quality_model": {"kind": "model", "note": "", "coverage": 1.0, "failed": 0, "failures": {}, "mae": figure, "vs_best_baseline": figure},
            "median": {"kind": "baseline", "note": "", "coverage": 1.0, "failed": 0, "failures": {}, "mae": figure},
        },
        "verdict": {"promote": promote, "reason": "it beats the median" if promote else "it does not beat the median"},
    }  # fmt: skip
    rows = [(t, predictor, value, None) for predictor, values in (said or {}).items() for t, value in values.items()]
    queries.insert_evaluation(
        conn, dataset_version=name, digest=hashlib.sha256(f"{judged} {name} {attempt}".encode()).hexdigest(), report=report, markdown="",
        pictures={}, mlflow_run_id=run_id, simulated=simulated, predictions=rows,
    )  # fmt: skip
    conn.commit()
    found = queries.latest_evaluation(conn)
    assert found is not None
    return found
