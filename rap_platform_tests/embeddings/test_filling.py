"""Vectors are made for what is new or changed, once, and say of themselves what they are made of."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from rap_platform.embeddings import filling, queries
from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.embeddings.encoders.registry import EncoderError, Encoders
from rap_platform.resources.postgres import connect
from rap_platform.settings import Settings
from rap_platform_tests.embeddings.conftest import AddTrack, sha256

SLOTS = list(range(1024))
VERSE = "I left the harbour in the dark\nnobody waved, nobody cried"
HOOK = "We rise, we rise, the city never sleeps\nwe rise again"
CODA = "Gold on the table, snow on the street"


def rows(conn: psycopg.Connection, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    return conn.execute(statement, parameters).fetchall()


def vector_of(conn: psycopg.Connection, track_id: int, section_no: int) -> np.ndarray:
    statement = "select embedding from section_vectors_minilm join track_sections using (section_id) where track_sections.track_id = %s and section_no = %s"
    return np.asarray(rows(conn, statement, [track_id, section_no])[0][0].to_numpy(), dtype=np.float32)


def test_every_section_gets_the_vector_of_its_text_and_a_hook_is_encoded_once(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack
) -> None:
    track = add_track("Harbour", [VERSE, HOOK, CODA, HOOK], simulated=True)
    found = filling.fill_sections(connection, lambda: encoder, SLOTS)
    assert (found.sections, found.texts, found.over_limit) == (4, 3, 0)
    assert vector_of(connection, track, 1) == pytest.approx(encoder.encode([VERSE])[0], abs=1e-3)
    assert (vector_of(connection, track, 2) == vector_of(connection, track, 4)).all()
    statement = "select distinct track_id, simulated from section_vectors_minilm"
    assert rows(connection, statement) == [(track, True)]


def unwanted_encoder() -> Encoder:
    raise AssertionError("the encoder was loaded although there is nothing to encode")


def test_a_second_fill_does_nothing(connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack) -> None:
    add_track("Harbour", [VERSE, HOOK])
    filling.fill_sections(connection, lambda: encoder, SLOTS)
    assert filling.fill_lyrics(connection, SLOTS) == 1
    again = filling.fill_sections(connection, unwanted_encoder, SLOTS)
    assert (again.sections, again.texts, filling.fill_lyrics(connection, SLOTS)) == (0, 0, 0)


def test_only_the_slots_asked_for_are_filled(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack
) -> None:
    add_track("Here", [VERSE], slot=3)
    add_track("There", [CODA], slot=700)
    assert filling.fill_sections(connection, lambda: encoder, [3]).sections == 1
    assert filling.fill_lyrics(connection, [3]) == 1
    assert rows(connection, "select slot from section_vectors_minilm join tracks using (track_id)") == [(3,)]


def test_a_reworded_section_is_encoded_again_and_the_others_are_not(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack
) -> None:
    track = add_track("Harbour", [VERSE, HOOK])
    filling.fill_sections(connection, lambda: encoder, SLOTS)
    filling.fill_lyrics(connection, SLOTS)
    connection.execute(
        "update track_sections set text = %s, text_sha256 = %s where track_id = %s and section_no = 2",
        [CODA, sha256(CODA), track],
    )
    connection.commit()
    assert filling.fill_sections(connection, lambda: encoder, SLOTS).texts == 1
    assert vector_of(connection, track, 2) == pytest.approx(encoder.encode([CODA])[0], abs=1e-3)
    assert filling.fill_lyrics(connection, SLOTS) == 1


def test_what_is_reworded_or_deleted_while_it_is_encoded_is_left_out(
    connection: psycopg.Connection,
    encoder: Encoder,
    database: str,
    add_track: AddTrack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, reworded, deleted = (add_track(title, [text]) for title, text in (("A", VERSE), ("B", HOOK), ("C", CODA)))

    def encode_while_others_write(texts: list[str]) -> Any:
        with connect(database) as other:
            other.execute(
                "update track_sections set text = 'new', text_sha256 = %s where track_id = %s",
                [sha256("new"), reworded],
            )
            other.execute("delete from tracks where track_id = %s", [deleted])
        return type(encoder).encode_whole(encoder, texts)

    monkeypatch.setattr(encoder, "encode_whole", encode_while_others_write)
    assert filling.fill_sections(connection, lambda: encoder, SLOTS).sections == 1
    monkeypatch.undo()
    assert rows(connection, "select track_id from section_vectors_minilm") == [(kept,)]
    assert filling.coverage(connection, SLOTS) == (2, 1)
    assert filling.fill_sections(connection, lambda: encoder, SLOTS).texts == 1
    assert filling.coverage(connection, SLOTS) == (2, 0)


def test_many_texts_are_read_block_by_block_and_each_is_encoded_once(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "TEXTS_PER_COMMIT", 4)
    for number in range(6):
        add_track(f"Song {number}", [f"{'line of a song ' * number} {number}", HOOK], slot=number)
    seen: list[list[str]] = []

    def encode(texts: list[str]) -> Any:
        seen.append(texts)
        return type(encoder).encode_whole(encoder, texts)

    monkeypatch.setattr(encoder, "encode_whole", encode)
    found = filling.fill_sections(connection, lambda: encoder, SLOTS)
    assert (found.sections, found.texts) == (12, 7)
    assert [len(block) for block in seen] == [4, 3]
    lengths = [len(text) for block in seen for text in block]
    assert lengths == sorted(lengths, reverse=True)


def test_a_batch_finds_its_texts_without_reading_all_that_are_pending(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack
) -> None:
    add_track("Harbour", [VERSE, HOOK])
    connection.commit()
    with filling._pending(connection, SLOTS, "minilm") as count:
        assert count == 2
        filling._prepare(connection, encoder)
        connection.execute("set enable_seqscan = off")
        batch = {"after": 0, "count": 1}
        for statement, parameters in ((queries.NEXT_TEXTS, batch), (queries.store_sections("minilm"), None)):
            plan = "\n".join(row[0] for row in rows(connection, f"explain {statement}", parameters))
            assert "pending_texts_" in plan
            assert "Seq Scan on pending_texts" not in plan


def test_a_track_that_is_being_deleted_gets_no_lyrics_vector_and_stops_nothing(
    connection: psycopg.Connection, encoder: Encoder, database: str, add_track: AddTrack
) -> None:
    kept, deleted = add_track("Kept", [VERSE]), add_track("Deleted", [CODA])
    filling.fill_sections(connection, lambda: encoder, SLOTS)
    with ThreadPoolExecutor(1) as running, connect(database) as other:
        other.execute("delete from tracks where track_id = %s", [deleted])
        written = running.submit(filling.fill_lyrics, connection, SLOTS)
        with pytest.raises(TimeoutError):
            written.result(timeout=0.5)
        other.commit()
        assert written.result(timeout=10) == 1
    assert rows(connection, "select track_id from track_vectors_minilm") == [(kept,)]


def test_another_encoder_is_filled_beside_the_first(
    connection: psycopg.Connection, shared_models: Path, encoder: Encoder, add_track: AddTrack
) -> None:
    track = add_track("Harbour", [VERSE, HOOK])
    add_analysis(connection, track, "rule_based", "lonely")
    encoders = Encoders(Settings(data_dir=shared_models.parent))
    filling.fill_sections(connection, lambda: encoder, SLOTS)
    before = rows(connection, "select section_id, embedding::text, embedded_at from section_vectors_minilm order by 1")

    def load() -> Any:
        return encoders.get("minilm_int8")

    assert filling.fill_sections(connection, load, SLOTS, "minilm_int8").sections == 2
    assert filling.fill_lyrics(connection, SLOTS, "minilm_int8") == 1
    assert filling.fill_analyses(connection, load, SLOTS, "minilm_int8").tracks == 1
    assert (
        rows(connection, "select section_id, embedding::text, embedded_at from section_vectors_minilm order by 1")
        == before
    )
    ((cosine,),) = rows(
        connection,
        "select min(1 - (a.embedding <=> b.embedding)) from section_vectors_minilm a join section_vectors_minilm_int8 b using (section_id)",
    )
    assert 0.95 < cosine < 0.99999
    assert rows(connection, "select name, dimension from encoders order by registered_at") == [
        ("minilm", 384),
        ("minilm_int8", 384),
    ]
    assert filling.fill_sections(connection, unwanted_encoder, SLOTS, "minilm_int8").texts == 0


def test_a_name_stands_for_one_encoder(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_track("Harbour", [VERSE])
    filling.fill_sections(connection, lambda: encoder, SLOTS)
    add_track("Coda", [CODA])
    monkeypatch.setattr(encoder, "fingerprint", "another")
    with pytest.raises(
        EncoderError, match="is not the one whose vectors are stored under that name: give it another name"
    ):
        filling.fill_sections(connection, lambda: encoder, SLOTS)


def test_a_name_that_is_no_identifier_never_reaches_the_database(connection: psycopg.Connection) -> None:
    for name in ("x; drop table tracks", "Ä", "", "a" * 32, "1st"):
        with pytest.raises(ValueError, match="is no encoder's name"):
            filling.coverage(connection, SLOTS, name)


def test_the_lyrics_vector_is_the_normalised_mean_of_the_sections(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack
) -> None:
    add_track("Harbour", [VERSE, HOOK, CODA], simulated=True)
    filling.fill_sections(connection, lambda: encoder, SLOTS)
    filling.fill_lyrics(connection, SLOTS)
    mean = encoder.encode([VERSE, HOOK, CODA]).mean(axis=0)
    ((vector, kind, simulated),) = rows(connection, "select embedding, kind, simulated from track_vectors_minilm")
    assert (kind, simulated) == ("lyrics", True)
    assert vector.to_numpy().astype(np.float32) == pytest.approx(mean / np.linalg.norm(mean), abs=2e-3)


def test_a_track_with_a_section_missing_gets_no_lyrics_vector(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack
) -> None:
    add_track("Harbour", [VERSE, HOOK])
    filling.fill_sections(connection, lambda: encoder, SLOTS)
    connection.execute(
        "delete from section_vectors_minilm where section_id = (select min(section_id) from track_sections)"
    )
    assert filling.fill_lyrics(connection, SLOTS) == 0


def test_a_fill_that_dies_between_batches_keeps_what_was_committed(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_track("Harbour", [VERSE, HOOK, CODA])
    monkeypatch.setattr(filling, "TEXTS_PER_COMMIT", 1)
    calls = []

    class Dies(Exception):
        pass

    def encode_twice(texts: list[str]) -> Any:
        calls.append(texts)
        if len(calls) == 3:
            raise Dies
        return type(encoder).encode_whole(encoder, texts)

    monkeypatch.setattr(encoder, "encode_whole", encode_twice)
    with pytest.raises(Dies):
        filling.fill_sections(connection, lambda: encoder, SLOTS)
    connection.rollback()
    assert rows(connection, "select count(*) from section_vectors_minilm") == [(2,)]
    monkeypatch.undo()
    assert filling.fill_sections(connection, lambda: encoder, SLOTS).texts == 1


def add_features(conn: psycopg.Connection, track_id: int, tempo: float | None = 95.0, status: str = "ok") -> None:
    conn.execute(
        """
        insert into audio_features (track_id, status, reason, source, danceability, energy, valence, acousticness,
            instrumentalness, speechiness, liveness, loudness_db, tempo_bpm, simulated)
        values (%s, %s, 'none', 'reccobeats', 0.8, 0.6, 0.4, 0.1, 0, 0.3, 0.2, -6, %s, true)
        on conflict (track_id) do update set tempo_bpm = excluded.tempo_bpm, status = excluded.status
        """,
        [track_id, status, tempo],
    )
    conn.commit()


def add_analysis(conn: psycopg.Connection, track_id: int, analyzer: str, mood: str, **columns: Any) -> None:
    """An analysis of the track's present lyrics."""
    ((lyrics_sha256,),) = rows(conn, "select lyrics_sha256 from tracks where track_id = %s", [track_id])
    values = {
        "track_id": track_id, "analyzer": analyzer, "model": "m", "prompt_version": "1", "input_sha256": lyrics_sha256,
        "status": "ok", "primary_mood": mood, "moods": [mood], "themes": ["street_life"], "quality": 5, "raw_confidence": 0.8,
        "summary": None, "simulated": False,
    } | columns  # fmt: skip
    names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    conn.execute(f"insert into analysis_results ({names}) values ({marks})", values)
    conn.commit()


def test_the_best_analysis_speaks_for_the_track(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack
) -> None:
    track = add_track("Harbour", [VERSE])
    add_analysis(connection, track, "rule_based", "somber")
    assert filling.fill_analyses(connection, lambda: encoder, SLOTS).analyzers == {"rule_based": 1}
    add_analysis(connection, track, "qwen", "lonely", summary="A sailor leaves.", simulated=True)
    found = filling.fill_analyses(connection, lambda: encoder, SLOTS)
    assert (found.tracks, found.analyzers) == (1, {"qwen": 1})
    text = "Mood: lonely. Themes: street life. A sailor leaves."
    ((vector, digest, simulated),) = rows(
        connection, "select embedding, input_sha256, simulated from track_vectors_minilm where kind = 'analysis'"
    )
    assert (digest, simulated) == (sha256(text), True)
    assert vector.to_numpy().astype(np.float32) == pytest.approx(encoder.encode([text])[0], abs=1e-3)
    assert filling.fill_analyses(connection, lambda: encoder, SLOTS).tracks == 0


def test_a_failed_analysis_never_speaks(connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack) -> None:
    track = add_track("Harbour", [VERSE])
    failed = {"status": "failed", "error": "no JSON", "primary_mood": None, "quality": None, "raw_confidence": None}
    add_analysis(connection, track, "qwen", "lonely", **failed)
    assert filling.fill_analyses(connection, lambda: encoder, SLOTS).tracks == 0


def test_an_analysis_of_older_lyrics_speaks_no_more(
    connection: psycopg.Connection, encoder: Encoder, add_track: AddTrack
) -> None:
    track = add_track("Harbour", [VERSE])
    add_analysis(connection, track, "qwen", "lonely")
    assert filling.fill_analyses(connection, lambda: encoder, SLOTS).tracks == 1
    connection.execute("update tracks set lyrics_sha256 = %s where track_id = %s", [sha256(CODA), track])
    connection.commit()
    found = filling.fill_analyses(connection, lambda: encoder, SLOTS)
    assert (found.tracks, found.removed) == (0, 1)
