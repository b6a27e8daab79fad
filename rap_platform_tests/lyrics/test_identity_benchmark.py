"""The identity benchmark measures what it says, on a world small enough for every run."""

import psycopg

from rap_platform.lyrics import queries
from rap_platform.lyrics.identity_benchmark import linked_as_in_truth


def test_links_on_a_small_world_are_those_of_the_truth(connection: psycopg.Connection) -> None:
    counts = linked_as_in_truth(connection, seed=2026, songs=400)
    assert counts["songs"] == 400
    assert counts["true"] >= 5
    assert counts["right"] >= 0.97 * counts["true"]
    assert counts["right"] >= 0.97 * counts["found"]


def test_a_database_that_was_measured_is_empty_again(connection: psycopg.Connection) -> None:
    linked_as_in_truth(connection, seed=7, songs=40)
    queries.forget_all_songs(connection)
    assert connection.execute("select count(*) from tracks").fetchone() == (0,)
