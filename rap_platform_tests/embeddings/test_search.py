"""A search finds what was meant and what was written, shows the line, and says why."""

from typing import Any

import psycopg
import pytest

from rap_platform.embeddings import filling, hearing, indexing
from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search import facts
from rap_platform.embeddings.search.finding import search
from rap_platform.embeddings.search.fusion import WEIGHTS
from rap_platform.embeddings.search.question import Filters, Hit, Question, SearchError
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import SLOTS, add_analysis

SEA = "The tide went out without a sound\nI kept the light on, all alone\nDark water and no land around\nno voice, no harbour, and no phone"
MONEY = "Stack the paper, count it twice\nevery dollar has a price\nbank is open, blood is ice"
PARTY = "Bass in the basement, shoes on the floor\ndance till the neighbours knock on the door"
MOTHER = "Mama worked the double shift\nbrought me up and gave the gift\nof holding on when walls would drift"


@pytest.fixture
def library(connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack) -> dict[str, int]:
    """Four songs by three artists, one of them twice."""
    tracks = {
        "sea": add_track(
            "Harbour Light", [PARTY + "\nuntil the morning", SEA], year=1998, language="en", explicit=False
        ),
        "money": add_track("Paper", [MONEY], artist="Big Tally", year=2005, language="en", explicit=True, slot=40),
        "party": add_track("Basement", [PARTY], artist="Big Tally", year=2011, language="en", simulated=True, slot=500),
        "mother": add_track("Double Shift", [MOTHER], artist="June Ode", year=2019, language="de", slot=900),
    }
    tracks["remix"] = add_track(
        "Paper (Remix)",
        [MONEY + "\nremix, remix"],
        artist="Big Tally",
        year=2007,
        duplicate_of=tracks["money"],
        duplicate_score=0.95,
    )
    fill(connection, encoder)
    return tracks


def fill(conn: psycopg.Connection, encoder: Encoder) -> None:
    filling.fill_sections(conn, lambda: encoder, SLOTS)
    filling.fill_lyrics(conn, SLOTS)
    facts.state_facts(conn, SLOTS)
    hearing.fill(conn, SLOTS)
    conn.commit()
    indexing.build_missing(conn, indexing.inventory(conn).vectors)
    conn.commit()


def find(conn: psycopg.Connection, encoders: Encoders, text: str, **asked: Any) -> list[Hit]:
    """The hits of the first page."""
    return search(conn, encoders, Question(text, **asked)).hits


def titles(hits: list[Hit]) -> list[str]:
    return [hit.title for hit in hits]


def test_a_song_is_found_by_what_it_means(
    connection: psycopg.Connection, encoders: Encoders, library: dict[str, int]
) -> None:
    hit = find(connection, encoders, "lonely night at sea")[0]
    assert (hit.track_id, hit.artist, hit.title, hit.year, hit.simulated) == (
        library["sea"],
        "Nora Vale",
        "Harbour Light",
        1998,
        False,
    )
    assert (hit.section_no, hit.kind) == (2, "verse")
    assert (hit.why.meaning_rank, hit.why.words_rank) == (1, None)
    assert hit.why.cosine is not None
    assert 0.3 < hit.why.cosine < 1.0
    assert hit.score == pytest.approx(WEIGHTS.meaning / (WEIGHTS.meaning + WEIGHTS.words + WEIGHTS.sound))
    numbers = {line.text: line.line_no for line in hit.lines}
    assert numbers["Dark water and no land around"] == 7  # after three lines and a blank one
    assert [line.text for line in hit.lines if line.matched] in (
        ["I kept the light on, all alone"], ["Dark water and no land around"],
        ["I kept the light on, all alone", "Dark water and no land around"],
    )  # fmt: skip


def test_a_remembered_line_is_found_by_its_words(
    connection: psycopg.Connection, encoders: Encoders, library: dict[str, int]
) -> None:
    hit = find(connection, encoders, "every dollar has a price")[0]
    assert hit.title == "Paper"
    assert hit.score == pytest.approx(1.0, abs=0.001)
    assert (hit.why.meaning_rank, hit.why.words_rank, hit.why.words) == (1, 1, ("dollar", "every", "price"))
    assert hit.why.sound_rank == 1
    assert [line.text for line in hit.lines if line.matched] == ["every dollar has a price"]


def test_stemmed_words_match(connection: psycopg.Connection, encoders: Encoders, library: dict[str, int]) -> None:
    assert find(connection, encoders, "counting dollars")[0].why.words_rank == 1


def test_quotes_keep_words_together_in_every_hit(
    connection: psycopg.Connection, encoders: Encoders, library: dict[str, int]
) -> None:
    floor = {"Basement", "Harbour Light"}
    assert set(titles(find(connection, encoders, '"on the floor" lonely night at sea'))) == floor
    (paper,) = find(connection, encoders, 'lonely night "dollar has a price" at sea')
    assert (paper.why.meaning_rank, paper.why.words_rank, paper.why.sound_rank) == (1, 1, None)
    assert titles(find(connection, encoders, '"and no" dollar')) == ["Harbour Light"]  # stop words, by their sound
    assert set(titles(find(connection, encoders, '"on the floor"', sides=("meaning",)))) == floor


def test_quotes_that_no_song_fits_are_ignored(
    connection: psycopg.Connection, encoders: Encoders, library: dict[str, int]
) -> None:
    for text in ('"price dollar"', '"every dollar holds a prize" "count"'):
        hits = find(connection, encoders, text)
        assert (len(hits), hits[0].title, hits[0].why.words_rank) == (4, "Paper", 1)


def test_a_track_is_one_hit_and_duplicates_count_as_their_original(
    connection: psycopg.Connection, encoders: Encoders, library: dict[str, int]
) -> None:
    hits = find(connection, encoders, "remix of the paper dollar song")
    assert sorted(titles(hits)) == ["Basement", "Double Shift", "Harbour Light", "Paper"]
    paper = next(hit for hit in hits if hit.title == "Paper")
    assert paper.track_id == library["money"]
    assert "remix, remix" not in [line.text for line in paper.lines]


def test_a_duplicate_stands_for_itself_where_the_original_fails_the_filter(
    connection: psycopg.Connection, encoders: Encoders, library: dict[str, int]
) -> None:
    hits = find(connection, encoders, "count the dollars", filters=Filters(year_from=2006, year_to=2008))
    assert [(hit.track_id, hit.title) for hit in hits] == [(library["remix"], "Paper (Remix)")]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(artist="big tally"), {"Paper", "Basement"}),
        (Filters(artist="nobody"), set()),
        (Filters(year_from=2010), {"Basement", "Double Shift"}),
        (Filters(year_to=2000), {"Harbour Light"}),
        (Filters(language="de"), {"Double Shift"}),
        (Filters(explicit=True), {"Paper"}),
        (Filters(explicit=False), {"Harbour Light"}),
        (Filters(simulated=True), {"Basement"}),
        (Filters(mood="lonely"), {"Double Shift"}),
        (Filters(theme="street_life"), {"Double Shift"}),
        (Filters(mood="joyful"), set()),
        (Filters(artist="Big Tally", year_from=2010, simulated=True), {"Basement"}),
    ],
)
def test_filters_hold_on_both_sides(
    connection: psycopg.Connection, encoders: Encoders, library: dict[str, int], filters: Filters, found: set[str]
) -> None:
    add_analysis(connection, library["mother"], "rule_based", "joyful")
    add_analysis(connection, library["mother"], "qwen", "lonely")
    facts.state_facts(connection, SLOTS)
    hits = find(connection, encoders, "dance dollar alone shift", filters=filters)
    assert set(titles(hits)) == found
    assert set(titles(find(connection, encoders, "basement", filters=filters))) == found


def test_a_selective_filter_never_makes_the_answer_short(
    connection: psycopg.Connection, encoder: Encoder, encoders: Encoders, add_track: AddTrack
) -> None:
    for number in range(300):
        add_track(f"Sea {number}", [f"{SEA}\nwave number {number}"], year=1980, slot=number)
    for number in range(12):
        add_track(f"Bank {number}", [f"{MONEY}\nteller number {number}"], year=2020, slot=number)
    fill(connection, encoder)
    connection.execute("set enable_seqscan = off")
    hits = find(connection, encoders, "dark water", filters=Filters(year_from=2015))
    assert len(hits) == 10
    assert {hit.year for hit in hits} == {2020}


def test_a_deleted_track_is_gone_at_once(
    connection: psycopg.Connection, encoders: Encoders, library: dict[str, int]
) -> None:
    connection.execute("delete from tracks where track_id = %s", [library["sea"]])
    assert "Harbour Light" not in titles(find(connection, encoders, "lonely night at sea"))


def test_a_limit_is_kept(connection: psycopg.Connection, encoders: Encoders, library: dict[str, int]) -> None:
    assert len(find(connection, encoders, "song", limit=2)) == 2


@pytest.mark.parametrize(
    ("text", "limit", "filters", "message"),
    [
        ("", 10, Filters(), "the query is empty"),
        (" \n\t", 10, Filters(), "the query is empty"),
        ("sea\x00side", 10, Filters(), "NUL"),
        ("sea\ud83c", 10, Filters(), "half a character"),
        ("la " * 1000, 10, Filters(), "shorten it"),
        ("sea", 0, Filters(), "limit is 0"),
        ("sea", 10, Filters(year_from=2000, year_to=1990), "swap them"),
        ("sea", 10, Filters(artist="  "), "filter artist"),
        ("sea", 10, Filters(featuring="\udc80"), "filter featuring"),
        ("sea", 10, Filters(rating="XXX"), "must be one of G, PG, PG-13, R, NC-17"),
        ("sea", 10, Filters(include_features=True), "name the artist"),
        ("sea", 10, Filters(year_from=70000), "no year"),
    ],
)
def test_a_query_that_can_not_be_answered_says_why(
    connection: psycopg.Connection, encoders: Encoders, text: str, limit: int, filters: Filters, message: str
) -> None:
    with pytest.raises(SearchError, match=message):
        find(connection, encoders, text, limit=limit, filters=filters)


@pytest.mark.parametrize(
    "text", ["the and of", "!!! ???", "'\"(((", "a & | ! <-> :*", "море и ночь", "🌊🌊", "%s %(x)s"]
)
def test_odd_queries_are_answered(
    connection: psycopg.Connection, encoders: Encoders, library: dict[str, int], text: str
) -> None:
    assert len(find(connection, encoders, text)) == 4


def test_an_empty_library_has_no_hits(connection: psycopg.Connection, encoders: Encoders) -> None:
    assert find(connection, encoders, "anything") == []
