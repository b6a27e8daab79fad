"""A question that says what it does not want pushes that down or out, on the real encoder."""

import psycopg
import pytest

from rap_platform.embeddings import filling, hearing
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search import facts
from rap_platform.embeddings.search.finding import search
from rap_platform.embeddings.search.meaning import Unwanted, pushed
from rap_platform.embeddings.search.question import Found, Question, SearchError
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import SLOTS

SONGS = {
    "Married": "I hold your hand and the whole world is ours\nyou and me forever, married in the spring\nyour kiss in the morning is all that I need",
    "Kitchen": "Baby you make my heart beat faster\nevery day with you is sweeter than before\nwe dance in the kitchen, I adore you",
    "Gone": "You packed your bags and you left me alone\ntears on the pillow, you don't pick up the phone\nI loved you so much and you broke me in two",
    "Goodbye": "My heart is in pieces since you said goodbye\nI gave you my love and you gave me a lie\nnow I'm crying at night",
    "Other Man": "She's with another man, our love is dead\nempty side of the bed, lonely and sad\nI miss the girl I had",
    "Ledger": "Stack the paper, count it twice\nevery dollar has a price",
    "Boulevard": "Engine roaring down the boulevard\nchrome on the wheels, pedal down hard",
    "Showroom": "Fast cars in the showroom, money on the hood\ncash for the engine, money feels good",
    "Basement": "Bass in the basement, shoes on the floor\ndance till the neighbours knock on the door",
}
HEARTBREAK = {"Gone", "Goodbye", "Other Man"}


@pytest.fixture
def library(connection: psycopg.Connection, encoders: Encoders, add_track: AddTrack) -> psycopg.Connection:
    """Love songs, heartbreak, and songs about neither."""
    for title, text in SONGS.items():
        add_track(title, [text])
    filling.fill_sections(connection, lambda: encoders.get("minilm"), SLOTS)  # type: ignore[arg-type, return-value]
    facts.state_facts(connection, SLOTS)
    hearing.fill(connection, SLOTS)
    connection.commit()
    return connection


def test_love_but_not_heartbreak(library: psycopg.Connection, encoders: Encoders) -> None:
    with_heartbreak = search(library, encoders, Question("songs about love")).hits
    assert HEARTBREAK & {hit.title for hit in with_heartbreak[:2]}
    without = search(library, encoders, Question("songs about love", but_not="heartbreak")).hits
    assert [hit.title for hit in without[:2]] == ["Married", "Kitchen"]
    ranks = {hit.title: place for place, hit in enumerate(without)}
    assert min(ranks.get(title, 99) for title in HEARTBREAK) > max(ranks["Married"], ranks["Kitchen"])


def test_a_song_that_holds_the_unwanted_word_is_out_on_every_side(
    library: psycopg.Connection, encoders: Encoders
) -> None:
    assert search(library, encoders, Question("fast cars")).hits[0].title == "Showroom"
    hits = search(library, encoders, Question("fast cars", but_not="Money")).hits
    assert hits[0].title == "Boulevard"
    assert not {"Showroom", "Ledger"} & {hit.title for hit in hits}
    words = search(library, encoders, Question("fast cars", but_not="money", sides=("words",))).hits
    assert words == []


def test_what_is_unwanted_belongs_to_the_question_of_a_cursor(library: psycopg.Connection, encoders: Encoders) -> None:
    onward = search(library, encoders, Question("love", limit=1)).next_cursor
    with pytest.raises(SearchError, match="another question"):
        search(library, encoders, Question("love", but_not="heartbreak", limit=1, cursor=onward))


def test_pages_of_a_negative_question_repeat_nothing(library: psycopg.Connection, encoders: Encoders) -> None:
    whole = [hit.title for hit in search(library, encoders, Question("love", but_not="heartbreak", limit=100)).hits]
    paged: list[str] = []
    cursor = None
    while True:
        page = search(library, encoders, Question("love", but_not="heartbreak", limit=2, cursor=cursor))
        paged += [hit.title for hit in page.hits]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert paged == whole
    assert len(set(paged)) == len(paged) >= 4


def test_the_same_text_wanted_and_unwanted_is_refused(library: psycopg.Connection, encoders: Encoders) -> None:
    with pytest.raises(SearchError, match="wanted and unwanted"):
        search(library, encoders, Question("Love", but_not=" love "))


def test_only_what_is_not_in_the_question_as_well_is_held_against_a_section() -> None:
    unwanted = Unwanted("heartbreak", None, 0.6)  # type: ignore[arg-type]
    assert unwanted.excess(0.5, 0.3) == pytest.approx(0.0)  # exactly what the question brings along
    assert unwanted.excess(0.5, 0.1) == 0.0  # further away is no merit
    assert unwanted.excess(0.5, 0.7) == pytest.approx(0.4 / 0.8 - 0.1)
    assert Unwanted("same", None, 1.0).excess(0.5, 0.6) == pytest.approx(0.9)  # type: ignore[arg-type]


def test_hits_are_pushed_down_by_their_excess() -> None:
    found = [Found(1, 1, 1, 0.6, 1.0), Found(2, 2, 2, 0.5, 1.0), Found(3, 3, 3, 0.4, 1.0)]
    by_meaning = pushed("meaning", found, {1: 0.1, 2: 0.0})
    assert [(section.section_id, section.score) for section in by_meaning] == [(2, 0.5), (1, pytest.approx(0.35))]
    by_words = pushed("words", found, {1: 0.1, 2: 0.9, 3: 0.0})
    assert [(section.section_id, section.coverage) for section in by_words] == [
        (1, pytest.approx(0.5)), (2, 0.0), (3, 1.0),
    ]  # fmt: skip
