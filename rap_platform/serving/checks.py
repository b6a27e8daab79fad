"""Checks of serving: a release names only what is there."""

import dagster as dg

from rap_platform.embeddings.queries import section_table
from rap_platform.resources.postgres import PostgresResource
from rap_platform.serving import queries, releasing
from rap_platform.serving.assets import serving_release
from rap_platform.settings import get_settings


@dg.asset_check(
    asset=serving_release,
    blocking=True,
    description="The release names an encoder whose index exists, and the model that MLflow calls champion, or none and why.",
)
def release_refers_to_what_exists(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Passes when everything that the release in force names can be found."""
    with postgres.connection() as conn:
        release = queries.current_release(conn)
        tables = [section_table(release["encoder"])] if release else []
        indexes = {table: queries.vector_indexes(conn, table) for table in tables}
    if release is None:
        return dg.AssetCheckResult(passed=False, metadata={"problem": "nothing is released"})
    problems = [
        f"{table} has no HNSW index"
        for table, found in indexes.items()
        if release["counts"]["section_vectors"] and not found
    ]
    model = releasing.served_model(get_settings())
    if release["model_version"] is None and not release["counts"].get("model_absent_because"):
        problems.append("no model is named and no reason is given")
    if release["model_version"] is not None and (
        model.champion is None or model.champion.version != release["model_version"]
    ):
        problems.append(f"model version {release['model_version']} is released, MLflow says {model.describe()}")
    return dg.AssetCheckResult(
        passed=not problems,
        metadata={
            "problems": problems or "none",
            "release_id": release["release_id"],
            "model": model.describe(),
            "indexes": {t: ", ".join(i) for t, i in indexes.items()},
        },
    )
