"""How fast and how complete the search is over a synthetic library of any size: the vector query, the hybrid search, the endpoint.

Everything is asked of one database in one run: a PostgreSQL of the bench's own with the settings of the embedded one, warm.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from pgvector import HalfVector
from pydantic import SecretStr

from rap_platform.benchmarks import Bench, api_of_its_own, server_of_its_own
from rap_platform.embeddings import bench_queries, indexing, recall_benchmark, sizing
from rap_platform.embeddings.driving import Timings, driven, http_client
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search import queries as search_queries
from rap_platform.embeddings.search.filtering import UNFILTERED
from rap_platform.embeddings.search.finding import search as find
from rap_platform.embeddings.search.meaning import by_meaning, by_meaning_exactly
from rap_platform.embeddings.search.question import Question
from rap_platform.embeddings.synthetic.database import ASKED_BEFORE, Learned, learned, made
from rap_platform.embeddings.synthetic.library import Library
from rap_platform.embeddings.synthetic.loading import Source
from rap_platform.embeddings.synthetic.questions import questions, subjects
from rap_platform.embeddings.synthetic.verse import read_book
from rap_platform.resources.machine import cores
from rap_platform.resources.postgres import connect
from rap_platform.settings import Settings

TRACKS = 57_718
CLIENTS = (1, 16)
RECKONED = (5_000_000, 100_000_000)


@dataclass(frozen=True)
class Size:
    """How much is measured: answers per figure with one and with sixteen clients, and how many are asked before to warm up."""

    book_songs: int = 1200
    learned_from: int = 4000
    one_client: int = 300
    many_clients: int = 800
    warm: int = 100
    exact: int = 30
    recall: int = 100
    filtered: int = 25
    swept: int = 100
    sample: int = 50_000
    workers: int = 2
    planted_songs: int = 300  # that questions are about


FULL = Size()


def search(
    settings: Settings, *, tracks: int = TRACKS, keep: bool = True, verse: Path | None = None, size: Size = FULL
) -> Bench:
    """Latency of vector query, hybrid search and endpoint with 1 and 16 clients, recall with and without filters, build, sizes.

    Every question is asked once, so no cache answers. The reference of the latencies is a plain HNSW query through psycopg in the
    same run; the ratio is the endpoint's median over it. Raises RuntimeError when a server does not start.
    """
    folder = settings.data_dir.resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    encoders = Encoders(settings)
    encoder = encoders.get(weights.NAME)
    book = read_book(settings.world_seed, songs=size.book_songs, verse=verse)
    library = Library(settings.world_seed, tracks, book)
    taught = learned(folder, library, book, encoder, size.learned_from)
    with server_of_its_own(folder / "search") as server:
        source = Source(book, taught.surrogate)
        dsn, figures = made(
            server, library, source, encoder, keep=keep, workers=size.workers, planted=size.planted_songs
        )
        ours = settings.model_copy(update={"database_url": SecretStr(dsn), "redis_url": None})
        asked = islice(questions(library, subjects(library, size.planted_songs)), ASKED_BEFORE, None)
        measured, reference = _measure(ours, encoders, asked, taught, size)
    ratio = measured["endpoint_p50_ms_1_client"] / reference["vector_p50_ms_1_client"]
    figures = {"tracks": float(tracks), **figures, **measured}
    return Bench("search", figures | _larger(figures), reference, round(ratio, 2))


def _larger(figures: dict[str, float]) -> dict[str, float]:
    """What larger libraries need on machines of 64 GB and 16 cores, reckoned from these figures if they are of as many links a vector."""
    told: dict[str, float] = {}
    if figures["sections"] < indexing.MANY_VECTORS:
        return told
    for tracks in RECKONED:
        needed = sizing.need(sizing.measured_of(figures, cores()), tracks, memory_gb=64, cores=16)
        name = f"reckoned_at_{tracks // 1_000_000}_million_tracks"
        told |= {f"{name}_{key}": float(value) for key, value in asdict(needed).items() if key != "tracks"}
    return told


def _measure(
    settings: Settings, encoders: Encoders, asked: Iterator[str], taught: Learned, size: Size
) -> tuple[dict[str, float], dict[str, float]]:
    dsn = settings.require_database_url()
    figures: dict[str, float] = {}
    reference: dict[str, float] = {}
    encoder = encoders.get(weights.NAME)

    def vectors(count: int) -> list[HalfVector]:
        return [HalfVector(vector) for vector in taught.surrogate.encode(list(islice(asked, count)))]

    for clients, count in zip(CLIENTS, (size.one_client, size.many_clients), strict=True):
        some = vectors(count + size.warm)
        plain = driven(partial(_plain_client, settings), some, clients, size.warm)
        reference |= plain.figures("vector", clients)
        figures |= driven(partial(_vector_client, settings), vectors(count + size.warm), clients, size.warm).figures(
            "vector", clients
        )
        texts = list(islice(asked, count + size.warm))
        figures |= driven(partial(_hybrid_client, dsn, encoders), texts, clients, size.warm).figures("hybrid", clients)
    figures |= _endpoint(settings, asked, size)
    figures |= _only(
        "query_encoding", driven(lambda: _encoding_client(encoders), list(islice(asked, size.one_client)), 1)
    )
    figures |= _only("exact_scan", driven(partial(_exact_client, dsn), vectors(size.exact), 1))
    with closing(connect(dsn)) as conn:
        figures |= recall_benchmark.unfiltered(conn, vectors(size.recall))
        texts = list(islice(asked, size.filtered))
        figures |= recall_benchmark.filtered(
            conn, encoders, texts, [HalfVector(v) for v in taught.surrogate.encode(texts)]
        )
        some = vectors(size.swept)
        figures |= recall_benchmark.sweep(conn, some)
        figures |= recall_benchmark.builds(conn, some, size.sample)
        figures |= recall_benchmark.likeness(conn, encoder, taught)
        outside = [HalfVector(encoder.encode([text])[0]) for text in islice(asked, size.recall)]
        figures["recall_at_10_of_real_questions"] = recall_benchmark.unfiltered(conn, outside)["recall_at_10"]
        figures |= sizes(conn)
        figures["huge_pages"] = float(conn.execute(bench_queries.HUGE_PAGES).fetchall()[0][0])
    return figures, reference


def _only(what: str, found: Timings) -> dict[str, float]:
    return {f"{what}_p50_ms": found.p50, f"{what}_p95_ms": found.p95}


def _endpoint(settings: Settings, asked: Iterator[str], size: Size) -> dict[str, float]:
    figures: dict[str, float] = {}
    with api_of_its_own(settings) as root:
        for clients, count in zip(CLIENTS, (size.one_client, size.many_clients), strict=True):
            texts = list(islice(asked, count + size.warm))
            figures |= driven(partial(http_client, root), texts, clients, size.warm).figures("endpoint", clients)
    return figures


@contextmanager
def _plain_client(settings: Settings) -> Iterator[Callable[[HalfVector], object]]:
    with closing(connect(settings.require_database_url(), autocommit=True)) as conn:
        ef_search = recall_benchmark.first_step(conn).ef_search
        conn.execute(bench_queries.PLAIN_BREADTH, {"ef_search": str(ef_search)})
        yield lambda query: conn.execute(bench_queries.PLAIN, {"query": query}).fetchall()


@contextmanager
def _vector_client(settings: Settings) -> Iterator[Callable[[HalfVector], object]]:
    with closing(connect(settings.require_database_url())) as conn:
        breadth = recall_benchmark.first_step(conn)

        def ask(query: HalfVector) -> object:
            with conn.transaction():
                conn.execute(search_queries.OPENING)
                return by_meaning(conn, weights.NAME, query, UNFILTERED, breadth)

        yield ask


@contextmanager
def _hybrid_client(dsn: str, encoders: Encoders) -> Iterator[Callable[[str], object]]:
    with closing(connect(dsn)) as conn:
        yield lambda text: find(conn, encoders, Question(text))


@contextmanager
def _encoding_client(encoders: Encoders) -> Iterator[Callable[[str], object]]:
    encoder = encoders.get(weights.NAME)
    yield lambda text: encoder.encode([text])


@contextmanager
def _exact_client(dsn: str) -> Iterator[Callable[[HalfVector], object]]:
    with closing(connect(dsn)) as conn:

        def ask(query: HalfVector) -> object:
            with conn.transaction():
                return by_meaning_exactly(conn, weights.NAME, query, UNFILTERED, 10)

        yield ask


def sizes(conn: psycopg.Connection[Any]) -> dict[str, float]:
    """Megabytes of the tables (with what is stored out of line) and indexes that the search reads."""
    rows = conn.execute(bench_queries.RELATIONS).fetchall()
    return {f"mb_{name}": round((size + beside) / 1e6, 1) for name, _, size, beside in sorted(rows)}
