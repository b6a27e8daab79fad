"""The words of a line that sound like the question's are told; where a section has none of its keys, nothing is compared."""

import psycopg
import pytest

from rap_platform.embeddings import filling, hearing
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.embeddings.search import facts, showing, sound_keys, soundalikes, terms
from rap_platform.embeddings.search.finding import search
from rap_platform.embeddings.search.question import Question
from rap_platform.embeddings.search.soundalikes import Ear
from rap_platform.embeddings.search.stored_keys import KeysHeld
from rap_platform.embeddings.synthetic.verse import read_book
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import SLOTS

SONG = "Then I scream at you\n\n...\nthe rain fell on the town\nThen I scream at you\nit makes no SENSE at all\nand dark water rose"


def alike(conn: psycopg.Connection, text: str, *lines: str) -> list[list[tuple[str, str]]]:
    with conn.transaction():
        asked = terms.read(conn, text)
    found = [*map(Ear(asked).alike, lines)]
    for line, pairs in zip(lines, found, strict=True):
        assert all(line[pair.start : pair.end].lower() == pair.sung for pair in pairs)
    return [[(pair.asked, pair.sung) for pair in pairs] for pairs in found]


def test_a_word_that_sounds_like_an_asked_one_is_told(connection: psycopg.Connection) -> None:
    assert alike(connection, "no cents at all", "It makes no SENSE at all", "nothing") == [[("cents", "sense")], []]


def test_words_that_sound_alike_over_their_borders_are_told_as_a_run(connection: psycopg.Connection) -> None:
    assert alike(connection, "ice cream in the park", "Then I scream at you") == [[("ice cream", "i scream")]]
    assert alike(connection, "kiss this guy", "while I kiss the sky") == [[("this guy", "the sky")]]


def test_the_same_words_do_not_sound_alike_but_are_the_same(connection: psycopg.Connection) -> None:
    assert alike(connection, "golden letters folded", "golden letters folded") == [[]]


def test_a_line_that_shares_only_a_vowel_is_not_alike(connection: psycopg.Connection) -> None:
    assert alike(connection, "bathroom on the right", "there's a bad moon on the rise") == [[]]


@pytest.mark.parametrize(
    ("asked", "sung"),
    [
        ("running in the rain", "an old man and the sea"),  # in, an, and
        ("but to be", "that is"),
        ("my love, the seams", "to see you"),
        ("money", "a funny one"),
        ("take it", "'take it"),
    ],
)
def test_what_no_listener_takes_for_each_other_is_not_told(
    connection: psycopg.Connection, asked: str, sung: str
) -> None:
    assert alike(connection, asked, sung) == [[]]


def test_only_the_first_words_of_an_endless_question_are_compared(connection: psycopg.Connection) -> None:
    assert alike(connection, "golden " * 63 + "cents", "it makes no sense") == [[("cents", "sense")]]
    assert alike(connection, "golden " * 64 + "cents", "it makes no sense") == [[]]


def test_only_the_first_hundred_words_of_an_endless_line_are_compared(connection: psycopg.Connection) -> None:
    for before, told in ((96, [("ice cream", "i scream")]), (100, [])):
        line = "golden " * before + "then I scream " + "golden " * 40
        assert alike(connection, "ice cream in the park", line) == [told]


def test_what_is_sung_over_and_over_is_compared_a_few_times(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    differing = soundalikes._differing
    monkeypatch.setattr(soundalikes, "_differing", lambda *run: compared.append(run) or differing(*run))
    letters = "abcdefghijklmnopqrstuvwxyz"
    question, line = (" ".join(start + letter for letter in letters * 4) for start in ("bababa", "babab"))
    (pairs,) = alike(connection, question, line)
    assert 0 < len(pairs) <= 40 + 100  # runs and words
    assert len(compared) <= 4 * 3 * 100  # places of each pair of vowels, of which a word has three


def sent(conn: psycopg.Connection, numbers: list[int]) -> bytes:
    """As the search reads stored keys."""
    ((found,),) = conn.execute("select vector_send(%s::integer[]::vector)", [numbers]).fetchall()
    return bytes(found)


def test_no_line_that_sounds_like_the_question_is_left_out(connection: psycopg.Connection) -> None:
    passages = [passage.text for song in read_book(3, songs=12) for passage in song][:60]
    heard = [sound_keys.by_line(text) for text in passages]
    texts = [line for text in passages for line in text.split("\n")]
    told = left_out = 0
    for question in [*texts[:: len(texts) // 25], "no cents in the park", "its a bad moon"]:
        with connection.transaction():
            ear = Ear(terms.read(connection, question))
        held = KeysHeld([sent(connection, keys) for keys, _ in heard], ear.keys)
        for at, text in enumerate(passages):
            lines = text.split("\n")
            likely = showing._likely(lines, held, at, sent(connection, heard[at][1]))
            sounding = {line for line in lines if ear.alike(line)}
            assert sounding <= likely
            told += len(sounding)
            left_out += len(set(lines) - likely)
    assert told > 100
    assert left_out > 1000


@pytest.mark.parametrize(
    "column", ["line_ends = '{}'", "version = 'another'", "keys = array[1, 2], line_ends = '{1, 2}'"]
)
def test_lines_are_compared_by_the_keys_that_are_theirs_and_all_where_these_are_not_known(
    connection: psycopg.Connection,
    encoders: Encoders,
    add_track: AddTrack,
    monkeypatch: pytest.MonkeyPatch,
    column: str,
) -> None:
    add_track("Scream", [SONG])
    filling.fill_sections(connection, lambda: encoders.get("minilm"), SLOTS)
    facts.state_facts(connection, SLOTS)
    hearing.fill(connection, SLOTS)
    connection.commit()
    compared: list[str] = []
    alike = Ear.alike

    def recorded(ear: Ear, line: str) -> list[soundalikes.Alike]:
        compared.append(line)
        return alike(ear, line)

    monkeypatch.setattr(Ear, "alike", recorded)
    question = Question("ice cream for cents")
    expected = search(connection, encoders, question)
    assert expected.hits[0].why.sounds == (("ice cream", "i scream"),)
    assert set(compared) == {SONG.split("\n")[0], SONG.split("\n")[5]}
    compared.clear()
    connection.execute(f"update section_sounds set {column}")
    connection.commit()
    found = search(connection, encoders, question)
    assert found.hits[0].lines == expected.hits[0].lines
    assert set(compared) == {line for line in SONG.split("\n") if line not in ("", "...")}


def test_keys_that_were_cut_hide_no_line(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["golden letters", "it makes no sense"]
    whole, _ = sound_keys.by_line("\n".join(lines))
    monkeypatch.setattr(sound_keys, "MOST_KEYS", len(whole) - 1)
    keys, ends = sound_keys.by_line("\n".join(lines))
    assert len(ends) == 2, "the cut is within the last line"
    held = KeysHeld([sent(connection, keys)], {*whole} - {*keys})
    assert held.asked.size == 1
    assert held.lines(0, sent(connection, ends)) == [set(), set()]
    assert showing._likely(lines, held, 0, sent(connection, ends)) == set(lines)


def test_a_line_that_nobody_can_say_hides_no_other(connection: psycopg.Connection) -> None:
    lines = ["море и небо", "it makes no sense", "漢字", "golden letters"]
    keys, ends = sound_keys.by_line("\n".join(lines))
    assert len(ends) < len(lines)
    held = KeysHeld([sent(connection, keys)], sound_keys.keys("golden"))
    assert showing._likely(lines, held, 0, sent(connection, ends)) == set(lines)


def test_keys_are_those_of_their_section_and_line(connection: psycopg.Connection) -> None:
    keys = ([3, 5, 9], [], [2, 5], [7])
    held = KeysHeld([sent(connection, one) if one else b"" for one in keys], {9, 5, 100})
    found = [(int(at), int(held.asked[which])) for at, which in zip(held.owners, held.which, strict=True)]
    assert found == [(0, 5), (0, 9), (2, 5)]
    assert held.lines(0, sent(connection, [2, 3])) == [{5}, {9}]
    assert held.lines(0, sent(connection, [2, 4])) == [{5, 9}], "ends of other keys"
    assert held.lines(2, sent(connection, [1, 2])) == [set(), {5}]
    assert held.lines(3, sent(connection, [1])) == [set()]
    assert KeysHeld([], {1}).which.size == 0
    assert KeysHeld([sent(connection, [1])], ()).which.size == 0
