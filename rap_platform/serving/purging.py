"""Deletes everything that is simulated and leaves only what is real. Dagster's partitions are the caller's to delete."""

from typing import Any

from psycopg import Connection

from rap_platform.embeddings.encoders.registering import registered
from rap_platform.embeddings.queries import section_table, track_table
from rap_platform.embeddings.search import spelling
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.serving import queries
from rap_platform.serving.champion import RegistryAway, find_champion
from rap_platform.settings import Settings
from rap_platform.training.naming import MODEL_NAME


def simulated_slugs(conn: Connection[Any]) -> list[str]:
    """The `artists` partitions of simulated artists: ask before the purge, delete in Dagster after it."""
    return queries.simulated_slugs(conn)


def purge_simulated(conn: Connection[Any], settings: Settings) -> dict[str, int]:
    """Delete all simulated rows in one transaction, then their words and what MLflow holds of them; rows deleted by table.

    `mlflow_runs` and `mlflow_versions` are in the answer only when MLflow was reached. A second call deletes nothing.
    """
    with conn.transaction():
        freed = queries.release_duplicates(conn)
        counts = {
            table: queries.purge_vectors(conn, table)
            for name in registered(conn)
            for table in (track_table(name), section_table(name))
        }
        counts |= {table: queries.purge(conn, table) for table in queries.PURGES}
    spelling.sum_up(conn)
    return {**counts, "tracks_no_longer_duplicates": freed, **_purge_mlflow(settings.mlflow_tracking_uri)}


def _purge_mlflow(tracking_uri: str | None) -> dict[str, int]:
    if tracking_uri is None:
        return {}
    try:
        find_champion(tracking_uri, timeout_s=5)
    except RegistryAway:
        return {}
    mlflow = MlflowResource(tracking_uri=tracking_uri)
    client = mlflow.client()
    versions = mlflow.versions(MODEL_NAME, {"simulated": "true"})
    for version in versions:
        client.delete_model_version(MODEL_NAME, version.version)
    if versions and not mlflow.versions(MODEL_NAME):
        client.delete_registered_model(MODEL_NAME)
    runs = 0
    for experiment in client.search_experiments():
        while found := client.search_runs([experiment.experiment_id], "tags.simulated = 'true'", max_results=1000):
            for run in found:
                client.delete_run(run.info.run_id)
            runs += len(found)
    return {"mlflow_runs": runs, "mlflow_versions": len(versions)}
