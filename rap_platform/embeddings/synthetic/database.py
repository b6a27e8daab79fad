"""Finds the database of a synthetic library, or makes it: what was made for other code, sizes or seeds is not used again."""

import hashlib
import re
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from rap_platform.embeddings import indexing
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.encoding import Encoder, Vectors
from rap_platform.embeddings.index_queries import drop_index
from rap_platform.embeddings.search import sound_keys
from rap_platform.embeddings.synthetic import load_queries, loading
from rap_platform.embeddings.synthetic.library import Library
from rap_platform.embeddings.synthetic.loading import Source
from rap_platform.embeddings.synthetic.questions import questions, subjects
from rap_platform.embeddings.synthetic.vectors import Surrogate, learn
from rap_platform.embeddings.synthetic.verse import Book
from rap_platform.orchestration import progress
from rap_platform.resources.migrations import SQL_DIR, migrate
from rap_platform.resources.postgres import connect

ENCODED_AT_ONCE = 64
PREFIX = "library"
BREADTH = "index_ef_search"  # among the figures
FILLED, INDEXED = loading.MAKER, f"{loading.MAKER} indexes"  # kinds of the stored figures
# Questions of a library that the breadth of its index was found with: benches ask the next ones.
ASKED_BEFORE = indexing.QUERIES


@dataclass(frozen=True)
class Learned:
    """A stand-in for an encoder, what it was learned from (passages of the book, with their real vectors), and texts it stands in for.

    The latter are passages of songs that no library holds.
    """

    surrogate: Surrogate
    texts: list[str]
    real: Vectors
    stand_in: list[str]


def learned(folder: Path, library: Library, book: Book, encoder: Encoder, texts: int) -> Learned:
    """Learn from so many passages of the book, or read what an earlier run learned from the same ones and kept in `folder`."""
    sample, stand_in = _passages(library, book, texts), _held_out(library, texts)
    digest = hashlib.sha256("\0".join([loading.VERSION, *sample, *stand_in]).encode()).hexdigest()[:12]
    path = folder / f"{PREFIX}-vectors-{digest}.npz"
    if not path.exists():
        batches = [sample[start : start + ENCODED_AT_ONCE] for start in range(0, len(sample), ENCODED_AT_ONCE)]
        tracked = progress.track(batches, len(batches), f"real texts ×{ENCODED_AT_ONCE}")
        real = np.concatenate([encoder.encode_whole(batch).vectors for batch in tracked])
        learn(sample, real, stand_in).save(path, real)
    surrogate, real = Surrogate.load(path)
    return Learned(surrogate, sample, real, stand_in)


def _passages(library: Library, book: Book, most: int) -> list[str]:
    texts = list(dict.fromkeys(passage.text for song in book for passage in song))
    return library.writer.chance("learned from").sample(texts, min(most, len(texts)))


def _held_out(library: Library, most: int) -> list[str]:
    texts: dict[str, None] = {}
    for song in library.held_out(most):
        texts |= dict.fromkeys(passage.text for passage in song.passages)
        if len(texts) >= most:
            break
    return list(texts)[:most]


def made(
    server: str, library: Library, source: Source, encoder: Encoder, *, keep: bool, workers: int, planted: int
) -> tuple[str, dict[str, float]]:
    """The DSN of the library's database, filled and indexed, and the figures of its making (of the runs that made it).

    The sections of `planted` songs, the ones that are asked for, have the vectors that the encoder itself makes of them. Without `keep`
    the database is made anew; with it, vector indexes alone are, where settings want others. A run that is killed while it fills
    leaves a half-made database under another name, which the next drops.
    """
    name = f"{PREFIX}_{library.songs}_{_digest(library, source, planted)}"
    with closing(psycopg.connect(server, autocommit=True)) as conn:
        names = {
            row[0]
            for row in conn.execute(load_queries.DATABASES, {"like": f"{PREFIX}\\_{library.songs}\\_%"}).fetchall()
        }
        for other in names if not keep else names - {name}:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(other)))
        dsn = make_conninfo(server, dbname=name)
        if not (keep and name in names):
            half = f"{name}_half"
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(half)))
            _fill(make_conninfo(server, dbname=half), library, source, encoder, workers, planted)
            conn.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(half), sql.Identifier(name)))
    with closing(connect(dsn, autocommit=True)) as conn:
        _index(conn, library, source, planted)
        return dsn, _stored(conn, FILLED) | _stored(conn, INDEXED)


def _fill(dsn: str, library: Library, source: Source, encoder: Encoder, workers: int, planted: int) -> None:
    migrate(dsn)
    loaded = loading.load(library, source, dsn, workers=workers)
    figures = {f"made_{step.replace(' ', '_')}_s": value for step, value in loaded.seconds.items()}
    with closing(connect(dsn, autocommit=True)) as conn:
        started = time.monotonic()
        planted_ids = [row.section_id for song in subjects(library, planted) for row in loading.sections_of(song)]
        figures["planted_sections"] = float(loading.plant(conn, encoder, planted_ids))
        conn.execute(load_queries.VACUUM_VECTORS)
        figures["made_planted_s"] = round(time.monotonic() - started, 2)
        _store(conn, FILLED, figures | {"sections": float(loaded.sections)})


def _index(conn: psycopg.Connection[Any], library: Library, source: Source, planted: int) -> None:
    """Build the vector indexes that are not there or built otherwise, and find the breadth of the one over sections."""
    vectors = indexing.inventory(conn).vectors
    others = [one for one in indexing.targets(conn) if not indexing.is_as_set(conn, one, vectors.get(one.label, 0))]
    figures = _stored(conn, INDEXED)
    if others:  # a run that is killed from here on leaves no breadth that was another index's
        figures.pop(BREADTH, None)
        _store(conn, INDEXED, figures)
    for target in others:
        conn.execute(drop_index(target.index))
    figures |= {f"made_{name}_s": seconds for name, seconds in indexing.build_missing(conn, vectors).items()}
    _store(conn, INDEXED, figures)
    if BREADTH in figures:
        return
    texts = list(islice(questions(library, subjects(library, planted)), ASKED_BEFORE))
    asked = [HalfVector(vector) for vector in source.surrogate.encode(texts)]
    started = time.monotonic()
    sections = indexing.targets_of(weights.NAME)[0]
    report = indexing.measure_index(conn, sections, vectors[sections.label], ask=lambda _: lambda: asked)
    indexing.store_breadths(conn, [report])
    figures |= {BREADTH: float(report.ef_search or 0), "made_breadth_s": round(time.monotonic() - started, 2)}
    _store(conn, INDEXED, figures)


def _store(conn: psycopg.Connection[Any], kind: str, figures: dict[str, float]) -> None:
    digest = hashlib.sha256(kind.encode()).hexdigest()
    conn.execute(load_queries.STORE_FIGURES, {"kind": kind, "digest": digest, "body": Jsonb(figures)})


def _stored(conn: psycopg.Connection[Any], kind: str) -> dict[str, float]:
    row = conn.execute(load_queries.STORED_FIGURES, {"kind": kind}).fetchone()
    return dict(row[0]) if row else {}


def _digest(library: Library, source: Source, planted: int) -> str:
    told = [loading.VERSION, sound_keys.STORED, str(library.seed), str(planted), repr(source.surrogate.fit)]
    files = [_without_comments(path.read_text(encoding="utf-8")) for path in sorted(SQL_DIR.glob("*.sql"))]
    return hashlib.sha256("\0".join([*told, *files]).encode()).hexdigest()[:12]


def _without_comments(statements: str) -> str:
    return " ".join(re.sub(r"--.*", "", statements).split())
