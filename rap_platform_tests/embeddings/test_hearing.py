"""Every section is heard once, again when it is reworded, and no more; the asset says what it did."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from rap_platform.embeddings import checks, hearing, term_assets
from rap_platform.embeddings.search import saying, sound_keys
from rap_platform.features import phonetics
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import Settings
from rap_platform_tests.embeddings.conftest import AddTrack, sha256
from rap_platform_tests.embeddings.test_filling import HOOK, SLOTS, VERSE


def heard(conn: psycopg.Connection) -> list[tuple[list[int], list[int]]]:
    return conn.execute("select keys, line_ends from section_sounds order by section_id").fetchall()


def test_sections_get_the_keys_of_their_texts_and_equal_texts_are_heard_once(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    add_track("One", [VERSE, HOOK, HOOK])
    assert hearing.fill(connection, SLOTS) == hearing.Figures(
        3, 2, len(sound_keys.by_line(VERSE)[0]) + 2 * len(sound_keys.by_line(HOOK)[0])
    )
    assert heard(connection) == [sound_keys.by_line(VERSE), sound_keys.by_line(HOOK), sound_keys.by_line(HOOK)]


def test_words_that_no_dictionary_has_are_guessed_once_and_read_by_whoever_searches(
    connection: psycopg.Connection, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "the vrombling snorkelbix\nkeeps on çalamandro"
    add_track("One", [text])
    hearing.fill(connection, SLOTS)
    stored = dict(connection.execute("select word, phones from word_sounds").fetchall())
    assert set(stored) == {"vrombling", "snorkelbix", "calamandro"}
    ((keys, ends),) = heard(connection)
    for cached in (
        phonetics.pronounce,
        phonetics.pronunciations,
        phonetics._pronounce,
        sound_keys.word_keys,
        sound_keys.spoken,
    ):
        cached.cache_clear()
    monkeypatch.setattr(phonetics, "_told", {})

    def guess(letters: str) -> phonetics.Phones:
        raise AssertionError(f"{letters} was guessed again")

    monkeypatch.setattr(phonetics.letter_to_sound, "guess", guess)
    saying.recall(connection, [text])
    assert sound_keys.by_line(text) == (keys, ends)
    assert phonetics.unlisted(phonetics.words("vrombling the calamandro")) == set()


def test_words_are_guessed_again_when_sounds_are_made_otherwise(
    connection: psycopg.Connection, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_track("One", ["vrombling along"])
    hearing.fill(connection, SLOTS)
    connection.execute("update word_sounds set phones = 'OW1'")
    monkeypatch.setattr(sound_keys, "VERSION", "another")
    monkeypatch.setattr(sound_keys, "STORED", "another by line")
    monkeypatch.setattr(phonetics, "_told", {})
    hearing.fill(connection, SLOTS)
    stored = connection.execute("select word, version, phones from word_sounds").fetchall()
    assert stored == [("vrombling", "another", " ".join(phonetics.pronounce("vrombling").phones))]
    assert stored[0][2] != "OW1"


def test_a_second_run_hears_nothing(connection: psycopg.Connection, add_track: AddTrack) -> None:
    add_track("One", [VERSE, HOOK])
    hearing.fill(connection, SLOTS)
    assert hearing.fill(connection, SLOTS) == hearing.Figures(0, 0, 0)
    assert hearing.missing(connection, SLOTS) == (2, 0)


def test_only_the_reworded_section_is_heard_again(connection: psycopg.Connection, add_track: AddTrack) -> None:
    add_track("One", [VERSE, HOOK])
    hearing.fill(connection, SLOTS)
    text = "golden letters"
    connection.execute(
        "update track_sections set text = %s, text_sha256 = %s where section_no = 2", [text, sha256(text)]
    )
    connection.commit()
    assert hearing.missing(connection, SLOTS) == (2, 1)
    assert hearing.fill(connection, SLOTS).sections == 1
    assert heard(connection) == [sound_keys.by_line(VERSE), sound_keys.by_line(text)]


def test_all_are_heard_again_when_keys_are_made_otherwise(
    connection: psycopg.Connection, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_track("One", [VERSE, HOOK])
    hearing.fill(connection, SLOTS)
    monkeypatch.setattr(sound_keys, "STORED", "another by line")
    assert hearing.fill(connection, SLOTS).sections == 2
    assert connection.execute("select distinct version from section_sounds").fetchall() == [("another by line",)]


def test_other_shards_are_left_alone(connection: psycopg.Connection, add_track: AddTrack) -> None:
    add_track("One", [VERSE], slot=1)
    add_track("Two", [HOOK], slot=900)
    assert hearing.fill(connection, [1]).sections == 1
    assert hearing.missing(connection, [900]) == (1, 1)


def test_a_killed_run_loses_one_batch_at_most(
    connection: psycopg.Connection, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_track("One", [f"{HOOK} number {number}" for number in range(6)])
    monkeypatch.setattr(hearing, "SECTIONS_PER_COMMIT", 2)
    real, texts = sound_keys.by_line, []

    def by_line(text: str) -> tuple[list[int], list[int]]:
        texts.append(text)
        if len(texts) == 5:
            raise KeyboardInterrupt
        return real(text)

    monkeypatch.setattr(sound_keys, "by_line", by_line)
    with pytest.raises(KeyboardInterrupt):
        hearing.fill(connection, SLOTS)
    assert len(heard(connection)) == 4


def test_a_text_that_nobody_can_say_is_heard_all_the_same(connection: psycopg.Connection, add_track: AddTrack) -> None:
    add_track("Other", ["世界"])
    assert hearing.fill(connection, SLOTS).sections == 1
    assert heard(connection) == [([], [])]
    assert hearing.missing(connection, SLOTS) == (1, 0)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield instance


def materialize(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [term_assets.section_sounds, checks.sung_words_are_known],
        resources={"postgres": PostgresResource()},
        instance=instance,
        tags={"dagster/asset_partition_range_start": "00", "dagster/asset_partition_range_end": "15"},
        raise_on_error=False,
    )


def test_the_asset_hears_sums_up_and_samples_and_a_second_run_does_nothing(
    connection: psycopg.Connection, settings: Settings, add_track: AddTrack, instance: dg.DagsterInstance
) -> None:
    for number in range(4):
        add_track(f"Song {number}", [f"{VERSE} {number}", HOOK], slot=number * 250)
    first, second = materialize(instance), materialize(instance)
    reports = [run.asset_materializations_for_node("section_sounds")[-1].metadata for run in (first, second)]
    assert [report["rows_new"].value for report in reports] == [8, 0]
    assert [report["changes_summed"].value for report in reports] == [8, 0]
    known = connection.execute("select count(*) from distinct_words").fetchone()
    assert [(report["distinct_words"].value,) for report in reports] == [known, known]
    assert connection.execute("select kind, sections from term_samples order by kind").fetchall() == [
        ("lexeme", 8),
        ("sound", 8),
    ]
    assert all(check.passed for run in (first, second) for check in run.get_asset_check_evaluations())
    assert len(first.get_asset_check_evaluations()) == 2


def test_the_check_tells_words_that_spelling_does_not_know(
    connection: psycopg.Connection, settings: Settings, add_track: AddTrack, instance: dg.DagsterInstance
) -> None:
    add_track("One", ["golden letters"])
    materialize(instance)
    connection.execute("delete from distinct_words where word = 'golden'")
    connection.commit()
    (failed,) = [check for check in materialize(instance).get_asset_check_evaluations() if not check.passed]
    assert failed.check_name == "sung_words_are_known"
    assert failed.metadata["examples"].value == "golden"


def test_words_of_sections_that_are_not_summed_up_yet_are_known(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    add_track("One", ["golden letters"])
    assert hearing.unknown_words(connection) == (1, [])
