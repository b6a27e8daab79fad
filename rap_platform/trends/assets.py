"""Asset of the stage: the trend report, one per population that has songs."""

import hashlib
import time
from typing import Any

import dagster as dg

from rap_platform.analyses import assets as analyses
from rap_platform.features import assets as features
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import nightly_if_changed
from rap_platform.resources.mlflow import MlflowResource, dagster_tags
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured
from rap_platform.trends import plots, queries, report

CODE_VERSION = "1"


@dg.asset(
    deps=[lyrics.tracks, features.lyric_features, analyses.rule_based_analyses, analyses.qwen_analyses],
    code_version=CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    description="Songs, rhyme density, themes and moods by year with intervals, and what rises or falls; real and simulated songs apart.",
    retry_policy=failures.RETRY,
)
def trend_report(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    started = time.monotonic()
    shown: dict[str, Any] = {}
    made = []
    with postgres.exclusively("trend_report"):
        with postgres.connection() as conn:
            populations = queries.populations(conn)
        for simulated in populations:
            name = "simulated" if simulated else "real"
            with postgres.connection() as conn:
                digest = hashlib.sha256(
                    f"{CODE_VERSION}|{simulated}|{queries.state(conn, simulated)}".encode()
                ).hexdigest()
                stored = queries.known(conn, digest)
                if stored is not None:
                    shown[f"report_{name}"] = dg.MetadataValue.md(stored["markdown"])
                    continue
                analyzer = queries.analyzer(conn, simulated)
                body = report.build(
                    queries.songs(conn, simulated, analyzer),
                    without_year=queries.counts(conn, simulated).without_year,
                    analyzer=analyzer,
                    simulated=simulated,
                )
                text = report.markdown(body)
            pictures = _show(context, mlflow, body, text, digest)
            with postgres.connection() as conn:
                queries.insert(conn, digest, body, text)
            made.append(name)
            shown |= {f"report_{name}": dg.MetadataValue.md(text), **pictures}
    with postgres.connection() as conn:
        described = metadata.report(
            conn,
            table="reports",
            rows_new=len(made),
            status="new report" if made else "unchanged" if populations else "no songs",
            populations=["simulated" if simulated else "real" for simulated in populations],
            seconds=round(time.monotonic() - started, 2),
            **shown,
        )
    return dg.MaterializeResult(metadata=described)


def _show(
    context: dg.AssetExecutionContext, mlflow: MlflowResource, body: dict[str, Any], text: str, digest: str
) -> dict[str, Any]:
    """Draw the report; its pictures go to Dagster, and to MLflow when there is one."""
    name = body["population"]
    figures = plots.draw(body)
    shown: dict[str, Any] = {}
    try:
        mlflow.uri()
    except NotConfigured as reason:
        context.log.warning("the trend report is not in MLflow: %s", reason)
    else:
        tags = dagster_tags(context, simulated=body["simulated"]) | {
            "key": digest,
            "mlflow.note.content": text,
        }
        with mlflow.run("trends", f"trends of {name} songs", tags=tags) as run:
            run.log(
                params={"analyzer": body["analyzer"]},
                metrics={
                    "songs": body["songs"],
                    "songs_without_year": body["songs_without_year"],
                    "rising_themes": len(report.rising(body["themes"])),
                },
            )
            run.text(text, "report.md")
            run.figures(figures)
            if run.url:
                shown[f"mlflow_run_{name}"] = dg.MetadataValue.url(run.url)
    return shown | {f"plot_{name}_{kind}": metadata.png(figure) for kind, figure in figures.items()}


ASSETS = [trend_report]
