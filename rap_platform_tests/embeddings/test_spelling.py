"""Words that nobody sings are corrected, and the distinct words follow the sections whatever happens to these."""

import threading
from collections.abc import Callable

import psycopg
import pytest

from rap_platform.embeddings.search import spelling, terms
from rap_platform.resources.postgres import connect
from rap_platform_tests.embeddings.conftest import AddTrack, sha256

VERSE = "Wednesday morning and the kingdom is golden\nhappiness is stolen, the letter was folded"


def known(conn: psycopg.Connection) -> dict[str, int]:
    return dict(conn.execute("select word, sections from distinct_words").fetchall())


def corrected(conn: psycopg.Connection, text: str) -> dict[str, str]:
    with conn.transaction():
        return dict(terms.read(conn, text).corrected)


@pytest.fixture
def sung(connection: psycopg.Connection, add_track: AddTrack) -> psycopg.Connection:
    add_track("Kingdom", [VERSE, "golden nights"])
    spelling.sum_up(connection)
    return connection


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("wendesday", "wednesday"),  # two letters swapped
        ("hapiness", "happiness"),  # one left out
        ("kingdomm", "kingdom"),  # one too many
        ("goldem", "golden"),  # another one
        ("mronign", "morning"),  # two edits in a long word
        ("hapyness", "happiness"),
    ],
)
def test_a_misspelled_word_becomes_the_sung_one(sung: psycopg.Connection, asked: str, found: str) -> None:
    assert corrected(sung, f"that {asked} again") == {asked: found}


@pytest.mark.parametrize(
    "asked", ["golden", "nights", "the", "is", "gld", "goooldem", "xylophone", "golden2", "été", "", "'n'"]
)
def test_what_is_sung_or_far_from_it_stays_as_it_is(sung: psycopg.Connection, asked: str) -> None:
    assert corrected(sung, f"letter {asked}") == {}


@pytest.mark.parametrize("sampled", [False, True])
def test_a_form_of_a_sung_word_and_a_stop_word_are_no_mistakes(
    connection: psycopg.Connection, add_track: AddTrack, *, sampled: bool
) -> None:
    add_track("Skate", ["skate and dance", "skate on", "stating nothing, waving"])
    spelling.sum_up(connection)
    if sampled:
        terms.sample(connection)
    assert corrected(connection, "skating") == {}
    assert corrected(connection, "having") == {}
    assert corrected(connection, "skatting") == {"skatting": "stating"}


def test_a_form_of_a_sung_word_that_was_not_summed_up_yet_is_left_alone(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    add_track("Nights", ["golden letters"])
    spelling.sum_up(connection)
    add_track("New", ["a goldem idol"])
    assert corrected(connection, "goldem") == {}
    spelling.sum_up(connection)
    assert corrected(connection, "goldem") == {}


@pytest.mark.parametrize(
    ("word", "candidates", "best"),
    [
        ("nite", [("site", 90), ("bite", 10)], "site"),  # as near and as unlike in sound: the more common
        ("cite", [("cute", 900), ("site", 3)], "site"),  # the one that sounds the same
        ("letterz", [("letters", 1), ("lettering", 99)], "letters"),
        ("abcd", [("wxyz", 5)], None),
        ("goldne", [("golden", 1)], "golden"),
    ],
)
def test_the_nearest_wins_then_the_sound_then_the_common(
    word: str, candidates: list[tuple[str, int]], best: str | None
) -> None:
    assert spelling.choose(word, candidates) == best


@pytest.mark.parametrize(("word", "edits"), [("abc", 0), ("abcd", 1), ("abcdef", 1), ("abcdefg", 2)])
def test_long_words_may_have_two_edits(word: str, edits: int) -> None:
    assert spelling.edits_allowed(word) == edits


def test_two_words_within_two_edits_share_a_hash() -> None:
    assert spelling.deletes("happiness", 2) & spelling.deletes("hapyness", 2)
    assert not spelling.deletes("happiness", 2) & spelling.deletes("kingdom", 2)


def test_every_section_counts_once_for_each_of_its_words(sung: psycopg.Connection) -> None:
    words = known(sung)
    assert words["golden"] == 2
    assert words["kingdom"] == 1
    assert words["is"] == 1


def test_an_edited_section_takes_its_old_words_away(sung: psycopg.Connection) -> None:
    sung.execute("update track_sections set text = 'silver nights' where text = 'golden nights'")
    sung.commit()
    assert spelling.sum_up(sung) == 2
    words = known(sung)
    assert words["silver"] == 1
    assert words["golden"] == 1


def test_a_purged_song_leaves_no_word_behind(sung: psycopg.Connection) -> None:
    sung.execute("delete from raw_songs")
    sung.commit()
    spelling.sum_up(sung)
    assert known(sung) == {}
    assert sung.execute("select count(*) from word_changes").fetchone() == (0,)


def test_emptied_tables_leave_no_word_behind(sung: psycopg.Connection, add_track: AddTrack) -> None:
    add_track("New", ["silence"])
    sung.execute("truncate raw_songs cascade")
    sung.commit()
    assert spelling.sum_up(sung) == 0
    assert known(sung) == {}


def test_summing_up_twice_changes_nothing(sung: psycopg.Connection) -> None:
    before = known(sung)
    assert spelling.sum_up(sung) == 0
    assert known(sung) == before


def test_a_long_summing_up_in_parts_comes_out_the_same(
    connection: psycopg.Connection, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spelling, "SECTIONS_PER_COMMIT", 2)
    track = add_track("One", ["alpha beta", "beta gamma", "gamma delta"])
    connection.execute("update track_sections set text = 'beta omega' where track_id = %s and section_no = 3", [track])
    connection.commit()
    assert spelling.sum_up(connection) == 5
    assert known(connection) == {"alpha": 1, "beta": 3, "gamma": 1, "omega": 1}


def test_writers_neither_wait_for_one_another_nor_for_the_summing_up(database: str, add_track: AddTrack) -> None:
    tracks = [add_track(f"Song {number}", ["golden letters"], slot=number) for number in range(2)]
    gone = add_track("Gone", ["golden silence"], slot=5)
    start = threading.Barrier(4)
    failures: list[psycopg.Error] = []

    def write(track: int) -> None:
        with connect(database) as conn:
            start.wait()
            for number in range(2, 30):
                text = f"shared words and number{number} of {track}"
                conn.execute(
                    """
                    insert into track_sections (track_id, section_no, kind, first_line, last_line, text, text_sha256)
                    values (%s, %s, 'verse', 1, 1, %s, %s)
                    """,
                    [track, number, text, sha256(text)],
                )
                if number % 5 == 0:
                    conn.commit()

    def delete() -> None:
        with connect(database) as conn:
            start.wait()
            conn.execute("delete from tracks where track_id = %s", [gone])

    def sum_up() -> None:
        with connect(database) as conn:
            start.wait()
            for _ in range(10):
                spelling.sum_up(conn)

    def run(action: Callable[..., None], *arguments: int) -> None:
        try:
            action(*arguments)
        except psycopg.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(write, track)) for track in tracks]
    threads += [threading.Thread(target=run, args=(delete,)), threading.Thread(target=run, args=(sum_up,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    with connect(database) as conn:
        spelling.sum_up(conn)
        counted = dict(
            conn.execute(
                """
                select word, count(*) from track_sections, unnest(tsvector_to_array(to_tsvector('simple', text))) word group by word
                """
            ).fetchall()
        )
        assert known(conn) == counted
        assert "silence" not in counted
        assert counted["shared"] == 56


def test_near_words_are_found_by_their_index(sung: psycopg.Connection) -> None:
    with sung.transaction():
        sung.execute("set local enable_seqscan = off")
        plan = "\n".join(
            row[0]
            for row in sung.execute(
                "explain select word from distinct_words where deletes && %s::integer[] and sections > 0",
                [sorted(spelling.deletes("goldem", 1))],
            )
        )
    assert "distinct_words_deletes" in plan
