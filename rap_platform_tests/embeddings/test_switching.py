"""Searches go from one encoder to another in one transaction, never to one that is not ready, and never fail meanwhile."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from rap_platform.embeddings import filling, indexing
from rap_platform.embeddings.encoders import switching
from rap_platform.embeddings.encoders.registry import EncoderError, Encoders
from rap_platform.embeddings.search.finding import search
from rap_platform.embeddings.search.question import Question
from rap_platform.resources.postgres import connect
from rap_platform.settings import Settings
from rap_platform_tests.embeddings.conftest import AddTrack

SLOTS = list(range(1024))
SONGS = 30
CLIENTS = 16


@pytest.fixture(scope="module")
def encoders(shared_models: Path) -> Encoders:
    return Encoders(Settings(data_dir=shared_models.parent))


def fill(conn: psycopg.Connection, encoders: Encoders, name: str) -> None:
    filling.fill_sections(conn, lambda: encoders.get(name), SLOTS, name)
    filling.fill_lyrics(conn, SLOTS, name)
    conn.commit()


def index(conn: psycopg.Connection) -> None:
    found = indexing.inventory(conn)
    built = indexing.build_missing(conn, found.vectors)
    with conn.transaction():
        indexing.store(conn, found, indexing.measure(conn, found.vectors), built)


@pytest.fixture
def library(connection: psycopg.Connection, encoders: Encoders, add_track: AddTrack) -> Iterator[psycopg.Connection]:
    """Thirty songs with the vectors and indexes of both encoders."""
    for number in range(SONGS):
        add_track(
            f"Song {number}", [f"The harbour at night, number {number}\nships and rain", f"Gold in vault {number}"]
        )
    for name in ("minilm", "minilm_int8"):
        fill(connection, encoders, name)
    index(connection)
    return connection


def test_a_complete_encoder_takes_over_and_gives_back(library: psycopg.Connection, encoders: Encoders) -> None:
    assert encoders.serving(library).name == "minilm"
    switching.switch(library, "minilm_int8")
    assert encoders.serving(library).name == "minilm_int8"
    assert search(library, encoders, Question("ships at night")).encoder == "minilm_int8"
    assert [(found.name, found.serving, found.missing, found.unready()) for found in switching.standings(library)] == [
        ("minilm", False, 0, None),
        ("minilm_int8", True, 0, None),
    ]
    switching.switch(library, "minilm")
    assert search(library, encoders, Question("ships at night")).encoder == "minilm"


def test_an_encoder_that_is_not_ready_is_refused_with_the_reason(
    library: psycopg.Connection, encoders: Encoders, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EncoderError, match="no encoder 'e5' has vectors; there are: minilm, minilm_int8"):
        switching.switch(library, "e5")
    monkeypatch.setattr(indexing, "latest_recall", lambda _: {"section_vectors_minilm_int8_hnsw": 0.9})
    with pytest.raises(
        EncoderError,
        match=r"its index finds 0.900 of the ten nearest, under 0.98: raise RAP_EMBEDDINGS__HNSW_EF_CONSTRUCTION",
    ):
        switching.switch(library, "minilm_int8")
    monkeypatch.setattr(indexing, "latest_recall", lambda _: None)
    with pytest.raises(EncoderError, match="was never measured: materialize vector_index"):
        switching.switch(library, "minilm_int8")
    monkeypatch.undo()
    library.execute("drop index section_vectors_minilm_int8_hnsw")
    with pytest.raises(EncoderError, match="have no index: materialize vector_index"):
        switching.switch(library, "minilm_int8")
    add_track("New", ["a new verse"])
    with pytest.raises(EncoderError, match="1 of 61 sections have no vector of it: materialize lyrics_embeddings"):
        switching.switch(library, "minilm_int8")
    assert encoders.serving(library).name == "minilm"


def test_what_serves_or_is_read_by_others_is_not_dropped(library: psycopg.Connection) -> None:
    with pytest.raises(EncoderError, match="minilm stays"):
        switching.drop(library, "minilm")
    switching.switch(library, "minilm_int8")
    with pytest.raises(EncoderError, match="searches ask minilm_int8: switch to another first"):
        switching.drop(library, "minilm_int8")
    switching.switch(library, "minilm")
    switching.drop(library, "minilm_int8")
    assert library.execute("select count(*) from pg_tables where schemaname = 'dropped'").fetchone() == (0,)
    assert library.execute("select to_regclass('section_vectors_minilm_int8'), to_regclass('track_vectors_minilm_int8')").fetchone() == (
        None,
        None,
    )  # fmt: skip
    assert [found.name for found in switching.standings(library)] == ["minilm"]
    with pytest.raises(EncoderError, match="no encoder 'minilm_int8' has vectors"):
        switching.drop(library, "minilm_int8")


def test_a_dropped_encoder_leaves_no_breadth_to_the_next_of_its_name(library: psycopg.Connection) -> None:
    kept = {target.index for target in indexing.targets_of("minilm")[:2]}  # nothing was analysed
    gone = {target.index for target in indexing.targets_of("minilm_int8")[:2]}
    assert breadths(library) == kept | gone
    switching.drop(library, "minilm_int8")
    assert breadths(library) == kept


def breadths(conn: psycopg.Connection) -> set[str]:
    return {row[0] for row in conn.execute("select index_name from index_breadths").fetchall()}


def test_a_dropped_encoder_goes_at_once_and_its_name_is_free_though_somebody_reads_tracks(
    library: psycopg.Connection, encoders: Encoders, database: str
) -> None:
    with connect(database) as reader:
        reader.execute("select count(*) from tracks")  # a transaction that stays open
        switching.drop(library, "minilm_int8")
        library.commit()
        assert [found.name for found in switching.standings(library)] == ["minilm"]
        assert library.execute("select count(*) from pg_tables where schemaname = 'dropped'").fetchone() == (2,)
        fill(library, encoders, "minilm_int8")
    assert filling.coverage(library, SLOTS, "minilm_int8") == (2 * SONGS, 0)
    library.commit()
    assert switching.sweep(library) == 2


def test_settings_that_make_another_encoder_of_the_serving_name_are_refused(
    library: psycopg.Connection, encoders: Encoders
) -> None:
    switching.switch(library, "minilm_int8")
    library.execute("update encoders set fingerprint = 'another' where name = 'minilm_int8'")
    with pytest.raises(EncoderError, match="is not the one whose vectors are stored"):
        encoders.serving(library)


def test_no_search_fails_or_is_short_while_the_index_is_rebuilt_and_the_encoder_switched(
    library: psycopg.Connection, encoders: Encoders, database: str
) -> None:
    over = threading.Event()
    started = threading.Barrier(CLIENTS + 1)

    def client(number: int) -> tuple[int, set[str]]:
        """Search until all is over: how many answers, and by which encoders. An answer that is short fails."""
        answers, served = 0, set()
        with connect(database) as conn:
            started.wait()
            while not over.is_set():
                page = search(conn, encoders, Question(f"ships in the harbour {number} {answers}", limit=10))
                assert len(page.hits) == 10
                served.add(page.encoder)
                answers += 1
        return answers, served

    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(client, number) for number in range(CLIENTS)]
        started.wait()
        try:
            for name in ("minilm_int8", "minilm", "minilm_int8"):
                for target in indexing.targets_of("minilm")[:1] + indexing.targets_of("minilm_int8")[:1]:
                    indexing.rebuild(library, target)
                switching.switch(library, name)
                library.commit()
            switching.switch(library, "minilm")
            library.commit()
            switching.drop(library, "minilm_int8")
            library.commit()
        finally:
            over.set()
        found = [search.result(timeout=60) for search in running]
    assert all(answers > 0 for answers, _ in found)
    assert set.union(*(served for _, served in found)) == {"minilm", "minilm_int8"}
