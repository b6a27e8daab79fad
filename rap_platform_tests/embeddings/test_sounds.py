"""Sections are found by how they sound, over the borders of words."""

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from rap_platform.embeddings import hearing
from rap_platform.embeddings.search import planning, sound_keys, sounds, term_queries, terms
from rap_platform.embeddings.search.filtering import UNFILTERED, Filtering
from rap_platform.embeddings.search.looking import look
from rap_platform.embeddings.search.question import Found
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import SLOTS
from rap_platform_tests.embeddings.test_words import explained, refresh, tracks_of


@pytest.fixture
def library(connection: psycopg.Connection, add_track: AddTrack) -> dict[str, int]:
    """Four songs that were heard."""
    tracks = {
        "scream": add_track("Scream", ["I scream in the morning\nnobody hears"], year=1998),
        "sense": add_track("Sense", ["It makes no sense\nto wait for the rain"], year=2005),
        "grammar": add_track("Grammar", ["it is what it is\nand so it was"], year=2010),
        "other": add_track("Other", ["golden letters folded\nunder velvet skies"], year=2015),
    }
    hear(connection)
    return tracks


def hear(conn: psycopg.Connection) -> None:
    hearing.fill(conn, SLOTS)
    refresh(conn)


def find(
    conn: psycopg.Connection,
    text: str,
    *,
    where: str = "",
    parameters: Mapping[str, Any] | None = None,
    tracks: list[int] | None = None,
) -> list[Found]:
    with conn.transaction():
        looking = sounds.by_sound(terms.read(conn, text), Filtering(where, parameters or {}, tracks), 10)
        return look(conn, looking)[0]


@pytest.mark.parametrize(
    ("heard", "song"),
    [
        ("cents", "sense"),
        ("it makes no cents", "sense"),
        ("ice cream in the mourning", "scream"),
        ("no body hears", "scream"),
        ("weight four the reign", "sense"),
        ("goldin ledders foldid", "other"),
    ],
)
def test_a_misheard_line_finds_the_song(
    connection: psycopg.Connection, library: dict[str, int], heard: str, song: str
) -> None:
    assert tracks_of(find(connection, heard))[0] == library[song]


def test_a_line_of_stop_words_is_found_by_its_sound(connection: psycopg.Connection, library: dict[str, int]) -> None:
    found = find(connection, "it is what it is")
    assert found[0].track_id == library["grammar"]
    assert found[0].coverage == pytest.approx(1.0)


def test_the_score_is_the_weight_of_what_the_best_line_holds(
    connection: psycopg.Connection, library: dict[str, int]
) -> None:
    with connection.transaction():
        asked = terms.read(connection, "golden rain")
        found = look(connection, sounds.by_sound(asked, UNFILTERED, 10))[0]
    assert {one.track_id for one in found} == {library["sense"], library["other"]}
    total = sum(asked.sounds.values())
    texts = dict(connection.execute("select section_id, text from track_sections").fetchall())
    for one in found:
        held = [
            sum(asked.sounds.get(key, 0.0) for key in sound_keys.keys(line))
            for line in texts[one.section_id].split("\n")
        ]
        assert one.score == pytest.approx(max(held))
        assert one.coverage == pytest.approx(one.score / total)


def test_a_line_in_one_place_outranks_the_same_sounds_strewn_over_a_section(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    strewn = add_track(
        "Strewn",
        ["the lantern on the table\na harbour in the winter\nmy grandmother was sleeping\nall the thunder over water"],
    )
    whole = add_track("Whole", ["nobody was listening\nlantern harbour grandmother thunder\nnobody was listening"])
    hear(connection)
    found = find(connection, "lantern harbour grandmother thunder")
    assert tracks_of(found) == [whole, strewn]
    assert found[0].coverage == pytest.approx(1.0)
    assert found[1].coverage < 0.5


def test_a_long_question_goes_over_neighbouring_lines(
    connection: psycopg.Connection, library: dict[str, int], add_track: AddTrack
) -> None:
    lines = [
        "lantern harbour grandmother thunder pocket",
        "velvet pepper circus nickel summer",
        "marble orchard blanket whistle dragon",
    ]
    together = add_track("Together", ["\n".join(lines)])
    apart = add_track("Apart", ["\n".join([lines[0], "nobody hears", lines[1], "nobody waits", lines[2]])])
    hear(connection)
    assert [one.coverage for one in find(connection, lines[0])[:2]] == pytest.approx([1.0, 1.0])
    found = find(connection, "\n".join(lines))  # 15 words: two lines
    assert tracks_of(found)[:2] == [together, apart]
    assert 0.55 < found[0].coverage < 0.8
    assert 0.25 < found[1].coverage < 0.45


def test_sections_that_were_not_read_by_line_follow_and_are_covered_no_better(
    connection: psycopg.Connection, library: dict[str, int], add_track: AddTrack
) -> None:
    tracks = [add_track(f"Song {number}", [f"lantern number {number}\nand a harbour"]) for number in range(12)]
    hear(connection)
    with connection.transaction():
        asked = terms.read(connection, "lantern harbour")
        found = look(connection, sounds.by_sound(asked, UNFILTERED, 20))[0]
    assert {section.track_id for section in found} == set(tracks)
    assert max(one.score for one in found[:10]) < min(one.score for one in found[10:])  # of a line, of all lines
    assert max(one.coverage for one in found[10:]) <= min(one.coverage for one in found[:10])


def test_what_was_heard_before_lines_were_told_apart_counts_as_one(
    connection: psycopg.Connection, library: dict[str, int]
) -> None:
    by_line = find(connection, "velvet golden")
    connection.execute("update section_sounds set line_ends = default")
    found = find(connection, "velvet golden")
    assert tracks_of(by_line)[0] == tracks_of(found)[0] == library["other"]
    assert found[0].coverage == pytest.approx(2 * by_line[0].coverage)


@pytest.mark.parametrize("ends", ["array[1]", "line_ends || 16000"])
def test_ends_of_lines_that_are_not_those_of_the_keys_are_ignored(
    connection: psycopg.Connection, library: dict[str, int], ends: str
) -> None:
    connection.execute(f"update section_sounds set line_ends = {ends}")
    found = find(connection, "velvet golden")
    connection.execute("update section_sounds set line_ends = default")
    assert found == find(connection, "velvet golden")


def test_a_phrase_in_quotes_is_spelled_as_it_is_meant(connection: psycopg.Connection, library: dict[str, int]) -> None:
    assert find(connection, '"golden letters"') == []


def test_a_phrase_of_stop_words_must_be_heard_whole(connection: psycopg.Connection, library: dict[str, int]) -> None:
    assert tracks_of(find(connection, '"it is what it is"')) == [library["grammar"]]
    assert find(connection, '"was it so and"') == []


@pytest.mark.parametrize("text", ["", "!!!", "🎤", "世界", '"…"'])
def test_what_nobody_can_say_sounds_like_nothing(
    connection: psycopg.Connection, library: dict[str, int], text: str
) -> None:
    assert find(connection, text) == []


def test_filters_and_listed_tracks_hold(connection: psycopg.Connection, library: dict[str, int]) -> None:
    found = find(connection, "golden cents", where=" and f.year < %(year)s", parameters={"year": 2010})
    assert tracks_of(found) == [library["sense"]]
    assert tracks_of(find(connection, "golden cents", tracks=[library["other"]])) == [library["other"]]


def test_sections_are_found_by_their_index(connection: psycopg.Connection, library: dict[str, int]) -> None:
    parameters = {"alone": [1], "combination_0": [1, 2], "most": 800, "track_ids": [1], "year": 2000, "reach": 9}
    plan = explained(connection, term_queries.by_sound(1, " and f.year > %(year)s", alone=True), parameters)
    assert plan.count("Bitmap Index Scan on section_sounds_keys") == 2
    assert "Seq Scan" not in plan
    assert "Seq Scan" not in explained(connection, term_queries.by_sound(1, "", alone=True, tracks=True), parameters)
    for where in ("", " and f.year > %(year)s"):
        walk = explained(connection, term_queries.by_sound(0, where, alone=True, walk=True), parameters)
        assert "Index Scan Backward using section_sounds_pkey" in walk
        assert "Sort" not in walk


@pytest.mark.parametrize("reach", [40, 1])
def test_a_walk_that_finds_too_few_is_given_up_for_the_index(
    connection: psycopg.Connection, library: dict[str, int], monkeypatch: pytest.MonkeyPatch, reach: int
) -> None:
    monkeypatch.setattr(planning, "walk", lambda *_, **__: reach)
    found = find(connection, "cents", where=" and f.year < %(year)s", parameters={"year": 2010})
    assert tracks_of(found) == [library["sense"]]
