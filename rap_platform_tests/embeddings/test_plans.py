"""What a search asks of a few thousand vectors is answered through indexes, whatever the planner knows of the question."""

import re
import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector

from rap_platform.embeddings import indexing
from rap_platform.embeddings.search import facts, queries, sound_keys
from rap_platform.embeddings.search.filtering import UNFILTERED, filtering
from rap_platform.embeddings.search.meaning import Breadth, by_meaning, by_meaning_exactly
from rap_platform.embeddings.search.question import Filters
from rap_platform.local.postgres import Cluster
from rap_platform.resources.postgres import connect
from rap_platform_tests.conftest import TEMPLATE
from rap_platform_tests.embeddings.test_filling import SLOTS

TRACKS, SECTIONS = 500, 4
LIBRARY = """
with artist as (
    insert into artists (name, normalised_name, slug, simulated) values ('A', 'a', 'a', true) returning artist_id
), raw as (
    insert into raw_songs (source, source_id, artist, title, status, payload, content_sha256, simulated)
    select 'import', n::text, 'A', 'T', 'ok', '{}', repeat('0', 64), true from generate_series(1, %(tracks)s) n
    returning raw_song_id, source_id
), track as (
    insert into tracks (raw_song_id, source, source_id, artist_id, artist, title, normalised_title, year, language, lyrics, lyrics_sha256,
        line_count, word_count, cleaning, cleaner_version, raw_sha256, slot, simulated)
    select raw_song_id, 'import', source_id, artist_id, 'A', 'T', 't', 1980 + source_id::int %% 40, 'en', 'x', repeat('0', 64),
        1, 1, '{}', '1', repeat('0', 64), source_id::int %% 1024, true
    from raw, artist
    returning track_id
)
insert into track_sections (track_id, section_no, kind, first_line, last_line, text, text_sha256)
select track_id, n, 'verse', n, n, 'line ' || n, repeat('0', 64) from track, generate_series(1, %(sections)s) n
"""


@pytest.fixture(scope="module")
def filled(postgres_server: Cluster) -> Iterator[str]:
    """The DSN of a database with 500 tracks of four sections with random vectors, indexed and analysed."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as server:
        server.execute(f"create database {name} template {TEMPLATE} strategy file_copy")
    with connect(postgres_server.dsn(name)) as conn:
        _fill(conn)
    yield postgres_server.dsn(name)
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as server:
        server.execute(f"drop database if exists {name} with (force)")


def add_library(conn: psycopg.Connection, tracks: int, sections: int) -> None:
    """So many tracks of so many sections each, with vectors that are near to nobody: the hardest there are for a graph."""
    rng = np.random.default_rng(3)
    conn.execute(LIBRARY, {"tracks": tracks, "sections": sections})
    rows = conn.execute("select section_id, track_id from track_sections order by section_id").fetchall()
    table = "section_vectors_minilm (section_id, track_id, input_sha256, embedding, simulated)"
    with conn.cursor() as cursor, cursor.copy(f"copy {table} from stdin with (format binary)") as copy:
        copy.set_types(["int8", "int8", "text", "halfvec", "bool"])
        for section_id, track_id in rows:
            copy.write_row((section_id, track_id, "0" * 64, HalfVector(random_unit(rng)), True))


def _fill(conn: psycopg.Connection) -> None:
    add_library(conn, TRACKS, SECTIONS)
    facts.state_facts(conn, SLOTS)
    conn.commit()
    indexing.build_missing(conn, indexing.inventory(conn).vectors)
    conn.execute("analyze")


@pytest.fixture
def library(filled: str) -> Iterator[psycopg.Connection]:
    """A connection to it; what a test changes is rolled back."""
    conn = connect(filled)
    yield conn
    conn.close()


def random_unit(rng: np.random.Generator) -> Any:
    vector = rng.standard_normal(384)
    return vector / np.linalg.norm(vector)


QUERY = HalfVector(random_unit(np.random.default_rng(5)))


def plan(conn: psycopg.Connection, statement: str, parameters: dict[str, Any], *, generic: bool = False) -> str:
    """The plan as the search has it, or the one for parameters that are not known."""
    conn.execute(queries.OPENING)
    if not generic:
        rows = conn.execute(f"explain {statement}", parameters).fetchall()
        return "\n".join(row[0] for row in rows)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    numbered = re.sub(r"%\((\w+)\)s", lambda name: f"${names.index(name[1]) + 1}", statement)
    rows = conn.execute(f"explain (generic_plan) {numbered}").fetchall()
    return "\n".join(row[0] for row in rows)


def test_the_nearest_sections_come_from_the_index_in_its_order(library: psycopg.Connection) -> None:
    several = Filters(year_from=2018, year_to=2019, simulated=True)
    for filters in (Filters(), Filters(year_from=1990), several, Filters(mood="sad")):
        found = filtering(library, filters)
        parameters = {**found.parameters, "query": QUERY, "wanted": 100}
        for generic in (False, True):
            shown = plan(library, queries.by_meaning("minilm", found.where), parameters, generic=generic)
            assert "Index Scan using section_vectors_minilm_hnsw" in shown, filters
            assert "track_facts_pkey" in shown, filters
            assert "Sort" not in shown, filters
            assert "Seq Scan" not in shown, filters


def test_the_sections_of_few_tracks_are_read_by_track(library: psycopg.Connection) -> None:
    parameters = {"query": QUERY, "track_ids": [3, 5, 7], "wanted": 100}
    shown = plan(library, queries.by_meaning_among("minilm"), parameters)
    assert "section_vectors_minilm_track" in shown
    assert "hnsw" not in shown
    assert "Seq Scan on section_vectors_minilm" not in shown


def test_what_is_shown_and_compared_is_looked_up_by_key(library: psycopg.Connection) -> None:
    chosen = {
        "section_ids": list(range(1, 11)),
        "track_ids": list(range(1, 11)),
        "query": QUERY,
        "unwanted": QUERY,
        "but_not": "x",
        "heard": sound_keys.STORED,
    }
    for statement in (
        queries.hits("minilm"),
        queries.compared("minilm"),
        queries.sections_of_originals("minilm", ""),
        queries.ORIGINALS,
    ):
        shown = plan(library, statement, chosen)
        assert "hnsw" not in shown
        assert "Seq Scan on section_vectors_minilm" not in shown
        assert "Seq Scan on track_sections" not in shown


def test_the_index_goes_on_where_a_filter_or_the_number_wanted_asks_for_it_and_else_not() -> None:
    assert Breadth(100, 200, 20_000, 1).settings(filtered=False)["iterative_scan"] == "off"
    assert Breadth(100, 200, 20_000, 1).settings(filtered=True)["iterative_scan"] == "relaxed_order"
    assert Breadth(1000, 200, 60_000, 4).settings(filtered=False) == {
        "ef_search": "1000",
        "iterative_scan": "relaxed_order",
        "max_scan_tuples": "60000",
        "scan_mem_multiplier": "4",
    }


def test_a_deleted_section_does_not_make_the_index_give_up(library: psycopg.Connection) -> None:
    with library.transaction(force_rollback=True):
        nearest = by_meaning(library, "minilm", QUERY, UNFILTERED, Breadth(1, 200, 20_000, 1))[0].section_id
        library.execute("delete from section_vectors_minilm where section_id = %s", [nearest])
        for wanted in (100, 300, 1000):
            found = by_meaning(library, "minilm", QUERY, UNFILTERED, Breadth(wanted, 200, 20_000, 1))
            assert len(found) == wanted
            assert nearest not in {section.section_id for section in found}


@pytest.mark.parametrize("wanted", [10, 40, 1500])
def test_as_many_are_found_as_are_wanted_whether_one_walk_gives_them_or_not(
    library: psycopg.Connection, wanted: int
) -> None:
    found = by_meaning(library, "minilm", QUERY, UNFILTERED, Breadth(wanted, 200, 20_000, 1))
    assert len({section.section_id for section in found}) == wanted
    best = [track_id for track_id, _ in exact(library, "true")[:5]]
    tracks = list(dict.fromkeys(section.track_id for section in found))
    assert len(set(tracks[:5]) & set(best)) >= 4


def exact(conn: psycopg.Connection, condition: str) -> list[tuple[int, float]]:
    """Every passing track's nearest section by a plain scan: track_id, cosine."""
    statement = f"""
    select v.track_id, max(1 - (v.embedding <=> %(query)s)) as cosine
    from section_vectors_minilm v join track_facts f using (track_id) where {condition} group by v.track_id order by cosine desc
    """
    return [(row[0], float(row[1])) for row in conn.execute(statement, {"query": QUERY}).fetchall()]


def test_few_tracks_and_all_tracks_are_compared_exactly(library: psycopg.Connection) -> None:
    few = filtering(library, Filters(year_from=2000, year_to=2001))
    assert few.track_ids is not None
    expected = exact(library, "f.year between 2000 and 2001")
    among = by_meaning(library, "minilm", QUERY, few, Breadth(1000, 100, 20_000, 1))
    assert len(among) == SECTIONS * len(few.track_ids)
    assert [section.score for section in among] == sorted((section.score for section in among), reverse=True)
    best = list(dict.fromkeys(section.track_id for section in among))
    found = by_meaning_exactly(library, "minilm", QUERY, few, 100)
    assert best == [section.track_id for section in found] == [track_id for track_id, _ in expected]
    assert [section.score for section in found] == pytest.approx([cosine for _, cosine in expected])
    everything = by_meaning_exactly(library, "minilm", QUERY, filtering(library, Filters()), 10)
    assert [section.track_id for section in everything] == [track_id for track_id, _ in exact(library, "true")[:10]]


def test_the_index_finds_what_an_exact_scan_finds_behind_a_filter(library: psycopg.Connection) -> None:
    some = filtering(library, Filters(year_from=1990, year_to=1999))
    behind = type(some)(some.where, some.parameters, None)  # as if these were many
    found = by_meaning(library, "minilm", QUERY, behind, Breadth(40, 200, 20_000, 1))
    assert len(found) == 40
    nearest = [track_id for track_id, _ in exact(library, "f.year between 1990 and 1999")[:10]]
    tracks = list(dict.fromkeys(section.track_id for section in found))
    assert len(set(tracks[:10]) & set(nearest)) >= 9  # random vectors are the hardest there are


def test_a_name_that_is_no_encoders_is_never_put_into_a_statement() -> None:
    for name in ("minilm; drop table tracks", "", "Minilm", "a" * 32, 'x"y'):
        with pytest.raises(ValueError, match="no name of an encoder"):
            queries.section_vectors(name)
