"""Builds the HNSW indexes and measures how often they find what an exact scan finds. No orchestration here."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector
from psycopg.types.json import Jsonb

from rap_platform.embeddings import queries
from rap_platform.settings import get_settings

VERSION = "1"
NEIGHBOURS = 10
QUERIES = 100
NOISE = 0.35  # length of the disturbance of a unit vector: its cosine to the original is about 0.94
SEED = 20260
TOLERANCE = 1e-6
PARALLEL_FROM = 50_000  # below this a build takes seconds; a parallel one needs shared memory that containers limit
MAINTENANCE_MEMORY = "512MB"
MINIMUM_RECALL = 0.98

TABLES = {
    "sections": "section_vectors_minilm_hnsw",
    "lyrics": "track_vectors_minilm_lyrics_hnsw",
    "analysis": "track_vectors_minilm_analysis_hnsw",
    "audio": "track_vectors_audio_hnsw",
}


@dataclass(frozen=True)
class IndexReport:
    """One index: vectors in it, bytes, recall@10 over `queries` disturbed vectors (None while it is empty)."""

    index: str
    vectors: int
    size_bytes: int
    queries: int
    recall_at_10: float | None


@dataclass(frozen=True)
class Inventory:
    """Which vectors there are: a digest of their keys and inputs, their number by kind, whether any is simulated."""

    digest: str
    vectors: dict[str, int]
    simulated: bool


def inventory(conn: psycopg.Connection[Any]) -> Inventory:
    """The vectors that the indexes should hold, read with one cheap aggregate per table."""
    rows = conn.execute(queries.VECTORS_DIGEST).fetchall()
    settings = [VERSION, NEIGHBOURS, QUERIES, NOISE, SEED, get_settings().search.ef_search]
    digest = hashlib.sha256(json.dumps([settings, sorted(row[:3] for row in rows)]).encode()).hexdigest()
    return Inventory(digest, {row[0]: row[1] for row in rows}, any(row[3] for row in rows))


def build_missing(conn: psycopg.Connection[Any], vectors: dict[str, int]) -> dict[str, float]:
    """Create the indexes that are not there, each in its own transaction; returns seconds by index built."""
    built: dict[str, float] = {}
    for kind, name in TABLES.items():
        with conn.transaction():
            if exists(conn, name):
                continue
            workers = "2" if vectors[kind] >= PARALLEL_FROM else "0"
            conn.execute(queries.BUILD_SETTINGS, {"memory": MAINTENANCE_MEMORY, "workers": workers})
            started = time.monotonic()
            conn.execute(queries.INDEXES[name])
            built[name] = round(time.monotonic() - started, 3)
    with conn.transaction():
        for statement in queries.ANALYZE:
            conn.execute(statement)
    return built


def exists(conn: psycopg.Connection[Any], name: str) -> bool:
    """Whether an index of this name exists."""
    row = conn.execute(queries.INDEX_EXISTS, {"name": name}).fetchone()
    return row is not None and bool(row[0])


def measure(conn: psycopg.Connection[Any], vectors: dict[str, int]) -> list[IndexReport]:
    """Recall@10 of each index against an exact scan, on disturbed copies of up to 100 stored vectors."""
    reports = []
    for kind, name in TABLES.items():
        asked = disturbed(conn, kind)
        recalls = [recall(conn, kind, query) for query in asked]
        row = conn.execute(queries.INDEX_BYTES, {"name": name}).fetchone()
        mean = float(np.mean(recalls)) if recalls else None
        reports.append(IndexReport(name, vectors[kind], int(row[0]) if row else 0, len(asked), mean))
    return reports


def is_reported(conn: psycopg.Connection[Any], found: Inventory) -> bool:
    """Whether exactly these vectors were measured before and every index is still there."""
    if not all(exists(conn, name) for name in TABLES.values()):
        return False
    return conn.execute(queries.STORED_REPORT, {"digest": found.digest}).fetchone() is not None


def latest_recall(conn: psycopg.Connection[Any]) -> dict[str, float] | None:
    """Recall@10 by index name as last measured, without indexes that are empty; None before the first report."""
    row = conn.execute(queries.LATEST_REPORT).fetchone()
    if row is None:
        return None
    return {found["index"]: found["recall_at_10"] for found in row[0]["indexes"] if found["recall_at_10"] is not None}


def store(conn: psycopg.Connection[Any], found: Inventory, reports: list[IndexReport], built: dict[str, float]) -> None:
    """Keep the report under its digest, so that unchanged vectors are not measured again."""
    body = {"vectors": found.vectors, "built_s": built, "indexes": [asdict(report) for report in reports]}
    markdown = table(reports)
    parameters = {"digest": found.digest, "body": Jsonb(body), "markdown": markdown, "simulated": found.simulated}
    conn.execute(queries.STORE_REPORT, parameters)


def table(reports: list[IndexReport]) -> str:
    """The reports as a Markdown table."""
    lines = ["| index | vectors | MB | queries | recall@10 |", "|---|---:|---:|---:|---:|"]
    for report in reports:
        recall = "none" if report.recall_at_10 is None else f"{report.recall_at_10:.4f}"
        lines.append(
            f"| {report.index} | {report.vectors} | {report.size_bytes / 1e6:.1f} | {report.queries} | {recall} |"
        )
    return "\n".join(lines)


def disturbed(conn: psycopg.Connection[Any], kind: str, count: int = QUERIES) -> list[HalfVector]:
    """Queries that are not in the index: stored vectors plus noise of a fixed length and seed."""
    rows = conn.execute(queries.SAMPLES[kind], {"limit": count}).fetchall()
    rng = np.random.default_rng(SEED)
    disturbed = []
    for (vector,) in rows:
        stored = np.asarray(vector.to_numpy(), dtype=np.float32)
        noise = rng.standard_normal(stored.size).astype(np.float32)
        disturbed.append(HalfVector(stored + NOISE * noise / np.linalg.norm(noise)))
    return disturbed


def recall(conn: psycopg.Connection[Any], kind: str, query: HalfVector) -> float:
    """Share of the exact ten nearest that the index finds, by distance: equal vectors stand for each other."""
    exact = _distances(conn, kind, query, queries.EXACT_SCAN)
    found = _distances(conn, kind, query, queries.INDEX_SCAN)
    if not exact:
        return 1.0
    return sum(distance <= exact[-1] + TOLERANCE for distance in found) / len(exact)


def breadth() -> dict[str, str]:
    """The search settings that recall is measured with: those of an unfiltered search."""
    return {"ef_search": str(get_settings().search.ef_search), "iterative_scan": "off"}


def _distances(conn: psycopg.Connection[Any], kind: str, query: HalfVector, scan: str) -> list[float]:
    with conn.transaction(force_rollback=True):
        conn.execute(scan)
        conn.execute(queries.SEARCH_SETTINGS, breadth())
        rows = conn.execute(queries.NEAREST_DISTANCES[kind], {"query": query, "limit": NEIGHBOURS}).fetchall()
    return [float(row[0]) for row in rows]
