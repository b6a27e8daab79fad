"""Pages follow one another: no song twice, none left out, whatever happens to the library in between."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from threading import Event
from typing import Any

import psycopg
import pytest
from psycopg.errors import UndefinedTable

from rap_platform.embeddings import filling, hearing, indexing
from rap_platform.embeddings.encoders.registry import EncoderError, Encoders, Vectors
from rap_platform.embeddings.encoders.serving import Serving
from rap_platform.embeddings.search import cursor, facts, filtering, finding, showing, words
from rap_platform.embeddings.search.excerpts import Evidence
from rap_platform.embeddings.search.finding import search
from rap_platform.embeddings.search.looking import Looking
from rap_platform.embeddings.search.question import Filters, Found, Page, Question, SearchError
from rap_platform.resources.postgres import connect
from rap_platform.settings import Search, Settings
from rap_platform_tests.embeddings.conftest import AddTrack, sha256
from rap_platform_tests.embeddings.test_filling import SLOTS

PLACES = ("harbour", "desert", "station", "kitchen", "rooftop", "church", "prison", "garden", "casino", "bridge")
DOINGS = (
    "I count my money in the",
    "she left me crying at the",
    "we were dancing all night in the",
    "nobody prays in the",
)
TEN_CANDIDATES = Settings(search=Search(candidates=10))
QUESTION = Question("money in the harbour", limit=7)


@pytest.fixture
def library(connection: psycopg.Connection, encoders: Encoders, add_track: AddTrack) -> psycopg.Connection:
    """Forty songs of one line each, every fourth of them with a copy."""
    for number in range(40):
        line = f"{DOINGS[number % 4]} {PLACES[number // 4]}"
        track = add_track(f"Song {number}", [line], year=1980 + number, slot=number)
        if number % 4 == 0:
            copied = {"duplicate_of": track, "duplicate_score": 1.0}
            add_track(f"Song {number} (Live)", [f"{line}\nlive"], year=1980 + number, slot=number, **copied)
    fill(connection, encoders)
    return connection


def fill(conn: psycopg.Connection, encoders: Encoders) -> None:
    filling.fill_sections(conn, lambda: encoders.get("minilm"), SLOTS)  # type: ignore[arg-type, return-value]
    facts.state_facts(conn, SLOTS)
    hearing.fill(conn, SLOTS)
    conn.commit()
    indexing.build_missing(conn, indexing.inventory(conn).vectors)
    conn.commit()


def pages(conn: psycopg.Connection, encoders: Encoders, question: Question) -> list[Page]:
    """All pages from this one on."""
    found = [search(conn, encoders, question)]
    while found[-1].next_cursor is not None:
        found.append(search(conn, encoders, replace(question, cursor=found[-1].next_cursor)))
    return found


def titles(found: list[Page]) -> list[str]:
    return [hit.title for page in found for hit in page.hits]


def test_pages_together_are_one_long_page(library: psycopg.Connection, encoders: Encoders) -> None:
    whole = search(library, encoders, replace(QUESTION, limit=100))
    assert len(whole.hits) == 40
    assert whole.next_cursor is None
    found = pages(library, encoders, QUESTION)
    assert [len(page.hits) for page in found] == [7, 7, 7, 7, 7, 5]
    assert titles(found) == titles([whole])
    assert [hit.score for hit in whole.hits] == sorted((hit.score for hit in whole.hits), reverse=True)
    other = pages(library, encoders, replace(QUESTION, limit=20))
    assert [len(page.hits) for page in other] == [20, 20]  # full to the end: no page without hits follows
    assert titles(other) == titles([whole])


def test_pages_do_not_depend_on_how_far_the_search_had_to_go(
    library: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "get_settings", lambda: TEN_CANDIDATES)
    monkeypatch.setattr(finding, "STEPS", ((1, 20_000, 1), (2, 20_000, 1)))  # 10 candidates, 20, then all
    assert titles(pages(library, encoders, QUESTION)) == titles(pages(library, encoders, replace(QUESTION, limit=100)))
    one_by_one = [page.hits[0] for page in pages(library, encoders, replace(QUESTION, limit=1))]
    assert len(one_by_one) == 40
    assert [hit.score for hit in one_by_one] == sorted((hit.score for hit in one_by_one), reverse=True)


def test_songs_that_come_and_go_between_pages_shift_nothing(
    library: psycopg.Connection, encoders: Encoders, add_track: AddTrack
) -> None:
    before = titles(pages(library, encoders, QUESTION))
    first = search(library, encoders, QUESTION)
    add_track("Newcomer", ["money in the harbour"], slot=99)
    fill(library, encoders)
    library.execute("delete from tracks where title = any(%s)", [[before[0], before[8], f"{before[8]} (Live)"]])
    library.commit()
    rest = titles(pages(library, encoders, replace(QUESTION, cursor=first.next_cursor)))
    assert rest[0] == "Newcomer"
    # In an order of their own: what is sure by sound depends on what there is to compare with.
    assert sorted(rest[1:]) == sorted(title for title in before[7:] if title != before[8])


def test_a_song_that_became_the_copy_of_another_is_not_shown_again(
    library: psycopg.Connection, encoders: Encoders
) -> None:
    first = search(library, encoders, QUESTION)
    library.execute(
        "update track_facts set original_id = (select track_id from tracks where title = 'Song 39') where track_id = %s",
        [first.hits[0].track_id],
    )
    library.commit()
    assert "Song 39" not in titles(pages(library, encoders, replace(QUESTION, cursor=first.next_cursor)))


def test_pages_hold_under_filters(library: psycopg.Connection, encoders: Encoders) -> None:
    question = replace(QUESTION, limit=3, filters=Filters(year_from=1990, year_to=1999))
    found = pages(library, encoders, question)
    assert [len(page.hits) for page in found] == [3, 3, 3, 1]
    assert {hit.year for page in found for hit in page.hits} == set(range(1990, 2000))


def test_a_cursor_of_another_question_is_refused(library: psycopg.Connection, encoders: Encoders) -> None:
    onward = search(library, encoders, QUESTION).next_cursor
    with pytest.raises(SearchError, match="another question"):
        search(library, encoders, replace(QUESTION, text="money", cursor=onward))
    with pytest.raises(SearchError, match="damaged"):
        search(library, encoders, replace(QUESTION, cursor="page 2"))


def test_pages_end_at_the_depth_that_is_kept(
    library: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor, "MAX_DEPTH", 17)
    found = pages(library, encoders, QUESTION)
    assert [len(page.hits) for page in found] == [7, 7, 3]


def test_a_song_in_many_copies_does_not_fill_the_page(
    connection: psycopg.Connection, encoders: Encoders, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = add_track("Harbour", ["money in the harbour"])
    for number in range(30):
        add_track(f"Harbour {number}", [f"money in the harbour {number}"], duplicate_of=original, duplicate_score=1.0)
    for number in range(5):
        add_track(f"Other {number}", [f"she left me crying at the {PLACES[number]}"])
    fill(connection, encoders)
    monkeypatch.setattr(finding, "get_settings", lambda: TEN_CANDIDATES)
    monkeypatch.setattr(finding, "STEPS", ((1, 20_000, 1),))
    assert len(search(connection, encoders, QUESTION).hits) == 6


def test_a_filter_that_is_neither_few_nor_near_never_makes_a_page_short(
    library: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "LEAST_FEW", 3)
    monkeypatch.setattr(filtering, "FEW_PER_ROOT", 0.0)
    monkeypatch.setattr(finding, "STEPS", ((1, 1, 1),))  # the index gives up at once
    far = replace(QUESTION, text="harbour", limit=10, filters=Filters(year_from=2010))
    found = search(library, encoders, far)
    assert len(found.hits) == 10
    assert {hit.year for hit in found.hits} == set(range(2010, 2020))


def test_words_alone_find_what_holds_them_and_no_more(library: psycopg.Connection, encoders: Encoders) -> None:
    found = pages(library, encoders, Question("praying", limit=4, sides=("words",)))
    assert sorted(titles(found)) == sorted(f"Song {number}" for number in range(3, 40, 4))
    assert all(hit.why.meaning_rank is None and hit.score == pytest.approx(1.0, abs=0.4) for hit in found[0].hits)


def test_a_search_sees_one_moment_and_leaves_the_connection_as_it_was(
    library: psycopg.Connection, encoders: Encoders
) -> None:
    search(library, encoders, QUESTION)
    assert library.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    library.execute(
        "delete from tracks where title = 'Song 0'"
    )  # a transaction of the caller's own sees its own changes
    assert "Song 0" not in titles(pages(library, encoders, QUESTION))
    library.rollback()
    assert "Song 0" in titles(pages(library, encoders, QUESTION))


@pytest.fixture
def second(library: psycopg.Connection, database: str) -> Iterator[psycopg.Connection]:
    """Another connection to the library."""
    with closing(connect(database)) as conn:
        yield conn
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("filters", [Filters(), Filters(year_from=1990), Filters(year_from=2018)])
def test_a_second_connection_changes_no_answer(
    library: psycopg.Connection, second: psycopg.Connection, encoders: Encoders, filters: Filters
) -> None:
    question = replace(QUESTION, filters=filters, but_not="dancing")
    assert search(library, encoders, question, second) == search(library, encoders, question)
    library.execute("delete from tracks where title = 'Song 0'")  # it can't see what the caller did, so it is not asked
    assert search(library, encoders, question, second) == search(library, encoders, question)
    library.rollback()


def test_a_second_connection_changes_no_answer_of_the_later_steps(
    library: psycopg.Connection, second: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "get_settings", lambda: TEN_CANDIDATES)
    question = replace(QUESTION, limit=40)
    found = search(library, encoders, question, second)
    assert len(found.hits) == 40
    assert found == search(library, encoders, question)


def test_an_encoder_that_fails_while_others_are_looked_for_leaves_both_connections_as_they_were(
    library: psycopg.Connection, second: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(texts: Sequence[str]) -> Vectors:
        raise EncoderError("the endpoint can't be reached")

    with monkeypatch.context() as failing:
        failing.setattr(encoders.get("minilm"), "encode", fail)
        with pytest.raises(EncoderError, match="can't be reached"):
            search(library, encoders, QUESTION, second)
    assert library.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert second.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert len(search(library, encoders, QUESTION, second).hits) == 7


def test_the_nearest_are_looked_for_on_the_second_connection(
    library: psycopg.Connection, second: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*asked: object, **options: object) -> list[Found]:
        raise AssertionError("looked for on the first connection")

    monkeypatch.setattr(finding, "by_meaning", refuse)
    found = search(library, encoders, QUESTION, second).hits
    assert found[0].why.meaning_rank == 1
    with pytest.raises(AssertionError, match="on the first"):
        search(library, encoders, QUESTION)


def test_likely_hits_are_read_before_the_nearest_are_waited_for_and_nothing_is_read_twice(
    library: psycopg.Connection, second: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, ...]] = []
    before: list[int] = []
    by_meaning_sent, evidence_in = finding.by_meaning_sent, showing.Reader._evidence_in

    def sent(*asked: Any) -> Callable[[], list[Found]]:
        nearest = by_meaning_sent(*asked)
        return lambda: before.append(len(read)) or nearest()

    def recorded(reader: showing.Reader, sections: Sequence[Sequence[str]], alike: Any) -> list[list[Evidence]]:
        read.extend(map(tuple, sections))
        return evidence_in(reader, sections, alike)

    monkeypatch.setattr(finding, "by_meaning_sent", sent)
    monkeypatch.setattr(showing.Reader, "_evidence_in", recorded)
    hits = search(library, encoders, QUESTION, second).hits
    assert len(hits) == 7
    assert before[0] >= 5
    assert hits[0].lines[0].text in {line for lines in read[: before[0]] for line in lines}
    assert len(read) == len(set(read)) < 15
    assert {line.text for hit in hits for line in hit.lines} <= {line for lines in read for line in lines}


def test_both_connections_see_one_moment(
    library: psycopg.Connection,
    database: str,
    second: psycopg.Connection,
    encoders: Encoders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    minilm = encoders.get("minilm")
    encode = minilm.encode

    def meanwhile(texts: Sequence[str]) -> Vectors:
        with connect(database) as other:
            other.execute("delete from tracks where title like 'Song 0%'")  # and its copy
        return encode(texts)

    monkeypatch.setattr(minilm, "encode", meanwhile)
    (first, *_) = search(library, encoders, QUESTION, second).hits
    assert (first.title, first.why.meaning_rank, first.why.words_rank) == ("Song 0", 1, 1)
    assert "Song 0" not in titles([search(library, encoders, QUESTION, second)])


def test_a_second_connection_that_is_lost_is_done_without(
    library: psycopg.Connection, database: str, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = search(library, encoders, QUESTION)
    minilm = encoders.get("minilm")
    encode = minilm.encode
    second = connect(database)

    def meanwhile(texts: Sequence[str]) -> Vectors:
        with connect(database) as other:
            other.execute("select pg_terminate_backend(%s, 5000)", [second.info.backend_pid])
        return encode(texts)

    monkeypatch.setattr(minilm, "encode", meanwhile)
    assert search(library, encoders, QUESTION, second) == expected
    assert second.closed
    assert library.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("held", [None, "section_sounds"])
def test_one_who_waits_for_one_connection_does_not_hold_up_the_other(
    library: psycopg.Connection,
    second: psycopg.Connection,
    database: str,
    encoders: Encoders,
    monkeypatch: pytest.MonkeyPatch,
    held: str | None,
) -> None:
    """A third wants what one of them reads, and holds what the other waits for: a ring that no server sees."""
    question = replace(QUESTION, filters=Filters(year_from=1985))
    expected = search(library, encoders, question)
    for conn in (library, second):
        conn.execute("set statement_timeout = '5s'")  # without it a ring would stay for ever
        conn.commit()
    by_meaning_sent = finding.by_meaning_sent
    changed: list[Future[None]] = []
    tried: list[psycopg.Connection[Any] | None] = []
    found_by = finding._search

    def change() -> None:
        with closing(connect(database)) as other:
            for table in (held, "track_facts"):
                if table is not None:
                    other.execute(f"lock table {table} in access exclusive mode")

    def until(condition: str) -> None:
        while not watcher.execute(f"select 1 from pg_locks where {condition}").fetchone():
            time.sleep(0.01)

    def sent(*asked: Any) -> Callable[[], list[Found]]:
        wait = None
        if held is not None:  # the nearest are looked for before the third comes
            wait = by_meaning_sent(*asked)
            until(f"pid = {second.info.backend_pid} and relation = 'track_facts'::regclass")
        changed.append(thread.submit(change))
        until("not granted and mode = 'AccessExclusiveLock'")
        return wait or by_meaning_sent(*asked)

    def search_once(*asked: Any) -> Page:
        tried.append(asked[-1])
        return found_by(*asked)

    monkeypatch.setattr(finding, "by_meaning_sent", sent)
    monkeypatch.setattr(finding, "_search", search_once)
    with ThreadPoolExecutor(1) as thread, closing(connect(database, autocommit=True)) as watcher:
        assert search(library, encoders, question, second) == expected
        assert tried == [second, None]
        (done,) = changed
        done.result()


def test_words_and_sounds_do_not_wait_for_an_encoder_that_is_slow(
    library: psycopg.Connection, second: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = search(library, encoders, QUESTION)
    minilm = encoders.get("minilm")
    encode, by_words = minilm.encode, words.by_words
    looking = Event()

    def slow(texts: Sequence[str]) -> Vectors:
        assert looking.wait(5)
        return encode(texts)

    def asked_for(*asked: Any) -> Looking:
        looking.set()
        return by_words(*asked)

    monkeypatch.setattr(minilm, "encode", slow)
    monkeypatch.setattr(words, "by_words", asked_for)
    assert search(library, encoders, QUESTION, second) == expected


def test_tables_that_are_dropped_while_it_is_asked_are_asked_no_more(
    library: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    minilm = encoders.get("minilm")
    names = iter(["gone", "minilm", "gone", "gone"])
    monkeypatch.setattr(encoders, "serving", lambda conn: Serving(next(names), None, {}))
    monkeypatch.setattr(encoders, "get", lambda name: minilm)
    page = search(library, encoders, QUESTION)
    assert (page.encoder, len(page.hits)) == ("minilm", 7)
    with pytest.raises(UndefinedTable, match="section_vectors_gone"):
        search(library, encoders, QUESTION)


def test_a_second_connection_outlives_a_table_that_is_dropped(
    library: psycopg.Connection, second: psycopg.Connection, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    minilm = encoders.get("minilm")
    names = iter(["gone", "minilm"])
    monkeypatch.setattr(encoders, "serving", lambda conn: Serving(next(names), None, {}))
    monkeypatch.setattr(encoders, "get", lambda name: minilm)
    assert len(search(library, encoders, QUESTION, second).hits) == 7


def test_songs_are_found_before_their_facts_are_stated(
    connection: psycopg.Connection, encoders: Encoders, add_track: AddTrack
) -> None:
    add_track("New", ["money in the harbour"], year=1990)
    fill(connection, encoders)
    connection.execute("delete from track_facts")
    connection.commit()
    (hit,) = search(connection, encoders, QUESTION).hits
    assert (hit.title, hit.why.meaning_rank, hit.why.words_rank, hit.why.sound_rank) == ("New", 1, 1, 1)
    assert search(connection, encoders, replace(QUESTION, filters=Filters(year_from=1980))).hits == []


def test_an_edited_song_is_found_by_its_new_text_and_a_deleted_one_not_at_all(
    library: psycopg.Connection, encoders: Encoders
) -> None:
    new = "the lighthouse keeper counts the whales"
    library.execute(
        """
        update track_sections set text = %(text)s, text_sha256 = %(sha256)s
        where track_id = (select track_id from tracks where title = 'Song 39')
        """,
        {"text": new, "sha256": sha256(new)},
    )
    library.commit()
    fill(library, encoders)
    asked = Question("counting whales at the lighthouse", limit=1)
    (hit,) = search(library, encoders, asked).hits
    assert (hit.title, hit.why.meaning_rank, hit.why.words_rank, hit.lines[0].text) == ("Song 39", 1, 1, new)
    library.execute("delete from tracks where title = 'Song 39'")
    library.commit()
    assert titles(pages(library, encoders, asked)).count("Song 39") == 0


def test_searches_run_side_by_side(library: psycopg.Connection, encoders: Encoders) -> None:
    questions = [replace(QUESTION, text=f"{doing} {place}") for doing in DOINGS for place in PLACES[:5]]
    alone = [search(library, encoders, question) for question in questions]
    dsn = library.info.dsn + f" password={library.info.password}"

    def answered(share: int) -> list[Page]:
        with connect(dsn) as conn:
            return [search(conn, encoders, question) for question in questions[share::4]]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(answered, range(4)))
    assert [together[number % 4][number // 4] for number in range(len(questions))] == alone
