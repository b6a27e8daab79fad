"""How much of what an exact scan finds the search by meaning finds: with and without filters, by breadth and by build.

Made vectors are asked with made ones: like a real question among real sections, such a question is about as near to its neighbours, and
about as hard to follow through a graph (`likeness` tells both). Real questions among made vectors come from outside, and are harder.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector

from rap_platform.embeddings import bench_queries, indexing
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.encoding import Encoder, Vectors
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.encoders.serving import serving
from rap_platform.embeddings.queries import section_index
from rap_platform.embeddings.search import queries as search_queries
from rap_platform.embeddings.search.filtering import UNFILTERED, Filtering, filtering
from rap_platform.embeddings.search.finding import STEPS
from rap_platform.embeddings.search.finding import search as find
from rap_platform.embeddings.search.meaning import Breadth, by_meaning, by_meaning_exactly
from rap_platform.embeddings.search.question import Filters, Found, Question
from rap_platform.embeddings.synthetic.database import Learned
from rap_platform.embeddings.synthetic.vectors import Likeness
from rap_platform.orchestration import progress
from rap_platform.settings import get_settings

NEIGHBOURS = 10
BREADTHS = (40, 100, 200, 400, 800)
BUILDS = ((16, 64), (16, 128), (16, 256))
SAMPLE_BREADTHS = (40, 100, 200)
RERANKED = (100, 400)  # candidates of the index over bits that are ordered by their vectors
SMALL_BREADTH = 20  # at a few thousand vectors more would find nearly everything
RANK = 20  # of the artist that is filtered by, among the most productive


def first_step(conn: psycopg.Connection[Any]) -> Breadth:
    """How broadly the first step of a search walks the index over sections."""
    times, max_scan_tuples, memory = STEPS[0]
    with conn.transaction():
        ef_search = serving(conn).ef_search(section_index(weights.NAME))
    return Breadth(times * get_settings().search.candidates, ef_search, max_scan_tuples, memory)


def unfiltered(conn: psycopg.Connection[Any], vectors: Sequence[HalfVector]) -> dict[str, float]:
    """Recall@10 over tracks of the search's first step."""
    breadth = first_step(conn)
    found = [_recall(conn, vector, UNFILTERED, breadth) for vector in progress.track(vectors, len(vectors), "recall")]
    return {"recall_at_10": round(float(np.mean(found)), 4)}


def filtered(
    conn: psycopg.Connection[Any], encoders: Encoders, texts: Sequence[str], vectors: Sequence[HalfVector]
) -> dict[str, float]:
    """Recall@10 under each of six filters, and the pages of ten that were short though ten songs pass."""
    figures: dict[str, float] = {}
    recalls: list[float] = []
    short = 0
    filters = _filters(conn)
    conn.rollback()
    breadth = first_step(conn)
    for name, wanted in progress.track(filters.items(), len(filters), "filters"):
        found = []
        for text, vector in zip(texts, vectors, strict=True):
            with conn.transaction():
                passing = filtering(conn, wanted)
            found.append(_recall(conn, vector, passing, breadth))
            with conn.transaction():
                page = find(conn, encoders, Question(text, filters=wanted))
            short += len(page.hits) < min(NEIGHBOURS, _originals(conn, passing))
        recalls += found
        figures[f"recall_at_10_{name}"] = round(float(np.mean(found)), 4)
    return figures | {"recall_at_10_filtered": round(float(np.mean(recalls)), 4), "short_pages": float(short)}


def _filters(conn: psycopg.Connection[Any]) -> dict[str, Filters]:
    row = conn.execute(bench_queries.ARTIST_OF_RANK, {"rank": RANK}).fetchone()
    artist = Filters() if row is None else Filters(artist=row[0])
    return {
        "years": Filters(year_from=1996, year_to=1999),
        "artist": artist,
        "language": Filters(language="fr"),
        "mood": Filters(mood="lonely"),
        "mood_and_years": Filters(mood="lonely", year_from=2001, year_to=2010),
        "theme_and_rating": Filters(theme="money", rating="PG"),
    }


def _originals(conn: psycopg.Connection[Any], passing: Filtering) -> int:
    """How many songs pass, copies counted as their originals; ten are enough to know."""
    with conn.transaction():
        if passing.track_ids is not None:
            row = conn.execute(bench_queries.ORIGINALS_AMONG, {"track_ids": passing.track_ids}).fetchone()
        else:
            row = conn.execute(bench_queries.originals(passing.where), dict(passing.parameters)).fetchone()
    return int(row[0]) if row else 0


def _recall(conn: psycopg.Connection[Any], query: HalfVector, passing: Filtering, breadth: Breadth) -> float:
    """Share of the ten nearest tracks that the first step finds; equally near ones stand for each other."""
    with conn.transaction():
        conn.execute(search_queries.OPENING)
        found = _tracks(by_meaning(conn, weights.NAME, query, passing, breadth))
        exact = _tracks(by_meaning_exactly(conn, weights.NAME, query, passing, NEIGHBOURS))
    return indexing.share_found(found[: len(exact)], exact)


def _tracks(found: Sequence[Found]) -> list[float]:
    """The cosine distance of the best section of each track, best first."""
    best: dict[int, float] = {}
    for section in found:
        best.setdefault(section.track_id, 1.0 - section.score)
    return list(best.values())


def sweep(conn: psycopg.Connection[Any], vectors: Sequence[HalfVector]) -> dict[str, float]:
    """Recall@10 over sections and median milliseconds of the plain index query, by ef_search."""
    figures: dict[str, float] = {}
    with conn.transaction():
        conn.execute(bench_queries.NO_INDEX)
        exact = [_distances(conn, bench_queries.NEAREST, query) for query in vectors]
    for ef_search in BREADTHS:
        with conn.transaction():
            recall, p50 = _asked(conn, bench_queries.NEAREST, vectors, exact, ef_search)
        figures |= {f"sweep_recall_at_ef_{ef_search}": recall, f"sweep_p50_ms_at_ef_{ef_search}": p50}
    return figures


def builds(conn: psycopg.Connection[Any], vectors: Sequence[HalfVector], most: int) -> dict[str, float]:
    """Build seconds, size and recall@10 of indexes of other parameters, over a sample of up to `most` sections."""
    figures: dict[str, float] = {}
    with conn.transaction(force_rollback=True):
        conn.execute(bench_queries.SAMPLE_TABLE)
        figures["sample"] = float(conn.execute(bench_queries.SAMPLE_OF_SECTIONS, {"limit": most}).rowcount)
        exact = [_distances(conn, bench_queries.NEAREST_IN_SAMPLE, query) for query in vectors]
        for m, ef_construction in BUILDS:
            name = f"sample_m_{m}_efc_{ef_construction}"
            with conn.transaction(force_rollback=True):
                started = time.monotonic()
                conn.execute(bench_queries.sample_index(m, ef_construction))
                figures[f"{name}_build_s"] = round(time.monotonic() - started, 2)
                figures[f"{name}_mb"] = _sample_index_mb(conn)
                conn.execute(bench_queries.ONLY_INDEX)
                for ef_search in SAMPLE_BREADTHS:
                    recall, _ = _asked(conn, bench_queries.NEAREST_IN_SAMPLE, vectors, exact, ef_search)
                    figures[f"{name}_recall_at_ef_{ef_search}"] = recall
        with conn.transaction(force_rollback=True):
            figures |= _binary(conn, vectors, exact)
    return figures


def _binary(
    conn: psycopg.Connection[Any], vectors: Sequence[HalfVector], exact: Sequence[list[float]]
) -> dict[str, float]:
    """An index over one bit a dimension, its best candidates ordered by the vectors themselves."""
    started = time.monotonic()
    conn.execute(bench_queries.BINARY_INDEX)
    figures = {
        "sample_binary_build_s": round(time.monotonic() - started, 2),
        "sample_binary_mb": _sample_index_mb(conn),
    }
    conn.execute(bench_queries.ONLY_INDEX)
    for candidates in RERANKED:
        recall, p50 = _asked(conn, bench_queries.NEAREST_BY_BITS, vectors, exact, candidates)
        figures |= {f"sample_binary_recall_of_{candidates}": recall, f"sample_binary_p50_ms_of_{candidates}": p50}
    return figures


def _sample_index_mb(conn: psycopg.Connection[Any]) -> float:
    row = conn.execute(bench_queries.SAMPLE_INDEX_BYTES).fetchone()
    return round(int(row[0]) / 1e6, 1) if row else 0.0


def likeness(conn: psycopg.Connection[Any], encoder: Encoder, taught: Learned) -> dict[str, float]:
    """How near neighbours are among real vectors and among as many made ones, and how hard both are for an index.

    Recall is that of lines of the last tenth of the texts among the other texts: real questions among real vectors, made among made.
    """
    fit, held = taught.surrogate.fit, max(1, len(taught.texts) // 10)
    made = taught.surrogate.encode(taught.stand_in)
    asked = {
        "real": (taught.real, encoder.encode(_a_line_each(taught.texts[-held:]))),
        "made": (made, taught.surrogate.encode(_a_line_each(taught.stand_in[-held:]))),
    }
    figures = {"texts_learned_from": float(fit.texts), "variance_explained": fit.explained}
    for kind, near in (("real", fit.real), ("made", fit.made)):
        figures |= {f"cosine_of_neighbour_{place}_{kind}": value for place, value in _near(near)}
        figures[f"local_dimension_{kind}"] = near.dimension
        vectors, queries = asked[kind]
        figures[f"recall_at_ef_{SMALL_BREADTH}_{kind}"] = _small_recall(conn, vectors[:-held], queries)
    return figures


def _a_line_each(texts: Sequence[str]) -> list[str]:
    return [text.split("\n")[len(text) % (1 + text.count("\n"))] for text in texts]


def _near(found: Likeness) -> list[tuple[int, float]]:
    return [(1, found.nearest), (10, found.tenth), (100, found.hundredth)]


def _small_recall(conn: psycopg.Connection[Any], vectors: Vectors, queries: Vectors) -> float:
    """Recall@10 of an index over the vectors."""
    asked = [HalfVector(query) for query in queries]
    with conn.transaction(force_rollback=True):
        conn.execute(bench_queries.SAMPLE_TABLE)
        with conn.cursor() as cursor, cursor.copy(bench_queries.COPY_SAMPLE) as copy:
            copy.set_types(["int4", "halfvec"])
            for number, vector in enumerate(vectors):
                copy.write_row((number, HalfVector(vector)))
        exact = [_distances(conn, bench_queries.NEAREST_IN_SAMPLE, query) for query in asked]
        conn.execute(bench_queries.sample_index(*BUILDS[0]))
        conn.execute(bench_queries.ONLY_INDEX)
        return _asked(conn, bench_queries.NEAREST_IN_SAMPLE, asked, exact, SMALL_BREADTH)[0]


def _asked(
    conn: psycopg.Connection[Any],
    statement: str,
    vectors: Sequence[HalfVector],
    exact: Sequence[list[float]],
    ef_search: int,
) -> tuple[float, float]:
    """Recall@10 and the median of milliseconds at this breadth."""
    conn.execute(bench_queries.BREADTH, {"ef_search": str(ef_search)})
    recalls, seconds = [], []
    for query, nearest in zip(vectors, exact, strict=True):
        started = time.perf_counter()
        found = _distances(conn, statement, query, ef_search)
        seconds.append(time.perf_counter() - started)
        recalls.append(indexing.share_found(found, nearest))
    return round(float(np.mean(recalls)), 4), round(float(np.median(seconds)) * 1000, 3)


def _distances(conn: psycopg.Connection[Any], statement: str, query: HalfVector, candidates: int = 0) -> list[float]:
    # Never prepared: a plan that is kept would be that of the exact scan.
    parameters = {"query": query, "candidates": candidates}
    return [row[0] for row in conn.execute(statement, parameters, prepare=False).fetchall()]
