"""Tracks like a track: by one kind or a blend, on one scale, without copies, never short where more exist."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector

from rap_platform.embeddings import indexing
from rap_platform.embeddings.encoders.serving import Serving, serving
from rap_platform.embeddings.search import likeness, similar_queries
from rap_platform.embeddings.search.likeness import Among, Comparing, Weights
from rap_platform.embeddings.search.question import SearchError
from rap_platform.embeddings.search.recommending import Taste, recommend
from rap_platform.embeddings.search.similar import (
    NotComparable,
    Similar,
    UnknownTrack,
    similar_by_kind,
    similar_tracks,
)
from rap_platform_tests.embeddings.conftest import AddTrack, sha256

DIMENSION = 384


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def axis(at: int) -> np.ndarray:
    return np.eye(DIMENSION)[at]


def store(conn: psycopg.Connection, track_id: int, **vectors: np.ndarray | Sequence[float]) -> None:
    """Give a track vectors of the kinds named; texts are scaled to length 1."""
    for kind, vector in vectors.items():
        if kind == "audio":
            conn.execute(
                "insert into track_vectors_audio (track_id, scaler_version, input_sha256, embedding, simulated) values (%s, '0', %s, %s, false)",
                [track_id, sha256(str(track_id)), HalfVector(np.asarray(vector))],
            )
        else:
            conn.execute(
                "insert into track_vectors_minilm (track_id, kind, input_sha256, embedding, simulated) values (%s, %s, %s, %s, false)",
                [track_id, kind, sha256(f"{track_id}{kind}"), HalfVector(unit(np.asarray(vector, dtype=float)))],
            )
    conn.commit()


def make_indexes(conn: psycopg.Connection) -> None:
    conn.commit()
    indexing.build_missing(conn, indexing.inventory(conn).vectors)
    conn.commit()


def found(similar: list[Similar]) -> list[str]:
    return [track.title for track in similar]


@pytest.fixture
def seven(connection: psycopg.Connection, add_track: AddTrack) -> dict[str, int]:
    """A song, its copy, a near-duplicate nobody linked, and songs that are like it in one way only."""
    asked = add_track("Asked", ["one"], artist="Nora Vale")
    tracks = {
        "asked": asked,
        "copy": add_track("Copy", ["one too"], artist="Big Tally", duplicate_of=asked, duplicate_score=0.9),
        "near": add_track("Unlinked", ["one again"], artist="Big Tally"),
        "words": add_track("Words", ["two"], artist="Nora Vale", language="en"),
        "sound": add_track("Sound", ["three"], artist="June Ode", language="de", simulated=True),
        "mood": add_track("Mood", ["four"], artist="Big Tally", language="en"),
        "mute": add_track("Mute", ["five"], artist="June Ode", language="en"),
    }
    quiet, loud, middle = [0.1] * 9, [0.9] * 9, [0.5] * 9
    store(connection, tracks["asked"], lyrics=axis(0), audio=quiet, analysis=axis(9))
    store(connection, tracks["copy"], lyrics=axis(0), audio=quiet, analysis=axis(9))
    store(connection, tracks["near"], lyrics=axis(0) + 0.1 * axis(1), audio=quiet, analysis=axis(9))
    store(connection, tracks["words"], lyrics=axis(0) + 0.5 * axis(2), audio=loud, analysis=axis(10))
    store(connection, tracks["sound"], lyrics=axis(3), audio=[0.12] * 9, analysis=axis(11))
    store(connection, tracks["mood"], lyrics=axis(4), audio=middle, analysis=axis(9) + 0.1 * axis(12))
    store(connection, tracks["mute"], lyrics=axis(0) + axis(5))
    make_indexes(connection)
    return tracks


@pytest.mark.parametrize(
    ("weights", "titles"),
    [
        (Weights.only("lyrics"), ["Words", "Mute", "Sound", "Mood"]),
        (Weights.only("audio"), ["Sound", "Mood", "Words"]),
        (Weights.only("analysis"), ["Mood", "Words", "Sound"]),
        (Weights(lyrics=0.1, audio=1.0, analysis=0.1), ["Sound", "Mute", "Mood", "Words"]),
        (Weights(lyrics=0.1, audio=0.1, analysis=1.0), ["Mood", "Mute", "Sound", "Words"]),
    ],
)
def test_songs_are_ordered_by_the_kinds_that_count_without_copies(
    connection: psycopg.Connection, seven: dict[str, int], weights: Weights, titles: list[str]
) -> None:
    assert found(similar_tracks(connection, seven["asked"], weights)) == titles


def test_a_blend_is_the_weighted_mean_of_what_both_songs_have(
    connection: psycopg.Connection, seven: dict[str, int]
) -> None:
    weights = Weights(lyrics=2, audio=1, analysis=1)
    answers = {answer.title: answer for answer in similar_tracks(connection, seven["asked"], weights)}
    words = answers["Words"]
    cosine = 1 / np.sqrt(1.25)
    assert words.by["lyrics"] == pytest.approx(cosine, abs=1e-3)
    assert words.by["audio"] == pytest.approx(1 - 9 * 0.8**2 / 1.5, abs=1e-2)
    assert words.by["analysis"] == pytest.approx(0, abs=1e-3)
    assert words.similarity == pytest.approx((2 * words.by["lyrics"] + words.by["audio"] + words.by["analysis"]) / 4)
    mute = answers["Mute"]
    assert mute.by.keys() == {"lyrics"}
    assert mute.similarity == mute.by["lyrics"]


def test_a_copy_stands_for_the_song_and_asks_for_it(connection: psycopg.Connection, seven: dict[str, int]) -> None:
    assert found(similar_tracks(connection, seven["copy"], Weights.only("lyrics"))) == [
        "Words",
        "Mute",
        "Sound",
        "Mood",
    ]
    back = found(similar_tracks(connection, seven["words"], Weights.only("lyrics")))
    assert back[0] == "Asked"
    assert "Copy" not in back


@pytest.mark.parametrize(
    ("among", "titles"),
    [
        (Among(simulated=True), {"Sound"}),
        (Among(simulated=False), {"Words", "Mood", "Mute"}),
        (Among(language="en"), {"Words", "Mood", "Mute"}),
        (Among(without_artists=("june ode",)), {"Words", "Mood"}),
        (Among(other_artists=True), {"Sound", "Mood", "Mute"}),
        (Among(other_artists=True, without_artists=("big-tally",), language="de"), {"Sound"}),
    ],
)
def test_filters_hold(connection: psycopg.Connection, seven: dict[str, int], among: Among, titles: set[str]) -> None:
    assert set(found(similar_tracks(connection, seven["asked"], among=among))) == titles


def test_what_cannot_be_compared_is_said(connection: psycopg.Connection, seven: dict[str, int]) -> None:
    with pytest.raises(UnknownTrack, match="there is no track 999999"):
        similar_tracks(connection, 999999)
    with pytest.raises(NotComparable, match=f"track {seven['mute']} has no vector of audio yet"):
        similar_tracks(connection, seven["mute"], Weights.only("audio"))
    with pytest.raises(SearchError, match="limit is 0"):
        similar_tracks(connection, seven["asked"], limit=0)
    with pytest.raises(SearchError, match="no artist is called 'nobody'"):
        similar_tracks(connection, seven["asked"], among=Among(without_artists=("nobody",)))
    for wrong in ({"lyrics": -1.0}, {"lyrics": 0, "audio": 0, "analysis": 0}, {"audio": float("nan")}):
        with pytest.raises(SearchError, match="none may be below 0, and one must be above it"):
            Weights(**wrong)


# ---- many songs -----------------------------------------------------------------------------------------------------


def add_library(conn: psycopg.Connection, add_track: AddTrack, count: int) -> list[int]:
    """Songs in 20 clusters with vectors of all kinds, by as many artists, every tenth German."""
    first = add_track("Song 0", ["la la"], artist="Artist 0", language="en")
    rng = np.random.default_rng(11)
    centres = rng.standard_normal((20, DIMENSION))
    conn.execute(
        """
        insert into artists (name, normalised_name, slug, simulated)
        select 'Artist ' || n, 'artist ' || n, 'artist-' || n, false from generate_series(1, 19) n
        """
    )
    conn.execute(
        """
        with copied as (
            insert into raw_songs (source, source_id, artist, title, status, payload, body, content_sha256, simulated)
            select 'import', n::text, 'Artist ' || n %% 20, 'Song ' || n, 'ok', '{}', 'la', repeat('a', 64), false
            from generate_series(1, %(count)s - 1) n returning raw_song_id, source_id::int as n, artist, title
        )
        insert into tracks (raw_song_id, source, source_id, artist_id, artist, title, normalised_title, lyrics, lyrics_sha256, line_count,
            word_count, cleaning, cleaner_version, raw_sha256, slot, simulated, language)
        select c.raw_song_id, 'import', c.n::text, a.artist_id, c.artist, c.title, lower(c.title), 'la', repeat('a', 64), 1, 1, '{}', '1',
            repeat('a', 64), 0, false, case when c.n %% 10 = 3 then 'de' else 'en' end
        from copied c join artists a on a.name = c.artist
        """,
        {"count": count},
    )
    rows = conn.execute("select track_id from tracks order by substring(title from 6)::int").fetchall()
    track_ids = [row[0] for row in rows]
    assert track_ids[0] == first
    with conn.cursor() as cursor:
        for kind in ("lyrics", "analysis"):
            vectors = centres[np.arange(count) % 20] + rng.standard_normal((count, DIMENSION))
            cursor.executemany(
                "insert into track_vectors_minilm (track_id, kind, input_sha256, embedding, simulated) values (%s, %s, %s, %s, false)",
                [
                    (track_id, kind, "0" * 64, HalfVector(unit(vector)))
                    for track_id, vector in zip(track_ids, vectors, strict=True)
                ],
            )
        sounds = rng.random((count, 9))
        cursor.executemany(
            "insert into track_vectors_audio (track_id, scaler_version, input_sha256, embedding, simulated) values (%s, '0', %s, %s, false)",
            [(track_id, "0" * 64, HalfVector(sound)) for track_id, sound in zip(track_ids, sounds, strict=True)],
        )
    make_indexes(conn)
    conn.execute("analyze")
    conn.commit()
    return track_ids


@pytest.fixture
def library(connection: psycopg.Connection, add_track: AddTrack) -> list[int]:
    """1,500 songs with vectors of all kinds and their indexes."""
    return add_library(connection, add_track, 1500)


def test_a_filter_never_makes_the_answer_short(connection: psycopg.Connection, library: list[int]) -> None:
    asked = library[0]
    german = similar_tracks(connection, asked, Weights.only("lyrics"), limit=100, among=Among(language="de"))
    assert len(german) == 100
    assert len(similar_tracks(connection, asked, limit=100, among=Among(language="de", other_artists=True))) == 100
    connection.execute("update tracks set language = 'fr' where track_id = any(%s)", [library[-7:]])
    assert len(similar_tracks(connection, asked, among=Among(language="fr"))) == 7


def test_the_answer_is_that_of_an_exact_scan(connection: psycopg.Connection, library: list[int]) -> None:
    rows = connection.execute("select track_id, embedding from track_vectors_minilm where kind = 'lyrics'").fetchall()
    vectors = {track_id: vector.to_numpy().astype(float) for track_id, vector in rows}
    asked = library[5]
    exact = sorted((track for track in vectors if track != asked), key=lambda track: -vectors[track] @ vectors[asked])
    answers = similar_tracks(connection, asked, Weights.only("lyrics"))
    assert len({answer.track_id for answer in answers} & set(exact[:10])) >= 9
    assert [answer.similarity for answer in answers] == sorted((a.similarity for a in answers), reverse=True)


def test_two_songs_drawn_at_random_are_alike_by_nothing_on_average(
    connection: psycopg.Connection, library: list[int]
) -> None:
    comparing = Comparing(connection, Weights())
    songs = comparing.known(library[:400])
    for kind, found_by in comparing.likeness(songs, songs).by.items():
        apart = found_by[~np.eye(400, dtype=bool)]
        assert abs(apart.mean()) < 0.03, kind
        assert np.diag(found_by) == pytest.approx(1.0, abs=0.01)


def test_every_kind_of_candidate_comes_through_its_index(connection: psycopg.Connection, library: list[int]) -> None:
    comparing = Comparing(connection, Weights())
    asked = comparing.known(library[:3])
    filters = comparing.filters(Among(simulated=False, language="en", other_artists=True), asked)
    for kind, index in (
        ("lyrics", "track_vectors_minilm_lyrics_hnsw"),
        ("audio", "track_vectors_audio_hnsw"),
        ("analysis", "track_vectors_minilm_analysis_hnsw"),
    ):
        nearest = similar_queries.nearest(comparing.vectors[kind], list(filters))
        parameters: dict[str, Any] = {
            **filters,
            "originals": [track.original_id for track in asked],
            "candidates": 50,
            "vectors": [HalfVector(track.vectors[kind]) for track in asked],  # type: ignore[index]
            "of_artist": 10,
            "most": 100,
        }
        for statement in (nearest, similar_queries.few_of_each(nearest)):
            plan = connection.execute(f"explain {statement}", parameters).fetchall()
            assert any(f"Index Scan using {index}" in row[0] for row in plan), "\n".join(row[0] for row in plan)


def test_another_encoder_is_asked_for_its_own_vectors_once_it_serves(
    connection: psycopg.Connection, seven: dict[str, int]
) -> None:
    connection.execute("insert into encoders values ('other', 'a model', 8, 'print') on conflict do nothing")
    connection.execute("select create_vector_tables('other', 8)")
    for name, vector in (("asked", np.eye(8)[0]), ("mood", np.eye(8)[0] + np.eye(8)[1]), ("words", np.eye(8)[2])):
        connection.execute(
            "insert into track_vectors_other (track_id, kind, input_sha256, embedding, simulated) values (%s, 'lyrics', %s, %s, false)",
            [seven[name], "0" * 64, HalfVector(unit(vector))],
        )
    connection.execute("delete from serving_encoder")
    connection.execute("insert into serving_encoder (name) values ('other')")
    assert serving(connection).name == "other"
    assert found(similar_tracks(connection, seven["asked"], Weights.only("lyrics"))) == ["Mood", "Words"]
    with pytest.raises(ValueError, match="is no encoder's name"):
        similar_queries.vectors("minilm; drop table tracks")


def test_an_encoder_that_is_dropped_in_the_middle_of_a_question_is_left_for_the_one_that_serves(
    connection: psycopg.Connection, seven: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = similar_tracks(connection, seven["asked"])
    names: list[str] = []

    def read_before_the_drop(conn: psycopg.Connection) -> Serving:
        found = serving(conn) if names else Serving("gone", None, {})
        names.append(found.name)
        return found

    monkeypatch.setattr(likeness, "serving", read_before_the_drop)
    for ask in (
        lambda: similar_tracks(connection, seven["asked"]),
        lambda: similar_by_kind(connection, seven["asked"])["lyrics"],
        lambda: recommend(connection, Taste((seven["asked"],))),
    ):
        names.clear()
        assert {song.track_id for song in ask()} <= {song.track_id for song in expected}
        assert names == ["gone", "minilm"]


def test_how_far_apart_songs_are_is_measured_once_though_nobody_has_sounds(
    connection: psycopg.Connection, library: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute("delete from track_vectors_audio")
    connection.commit()
    asked: list[str] = []
    monkeypatch.setattr(
        similar_queries, "spreads", lambda name, make=similar_queries.spreads: asked.append(name) or make(name)
    )
    for _ in range(2):
        assert len(recommend(connection, Taste((library[0],), (library[3],)))) == 10
    assert asked == ["minilm"]
