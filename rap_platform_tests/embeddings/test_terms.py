"""A question is read into words, lexemes, phrases and sounds, with how common each is in what was collected."""

import math
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from rap_platform.embeddings import hearing
from rap_platform.embeddings.search import sound_keys, spelling, terms
from rap_platform.embeddings.search.terms import Terms
from rap_platform.resources.postgres import connect
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import SLOTS


def read(conn: psycopg.Connection, text: str) -> Terms:
    with conn.transaction():
        return terms.read(conn, text)


@pytest.fixture
def collected(connection: psycopg.Connection, add_track: AddTrack) -> psycopg.Connection:
    """Forty sections: love in all of them, letters in ten, one word of its own in each."""
    for number in range(10):
        unique = [f"love forever word{'abcdefghij'[number]}{'abcd'[part]}" for part in range(4)]
        add_track(f"Song {number}", [unique[0] + " golden letters", *unique[1:]], slot=number)
    hearing.fill(connection, SLOTS)
    spelling.sum_up(connection)
    terms.sample(connection)
    return connection


def test_common_words_weigh_little_and_rare_ones_much(collected: psycopg.Connection) -> None:
    asked = read(collected, "Love letters, wordaa!")
    assert asked.words == ("love", "letters", "wordaa")
    assert asked.stems == {"love": ("love",), "letters": ("letter",), "wordaa": ("wordaa",)}
    assert asked.lexemes["love"] == pytest.approx(0.0)
    assert asked.lexemes["letter"] == pytest.approx(math.log(4), abs=1e-6)
    assert asked.lexemes["wordaa"] > asked.lexemes["letter"]
    assert asked.sections == 40


def test_sounds_have_weights_too(collected: psycopg.Connection) -> None:
    asked = read(collected, "love ledders")
    (love,) = sound_keys.word_keys("love")
    assert asked.sounds[love] == pytest.approx(0.0)
    assert set(asked.sounds) == set(sound_keys.keys("love ledders"))


def test_a_corrected_word_is_looked_for_in_the_place_of_the_asked_one(collected: psycopg.Connection) -> None:
    asked = read(collected, "goldne")
    assert asked.corrected == {"goldne": "golden"}
    assert asked.stems == {"goldne": ("golden",)}
    assert asked.lexemes["golden"] == pytest.approx(math.log(4), abs=1e-6)


def test_phrases_stand_in_straight_or_curly_quotes(collected: psycopg.Connection) -> None:
    asked = read(collected, 'say "golden letters" and “to be” and "" and "!"')
    assert [(phrase.text, phrase.query) for phrase in asked.phrases] == [
        ("golden letters", "'golden' <-> 'letter'"),
        ("to be", ""),
    ]


def test_before_anything_was_counted_all_terms_are_rare(connection: psycopg.Connection) -> None:
    asked = read(connection, "love letters")
    assert asked.sections == 0
    assert len(set(asked.lexemes.values())) == 1
    assert asked.corrected == {}


@pytest.mark.parametrize("text", ["", "\n\n", "'", "…", "🎤", "\t\\", "x" * 2000, "word " * 400, "ǅ ß İ", "\u0301"])
def test_any_text_can_be_read(collected: psycopg.Connection, text: str) -> None:
    asked = read(collected, text)
    assert len(asked.words) <= terms.MAX_WORDS
    assert all(weight >= 0 for weight in [*asked.lexemes.values(), *asked.sounds.values()])


def test_terms_are_counted_again_when_the_collection_grew_by_a_tenth(
    collected: psycopg.Connection, add_track: AddTrack
) -> None:
    assert terms.sample(collected) == []
    add_track("Small", ["love again"] * 3)
    hearing.fill(collected, SLOTS)
    assert terms.sample(collected) == []
    add_track("Large", ["nothing at all"] * 10)
    hearing.fill(collected, SLOTS)
    assert [(sample.kind, sample.sections) for sample in terms.sample(collected)] == [("lexeme", 53), ("sound", 53)]
    assert read(collected, "love").lexemes["love"] == pytest.approx(math.log(53 / 43), abs=1e-6)


def test_terms_are_counted_again_when_sounds_are_made_otherwise(
    collected: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(terms._VERSIONS, "sound", "another")
    assert [sample.kind for sample in terms.sample(collected)] == ["sound"]


def test_a_sample_looks_at_no_more_sections_than_its_limit(
    collected: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms, "SAMPLED_SECTIONS", 20)
    collected.execute("delete from term_samples")
    assert all(sample.sampled <= 20 for sample in terms.sample(collected))


def test_two_runs_that_sample_at_once_count_once(collected: psycopg.Connection, database: str) -> None:
    collected.execute("delete from term_samples")
    collected.commit()
    with connect(database) as other, ThreadPoolExecutor() as threads:
        with collected.transaction():
            first = terms.sample(collected)
            second = threads.submit(terms.sample, other)
            with pytest.raises(TimeoutError):
                second.result(0.5)
        assert [sample.kind for sample in first] == ["lexeme", "sound"]
        assert second.result(30) == []


def test_an_empty_collection_can_be_sampled(connection: psycopg.Connection) -> None:
    assert [(sample.sections, sample.terms) for sample in terms.sample(connection)] == [(0, 0), (0, 0)]
    assert terms.sample(connection) == []


def test_from_a_read_question_on_one_process_reads_by_index_so_that_limits_take_the_same_sections(
    connection: psycopg.Connection,
) -> None:
    with connection.transaction():
        terms.read(connection, "anything")
        shown = [
            connection.execute(f"show {name}").fetchone()
            for name in ("max_parallel_workers_per_gather", "enable_seqscan", "enable_hashjoin")
        ]
    assert shown == [("0",), ("off",), ("off",)]
