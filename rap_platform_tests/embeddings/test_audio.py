"""The audio vector: nine features, a frozen scaler, nothing made up for what is missing."""

import psycopg
import pytest

from rap_platform.embeddings import audio, audio_filling
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import SLOTS, VERSE, add_features, rows

TRACK = {
    "danceability": 0.8, "energy": 0.6, "valence": 0.4, "acousticness": 0.1, "instrumentalness": 0.0,
    "speechiness": 0.3, "liveness": 0.2, "loudness_db": -6.0, "tempo_bpm": 95.0,
}  # fmt: skip


def test_features_are_scaled_to_their_ranges_in_a_fixed_order() -> None:
    assert audio.scale(TRACK).tolist() == pytest.approx([0.8, 0.6, 0.4, 0.1, 0.0, 0.3, 0.2, 0.8, 0.3])


def test_values_outside_a_range_count_as_its_end() -> None:
    vector = audio.scale(TRACK | {"loudness_db": 2.5, "tempo_bpm": 20.0})
    assert vector[7:].tolist() == [1.0, 0.0]


def test_a_missing_feature_is_never_filled_in() -> None:
    incomplete = TRACK | {"tempo_bpm": None, "energy": None}
    assert audio.missing(incomplete) == ["energy", "tempo_bpm"]
    with pytest.raises(ValueError, match="without energy, tempo_bpm"):
        audio.scale(incomplete)


def test_audio_vectors_are_made_where_all_nine_features_are_there(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    whole, lacking, refused = (add_track(title, [VERSE]) for title in ("Whole", "Lacking", "Refused"))
    add_features(connection, whole)
    add_features(connection, lacking, tempo=None)
    add_features(connection, refused, status="unavailable")
    found = audio_filling.fill_audio(connection, SLOTS)
    assert (found.tracks, found.skipped, found.incomplete, found.removed) == (1, 1, {"tempo_bpm": 1}, 0)
    ((track_id, vector, simulated),) = rows(
        connection, "select track_id, embedding, simulated from track_vectors_audio"
    )
    assert (track_id, simulated) == (whole, True)  # the features are the world's, so the vector is
    assert vector.to_list() == pytest.approx([0.8, 0.6, 0.4, 0.1, 0.0, 0.3, 0.2, 0.8, 0.3], abs=1e-3)
    assert audio_filling.fill_audio(connection, SLOTS).tracks == 0


def test_an_audio_vector_goes_when_a_feature_is_withdrawn(connection: psycopg.Connection, add_track: AddTrack) -> None:
    track = add_track("Whole", [VERSE])
    add_features(connection, track)
    audio_filling.fill_audio(connection, SLOTS)
    add_features(connection, track, tempo=None)
    found = audio_filling.fill_audio(connection, SLOTS)
    assert (found.removed, found.skipped) == (1, 1)
    assert rows(connection, "select count(*) from track_vectors_audio") == [(0,)]
