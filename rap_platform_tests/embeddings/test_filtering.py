"""Filters let through what was asked for, in any spelling, and name the tracks when they are few."""

import psycopg
import pytest

from rap_platform.embeddings.search import facts, filtering, queries
from rap_platform.embeddings.search.question import Filters
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import SLOTS, add_analysis

VERSE = "I left the harbour in the dark"


@pytest.fixture
def names(connection: psycopg.Connection, add_track: AddTrack) -> dict[int, str]:
    """Six songs by three artists, by their track_id."""
    songs = {
        "alone": add_track("alone", [VERSE], artist="Étoile Noire", year=1995, language="fr", explicit=False),
        "duet": add_track("duet", [VERSE], artist="Étoile Noire", year=2001, featured=["Big Tally"], explicit=True),
        "tally": add_track("tally", [VERSE], artist="Big Tally", year=2005, language="en", explicit=True),
        "crew": add_track("crew", [VERSE], artist="Big Tally", featured=["etoile noire", "June"], year=2010),
        "june": add_track("june", [VERSE], artist="June", simulated=True, language="en"),
        "undated": add_track("undated", [VERSE], artist="June", language="en"),
    }
    for song, mood, rating in (("alone", "lonely", "G"), ("tally", "angry", "NC-17"), ("crew", "angry", "PG-13")):
        add_analysis(connection, songs[song], "qwen", mood, profanity_rating=rating, themes=["money", song])
    facts.state_facts(connection, SLOTS)
    return {track_id: song for song, track_id in songs.items()}


CASES = [
    (Filters(artist="étoile noire"), {"alone", "duet"}),
    (Filters(artist="  ETOILE   NOIRE "), {"alone", "duet"}),
    (Filters(artist="étoile-noire"), {"alone", "duet"}),
    (Filters(artist="Etoile Noire", include_features=True), {"alone", "duet", "crew"}),
    (Filters(artist="Etoile Noire", include_features=False), {"alone", "duet"}),
    (Filters(artist="nobody"), set()),
    (Filters(artist="nobody", include_features=True), set()),
    (Filters(featuring="BIG TALLY"), {"duet"}),
    (Filters(featuring="June"), {"crew"}),
    (Filters(not_featuring="june"), {"alone", "duet", "tally", "june", "undated"}),
    (Filters(artist="Big Tally", not_featuring="June"), {"tally"}),
    (Filters(year_from=2001), {"duet", "tally", "crew"}),
    (Filters(year_to=2001), {"alone", "duet"}),
    (Filters(year_from=2001, year_to=2005), {"duet", "tally"}),
    (Filters(language="en"), {"tally", "june", "undated"}),
    (Filters(mood="angry"), {"tally", "crew"}),
    (Filters(theme="money"), {"alone", "tally", "crew"}),
    (Filters(theme="crew"), {"crew"}),
    (Filters(rating="G"), {"alone"}),
    (Filters(rating="PG-13"), {"alone", "crew"}),
    (Filters(rating="NC-17"), {"alone", "crew", "tally"}),
    (Filters(explicit=False), {"alone"}),
    (Filters(explicit=True), {"duet", "tally"}),
    (Filters(simulated=True), {"june"}),
    (Filters(simulated=False, language="en"), {"tally", "undated"}),
    (Filters(mood="'; drop table tracks; --"), set()),
    (Filters(language="%(year_from)s"), set()),
]


def test_a_filter_lets_through_what_was_asked_for(connection: psycopg.Connection, names: dict[int, str]) -> None:
    for filters, passing in CASES:
        found = filtering.filtering(connection, filters)
        assert found.track_ids is not None
        assert {names[track_id] for track_id in found.track_ids} == passing, filters
        rows = connection.execute(f"select f.track_id from track_facts f where true{found.where}", found.parameters)
        assert {names[row[0]] for row in rows.fetchall()} == passing, filters


def test_no_filter_says_nothing(connection: psycopg.Connection) -> None:
    assert filtering.filtering(connection, Filters()) == filtering.UNFILTERED


def test_tracks_are_named_only_while_they_are_few(
    connection: psycopg.Connection, names: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "LEAST_FEW", 3)
    three = filtering.filtering(connection, Filters(language="en"))
    assert three.track_ids is not None
    assert len(three.track_ids) == 3
    assert three.passing == 1.0
    most = filtering.filtering(connection, Filters(simulated=False))
    assert (most.track_ids, most.passing) == (None, pytest.approx(6 / 7))  # five of six, and one for what was not seen
    connection.execute("analyze track_facts")
    connection.execute("update pg_class set reltuples = 1e6 where oid = 'track_facts'::regclass")
    assert filtering._few(connection) == 12_000


def test_every_condition_is_backed_by_an_index(connection: psycopg.Connection) -> None:
    parameters = {
        "artist_ids": [1], "artist_names": ["a"], "featuring": ["a"], "not_featuring": ["a"], "year_from": 2000, "year_to": 1990,
        "language": "en", "mood": ["sad"], "theme": ["sea"], "ratings": ["G"], "explicit": True, "simulated": True, "most": 10,
    }  # fmt: skip
    connection.execute("set local enable_seqscan = off")
    for condition in sorted(queries.CONDITIONS.keys() - {"not_featuring"}):  # which nearly all pass
        statement = queries.passing(f" and {queries.CONDITIONS[condition]}")
        plan = "\n".join(row[0] for row in connection.execute(f"explain {statement}", parameters).fetchall())
        assert "track_facts_" in plan, condition
        assert "Seq Scan" not in plan, condition
