"""Measures how well songs are found by words, meaning, sound and all of them together, and fits what each counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from rap_platform.benchmarks import Bench
from rap_platform.embeddings import filling, hearing, indexing
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search import facts, spelling, terms
from rap_platform.embeddings.search.finding import candidates
from rap_platform.embeddings.search.fusion import WEIGHTS, Weights, fuse
from rap_platform.embeddings.search.question import SIDES, Question
from rap_platform.embeddings.search_quality import fitting, library, mishearing, query_set
from rap_platform.embeddings.search_quality.fitting import Looked, alone
from rap_platform.embeddings.search_quality.measuring import Scores, interval, score
from rap_platform.embeddings.search_quality.query_set import HALVES, KINDS, Half, Query, QuerySet
from rap_platform.features import phonetics
from rap_platform.orchestration.partitions import SLOTS
from rap_platform.orchestration.progress import track
from rap_platform.resources.postgres import connect
from rap_platform.resources.scratch import scratch_database
from rap_platform.settings import Settings
from rap_platform.world.corpus import Corpus

ARTISTS, SONGS = 250, 1_200
ALL = "all"  # sources together


@dataclass(frozen=True)
class Row:
    """One measure of the queries of a kind from a source: each way alone, all together, and that less the best with its 95 %."""

    source: str
    kind: str
    measure: str
    queries: int
    words: float
    meaning: float
    sound: float
    hybrid: float
    difference: float
    low: float
    high: float

    @property
    def best(self) -> float:
        """The best of the ways alone."""
        return max(self.words, self.meaning, self.sound)


def search_quality(
    settings: Settings,
    verse: Path | None = None,
    fit: bool = False,
    *,
    songs: int = SONGS,
    artists: int = ARTISTS,
    per_kind: int = query_set.PER_KIND,
) -> Bench:
    """MRR and recall@10 of queries made from a world's songs and from `verse`, a table of texts that the importer reads.

    Everything lies in a database that is made for the run and dropped after it. Reported is on lines that no fitting has seen; with
    `fit` the weights are fitted on the others first, and used. The reference of each figure is the best of words, meaning and sound alone; the
    ratio is the mean over kinds of the fused MRR over that of the best. Raises ImportRefused when `verse` is no such table.
    """
    corpus = Corpus(settings.world_seed, artists, songs)
    encoders = Encoders(settings)
    with scratch_database(settings) as dsn, connect(dsn, application_name="rap_platform bench") as conn:
        library.store(conn, corpus, verse)
        fill(conn, encoders)
        made = queries_of(conn, corpus, per_kind, HALVES if fit else ("report",))
        found = {half: look_up(conn, encoders, made.of(half)) for half in HALVES}
    used = WEIGHTS
    figures: dict[str, float] = {f"unfair_{kind}": float(made.unfair[kind]) for kind in KINDS}
    if fit:
        fitted = fitting.fit(found["fit"], WEIGHTS)
        used = fitted.weights
        figures |= {f"fitted_{name}": value for name, value in fitting.described(used).items()}
        figures |= {f"flat_{name}_from": low for name, (low, _) in fitted.flat.items()}
        figures |= {f"flat_{name}_to": high for name, (_, high) in fitted.flat.items()}
        figures |= {"fitting_objective": fitted.objective, "fitting_trials": float(fitted.tried)}
    told = ", ".join(f"{name} {value:g}" for name, value in fitting.described(used).items())
    return replace(
        _report(rows(found["report"], used), figures), note=f"weights, {'fitted' if fit else 'as shipped'}: {told}"
    )


def fill(conn: psycopg.Connection[Any], encoders: Encoders) -> None:
    """Make the stored songs searchable, as the assets do: vectors, sounds, distinct words, facts, indexes."""
    filling.fill_sections(conn, lambda: encoders.get(weights.NAME), range(SLOTS))
    hearing.fill(conn, range(SLOTS))
    facts.state_facts(conn, range(SLOTS))
    spelling.sum_up(conn)
    terms.sample(conn)
    indexing.build_missing(conn, indexing.inventory(conn).vectors)
    conn.commit()


def queries_of(conn: psycopg.Connection[Any], corpus: Corpus, per_kind: int, halves: Sequence[Half]) -> QuerySet:
    """The query set of the library in this database."""
    known = query_set.known_words(weights.weights_folder())
    sounds = mishearing.sounds(phonetics.dictionary(), known)
    return query_set.make(library.read(conn, corpus), sounds, per_kind=per_kind, halves=halves)


def look_up(conn: psycopg.Connection[Any], encoders: Encoders, queries: Sequence[Query]) -> list[Looked]:
    """What each side finds for each query."""
    return [
        Looked(query, candidates(conn, encoders, Question(query.text)))
        for query in track(queries, len(queries), "queries")
    ]


def rows(looked: Sequence[Looked], used: Weights) -> list[Row]:
    """Both measures for every kind, from all sources together and from each."""
    right = [one.query.right for one in looked]
    ways = {side: score([alone(one.found, side) for one in looked], right) for side in SIDES}
    ways_together = score([[hit.original_id for hit in fuse(one.found, used)] for one in looked], right)
    sources = [ALL, *dict.fromkeys(one.query.source for one in looked)]
    made = []
    for source in sources:
        for kind in KINDS:
            places = [
                at for at, one in enumerate(looked) if one.query.kind == kind and source in (ALL, one.query.source)
            ]
            if places:
                made += _rows(
                    source, kind, {way: scores.at(places) for way, scores in ways.items()}, ways_together.at(places)
                )
    return made


def _rows(source: str, kind: str, ways: Mapping[str, Scores], together: Scores) -> list[Row]:
    made = []
    for measure, name in (("MRR", "reciprocal_rank"), ("recall@10", "recall")):
        values = {way: getattr(scores, name) for way, scores in ways.items()}
        ours = getattr(together, name)
        means = {way: float(each.mean()) for way, each in values.items()}
        best = values[max(means, key=lambda way: means[way])]
        low, high = interval(ours, best)
        made.append(
            Row(source, kind, measure, len(ours), means["words"], means["meaning"], means["sound"], float(ours.mean()),
                float(ours.mean() - best.mean()), low, high)
        )  # fmt: skip
    return made


def _report(measured: Sequence[Row], figures: dict[str, float]) -> Bench:
    ours = {f"{row.source}_{row.kind}_{row.measure}": row.hybrid for row in measured}
    reference = {f"{row.source}_{row.kind}_{row.measure}": row.best for row in measured}
    pooled = [row for row in measured if row.source == ALL and row.measure == "MRR"]
    ratio = sum(row.hybrid for row in pooled) / max(1e-9, sum(row.best for row in pooled))
    return Bench("search-quality", ours | figures, reference, round(ratio, 4), tuple(map(_shown, measured)))


def _shown(row: Row) -> dict[str, object]:
    figures = {way: f"{getattr(row, way):.3f}" for way in ("words", "meaning", "sound", "hybrid")}
    return {
        "source": row.source, "kind": row.kind, "measure": row.measure, "queries": row.queries, **figures,
        "hybrid - best": f"{row.difference:+.3f}", "95 %": f"{row.low:+.3f} to {row.high:+.3f}",
    }  # fmt: skip
