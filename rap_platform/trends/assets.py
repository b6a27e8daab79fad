"""Assets of the stage: words, groups of songs, and the trend report that shows all; one of each per population that has songs."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg

from rap_platform.analyses import assets as analyses
from rap_platform.embeddings import assets as embeddings
from rap_platform.features import assets as features
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import nightly_if_changed
from rap_platform.resources.mlflow import MlflowResource, dagster_tags
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured
from rap_platform.trends import gathering, html, markdown, plots, queries
from rap_platform.trends.report import Body
from rap_platform.trends.telling import falling, rising

CODE_VERSION = "2"

Digest = Callable[[psycopg.Connection, bool], str]
Make = Callable[[psycopg.Connection, bool, str], tuple[Body, str]]  # of a population and the report's key


@dg.asset(
    deps=[lyrics.tracks],
    code_version=CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    description="Words that songs take up, drop, or did not have before, by year; real and simulated songs apart.",
    retry_policy=failures.RETRY,
)
def word_trends(postgres: PostgresResource) -> dg.MaterializeResult:
    def make(conn: psycopg.Connection, simulated: bool, key: str) -> tuple[Body, str]:
        body = gathering.word_trends(conn, simulated)
        return body, "\n".join(markdown.words(body))

    return _report(postgres, queries.WORDS, queries.tracks_state, make)


@dg.asset(
    deps=[lyrics.tracks, embeddings.lyrics_embeddings],
    code_version=CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "scikitlearn", "postgres"},
    owners=[metadata.TEAM],
    description="Groups of songs by what their lyrics mean, named by their own words, with their share by year; real and simulated songs apart.",
    retry_policy=failures.RETRY,
)
def song_clusters(postgres: PostgresResource) -> dg.MaterializeResult:
    def digest(conn: psycopg.Connection, simulated: bool) -> str:
        return queries.vectors_state(conn, simulated, queries.encoder(conn))

    def make(conn: psycopg.Connection, simulated: bool, key: str) -> tuple[Body, str]:
        body = gathering.song_clusters(conn, simulated, queries.encoder(conn))
        if body is None:
            return {"simulated": simulated, "nothing": True}, "Too few songs have vectors to be grouped."
        return body, "\n".join(markdown.clusters(body))

    return _report(postgres, queries.CLUSTERS, digest, make)


@dg.asset(
    deps=[lyrics.tracks, features.lyric_features, analyses.rule_based_analyses, analyses.qwen_analyses, word_trends, song_clusters],
    code_version=CODE_VERSION,
    automation_condition=nightly_if_changed(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    description="Themes, moods, rhyme, words and flow by year: slopes, jumps, careers, and forecasts with their back-test; "
    "real and simulated songs apart.",
    retry_policy=failures.RETRY,
)  # fmt: skip
def trend_report(
    context: dg.AssetExecutionContext, postgres: PostgresResource, mlflow: MlflowResource
) -> dg.MaterializeResult:
    pictures: dict[str, Any] = {}

    def digest(conn: psycopg.Connection, simulated: bool) -> str:
        parts = [queries.latest(conn, simulated, kind) for kind in (queries.WORDS, queries.CLUSTERS)]
        return "|".join([queries.state(conn, simulated), *(str(part and part["input_digest"]) for part in parts)])

    def make(conn: psycopg.Connection, simulated: bool, key: str) -> tuple[Body, str]:
        body = gathering.whole(conn, simulated, queries.analyzer(conn, simulated))
        text = markdown.markdown(body)
        pictures.update(_show(context, mlflow, body, text, key))
        return body, text

    return _report(postgres, queries.REPORT, digest, make, pictures)


def _report(
    postgres: PostgresResource, kind: str, digest: Digest, make: Make, pictures: dict[str, Any] | None = None
) -> dg.MaterializeResult:
    """Make the report of each population whose input changed; show all."""
    started = time.monotonic()
    shown: dict[str, Any] = {}
    made = []
    with postgres.exclusively(kind):
        with postgres.connection() as conn:
            populations = queries.populations(conn)
        for simulated in populations:
            name = "simulated" if simulated else "real"
            with postgres.connection() as conn:
                key = hashlib.sha256(
                    f"{CODE_VERSION}|{kind}|{simulated}|{digest(conn, simulated)}".encode()
                ).hexdigest()
                stored = queries.known(conn, key, kind)
                if stored is None:
                    body, text = make(conn, simulated, key)
                    queries.insert(conn, key, body, text, kind)
                    made.append(name)
            shown[f"report_{name}"] = dg.MetadataValue.md(stored["markdown"] if stored else text)
    with postgres.connection() as conn:
        described = metadata.report(
            conn,
            table="reports",
            rows_new=len(made),
            status="new report" if made else "unchanged" if populations else "no songs",
            populations=["simulated" if simulated else "real" for simulated in populations],
            seconds=round(time.monotonic() - started, 2),
            **shown,
            **(pictures or {}),
        )
    return dg.MaterializeResult(metadata=described)


def _show(context: dg.AssetExecutionContext, mlflow: MlflowResource, body: Body, text: str, key: str) -> dict[str, Any]:
    """Draw the report; its pictures go to Dagster, and to MLflow with the HTML when there is one."""
    name = body["population"]
    figures = plots.draw(body)
    shown: dict[str, Any] = {}
    try:
        mlflow.uri()
    except NotConfigured as reason:
        context.log.warning("the trend report is not in MLflow: %s", reason)
    else:
        tags = dagster_tags(context, simulated=body["simulated"]) | {"key": key, "mlflow.note.content": text}
        with mlflow.run("trends", f"trends of {name} songs", tags=tags) as run, tempfile.TemporaryDirectory() as folder:
            run.log(params={"analyzer": body["analyzer"]}, metrics=dict(_metrics(body)))
            run.text(text, "report.md")
            Path(folder, "report.html").write_text(html.page(body, text), encoding="utf-8")
            run.files(Path(folder))
            run.figures(figures)
            if run.url:
                shown[f"mlflow_run_{name}"] = dg.MetadataValue.url(run.url)
    return shown | {f"plot_{name}_{kind}": metadata.png(figure) for kind, figure in figures.items()}


def _metrics(body: Body) -> Iterator[tuple[str, float | None]]:
    """What a reader of MLflow compares between reports."""
    yield "songs", body["songs"]
    yield "songs_without_year", body["songs_without_year"]
    for name, part in body["parts"].items():
        yield f"{name}_rising", len(rising(part))
        yield f"{name}_falling", len(falling(part))
        yield f"{name}_jumps", sum(change["beside"] is None for change in part["changes"])
        for test in part["outlook"]["backtests"]:
            yield f"{name}_error_over_naive_{test['ahead']}_ahead", test["ratio"]
            yield f"{name}_coverage_{test['ahead']}_ahead", test["coverage"]


ASSETS = [word_trends, song_clusters, trend_report]
