"""The breadth of each index is the one that finds enough; it is measured, carried, stored, searched with and forgotten."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from psycopg.types.json import Jsonb

from rap_platform.embeddings import filling, indexing, lines
from rap_platform.embeddings.encoders.encoding import EncoderError
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.encoders.serving import serving
from rap_platform.embeddings.search.finding import search
from rap_platform.embeddings.search.likeness import KINDS, Weights
from rap_platform.embeddings.search.question import Question
from rap_platform.embeddings.search.similar import similar_tracks
from rap_platform.settings import get_settings
from rap_platform_tests.embeddings.conftest import AddTrack, sha256
from rap_platform_tests.embeddings.test_plans import add_library, random_unit

SLOTS = list(range(1024))
LEAST = 10
SECTIONS = indexing.targets_of("minilm")[0]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Narrow searches from now on, and graphs of so many links."""

    def use(links: int) -> None:
        monkeypatch.setenv("RAP_SEARCH__EF_SEARCH", str(LEAST))
        monkeypatch.setenv("RAP_EMBEDDINGS__HNSW_M", str(links))
        monkeypatch.setenv("RAP_EMBEDDINGS__HNSW_EF_CONSTRUCTION", "16")
        get_settings.cache_clear()

    yield use
    get_settings.cache_clear()


@pytest.fixture
def scattered(connection: psycopg.Connection) -> psycopg.Connection:
    """Two thousand sections."""
    add_library(connection, 500, 4)
    connection.commit()
    return connection


def measured(conn: psycopg.Connection, ask: indexing.Ask = lambda _: None) -> dict[str, indexing.IndexReport]:
    """Build what is missing, measure and store as the asset does; the stored reports by index."""
    found = indexing.inventory(conn)
    indexing.build_missing(conn, found.vectors)
    with conn.transaction():
        reports = indexing.measure(conn, found.vectors, indexing.latest_reports(conn), ask)
        indexing.store(conn, found, reports, {})
    conn.commit()
    return indexing.latest_reports(conn) or {}


def recall_at(conn: psycopg.Connection, ef_search: int) -> float:
    questions = indexing.disturbed(conn, SECTIONS)
    return indexing.recall(conn, SECTIONS, questions, indexing._exactly(conn, SECTIONS, questions), ef_search)


def test_the_breadth_is_raised_until_enough_is_found_and_is_kept_for_searches(
    scattered: psycopg.Connection, small: Callable[[int], None]
) -> None:
    small(8)
    report = measured(scattered)[SECTIONS.index]
    assert report.ef_search is not None
    assert LEAST < report.ef_search < 1000
    assert recall_at(scattered, LEAST) < 0.98
    assert recall_at(scattered, int(report.ef_search / indexing.WIDER)) < 0.98
    assert recall_at(scattered, report.ef_search) == report.recall_at_10
    assert report.recall_at_10 is not None
    assert report.recall_at_10 >= 0.98
    assert serving(scattered).ef_search(SECTIONS.index) == report.ef_search
    assert f"| {report.ef_search} |" in indexing.table([report])


def test_each_question_is_answered_exactly_once_whatever_the_breadths_tried(
    scattered: psycopg.Connection, small: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    small(8)
    scans: list[str] = []
    distances = indexing._distances

    def counted(
        conn: psycopg.Connection, target: indexing.Target, question: HalfVector, scan: str, *breadth: int
    ) -> list[float]:
        scans.append(scan)
        return distances(conn, target, question, scan, *breadth)

    monkeypatch.setattr(indexing, "_distances", counted)
    measured(scattered)
    assert scans.count(indexing.queries.EXACT_SCAN) == indexing.QUERIES
    assert scans.count(indexing.queries.INDEX_SCAN) > 3 * indexing.QUERIES


def test_an_index_that_no_breadth_helps_is_walked_as_broadly_as_can_be_and_stays_poor(
    scattered: psycopg.Connection, small: Callable[[int], None]
) -> None:
    small(4)
    report = measured(scattered)[SECTIONS.index]
    assert report.ef_search == 1000
    assert report.recall_at_10 is not None
    assert report.recall_at_10 < indexing.MINIMUM_RECALL
    assert not measured(scattered)[SECTIONS.index].carried


def test_an_easy_index_keeps_the_least_breadth_and_an_empty_one_has_none(scattered: psycopg.Connection) -> None:
    reports = measured(scattered)
    assert reports[SECTIONS.index].ef_search == get_settings().search.ef_search
    assert reports[indexing.AUDIO.index].ef_search is None
    rows = scattered.execute("select index_name, ef_search from index_breadths").fetchall()
    assert rows == [(SECTIONS.index, get_settings().search.ef_search)]


def test_the_breadth_is_carried_and_measured_anew_when_the_least_one_changes(
    scattered: psycopg.Connection, small: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    small(8)
    first = measured(scattered)[SECTIONS.index]
    again = measured(scattered)[SECTIONS.index]
    assert (again.carried, again.ef_search, again.measured_at) == (True, first.ef_search, first.measured_at)
    stored = scattered.execute("select ef_search, measured_at::text from index_breadths").fetchall()
    assert stored == [(first.ef_search, first.measured_at)]
    monkeypatch.setenv("RAP_SEARCH__EF_SEARCH", "900")
    get_settings.cache_clear()
    wider = measured(scattered)[SECTIONS.index]
    assert (wider.carried, wider.ef_search) == (False, 900)


def test_reports_of_before_are_read_and_measured_anew(scattered: psycopg.Connection) -> None:
    before = {
        "index": SECTIONS.index, "vectors": 2000, "size_bytes": 1, "queries": 100, "recall_at_10": 0.99, "measured_vectors": 2000,
        "measured_at": "2025-01-01 00:00:00+00", "measured_of": "16384 200", "carried": False,
    }  # fmt: skip
    scattered.execute(
        "insert into reports (kind, input_digest, body, markdown, simulated) values ('vector_index', %s, %s, '', false)",
        [sha256("before"), Jsonb({"vectors": {}, "built_s": {}, "indexes": [before]})],
    )
    scattered.commit()
    report = (indexing.latest_reports(scattered) or {})[SECTIONS.index]
    assert (report.ef_search, report.asked, report.recall_at_10) == (None, "disturbed", 0.99)
    assert not measured(scattered)[SECTIONS.index].carried


def breadth_of(conn: psycopg.Connection, asking: Callable[[], object]) -> int:
    """The breadth that the last walk through an index had."""
    with conn.transaction():
        asking()
        row = conn.execute("select current_setting('hnsw.ef_search')").fetchone()
    assert row is not None
    return int(row[0])


def store(conn: psycopg.Connection, breadths: dict[str, int]) -> None:
    for index, ef_search in breadths.items():
        conn.execute(
            "insert into index_breadths values (%s, %s) on conflict (index_name) do update set ef_search = excluded.ef_search",
            [index, ef_search],
        )
    conn.commit()


@pytest.mark.parametrize(("stored", "walked"), [(None, 200), (350, 350), (120, 200)])
def test_a_search_walks_as_broadly_as_was_measured_and_never_under_the_setting(
    connection: psycopg.Connection, encoders: Encoders, add_track: AddTrack, stored: int | None, walked: int
) -> None:
    add_track("Harbour", ["ships at night"])
    filling.fill_sections(connection, lambda: encoders.get("minilm"), SLOTS)
    connection.commit()
    store(connection, {} if stored is None else {SECTIONS.index: stored})
    question = Question("ships at night", sides=("meaning",))
    assert breadth_of(connection, lambda: search(connection, encoders, question)) == walked


def test_similar_songs_walk_each_index_as_broadly_as_it_needs(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    rng = np.random.default_rng(3)
    tracks = [add_track(f"Song {number}", ["a verse"]) for number in range(3)]
    for track in tracks:
        for kind in ("lyrics", "analysis"):
            connection.execute(
                "insert into track_vectors_minilm values (%s, %s, %s, %s, false)",
                [track, kind, "0" * 64, HalfVector(random_unit(rng))],
            )
        connection.execute(
            "insert into track_vectors_audio values (%s, '1', %s, %s, true)",
            [track, "0" * 64, HalfVector(rng.random(9))],
        )
    _, lyrics, analysis = indexing.targets_of("minilm")
    store(connection, {lyrics.index: 310, analysis.index: 320, indexing.AUDIO.index: 330})
    walked = {
        kind: breadth_of(
            connection, lambda kind=kind: similar_tracks(connection, tracks[0], Weights.only(kind), limit=1)
        )
        for kind in KINDS
    }
    assert walked == {"lyrics": 310, "audio": 330, "analysis": 320}


@pytest.fixture
def written(connection: psycopg.Connection, encoders: Encoders, add_track: AddTrack) -> psycopg.Connection:
    """Twenty songs of a verse, and a section of a single line each, with their vectors."""
    for number in range(20):
        verse = f"the harbour sleeps at number {number}\nrain again\nand {number} ships are leaving for the sea"
        add_track(f"Song {number}", [verse, f"nobody waits in vault {number}"])
    filling.fill_sections(connection, lambda: encoders.get("minilm"), SLOTS)
    connection.commit()
    return connection


def test_an_index_is_asked_with_lines_that_it_does_not_hold(
    written: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = lines.asking(written, encoders)
    make = ask(SECTIONS)
    assert make is not None
    asked = np.array([question.to_numpy() for question in make()], dtype=np.float32)
    assert len(asked) == 20
    held = written.execute("select embedding from section_vectors_minilm").fetchall()
    stored = np.array([row[0].to_numpy() for row in held], dtype=np.float32)
    assert float((asked @ stored.T).max()) < 0.99
    assert [question.to_numpy().tolist() for question in make()] == [pytest.approx(row.tolist()) for row in asked]
    assert [ask(target) for target in (*indexing.targets_of("minilm")[1:], indexing.AUDIO)] == [None] * 3
    report = measured(written, ask)[SECTIONS.index]
    assert (report.asked, report.queries) == ("lines", 20)
    monkeypatch.setattr(lines, "_encoded", lambda *_: pytest.fail("nothing is measured, so nothing is encoded"))
    assert measured(written, lines.asking(written, encoders))[SECTIONS.index].carried


def test_disturbed_vectors_are_asked_of_an_encoder_that_is_not_to_be_had(
    written: psycopg.Connection, encoders: Encoders, caplog: pytest.LogCaptureFixture
) -> None:
    other = indexing.targets_of("other")[0]
    assert lines.asking(written, encoders)(other) is None

    def broken() -> Sequence[HalfVector]:
        raise EncoderError("the endpoint can't be reached")

    report = measured(written, lambda target: broken if target == SECTIONS else None)[SECTIONS.index]
    assert (report.asked, report.queries) == ("disturbed", 40)
    assert f"{SECTIONS.index} is asked with disturbed vectors" in caplog.text
    mended = measured(written, lines.asking(written, encoders))[SECTIONS.index]
    assert (mended.asked, mended.carried) == ("lines", False)


def test_vectors_with_noise_do_not_narrow_what_lines_needed(written: psycopg.Connection, encoders: Encoders) -> None:
    def broken() -> Sequence[HalfVector]:
        raise EncoderError("the endpoint can't be reached")

    lined = measured(written, lines.asking(written, encoders))[SECTIONS.index]
    drifted = replace(lined, ef_search=490, measured_vectors=1)
    assert indexing.measure_index(written, SECTIONS, 40, drifted, lambda _: broken).ef_search == 490
    assert indexing.measure_index(written, SECTIONS, 40, drifted, lines.asking(written, encoders)).ef_search == 200


def test_an_encoder_that_is_not_the_one_of_the_vectors_makes_no_questions(
    written: psycopg.Connection, encoders: Encoders
) -> None:
    written.execute("update encoders set fingerprint = 'another' where name = 'minilm'")
    assert measured(written, lines.asking(written, encoders))[SECTIONS.index].asked == "disturbed"


def test_a_line_is_taken_of_each_section_of_several_and_no_line_twice() -> None:
    verse = "gold in the vault tonight\noh\nships are leaving for sea"
    chosen = lines.a_line_each([verse, "one line of many words", "oh\nyeah", verse, "a b c d\nx"])
    assert len(chosen) == 2
    assert chosen[0] in ("gold in the vault tonight", "ships are leaving for sea")
    assert chosen[1] == "a b c d"
    assert lines.a_line_each([verse, "a b c d\nx"], most=1) == chosen[:1]
