"""The indexes exist, are used, and find what an exact scan finds."""

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector

from rap_platform.embeddings import benchmarks, indexing
from rap_platform.embeddings.search import queries as search_queries
from rap_platform.embeddings.search import similar_queries
from rap_platform.settings import Settings
from rap_platform_tests.embeddings.conftest import AddTrack, sha256

TRACKS = 40


@pytest.fixture
def vectors(connection: psycopg.Connection, add_track: AddTrack) -> psycopg.Connection:
    """Forty tracks with random vectors of every kind."""
    rng = np.random.default_rng(3)
    for number in range(TRACKS):
        track = add_track(f"Song {number}", [f"verse {number}", f"hook {number}"])
        connection.execute(
            """
            insert into section_vectors_minilm (section_id, track_id, input_sha256, embedding, simulated)
            select s.section_id, s.track_id, s.text_sha256, (%s::halfvec[])[s.section_no], false
            from track_sections s where s.track_id = %s
            """,
            [[random_unit(rng), random_unit(rng)], track],
        )
        for kind in ("lyrics", "analysis"):
            connection.execute(
                "insert into track_vectors_minilm values (%s, %s, %s, %s, false)",
                [track, kind, sha256(str(number)), random_unit(rng)],
            )
        connection.execute(
            "insert into track_vectors_audio values (%s, '1', %s, %s, true)",
            [track, sha256(str(number)), HalfVector(rng.random(9))],
        )
    connection.commit()
    return connection


def random_unit(rng: np.random.Generator) -> HalfVector:
    vector = rng.standard_normal(384)
    return HalfVector(vector / np.linalg.norm(vector))


def plan(conn: psycopg.Connection, statement: str, parameters: dict[str, object]) -> str:
    conn.execute("set local enable_seqscan = off")
    conn.execute("set local enable_sort = off")  # a tiny table is cheaper to sort
    return "\n".join(row[0] for row in conn.execute(f"explain {statement}", parameters).fetchall())


def test_indexes_are_built_once_and_recall_is_measured(vectors: psycopg.Connection) -> None:
    found = indexing.inventory(vectors)
    assert found.vectors == {"sections": 80, "lyrics": TRACKS, "analysis": TRACKS, "audio": TRACKS}
    assert found.simulated
    vectors.commit()
    built = indexing.build_missing(vectors, found.vectors)
    assert set(built) == set(indexing.TABLES.values())
    assert indexing.build_missing(vectors, found.vectors) == {}
    reports = indexing.measure(vectors, found.vectors)
    assert [report.queries for report in reports] == [80, TRACKS, TRACKS, TRACKS]
    assert all(report.recall_at_10 is not None and report.recall_at_10 >= 0.98 for report in reports)
    assert all(report.size_bytes > 0 for report in reports)


def test_unchanged_vectors_are_not_measured_again(vectors: psycopg.Connection) -> None:
    found = indexing.inventory(vectors)
    assert not indexing.is_reported(vectors, found)
    assert indexing.latest_recall(vectors) is None
    vectors.commit()
    built = indexing.build_missing(vectors, found.vectors)
    indexing.store(vectors, found, indexing.measure(vectors, found.vectors), built)
    assert indexing.is_reported(vectors, indexing.inventory(vectors))
    recall = indexing.latest_recall(vectors)
    assert recall is not None
    assert set(recall) == set(indexing.TABLES.values())
    vectors.execute(
        "update track_vectors_audio set input_sha256 = %s where track_id = (select min(track_id) from tracks)",
        [sha256("new")],
    )
    assert not indexing.is_reported(vectors, indexing.inventory(vectors))


def test_an_index_that_was_dropped_is_built_again(vectors: psycopg.Connection) -> None:
    found = indexing.inventory(vectors)
    vectors.commit()
    indexing.store(vectors, found, [], indexing.build_missing(vectors, found.vectors))
    vectors.execute("drop index track_vectors_audio_hnsw")
    assert not indexing.is_reported(vectors, found)
    vectors.commit()
    assert set(indexing.build_missing(vectors, found.vectors)) == {"track_vectors_audio_hnsw"}


def test_an_empty_database_has_indexes_and_no_recall(connection: psycopg.Connection) -> None:
    found = indexing.inventory(connection)
    connection.commit()
    indexing.build_missing(connection, found.vectors)
    assert [report.recall_at_10 for report in indexing.measure(connection, found.vectors)] == [None] * 4


def test_a_filtered_search_uses_the_index(vectors: psycopg.Connection) -> None:
    vectors.commit()
    indexing.build_missing(vectors, indexing.inventory(vectors).vectors)
    query = random_unit(np.random.default_rng(5))
    parameters = {"query": query, "candidates": 10, "year_from": 1990}
    assert "section_vectors_minilm_hnsw" in plan(vectors, search_queries.by_meaning(["year_from"]), parameters)


def test_a_search_that_few_tracks_pass_reads_those_tracks_and_not_the_index(vectors: psycopg.Connection) -> None:
    vectors.commit()
    indexing.build_missing(vectors, indexing.inventory(vectors).vectors)
    query = random_unit(np.random.default_rng(5))
    chosen = vectors.execute("update tracks set year = 1990 where slot = 0 and track_id % 8 = 0 returning track_id")
    wanted = {row[0] for row in chosen}
    parameters = {"query": query, "candidates": 10, "year_from": 1980}
    shown = plan(vectors, search_queries.by_meaning_exactly(["year_from"]), parameters)
    assert "hnsw" not in shown
    assert "section_vectors_minilm_track" in shown
    rows = vectors.execute(search_queries.by_meaning_exactly(["year_from"]), parameters).fetchall()
    assert {row[1] for row in rows} == wanted
    assert [row[3] for row in rows] == sorted(row[3] for row in rows)


def test_similar_lyrics_example_runs_through_the_index(vectors: psycopg.Connection) -> None:
    indexing.build_missing(vectors, indexing.inventory(vectors).vectors)
    parameters = {"lyrics": random_unit(np.random.default_rng(5))}
    assert "track_vectors_minilm_lyrics_hnsw" in plan(vectors, similar_queries.EXAMPLE_SIMILAR_BY_LYRICS, parameters)
    rows = vectors.execute(similar_queries.EXAMPLE_SIMILAR_BY_LYRICS, parameters).fetchall()
    assert len(rows) == 10
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)


def test_audio_pairs_example_runs_through_the_index(vectors: psycopg.Connection) -> None:
    indexing.build_missing(vectors, indexing.inventory(vectors).vectors)
    assert "track_vectors_audio_hnsw" in plan(vectors, similar_queries.EXAMPLE_AUDIO_PAIRS, {"threshold": 0.5})
    rows = vectors.execute(similar_queries.EXAMPLE_AUDIO_PAIRS, {"threshold": 0.5}).fetchall()
    nearest = vectors.execute(
        """
        select min(a.embedding <-> b.embedding) from track_vectors_audio a join track_vectors_audio b on a.track_id < b.track_id
        """
    ).fetchone()
    assert nearest is not None
    assert rows[0][2] == pytest.approx(nearest[0])
    assert all(one != other and distance < 0.5 for one, other, distance in rows)
    assert len({frozenset(row[:2]) for row in rows}) == len(rows) > 0


def test_recommendations_example_runs_through_the_index(vectors: psycopg.Connection) -> None:
    indexing.build_missing(vectors, indexing.inventory(vectors).vectors)
    liked = vectors.execute("select embedding from track_vectors_minilm where kind = 'analysis' limit 1").fetchone()
    assert liked is not None
    parameters = {"listener": liked[0], "threshold": 0.8}
    assert "track_vectors_minilm_analysis_hnsw" in plan(vectors, similar_queries.EXAMPLE_RECOMMENDATIONS, parameters)
    rows = vectors.execute(similar_queries.EXAMPLE_RECOMMENDATIONS, parameters).fetchall()
    assert rows[0][2] == pytest.approx(1.0, abs=1e-3)
    assert all(row[2] > 0.2 for row in rows)


def test_the_search_bench_compares_index_and_scan(vectors: psycopg.Connection, settings: Settings) -> None:
    found = benchmarks.search(settings)
    assert found.figures["vectors"] == 80
    assert found.figures["recall_at_10"] >= 0.98
    assert found.ratio == pytest.approx(found.figures["p50_ms"] / found.reference["p50_ms"], rel=0.01)


def test_the_search_bench_needs_vectors(settings: Settings) -> None:
    with pytest.raises(RuntimeError, match="no section has a vector yet"):
        benchmarks.search(settings)
