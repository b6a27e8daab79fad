"""Builds the HNSW indexes of every encoder and finds how broadly each must be walked to find what an exact scan finds.

No orchestration here.
"""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import psycopg
from pgvector import HalfVector
from psycopg.types.json import Jsonb

from rap_platform.embeddings import index_queries as queries
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.encoding import EncoderError
from rap_platform.embeddings.encoders.registering import registered
from rap_platform.embeddings.queries import (
    AUDIO_INDEX,
    AUDIO_TABLE,
    section_index,
    section_table,
    track_index,
    track_table,
)
from rap_platform.embeddings.search.meaning import MAX_EF_SEARCH
from rap_platform.settings import get_settings

logger = logging.getLogger(__name__)

VERSION = "3"
NEIGHBOURS = 10
QUERIES = 100
FEWEST_QUERIES = 25  # when the exact scan is slow
MEASURE_S = 15.0  # spent on one index, unless the fewest queries take longer
CARRIED_SHARE = 0.05  # of the vectors may change before recall is measured anew
NOISE = 0.35  # length of the disturbance of a unit vector: its cosine to the original is about 0.94
SEED = 20260
TOLERANCE = 1e-6
PARALLEL_FROM = 50_000  # below this a build takes seconds; a parallel one needs shared memory that containers limit
MINIMUM_RECALL = 0.98
WIDER = 1.25  # times the breadth before, while that finds too little
FEW_LINKS = 16  # per vector of an index, and per vector of one over MANY_VECTORS and more, unless settings say
MANY_LINKS = 32
MANY_VECTORS = 500_000
REMEDY = (
    "raise RAP_EMBEDDINGS__HNSW_EF_CONSTRUCTION or RAP_EMBEDDINGS__HNSW_M (an index that grew past "
    f"{MANY_VECTORS:,} vectors gets {MANY_LINKS} links by itself) and build it anew with `rap-platform encoders rebuild`"
)
LOCK = "vector_index"  # one who builds and cleans at a time: another would clean away what is being built
NEXT = "_next"  # suffix of an index that is built beside the one it will replace


@dataclass(frozen=True)
class Target:
    """An index: its table, the rows that it is over, and which encoder's vectors of what they are."""

    label: str  # "sections" for minilm, "sections minilm_int8" for another
    index: str
    table: str
    key: str
    where: str  # "" or " where ..."
    operators: str
    encoder: str | None  # None: audio

    @property
    def following(self) -> str:
        """The name of the index that is built to take its place."""
        return self.index + NEXT

    def statement(self, vectors: int, *, beside: bool = False) -> str:
        """The statement that creates it over so many vectors; `beside` under its next name, without keeping writers out."""
        name = self.following if beside else self.index
        create = queries.create_index(name, self.table, self.where, self.operators, concurrently=beside)
        return create.format(m=links(vectors), ef_construction=get_settings().embeddings.hnsw_ef_construction)

    def inventory(self) -> str:
        """The statement that counts and digests its vectors."""
        if self.encoder is None:
            return queries.AUDIO_INVENTORY
        if self.key == "section_id":
            return queries.sections_inventory(self.encoder)
        return queries.tracks_inventory(self.encoder).format(kind=self.label.split()[0])


def targets_of(encoder: str) -> list[Target]:
    """The indexes of an encoder: sections, lyrics, analysis."""
    sections, tracks = section_table(encoder), track_table(encoder)
    suffix = "" if encoder == weights.NAME else f" {encoder}"
    of_kinds = [
        Target(f"{kind}{suffix}", track_index(encoder, kind), tracks, "track_id", f" where kind = '{kind}'", "halfvec_cosine_ops", encoder)
        for kind in ("lyrics", "analysis")
    ]  # fmt: skip
    return [
        Target(f"sections{suffix}", section_index(encoder), sections, "section_id", "", "halfvec_cosine_ops", encoder),
        *of_kinds,
    ]


AUDIO = Target("audio", AUDIO_INDEX, AUDIO_TABLE, "track_id", "", "halfvec_l2_ops", None)


def targets(conn: psycopg.Connection[Any]) -> list[Target]:
    """All indexes that should be there: those of each registered encoder, and audio's."""
    return [target for name in registered(conn) for target in targets_of(name)] + [AUDIO]


# What recall is measured with: lines of stored sections, or stored vectors with noise.
Asked = Literal["lines", "disturbed"]
# What makes the lines to ask an index with; None where it is asked with disturbed vectors.
Ask = Callable[[Target], Callable[[], Sequence[HalfVector]] | None]


@dataclass(frozen=True)
class IndexReport:
    """One index: vectors in it, bytes, recall@10 over `queries` questions at the breadth `ef_search` (None while it is empty).

    The other fields say when recall was measured, over how many vectors, of which build of the index, from which least breadth and
    with what questions; `carried` that this was an earlier run.
    """

    index: str
    vectors: int
    size_bytes: int
    queries: int
    recall_at_10: float | None
    measured_vectors: int = 0
    measured_at: str | None = None
    measured_of: str | None = None
    carried: bool = False
    ef_search: int | None = None
    asked: Asked = "disturbed"


@dataclass(frozen=True)
class Inventory:
    """Which vectors there are: a digest of their keys and inputs, their number by label, whether any is simulated."""

    digest: str
    vectors: dict[str, int]
    simulated: bool


def inventory(conn: psycopg.Connection[Any]) -> Inventory:
    """The vectors that the indexes should hold, read with one cheap aggregate per table and kind."""
    found = []
    simulated = False
    for target in targets(conn):
        count, digest, any_simulated = conn.execute(target.inventory()).fetchone() or (0, "0", False)
        found.append((target.label, count, digest))
        simulated = simulated or any_simulated
    settings = get_settings()
    config = [VERSION, NEIGHBOURS, QUERIES, NOISE, SEED, settings.search.ef_search, settings.embeddings.hnsw_m,
              settings.embeddings.hnsw_ef_construction]  # fmt: skip
    digest = hashlib.sha256(json.dumps([config, sorted(found)]).encode()).hexdigest()
    return Inventory(digest, {label: count for label, count, _ in found}, simulated)


def build_missing(conn: psycopg.Connection[Any], vectors: Mapping[str, int]) -> dict[str, float]:
    """Create the indexes that are not there, each in its own transaction; returns seconds by index built.

    `vectors` are the inventory's counts: they decide memory and workers. What a killed build left behind is cleaned first. The
    caller holds LOCK.
    """
    built: dict[str, float] = {}
    tables = dict.fromkeys(target.table for target in targets(conn))
    conn.commit()
    for target in targets(conn):
        clean(conn, target)
        if exists(conn, target.index):
            continue
        started = time.monotonic()
        _create(conn, target, vectors.get(target.label, 0), beside=False)
        built[target.index] = round(time.monotonic() - started, 3)
    conn.commit()
    with conn.transaction():
        for table_name in (*tables, "track_sections"):
            conn.execute(queries.analyze(table_name))
    return built


def rebuild(conn: psycopg.Connection[Any], target: Target) -> float:
    """Build the index anew beside the old one and take its place; returns seconds. Searches and writers go on all the while.

    At every moment the table has a valid index: the new one is complete before the old one goes, and is renamed when that is gone.
    The caller holds LOCK.
    """
    clean(conn, target)
    started = time.monotonic()
    row = conn.execute(target.inventory()).fetchone()
    conn.commit()
    _create(conn, target, int(row[0]) if row else 0, beside=True)
    with _outside(conn):
        conn.execute(queries.drop_index(target.index))
        conn.execute(queries.take_place(target.index, target.following))
    return round(time.monotonic() - started, 3)


def clean(conn: psycopg.Connection[Any], target: Target) -> None:
    """Finish or undo what a killed rebuild left: a complete new index takes its place, a half-built one goes."""
    conn.commit()
    present, following = (_validity(conn, name) for name in (target.index, target.following))
    conn.commit()
    with _outside(conn):
        if present is False:
            conn.execute(queries.drop_index(target.index))
        if following is False or (following and present):
            conn.execute(queries.drop_index(target.following))
        elif following:
            conn.execute(queries.take_place(target.index, target.following))


def is_as_set(conn: psycopg.Connection[Any], target: Target, vectors: int) -> bool:
    """Whether the index is there, built with the links and the breadth that settings give one over so many vectors."""
    row = conn.execute(queries.PARAMETERS, {"name": target.index}).fetchone()
    expected = {f"m={links(vectors)}", f"ef_construction={get_settings().embeddings.hnsw_ef_construction}"}
    return row is not None and set(row[0] or ()) == expected


def exists(conn: psycopg.Connection[Any], name: str) -> bool:
    """Whether a complete index of this name exists."""
    return _validity(conn, name) is True


def _validity(conn: psycopg.Connection[Any], name: str) -> bool | None:
    row = conn.execute(queries.VALID_INDEX, {"name": name}).fetchone()
    return None if row is None else bool(row[0])


def _create(conn: psycopg.Connection[Any], target: Target, vectors: int, *, beside: bool) -> None:
    """Run the statement with memory and workers for so many vectors; without workers where shared memory does not suffice."""
    workers = get_settings().embeddings.build_workers if vectors >= PARALLEL_FROM else 0
    try:
        _create_with(conn, target, vectors, workers, beside=beside)
    except (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory, psycopg.errors.InsufficientResources):
        conn.rollback()
        if not workers:
            raise
        clean(conn, target)
        _create_with(conn, target, vectors, 0, beside=beside)  # containers give /dev/shm 64 MB


def _create_with(conn: psycopg.Connection[Any], target: Target, vectors: int, workers: int, *, beside: bool) -> None:
    settings = {"memory": f"{build_memory_mb(vectors)}MB", "workers": str(workers), "local": not beside}
    if beside:
        with _outside(conn):
            conn.execute(queries.BUILD_SETTINGS, settings)
            try:
                conn.execute(target.statement(vectors, beside=True))
            finally:
                if not conn.broken:
                    for statement in queries.RESET_BUILD_SETTINGS:
                        conn.execute(statement)
        return
    with conn.transaction():
        conn.execute(queries.BUILD_SETTINGS, settings)
        conn.execute(target.statement(vectors))


def links(vectors: int) -> int:
    """m of an index built over so many vectors: what settings say, else the more the more vectors."""
    few_or_many = MANY_LINKS if vectors >= MANY_VECTORS else FEW_LINKS
    return get_settings().embeddings.hnsw_m or few_or_many


def build_memory_mb(vectors: int, dimension: int = weights.DIMENSION) -> int:
    """maintenance_work_mem for a graph of so many vectors: what it holds per vector and a tenth more, at most the setting.

    An element holds two bytes a dimension, 16 bytes for each of its 2 m links at the bottom and m at the levels above, and about 200
    of its own.
    """
    config = get_settings().embeddings
    each = 2 * dimension + 16 * 3 * links(vectors) + 200
    return min(config.build_memory_mb, 64 + int(1.1 * vectors * each / 2**20))


@contextmanager
def _outside(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Each statement a transaction of its own: what `concurrently` needs."""
    before = conn.autocommit
    conn.commit()
    conn.autocommit = True
    try:
        yield
    finally:
        if not conn.closed:
            conn.autocommit = before


def measure(
    conn: psycopg.Connection[Any],
    vectors: Mapping[str, int],
    known: Mapping[str, IndexReport] | None = None,
    ask: Ask = lambda _: None,
) -> list[IndexReport]:
    """Of each index the least breadth with enough recall@10 against an exact scan, for up to 100 questions; fewer where scans are slow.

    A figure in `known` that was good is carried while at most CARRIED_SHARE of the vectors have changed since: exact scans read all
    vectors, and a few new songs must not cost what the whole library does. What `ask` gives is called for what is not carried only;
    where it raises EncoderError or makes no question, disturbed vectors are asked, and the breadth is not lowered.
    """
    known = known or {}
    return [
        measure_index(conn, target, vectors.get(target.label, 0), known.get(target.index), ask)
        for target in targets(conn)
    ]


def measure_index(
    conn: psycopg.Connection[Any],
    target: Target,
    vectors: int,
    earlier: IndexReport | None = None,
    ask: Ask = lambda _: None,
) -> IndexReport:
    """As `measure`, one index that is over so many vectors."""
    size, build, now = _state(conn, target)
    least = get_settings().search.ef_search
    make = ask(target)
    expected = f"{build} {least} {'disturbed' if make is None else 'lines'}"
    if earlier is not None and earlier.measured_of == expected and not _drifted(conn, target, vectors, earlier):
        return replace(earlier, vectors=vectors, size_bytes=size, carried=True)
    asked, questions = _questions(conn, target, make) if vectors else ("disturbed", [])
    exact = _exactly(conn, target, questions)
    start = least
    if earlier is not None and make is not None and asked == "disturbed":
        start = max(least, earlier.ef_search or 0)  # easier than lines, so not to narrow what those need
    ef_search, share = _breadth(conn, target, questions[: len(exact)], exact, start) if exact else (None, None)
    return IndexReport(
        target.index, vectors, size, len(exact), share, vectors, now, f"{build} {least} {asked}", ef_search=ef_search, asked=asked
    )  # fmt: skip


def _state(conn: psycopg.Connection[Any], target: Target) -> tuple[int, int | None, str]:
    """Bytes of the index, which build of it that is, and the time of this transaction."""
    ((size, build, now),) = conn.execute(queries.INDEX_STATE, {"name": target.index}).fetchall()
    return size, build, now


def _questions(
    conn: psycopg.Connection[Any], target: Target, make: Callable[[], Sequence[HalfVector]] | None
) -> tuple[Asked, Sequence[HalfVector]]:
    try:
        lines = [] if make is None else make()
    except EncoderError as error:
        logger.warning("%s is asked with disturbed vectors, for lines can't be encoded: %s", target.index, error)
        lines = []
    return ("lines", lines) if lines else ("disturbed", disturbed(conn, target))


def _exactly(conn: psycopg.Connection[Any], target: Target, questions: Sequence[HalfVector]) -> list[list[float]]:
    """The ten least distances from each question, of as many questions as there is time for."""
    until = time.monotonic() + MEASURE_S
    found: list[list[float]] = []
    for question in questions:
        found.append(_distances(conn, target, question, queries.EXACT_SCAN))
        if len(found) >= FEWEST_QUERIES and time.monotonic() > until:
            break
    return found


def _breadth(
    conn: psycopg.Connection[Any],
    target: Target,
    questions: Sequence[HalfVector],
    exact: Sequence[list[float]],
    least: int,
) -> tuple[int, float]:
    """The first breadth from `least` on that reaches MINIMUM_RECALL, or pgvector's greatest, and its recall."""
    breadth = least
    while True:
        found = recall(conn, target, questions, exact, breadth)
        if found >= MINIMUM_RECALL or breadth >= MAX_EF_SEARCH:
            return breadth, found
        breadth = min(MAX_EF_SEARCH, math.ceil(breadth * WIDER))


def _drifted(conn: psycopg.Connection[Any], target: Target, vectors: int, earlier: IndexReport) -> bool:
    """Whether more vectors were made, changed or deleted since than the figure may be carried over; so is a figure that is poor."""
    if earlier.recall_at_10 is None or earlier.recall_at_10 < MINIMUM_RECALL:
        return True
    statement = queries.made_since(target.table, target.where)
    (made,) = conn.execute(statement, {"since": earlier.measured_at}).fetchone() or (0,)
    return bool(made + abs(earlier.measured_vectors - (vectors - made)) > CARRIED_SHARE * earlier.measured_vectors)


def is_reported(conn: psycopg.Connection[Any], found: Inventory) -> bool:
    """Whether the last report is of exactly these vectors, and of the builds of the indexes that are there."""
    row = conn.execute(queries.LATEST_REPORT).fetchone()
    if row is None or row[1] != found.digest:
        return False
    builds = {report["index"]: report["measured_of"].split()[0] for report in row[0]["indexes"]}
    return all(
        exists(conn, target.index) and builds.get(target.index) == str(_state(conn, target)[1])
        for target in targets(conn)
    )


def latest_reports(conn: psycopg.Connection[Any]) -> dict[str, IndexReport] | None:
    """The last report of each index by its name; None before the first."""
    row = conn.execute(queries.LATEST_REPORT).fetchone()
    return None if row is None else {found["index"]: IndexReport(**found) for found in row[0]["indexes"]}


def latest_recall(conn: psycopg.Connection[Any]) -> dict[str, float] | None:
    """Recall@10 by index name as last measured, without indexes that are empty; None before the first report."""
    reports = latest_reports(conn)
    if reports is None:
        return None
    return {index: report.recall_at_10 for index, report in reports.items() if report.recall_at_10 is not None}


def store(conn: psycopg.Connection[Any], found: Inventory, reports: list[IndexReport], built: dict[str, float]) -> None:
    """Keep the report under its digest, so that unchanged vectors are not measured again, and the breadths for searches."""
    body = {"vectors": found.vectors, "built_s": built, "indexes": [asdict(report) for report in reports]}
    markdown = table(reports)
    parameters = {"digest": found.digest, "body": Jsonb(body), "markdown": markdown, "simulated": found.simulated}
    with conn.transaction():
        conn.execute(queries.STORE_REPORT, parameters)
        store_breadths(conn, reports)


def store_breadths(conn: psycopg.Connection[Any], reports: Iterable[IndexReport]) -> None:
    """Have searches walk each index that was measured with its breadth, from the next one on."""
    for report in reports:
        if report.ef_search is not None:
            conn.execute(queries.STORE_BREADTH, asdict(report))


def table(reports: list[IndexReport]) -> str:
    """The reports as a Markdown table."""
    lines = [
        "| index | vectors | MB | asked with | queries | ef_search | recall@10 | measured at |",
        "|---|---:|---:|---|---:|---:|---:|---:|",
    ]
    for report in reports:
        recall = "none" if report.recall_at_10 is None else f"{report.recall_at_10:.4f}"
        breadth = "none" if report.ef_search is None else report.ef_search
        lines.append(
            f"| {report.index} | {report.vectors} | {report.size_bytes / 1e6:.1f} | {report.asked} | {report.queries} | {breadth} | "
            f"{recall} | {report.measured_vectors} |"
        )
    return "\n".join(lines)


def disturbed(conn: psycopg.Connection[Any], target: Target, count: int = QUERIES) -> list[HalfVector]:
    """Queries that are not in the index: stored vectors plus noise of a fixed length and seed."""
    rows = conn.execute(queries.sample(target.table, target.key, target.where), {"limit": count}).fetchall()
    rng = np.random.default_rng(SEED)
    found = []
    for (vector,) in rows:
        stored = np.asarray(vector.to_numpy(), dtype=np.float32)
        noise = rng.standard_normal(stored.size).astype(np.float32)
        found.append(HalfVector(stored + NOISE * noise / np.linalg.norm(noise)))
    return found


def recall(
    conn: psycopg.Connection[Any],
    target: Target,
    questions: Sequence[HalfVector],
    exact: Sequence[list[float]],
    ef_search: int,
) -> float:
    """Mean share of the `exact` nearest that the index finds at this breadth."""
    shares = [
        share_found(_distances(conn, target, question, queries.INDEX_SCAN, ef_search), nearest)
        for question, nearest in zip(questions, exact, strict=True)
    ]
    return float(np.mean(shares))


def share_found(found: Sequence[float], nearest: Sequence[float]) -> float:
    """The share of the `nearest` distances, in order, that are among those `found`; equally near ones stand for each other."""
    return sum(distance <= nearest[-1] + TOLERANCE for distance in found) / len(nearest) if nearest else 1.0


def _distances(
    conn: psycopg.Connection[Any], target: Target, question: HalfVector, scan: str, ef_search: int = MAX_EF_SEARCH
) -> list[float]:
    statement = queries.nearest(target.table, target.where, target.operators)
    with conn.transaction(force_rollback=True):
        conn.execute(scan)
        conn.execute(queries.SEARCH_SETTINGS, {"ef_search": str(ef_search), "iterative_scan": "relaxed_order"})
        # Never prepared: a plan that is kept would be that of the other scan.
        rows = conn.execute(statement, {"query": question, "limit": NEIGHBOURS}, prepare=False).fetchall()
    return [float(row[0]) for row in rows]
