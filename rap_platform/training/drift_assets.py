"""Asset: how the tracks that came since the dataset compare with those that the model learned from. What is computed stands in drift.py."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd
import psycopg
from matplotlib.figure import Figure

from rap_platform.embeddings import assets as embeddings
from rap_platform.features import assets as features
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import nightly_if_changed
from rap_platform.resources.mlflow import MlflowResource, dagster_tags
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured, get_settings
from rap_platform.training import assets as training
from rap_platform.training import dataset_tracking, drift, drift_queries, labels, queries
from rap_platform.training import drift_report as reports
from rap_platform.training import features as feature_rows

CODE_VERSION = "1"
EXPERIMENT = "drift"
# New tracks that are compared at most; more tell nothing more and take long to relabel.
COMPARED = 2000


@dg.asset(
    deps=[training.training_dataset, training.ratings, features.lyric_features, embeddings.lyrics_embeddings],
    code_version=CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "postgres", "mlflow"},
    owners=[metadata.TEAM],
    description="Tracks that are not in the dataset against those that were learned from: what the ear hears, what the text means, how they are rated.",
    retry_policy=failures.RETRY,
)
def drift_report(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    started = time.monotonic()
    with postgres.exclusively("drift_report"):
        with postgres.connection() as conn:
            version = queries.current_dataset(conn, get_settings().population)
            if version is None:
                return training.no_dataset()
            digest = input_digest(conn, version)
            known = drift_queries.use_again(conn, digest)
            if known is not None:
                return _result(conn, known["body"], known["markdown"], "unchanged", started)
            body, before, now = compare(conn, version, seed=get_settings().dataset.seed)
        text = reports.markdown(body)
        shown = _show(context, mlflow, body, text, digest, before, now) if body["columns"] else {}
        with postgres.connection() as conn:
            drift_queries.insert(conn, digest, body, text)
            return _result(conn, body, text, "new report" if body["columns"] else body["note"], started, **shown)


def input_digest(conn: psycopg.Connection, version: queries.Version) -> str:
    """What a comparison rests on, as one hash."""
    parts = [
        CODE_VERSION,
        feature_rows.VERSION,
        version.version,
        version.digest,
        *queries.input_versions(conn, version.version),
        drift_queries.state(conn, version.version, version.population),
    ]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def compare(
    conn: psycopg.Connection, version: queries.Version, *, seed: int
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """The report of the present state, and the two frames that it compares (training rows, new rows)."""
    learned = drift_queries.learned_from(conn, version.version)
    new, there_are = drift_queries.new_tracks(conn, version.version, version.population, COMPARED)
    told: dict[str, Any] = {
        "dataset": version.version,
        "population": version.population,
        "simulated": version.simulated,
    }
    if len(new) < drift.MINIMUM_NEW:
        note = f"too few new tracks: {len(new)} of the {drift.MINIMUM_NEW} that a comparison needs"
        body = reports.build([], None, **told, new_tracks=there_are, compared=0, rated=0, note=note)
        return body, pd.DataFrame(), pd.DataFrame()
    ids = [*(one.track_id for one in learned), *new]
    x = feature_rows.frame(
        ids, drift_queries.feature_rows(conn, ids, feature_rows.EAR), drift_queries.lyric_vectors(conn, ids)
    )
    before, now = reports.inputs(x, feature_rows.EAR, feature_rows.TEXT, len(learned))
    found = drift.measure(before, now, [one.artist_id for one in learned], list(new.values()), seed=seed)
    given = labels.fit(drift_queries.ratings(conn, version.population)).labels
    rated = {track_id: given[track_id] for track_id in new if track_id in given}
    moved = None
    if len(rated) >= drift.MINIMUM_NEW:
        (moved,) = drift.measure(
            pd.DataFrame({reports.LABEL: [one.label for one in learned]}),
            pd.DataFrame({reports.LABEL: list(rated.values())}),
            [one.artist_id for one in learned],
            [new[track_id] for track_id in rated],
            seed=seed,
        )
        before = before.assign(**{reports.LABEL: [one.label for one in learned]})
        now = now.assign(**{reports.LABEL: [rated.get(track_id, float("nan")) for track_id in new]})
    body = reports.build(found, moved, **told, new_tracks=there_are, compared=len(new), rated=len(rated))
    return body, before, now


def _show(
    context: dg.AssetExecutionContext,
    mlflow: MlflowResource,
    body: dict[str, Any],
    text: str,
    digest: str,
    before: pd.DataFrame,
    now: pd.DataFrame,
) -> dict[str, Any]:
    """Draw the report; its figures go to Dagster, and to MLflow when there is one."""
    figures = reports.draw(body, before, now)
    try:
        mlflow.uri()
    except NotConfigured as reason:
        context.log.warning("the drift report is not in MLflow: %s", reason)
        return _pictures(figures)
    known = dataset_tracking.logged(mlflow, digest, EXPERIMENT)
    if known is not None:  # a process that was killed before it stored the report had logged it
        url = mlflow.url(known.info.experiment_id, known.info.run_id)
    else:
        tags = dagster_tags(context, simulated=body["simulated"]) | {"key": digest, "dataset": body["dataset"]}
        note = {"mlflow.note.content": text}
        with mlflow.run(EXPERIMENT, f"new tracks against {body['dataset']}", tags=tags | note) as run:
            counts = {name: float(body[name]) for name in ("new_tracks", "compared", "rated")}
            run.log(
                params={"dataset": body["dataset"]},
                metrics=counts
                | {"drifted_columns": float(len(body["drifted"]))}
                | {
                    f"{measure}/{one['column']}": one[measure]
                    for one in body["columns"]
                    for measure in ("psi", "ks", "p")
                },
            )
            run.text(text, "report.md")
            run.figures(figures)
            url = run.url
    return _pictures(figures) | ({"mlflow_run": dg.MetadataValue.url(url)} if url else {})


def _pictures(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {f"plot_{name}": metadata.png(figure) for name, figure in figures.items()}


def _result(
    conn: psycopg.Connection, body: dict[str, Any], text: str, status: str, started: float, **shown: Any
) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata=metadata.report(
            conn,
            table="reports",
            status=status,
            dataset=body["dataset"],
            population=body["population"],
            simulated=body["simulated"],
            new_tracks=body["new_tracks"],
            compared=body["compared"],
            rated=body["rated"],
            drifted=body["drifted"],
            drifted_columns=len(body["drifted"]),
            largest_psi=body["columns"][0]["psi"] if body["columns"] else None,
            rows_new=int(status != "unchanged"),
            report=dg.MetadataValue.md(text),
            seconds=round(time.monotonic() - started, 2),
            **shown,
        )
    )


ASSETS = [drift_report]
