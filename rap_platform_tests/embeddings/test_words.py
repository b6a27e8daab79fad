"""Sections are found by the question's words, the rare ones first, and the words are marked in their lines."""

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from rap_platform.embeddings.search import facts, planning, spelling, term_queries, terms, words
from rap_platform.embeddings.search.filtering import Filtering
from rap_platform.embeddings.search.looking import look
from rap_platform.embeddings.search.question import Found
from rap_platform.embeddings.search.words import Held
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import SLOTS

OPEN = Filtering("", {}, None)
SEA = "The tide went out without a sound\nI kept the light on, all alone"
MONEY = "Stack the paper, count it twice\nevery dollar has a price"
LIGHTS = "Paper lanterns, paper boats, lights upon the tide"


@pytest.fixture
def library(connection: psycopg.Connection, add_track: AddTrack) -> dict[str, int]:
    """Three songs, sampled and summed up."""
    tracks = {
        "sea": add_track("Harbour", [SEA], year=1998),
        "money": add_track("Paper", [MONEY], year=2005),
        "lights": add_track("Lights", [LIGHTS], year=2010),
    }
    refresh(connection)
    return tracks


def refresh(conn: psycopg.Connection) -> None:
    facts.state_facts(conn, SLOTS)
    spelling.sum_up(conn)
    terms.sample(conn)
    conn.commit()


def find(
    conn: psycopg.Connection,
    text: str,
    *,
    where: str = "",
    parameters: Mapping[str, Any] | None = None,
    tracks: list[int] | None = None,
) -> list[Found]:
    with conn.transaction():
        looking = words.by_words(terms.read(conn, text), Filtering(where, parameters or {}, tracks), 10)
        return look(conn, looking)[0]


def tracks_of(found: list[Found]) -> list[int]:
    return [section.track_id for section in found]


def test_who_holds_more_of_the_question_stands_first(connection: psycopg.Connection, library: dict[str, int]) -> None:
    found = find(connection, "paper lights on the tide")
    assert tracks_of(found) == [library["lights"], library["sea"], library["money"]]
    assert found[0].coverage == pytest.approx(1.0)
    assert 0 < found[2].coverage < found[1].coverage < 1


def test_among_equals_the_words_that_stand_close_win(connection: psycopg.Connection, add_track: AddTrack) -> None:
    far = add_track("Far", ["golden dreams and many other things that never were a letter"])
    close = add_track("Close", ["a golden letter and many other things that never were dreams"])
    refresh(connection)
    assert tracks_of(find(connection, "golden letter")) == [close, far]


def test_forms_of_a_word_count_as_the_word(connection: psycopg.Connection, library: dict[str, int]) -> None:
    assert tracks_of(find(connection, "counting dollars")) == [library["money"]]


def test_a_misspelled_word_finds_what_was_meant(connection: psycopg.Connection, library: dict[str, int]) -> None:
    assert tracks_of(find(connection, "lanternz")) == [library["lights"]]


@pytest.mark.parametrize("text", ["the and of it", "you", "!!!", "🎤 🔥", "世界"])
def test_a_question_without_words_to_look_for_finds_nothing_here(
    connection: psycopg.Connection, library: dict[str, int], text: str
) -> None:
    assert find(connection, text) == []


@pytest.mark.parametrize("text", ["paper's \\ 'edge'' & | ! <-> :* (", "pa'per \"", "a\\b paper", "paper:*"])
def test_signs_of_the_query_language_are_only_signs(
    connection: psycopg.Connection, library: dict[str, int], text: str
) -> None:
    assert isinstance(find(connection, text), list)


def test_a_phrase_in_quotes_must_be_held_as_it_stands(connection: psycopg.Connection, library: dict[str, int]) -> None:
    assert tracks_of(find(connection, '"paper boats" tide')) == [library["lights"]]
    assert find(connection, '"boats paper"') == []
    assert tracks_of(find(connection, '"count it twice"')) == [library["money"]]
    assert find(connection, '"paper boats" "dollar has a price"') == []


def test_filters_are_applied_before_anything_is_cut(connection: psycopg.Connection, library: dict[str, int]) -> None:
    found = find(connection, "paper", where=" and f.year >= %(year)s", parameters={"year": 2010})
    assert tracks_of(found) == [library["lights"]]


def test_only_the_listed_tracks_are_read(connection: psycopg.Connection, library: dict[str, int]) -> None:
    assert tracks_of(find(connection, "paper tide", tracks=[library["sea"]])) == [library["sea"]]


def test_a_filter_that_leaves_too_few_of_the_rare_ones_gets_the_common_ones(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    for number in range(29):
        add_track(f"Rare {number}", ["velvet paper"], year=1990, slot=number)
    common = add_track("Common", ["paper only"], year=2020)
    refresh(connection)
    found = find(connection, "velvet paper", where=" and f.year = %(year)s", parameters={"year": 2020})
    assert tracks_of(found) == [common]


def test_songs_are_found_before_their_terms_were_sampled(connection: psycopg.Connection, add_track: AddTrack) -> None:
    track = add_track("New", [MONEY])
    assert tracks_of(find(connection, "every dollar")) == [track]


def test_a_copy_is_found_as_its_original(
    connection: psycopg.Connection, library: dict[str, int], add_track: AddTrack
) -> None:
    copy = add_track("Remix", [MONEY + "\nremix"], duplicate_of=library["money"], duplicate_score=0.9)
    refresh(connection)
    best = find(connection, "remix dollar")[0]
    assert (best.track_id, best.original_id) == (copy, library["money"])


def test_a_line_says_which_words_it_holds_and_where(connection: psycopg.Connection, library: dict[str, int]) -> None:
    with connection.transaction():
        asked = terms.read(connection, "Counting papers for the lanternz")
        held = words.held(connection, asked, ["Stack the PAPER, count it", "for the", "paper lanterns", ""])
    assert held == [
        [Held("papers", 10, 15), Held("counting", 17, 22)],
        [],
        [Held("papers", 0, 5), Held("lanternz", 6, 14)],
        [],
    ]


def test_what_was_stemmed_once_is_not_asked_again(connection: psycopg.Connection, library: dict[str, int]) -> None:
    with connection.transaction():
        asked = terms.read(connection, "paper")
        first = words.held(connection, asked, [LIGHTS])
    connection.close()
    assert words.held(connection, asked, [LIGHTS]) == first
    assert len(first[0]) == 2


def test_stems_that_another_search_forgets_meanwhile_are_still_marked(
    connection: psycopg.Connection, library: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(dict[str, tuple[str, ...]]):
        def update(self, *_: Any) -> None:
            self.clear()

    monkeypatch.setattr(words, "_stems", Forgetful())
    with connection.transaction():
        (held,) = words.held(connection, terms.read(connection, "paper"), [LIGHTS])
    assert len(held) == 2


def explained(conn: psycopg.Connection, statement: str, parameters: Mapping[str, Any]) -> str:
    with conn.transaction():
        conn.execute(term_queries.BY_INDEX)
        return "\n".join(row[0] for row in conn.execute(f"explain {statement}", parameters).fetchall())


def test_sections_are_found_by_their_index(connection: psycopg.Connection, library: dict[str, int]) -> None:
    parameters = {
        "combination_0": "'paper' & 'tide'",
        "combination_1": "'light'",
        "lexemes": ["'paper'"],
        "weights": [1.0],
        "most": 800,
        "wanted": 100,
        "track_ids": [1, 2],
        "year": 2000,
    }
    plan = explained(connection, term_queries.by_words(2, " and f.year > %(year)s"), parameters)
    assert plan.count("Bitmap Index Scan on track_sections_words") == 2
    assert "Seq Scan" not in plan
    listed = explained(connection, term_queries.by_words(2, "", tracks=True), parameters)
    assert "Seq Scan" not in listed


def test_a_walk_goes_from_the_newest_section_on(connection: psycopg.Connection, library: dict[str, int]) -> None:
    parameters = {
        "combination_0": "'paper'",
        "lexemes": ["'paper'"],
        "weights": [1.0],
        "most": 1,
        "wanted": 1,
        "reach": 3,
    }
    statement = term_queries.by_words(1, "", walk=True)
    plan = explained(connection, statement, parameters)
    assert "Index Scan Backward using track_sections_pkey" in plan
    assert plan.count("Sort") == plan.count("Sort Key") + 2  # of those found, not of those looked at
    (row,) = connection.execute(statement, parameters).fetchall()
    assert row[1] == library["lights"]
    assert connection.execute(statement, parameters | {"combination_0": "'dollar'", "reach": 1}).fetchall() == []


@pytest.mark.parametrize("reach", [40, 2])
def test_a_walk_that_finds_too_few_is_given_up_for_the_index(
    connection: psycopg.Connection, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch, reach: int
) -> None:
    tracks = [add_track(f"Song {number}", ["paper"], year=1990 + number) for number in range(14)]
    refresh(connection)
    monkeypatch.setattr(planning, "walk", lambda *_, **__: reach)
    found = find(connection, "paper", where=" and f.year < %(year)s", parameters={"year": 2002})
    assert set(tracks_of(found)) <= set(tracks[:12])
    assert len(found) == 10
