"""The assets of serving: what is released, and the API that serves it. What a release consists of is in releasing.py."""

import time

import dagster as dg

from rap_platform.embeddings import analysis_assets as embeddings
from rap_platform.evaluation import assets as evaluation
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import on_any_new_partition
from rap_platform.resources.postgres import PostgresResource
from rap_platform.serving import queries, releasing
from rap_platform.settings import get_settings

API_URL = f"http://127.0.0.1:{get_settings().ports.api}"


@dg.asset(
    deps=[lyrics.tracks, embeddings.vector_index, evaluation.evaluation_report, evaluation.champion],
    code_version=releasing.VERSION,
    automation_condition=on_any_new_partition(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    description="What the API serves: encoder, champion model or why there is none, counts, and the evaluation that they rest on.",
    retry_policy=failures.RETRY,
)
def serving_release(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """Record a release when what is served changed since the last one."""
    started = time.monotonic()
    settings = get_settings()
    champion = releasing.served_model(settings)
    with postgres.exclusively("serving_release"), postgres.connection() as conn:
        draft = releasing.draft(conn, champion)
        current = queries.current_release(conn)
        unchanged = current is not None and current["content_digest"] == draft.content_digest
        release_id = (
            current["release_id"] if current is not None and unchanged else queries.store_release(conn, draft.row())
        )
        context.log.info("release %s is %s", release_id, "unchanged" if unchanged else "new")
        figures = metadata.report(
            conn,
            table="serving_releases",
            status="unchanged" if unchanged else "released",
            rows_new=0 if unchanged else 1,
            release_id=release_id,
            encoder=draft.encoder,
            model=champion.describe(),
            evaluation_id=draft.evaluation_id,
            simulated=draft.simulated,
            served=draft.counts,
            seconds=round(time.monotonic() - started, 2),
        )
    links = {
        name: dg.MetadataValue.url(f"{API_URL}{path}")
        for name, path in (("page", "/"), ("health", "/health"), ("api", "/docs"))
    }
    return dg.MaterializeResult(metadata={**figures, **links})


rap_api = dg.AssetSpec(
    "rap_api",
    deps=[serving_release],
    kinds={"fastapi"},
    owners=[metadata.TEAM],
    description="The API and the web page. It runs beside Dagster and reads what is released.",
    metadata={
        "page": dg.MetadataValue.url(f"{API_URL}/"),
        "api": dg.MetadataValue.url(f"{API_URL}/docs"),
        "health": dg.MetadataValue.url(f"{API_URL}/health"),
        "metrics": dg.MetadataValue.url(f"{API_URL}/metrics"),
    },
)
