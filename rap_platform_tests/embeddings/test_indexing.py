"""The indexes exist, are used, and find what an exact scan finds."""

from dataclasses import replace

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector

from rap_platform.embeddings import indexing
from rap_platform.embeddings.search import similar_queries
from rap_platform.settings import Embeddings, Settings
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
    assert set(built) == {target.index for target in indexing.targets(vectors)}
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
    assert set(recall) == {target.index for target in indexing.targets(vectors)}
    vectors.execute(
        "update track_vectors_audio set input_sha256 = %s where track_id = (select min(track_id) from tracks)",
        [sha256("new")],
    )
    assert not indexing.is_reported(vectors, indexing.inventory(vectors))


def test_an_index_that_was_built_anew_and_vectors_of_before_the_last_report_are_measured_again(
    vectors: psycopg.Connection,
) -> None:
    first = indexing.inventory(vectors)
    vectors.commit()
    built = indexing.build_missing(vectors, first.vectors)
    indexing.store(vectors, first, indexing.measure(vectors, first.vectors), built)
    assert indexing.is_reported(vectors, first)
    indexing.rebuild(vectors, indexing.AUDIO)
    assert not indexing.is_reported(vectors, first)
    indexing.store(vectors, first, indexing.measure(vectors, first.vectors), {})
    vectors.commit()
    assert indexing.is_reported(vectors, first)
    other = replace(first, digest="0" * 64)
    indexing.store(vectors, other, indexing.measure(vectors, first.vectors), {})
    assert not indexing.is_reported(vectors, first)  # what searches read is of the others


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


SECTIONS = indexing.targets_of("minilm")[0]


def test_a_rebuild_takes_the_present_parameters_and_leaves_one_index(
    vectors: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexing.build_missing(vectors, {})
    monkeypatch.setattr(indexing, "get_settings", lambda: Settings(embeddings=Embeddings(hnsw_m=8)))
    indexing.rebuild(vectors, SECTIONS)
    assert hnsw_indexes(vectors) == [(SECTIONS.index, True, ["m=8", "ef_construction=256"])]
    assert not vectors.autocommit


@pytest.mark.parametrize(
    "left", ["half built", "complete beside the old", "complete and the old gone", "old half dropped"]
)
def test_what_a_killed_rebuild_left_is_mended(vectors: psycopg.Connection, left: str) -> None:
    indexing.build_missing(vectors, {})
    vectors.execute(SECTIONS.statement(0, beside=True).replace("concurrently ", ""))
    if left == "half built":
        vectors.execute(
            "update pg_index set indisvalid = false where indexrelid = to_regclass(%s)", [SECTIONS.index + "_next"]
        )
    elif left == "complete and the old gone":
        vectors.execute(f"drop index {SECTIONS.index}")
    elif left == "old half dropped":
        vectors.execute("update pg_index set indisvalid = false where indexrelid = to_regclass(%s)", [SECTIONS.index])
    vectors.commit()
    assert indexing.build_missing(vectors, {}) == {}
    assert [row[:2] for row in hnsw_indexes(vectors)] == [(SECTIONS.index, True)]


def hnsw_indexes(conn: psycopg.Connection) -> list[tuple[str, bool, list[str]]]:
    statement = """
        select c.relname, i.indisvalid, c.reloptions from pg_index i join pg_class c on c.oid = i.indexrelid
        where i.indrelid = 'section_vectors_minilm'::regclass and c.relname like '%hnsw%'
    """
    return conn.execute(statement).fetchall()


def test_a_parallel_build_that_finds_no_shared_memory_goes_on_alone(
    vectors: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    create = indexing._create_with

    def without_shared_memory(
        conn: psycopg.Connection, target: indexing.Target, count: int, workers: int, *, beside: bool
    ) -> None:
        tried.append(workers)
        if workers:
            raise psycopg.errors.DiskFull
        create(conn, target, count, workers, beside=beside)

    monkeypatch.setattr(indexing, "_create_with", without_shared_memory)
    assert SECTIONS.index in indexing.build_missing(vectors, {"sections": 60_000})
    assert tried[:2] == [1, 0]
    assert indexing.exists(vectors, SECTIONS.index)


def test_an_index_over_many_vectors_has_more_links_unless_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "(m = 16, " in SECTIONS.statement(499_999)
    assert "(m = 32, " in SECTIONS.statement(500_000, beside=True)
    assert indexing.build_memory_mb(500_000) / indexing.build_memory_mb(499_999) > 1.3
    monkeypatch.setattr(indexing, "get_settings", lambda: Settings(embeddings=Embeddings(hnsw_m=8)))
    assert "(m = 8, " in SECTIONS.statement(500_000)


def test_build_memory_grows_with_the_vectors_up_to_the_setting() -> None:
    assert indexing.build_memory_mb(1_000) < 70
    assert 600 < indexing.build_memory_mb(350_000) < 900
    assert indexing.build_memory_mb(50_000_000) == 4096


def test_a_slow_scan_is_asked_fewer_times(vectors: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    indexing.build_missing(vectors, {})
    monkeypatch.setattr(indexing, "MEASURE_S", 0.0)
    reports = indexing.measure(vectors, indexing.inventory(vectors).vectors)
    assert [report.queries for report in reports] == [indexing.FEWEST_QUERIES] * 4


def test_a_good_figure_is_carried_until_more_than_a_twentieth_changed(
    vectors: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexing.build_missing(vectors, {})
    first = _reported(vectors)
    assert not any(report.carried for report in first.values())
    again = "update section_vectors_minilm set embedded_at = now() where section_id in (select section_id from section_vectors_minilm order by 1 limit %s)"
    vectors.execute(again, [2])  # counted as gone and as made: 4 of 80
    vectors.commit()
    second = _reported(vectors)
    assert all(report.carried for report in second.values())
    assert second[SECTIONS.index].measured_at == first[SECTIONS.index].measured_at
    vectors.execute(again, [3])
    vectors.execute(
        "delete from track_vectors_audio where track_id in (select track_id from tracks order by 1 limit 3)"
    )
    vectors.commit()
    third = _reported(vectors)
    assert {index for index, report in third.items() if not report.carried} == {SECTIONS.index, indexing.AUDIO.index}
    assert third[indexing.AUDIO.index].measured_vectors == TRACKS - 3
    vectors.commit()
    indexing.rebuild(vectors, SECTIONS)
    assert not _reported(vectors)[SECTIONS.index].carried
    monkeypatch.setattr(indexing, "MINIMUM_RECALL", 1.1)
    assert not any(report.carried for report in _reported(vectors).values())


def _reported(conn: psycopg.Connection) -> dict[str, indexing.IndexReport]:
    with conn.transaction():
        found = indexing.inventory(conn)
        indexing.store(conn, found, indexing.measure(conn, found.vectors, indexing.latest_reports(conn)), {})
    conn.commit()
    return indexing.latest_reports(conn) or {}


def test_any_change_of_a_vector_changes_the_inventory(vectors: psycopg.Connection) -> None:
    digests = {indexing.inventory(vectors).digest}
    for statement in (
        "update section_vectors_minilm set embedded_at = now() where section_id = (select min(section_id) from section_vectors_minilm)",
        "delete from section_vectors_minilm where section_id = (select max(section_id) from section_vectors_minilm)",
    ):
        vectors.commit()  # another now()
        vectors.execute(statement)
        digests.add(indexing.inventory(vectors).digest)
    assert len(digests) == 3


def test_the_inventory_of_sections_reads_no_vector(vectors: psycopg.Connection) -> None:
    vectors.commit()
    vectors.autocommit = True
    vectors.execute("vacuum analyze section_vectors_minilm")
    vectors.autocommit = False
    vectors.execute("set enable_bitmapscan = off")  # autovacuum may keep pages from being all visible
    assert "Index Only Scan using section_vectors_minilm_embedded" in plan(vectors, SECTIONS.inventory(), {})


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
