"""Linking: what is new meets what is there, and the outcome is that of linking everything at once."""

from random import Random

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rap_platform.lyrics import link_queries, linking, queries
from rap_platform.lyrics.linking import LinkReport, link_duplicates
from rap_platform_tests.lyrics.songbook import add, altered, edit, links, lyrics


def test_an_older_original_that_comes_late_takes_over_the_copies(connection: psycopg.Connection) -> None:
    text = lyrics(1)
    late, copy = add(connection, text, year=2004), add(connection, text, title="Tide (Live)", year=2005)
    link_duplicates(connection)
    assert links(connection) == {copy: late}
    old = add(connection, altered(text, 1), year=1994, title="Tide")
    assert link_duplicates(connection) == LinkReport(signed=1, decided=3, links_changed=2)
    assert links(connection) == {copy: old, late: old}


def test_deleting_an_original_frees_its_copies_and_links_them_anew(connection: psycopg.Connection) -> None:
    first, second, third = (add(connection, lyrics(1), year=1990 + n) for n in range(3))
    link_duplicates(connection)
    assert links(connection) == {second: first, third: first}
    connection.execute("delete from tracks where track_id = %s", [first])
    assert links(connection) == {}
    assert link_duplicates(connection).signed == 0
    assert links(connection) == {third: second}
    queries.delete_tracks(connection, [second])
    link_duplicates(connection)
    assert connection.execute("select track_id, duplicate_of, duplicate_score from tracks").fetchall() == [
        (third, None, None)
    ]


def test_deleting_a_copy_changes_nothing(connection: psycopg.Connection) -> None:
    _, copy = add(connection, lyrics(1)), add(connection, lyrics(1))
    link_duplicates(connection)
    queries.delete_tracks(connection, [copy])
    assert link_duplicates(connection) == LinkReport()


def test_an_original_that_gets_another_text_lets_its_copies_go(connection: psycopg.Connection) -> None:
    first, second, third = (add(connection, lyrics(1)) for _ in range(3))
    link_duplicates(connection)
    edit(connection, first, lyrics(2))
    assert link_duplicates(connection).signed == 1
    assert links(connection) == {third: second}
    edit(connection, first, lyrics(1))
    link_duplicates(connection)
    assert links(connection) == {second: first, third: first}


@pytest.mark.parametrize(
    ("column", "value"), [("year", 1980), ("release_date", "1980-02-03"), ("title", "Tide"), ("artist_id", None)]
)
def test_facts_that_change_are_looked_at_again(connection: psycopg.Connection, column: str, value: object) -> None:
    one, other = (
        add(connection, lyrics(1), year=1990),
        add(connection, lyrics(1), year=2000, title="Tide (Live)" if column == "title" else "Ebb"),
    )
    link_duplicates(connection)
    if column == "artist_id":
        value = connection.execute(
            "select artist_id from tracks where track_id = %s", [add(connection, lyrics(5), artist="Crow")]
        ).fetchone()[0]  # type: ignore[index]
        link_duplicates(connection)
    connection.execute(f"update tracks set {column} = %s where track_id = %s", [value, other])
    assert link_duplicates(connection).signed == 1
    assert links(connection) == ({one: other} if column in ("year", "release_date") else {other: one})


def test_real_and_simulated_songs_never_meet(connection: psycopg.Connection) -> None:
    real, made_up, copy = (
        add(connection, lyrics(1)),
        add(connection, lyrics(1), simulated=True),
        add(connection, lyrics(1), simulated=True),
    )
    link_duplicates(connection)
    assert links(connection) == {copy: made_up}
    assert real not in links(connection)


def test_work_grows_with_what_is_new_not_with_what_is_there(connection: psycopg.Connection) -> None:
    for number in range(300):
        add(connection, lyrics(number), title=f"Song {number}")
    assert link_duplicates(connection) == LinkReport(signed=300, decided=300)
    assert link_duplicates(connection) == LinkReport()
    add(connection, lyrics(1000), title="New")
    assert link_duplicates(connection) == LinkReport(signed=1, decided=1)
    add(connection, lyrics(7), title="Copy")
    assert link_duplicates(connection) == LinkReport(signed=1, decided=1, links_changed=1)


def test_thousands_of_copies_meet_their_original_and_not_each_other(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, pairs = lyrics(1, lines=3), 0
    older = link_queries.older_originals

    def counted(conn: psycopg.Connection, keys: dict[int, list[int]]) -> list[tuple[int, int]]:
        nonlocal pairs
        found = older(conn, keys)
        pairs += len(found)
        return found

    monkeypatch.setattr(linking.link_queries, "older_originals", counted)
    songs = [add(connection, text) for _ in range(1200)]
    assert link_duplicates(connection) == LinkReport(signed=1200, decided=1200, links_changed=1199)
    assert set(links(connection).values()) == {songs[0]}
    assert pairs == 1200 - linking.BATCH
    queries.delete_tracks(connection, [songs[0]])
    assert link_duplicates(connection) == LinkReport(signed=0, decided=1199, links_changed=1198)
    assert set(links(connection).values()) == {songs[1]}


def test_a_run_that_was_killed_goes_on_where_it_was(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(3)
    for number in range(60):
        add(
            connection,
            altered(lyrics(number % 7), chance.randrange(6), chance.randrange(3)),
            year=chance.randrange(1990, 2010),
        )
    connection.commit()
    monkeypatch.setattr(linking, "BATCH", 10)
    store, calls = link_queries.store_decisions, 0

    def dies(conn: psycopg.Connection, decisions: list[link_queries.Decision]) -> int:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return store(conn, decisions)

    monkeypatch.setattr(linking.link_queries, "store_decisions", dies)
    with pytest.raises(KeyboardInterrupt):
        link_duplicates(connection)
    connection.rollback()
    assert link_queries.dangling_duplicates(connection) == 0
    assert link_duplicates(connection).decided == 30
    assert_as_if_linked_at_once(connection)


def assert_as_if_linked_at_once(conn: psycopg.Connection) -> None:
    """The links are those that a database gets in which nothing was linked before."""
    query = "select track_id, duplicate_of, duplicate_score from tracks order by track_id"
    found = conn.execute(query).fetchall()
    assert link_queries.dangling_duplicates(conn) == 0
    conn.execute("delete from track_signatures")
    conn.execute("update tracks set duplicate_of = null, duplicate_score = null")
    link_duplicates(conn)
    assert conn.execute(query).fetchall() == found


# A few songs, each in shapes that are more or less near each other, with facts that decide which is older.
_SHAPES = st.tuples(
    st.integers(0, 1), st.integers(0, 7), st.sampled_from(["Tide", "Tide (Remix)", "Tide (Live)", "Ebb"]),
    st.sampled_from(["Vale", "Vale", "Crow"]), st.sampled_from([None, 1990, 2000]), st.sampled_from([False, False, False, True]),
)  # fmt: skip
_CHANGES = st.one_of(
    st.tuples(st.just("add"), _SHAPES),
    st.tuples(st.just("add"), _SHAPES),
    st.tuples(st.just("edit"), st.integers(0, 50), _SHAPES),
    st.tuples(st.just("delete"), st.integers(0, 50)),
)
_ROUNDS = st.lists(st.lists(_CHANGES, min_size=1, max_size=6), min_size=2, max_size=6)


def shape(family: int, lines: int) -> str:
    return altered(lyrics(family), lines, family)


def apply(conn: psycopg.Connection, step: tuple) -> None:  # type: ignore[type-arg]
    tracks = [int(track_id) for (track_id,) in conn.execute("select track_id from tracks order by track_id")]
    match step:
        case ("add", (family, lines, title, artist, year, simulated)):
            add(conn, shape(family, lines), title=title, artist=artist, year=year, simulated=simulated)
        case ("edit", at, (family, lines, *_)) if tracks:
            edit(conn, tracks[at % len(tracks)], shape(family, lines))
        case ("delete", at) if tracks:
            conn.execute("delete from tracks where track_id = %s", [tracks[at % len(tracks)]])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_ROUNDS, st.sampled_from([1, 3, 200]))
def test_songs_that_come_change_and_go_are_linked_as_if_all_were_linked_at_once(
    connection: psycopg.Connection,
    rounds: list[list[tuple]],  # type: ignore[type-arg]
    batch: int,
) -> None:
    connection.execute("truncate raw_songs, artists cascade")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linking, "BATCH", batch)
        for changes in rounds:
            for change in changes:
                apply(connection, change)
            link_duplicates(connection)
    assert_as_if_linked_at_once(connection)
