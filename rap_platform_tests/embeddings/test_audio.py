"""The audio vector: nine features, a frozen scaler, nothing made up for what is missing."""

import pytest

from rap_platform.embeddings import audio

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
