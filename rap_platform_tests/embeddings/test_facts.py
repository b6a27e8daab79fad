"""The facts of a track are stated once, follow the track and what its best analysis says, and go with it."""

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from rap_platform.embeddings import fact_assets
from rap_platform.embeddings.search import facts
from rap_platform.resources.postgres import PostgresResource
from rap_platform.serving import queries as serving_queries
from rap_platform.settings import Settings
from rap_platform_tests.embeddings.conftest import AddTrack, sha256
from rap_platform_tests.embeddings.test_filling import SLOTS, add_analysis

VERSE = "I left the harbour in the dark\nnobody waved, nobody cried"
FAILED = {"status": "failed", "error": "no JSON", "primary_mood": None, "quality": None, "raw_confidence": None}


def stated(conn: psycopg.Connection, track_id: int, *columns: str) -> tuple[Any, ...] | None:
    return conn.execute(f"select {', '.join(columns)} from track_facts where track_id = %s", [track_id]).fetchone()


def test_facts_are_those_of_the_track(connection: psycopg.Connection, add_track: AddTrack) -> None:
    track = add_track(
        "Harbour", [VERSE], year=1999, language="en", explicit=True, simulated=True, slot=7,
        featured=["Élan  Vital", "A$AP Nobody", "elan vital", " "],
    )  # fmt: skip
    found = facts.state_facts(connection, SLOTS)
    assert (found.tracks, found.analysed) == (1, 0)
    columns = ("original_id", "guests", "year", "language", "explicit", "simulated", "rating", "moods", "themes")
    assert stated(connection, track, *columns) == (
        track, ["elan vital", "asap nobody"], 1999, "en", True, True, None, [], [],
    )  # fmt: skip


def test_what_is_unknown_stays_unknown(connection: psycopg.Connection, add_track: AddTrack) -> None:
    track = add_track("Harbour", [VERSE])
    facts.state_facts(connection, SLOTS)
    assert stated(connection, track, "year", "language", "explicit", "rating") == (None, None, None, None)


def test_a_second_run_states_nothing_and_only_the_slots_asked_for_are_stated(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    here, there = add_track("Here", [VERSE], slot=3), add_track("There", [VERSE], slot=700)
    assert facts.state_facts(connection, [3]).tracks == 1
    assert stated(connection, there, "track_id") is None
    assert facts.coverage(connection, SLOTS) == (2, 1)
    assert facts.state_facts(connection, SLOTS).tracks == 1
    assert facts.state_facts(connection, SLOTS).tracks == 0
    assert stated(connection, here, "track_id") == (here,)
    assert facts.coverage(connection, SLOTS) == (2, 0)


@pytest.mark.parametrize(
    ("column", "value", "fact"),
    [
        ("year", 2004, "year"),
        ("explicit", True, "explicit"),
        ("language", "de", "language"),
        ("featured", ["New Guest"], "guests"),
    ],
)
def test_facts_follow_the_track(
    connection: psycopg.Connection, add_track: AddTrack, column: str, value: object, fact: str
) -> None:
    track = add_track("Harbour", [VERSE], year=1999)
    add_track("Other", [VERSE])
    facts.state_facts(connection, SLOTS)
    connection.execute(f"update tracks set {column} = %s where track_id = %s", [value, track])
    connection.commit()
    assert facts.state_facts(connection, SLOTS).tracks == 1
    expected = ["new guest"] if fact == "guests" else value
    assert stated(connection, track, fact) == (expected,)


def test_a_copy_stands_for_its_original(connection: psycopg.Connection, add_track: AddTrack) -> None:
    original = add_track("Harbour", [VERSE])
    copy = add_track("Harbour (Live)", [VERSE], duplicate_of=original, duplicate_score=0.9)
    facts.state_facts(connection, SLOTS)
    assert stated(connection, copy, "original_id") == (original,)


def test_the_best_analysis_names_mood_theme_and_rating(connection: psycopg.Connection, add_track: AddTrack) -> None:
    track = add_track("Harbour", [VERSE])
    add_analysis(connection, track, "rule_based", "joyful", profanity_rating="PG")
    assert facts.state_facts(connection, SLOTS).analysed == 1
    columns = ("moods", "themes", "rating", "analysis_simulated")
    assert stated(connection, track, *columns) == (["joyful"], ["street_life"], "PG", False)
    qwen = {"moods": ["sad", "lonely"], "themes": ["love", "loss"], "profanity_rating": "R", "simulated": True}
    add_analysis(connection, track, "qwen", "lonely", **qwen)
    assert facts.state_facts(connection, SLOTS).tracks == 1
    assert stated(connection, track, *columns) == (["lonely", "sad"], ["love", "loss"], "R", True)
    assert stated(connection, track, "simulated") == (False,)  # the song is real, who judged it is not


def test_an_analysis_that_failed_or_read_older_lyrics_names_nothing(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    track = add_track("Harbour", [VERSE])
    add_analysis(connection, track, "qwen", "lonely", **FAILED)
    add_analysis(connection, track, "rule_based", "joyful", input_sha256=sha256("older"))
    facts.state_facts(connection, SLOTS)
    assert stated(connection, track, "moods", "themes") == ([], [])


def test_facts_go_with_their_track(connection: psycopg.Connection, add_track: AddTrack) -> None:
    track = add_track("Harbour", [VERSE])
    facts.state_facts(connection, SLOTS)
    connection.execute("delete from tracks where track_id = %s", [track])
    assert stated(connection, track, "track_id") is None


def test_a_purge_forgets_what_a_simulated_analyst_said_of_a_real_song(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    real, simulated = add_track("Real", [VERSE]), add_track("Simulated", [VERSE], artist="Nobody", simulated=True)
    for track in (real, simulated):
        add_analysis(connection, track, "qwen", "lonely", profanity_rating="R", simulated=True)
    facts.state_facts(connection, SLOTS)
    for table in serving_queries.PURGES:
        serving_queries.purge(connection, table)
    assert stated(connection, real, "moods", "rating", "analysis_simulated") == ([], None, False)
    assert stated(connection, simulated, "track_id") is None
    connection.commit()
    assert facts.state_facts(connection, SLOTS).tracks == 1  # said anew: nobody judged it
    assert facts.state_facts(connection, SLOTS).tracks == 0


def test_the_asset_states_the_facts_of_its_shards_and_checks_that_none_is_missing(
    connection: psycopg.Connection, settings: Settings, add_track: AddTrack, tmp_path: Path
) -> None:
    add_track("First", [VERSE], slot=0)
    add_track("Last", [VERSE], slot=1023)
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        results = [
            dg.materialize(
                [fact_assets.track_facts],
                resources={"postgres": PostgresResource()},
                instance=instance,
                partition_key=key,
            )
            for key in ("00", "00", "15")
        ]
    events = [result.asset_materializations_for_node("track_facts")[0] for result in results]
    assert [event.metadata["rows_new"].value for event in events] == [1, 0, 1]
    assert events[-1].metadata["dagster/row_count"].value == 2
    checks = [result.get_asset_check_evaluations()[0] for result in results]
    assert [(check.check_name, check.passed, check.metadata["tracks"].value) for check in checks] == [
        ("every_track_has_its_facts", True, 1)
    ] * 3
