"""The audio vector: nine features as ranks under a frozen scaler, medians for few that are missing, nothing for many."""

import threading

import numpy as np
import psycopg
import pytest

from rap_platform.embeddings.audio import filling
from rap_platform.embeddings.audio.assets import audio_vectors_are_scaled
from rap_platform.embeddings.audio.scaling import (
    FEATURES,
    FEWEST_TRACKS,
    PUBLISHED,
    QUANTILES,
    RANGES,
    Scaler,
    fit,
    missing,
)
from rap_platform.resources.postgres import PostgresResource, connect
from rap_platform.settings import Settings
from rap_platform_tests.embeddings.conftest import AddTrack
from rap_platform_tests.embeddings.test_filling import SLOTS, VERSE, add_features, rows

TRACK = np.array([0.8, 0.6, 0.4, 0.1, 0.0, 0.3, 0.2, -6.0, 95.0])


def quantiles_of(values: list[float]) -> tuple[float, ...]:
    return tuple(np.quantile(values, np.linspace(0, 1, QUANTILES)))


def fitted_to(**features: list[float]) -> Scaler:
    """A scaler fitted to these values, with the published ranges for every other feature."""
    quantiles = {name: quantiles_of(features.get(name, [0.0])) for name in FEATURES}
    return fit(quantiles, {name: len(features.get(name, [])) for name in FEATURES}, simulated=False)


def test_before_enough_songs_are_known_features_are_scaled_to_their_published_ranges() -> None:
    assert PUBLISHED.scale(TRACK[None])[0].tolist() == pytest.approx([0.8, 0.6, 0.4, 0.1, 0.0, 0.3, 0.2, 0.8, 0.3])
    assert PUBLISHED.version == "0"
    assert fitted_to(tempo_bpm=list(range(60, 60 + FEWEST_TRACKS - 1))) == PUBLISHED


def test_a_number_is_the_share_of_songs_that_have_less() -> None:
    rng = np.random.default_rng(3)
    tempos = rng.gamma(40, 2.5, 5000)
    scaler = fitted_to(tempo_bpm=list(tempos))
    asked = np.tile(TRACK, (3, 1))
    asked[:, FEATURES.index("tempo_bpm")] = [85.0, 100.0, 115.0]
    found = scaler.scale(asked)[:, FEATURES.index("tempo_bpm")]
    assert found == pytest.approx([(tempos < tempo).mean() for tempo in (85, 100, 115)], abs=0.01)
    assert scaler.scale(asked)[:, 0].tolist() == [0.8] * 3  # danceability: nobody has it, so its range stands


def test_a_value_that_many_songs_share_gets_the_middle_of_their_ranks() -> None:
    scaler = fitted_to(instrumentalness=[0.0] * 600 + list(np.linspace(0.1, 0.9, 400)))
    asked = np.tile(TRACK, (2, 1))
    asked[1, 4] = 0.5
    assert scaler.scale(asked)[:, 4] == pytest.approx([0.3, 0.8], abs=0.5 / (QUANTILES - 1))


def test_a_feature_that_is_equal_in_all_songs_tells_nothing() -> None:
    scaler = fitted_to(liveness=[0.2] * 300)
    asked = np.tile(TRACK, (3, 1))
    asked[:, 6] = [0.1, 0.2, 0.3]
    assert scaler.scale(asked)[:, 6].tolist() == [0.0, 0.5, 1.0]


def test_values_outside_what_was_seen_count_as_its_ends() -> None:
    loud = TRACK.copy()
    loud[7:] = [2.5, 20.0]
    assert PUBLISHED.scale(loud[None])[0, 7:].tolist() == [1.0, 0.0]


def test_the_version_follows_from_the_quantiles_alone() -> None:
    one, same, other = (fitted_to(energy=list(np.linspace(0, top, 400))) for top in (0.9, 0.9, 0.8))
    assert one.version == same.version != other.version
    assert one.version != "0"


def test_missing_features_are_named_and_get_the_median() -> None:
    lacking = TRACK.copy()
    lacking[[1, 8]] = np.nan
    assert missing(lacking[None]) == [("energy", "tempo_bpm")]
    scaler = fitted_to(tempo_bpm=list(np.linspace(60, 90, 300)))
    assert scaler.scale(lacking[None])[0, [1, 8]].tolist() == pytest.approx([0.5, 0.5])


def test_a_scaler_refuses_quantiles_that_fall() -> None:
    quantiles = {name: quantiles_of(list(ends)) for name, ends in RANGES.items()}
    quantiles["energy"] = quantiles["energy"][::-1]
    with pytest.raises(ValueError, match="energy: expected 21 rising quantiles"):
        fit(quantiles, dict.fromkeys(FEATURES, 500), simulated=False)


# ---- in the database ------------------------------------------------------------------------------------------------


def add_many(conn: psycopg.Connection, add_track: AddTrack, count: int, *, simulated: bool, low: float = 60.0) -> None:
    """Tracks whose tempo rises by 1 bpm from `low`; one song is copied, for its features stand for many tracks."""
    first = add_track(f"First {simulated}", [VERSE], simulated=simulated)
    add_features(conn, first, tempo=low)
    conn.execute(
        """
        with copied as (
            insert into raw_songs (source, source_id, artist, title, status, payload, body, content_sha256, simulated)
            select source, source_id || n, artist, title || n, status, payload, body, content_sha256, simulated
            from raw_songs, generate_series(1, %(count)s - 1) n where raw_song_id = (select raw_song_id from tracks where track_id = %(first)s)
            returning raw_song_id, source_id, title
        )
        insert into tracks (raw_song_id, source, source_id, artist_id, artist, title, normalised_title, lyrics, lyrics_sha256, line_count,
            word_count, cleaning, cleaner_version, raw_sha256, slot, simulated)
        select c.raw_song_id, t.source, c.source_id, t.artist_id, t.artist, c.title, lower(c.title), t.lyrics, t.lyrics_sha256,
            t.line_count, t.word_count, t.cleaning, t.cleaner_version, t.raw_sha256, t.slot, t.simulated
        from copied c, tracks t where t.track_id = %(first)s
        """,
        {"first": first, "count": count},
    )
    conn.execute(
        """
        insert into audio_features (track_id, status, source, danceability, energy, valence, acousticness, instrumentalness,
            speechiness, liveness, loudness_db, tempo_bpm, simulated)
        select track_id, 'ok', 'reccobeats', 0.8, 0.6, 0.4, 0.1, 0, 0.3, 0.2, -6,
            %(low)s + row_number() over (order by track_id) - 1, %(simulated)s
        from tracks where simulated = %(simulated)s
        on conflict (track_id) do update set tempo_bpm = excluded.tempo_bpm, simulated = excluded.simulated
        """,
        {"low": low, "simulated": simulated},
    )
    conn.commit()


def tempo_of(conn: psycopg.Connection, bpm: float) -> float:
    ((vector,),) = rows(
        conn,
        "select v.embedding from track_vectors_audio v join audio_features f using (track_id) where f.tempo_bpm = %s limit 1",
        [bpm],
    )
    return float(vector.to_list()[8])


def test_few_missing_features_are_imputed_and_named_and_many_make_no_vector(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    whole, lacking, poor, refused = (add_track(title, [VERSE]) for title in ("Whole", "Lacking", "Poor", "Refused"))
    for track, tempo, status in (
        (whole, 95.0, "ok"),
        (lacking, None, "ok"),
        (poor, None, "ok"),
        (refused, 95.0, "unavailable"),
    ):
        add_features(connection, track, tempo=tempo, status=status)
    connection.execute("update audio_features set energy = null, liveness = null where track_id = %s", [poor])
    found = filling.fill_audio(connection, SLOTS)
    assert (found.tracks, found.imputed, found.skipped, found.removed) == (2, {"tempo_bpm": 1}, 1, 0)
    assert found.incomplete == {"energy": 1, "liveness": 1, "tempo_bpm": 1}
    stored = {
        track_id: (vector.to_list(), imputed, version, simulated)
        for track_id, vector, imputed, version, simulated in rows(
            connection, "select track_id, embedding, imputed, scaler_version, simulated from track_vectors_audio"
        )
    }
    assert stored.keys() == {whole, lacking}
    vector, imputed, version, simulated = stored[whole]
    assert vector == pytest.approx([0.8, 0.6, 0.4, 0.1, 0.0, 0.3, 0.2, 0.8, 0.3], abs=1e-3)
    assert (imputed, version, simulated) == ([], "0", True)  # the features are the world's, so the vector is
    assert stored[lacking][:2] == (pytest.approx([*vector[:8], 0.5]), ["tempo_bpm"])
    assert filling.fill_audio(connection, SLOTS).tracks == 0


def test_an_audio_vector_goes_when_too_many_features_are_withdrawn(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    track = add_track("Whole", [VERSE])
    add_features(connection, track)
    filling.fill_audio(connection, SLOTS)
    connection.execute("update audio_features set energy = null, valence = null, liveness = null")
    found = filling.fill_audio(connection, SLOTS)
    assert (found.removed, found.skipped) == (1, 1)
    assert rows(connection, "select count(*) from track_vectors_audio") == [(0,)]


def test_which_feature_is_missing_is_part_of_what_a_vector_was_made_of(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    track = add_track("Whole", [VERSE])
    add_features(connection, track)
    connection.execute("update audio_features set danceability = 0.5, energy = null")
    filling.fill_audio(connection, SLOTS)
    connection.execute("update audio_features set danceability = null, energy = 0.5")
    assert filling.fill_audio(connection, SLOTS).tracks == 1


def test_the_scaler_is_fitted_once_and_frozen_until_it_is_fitted_again(
    connection: psycopg.Connection, add_track: AddTrack
) -> None:
    add_many(connection, add_track, 201, simulated=True, low=60.0)  # 60 to 260 bpm
    first = filling.fill_audio(connection, SLOTS)
    assert (first.tracks, first.scaler.tracks, first.scaler.simulated) == (201, 201, True)
    assert tempo_of(connection, 160.0) == pytest.approx(0.5, abs=1e-3)
    add_many(connection, add_track, 250, simulated=False, low=1000.0)
    second = filling.fill_audio(connection, SLOTS)
    assert (second.tracks, second.scaler) == (250, first.scaler)
    assert tempo_of(connection, 1100.0) == 1.0
    third = filling.refit(connection)
    assert (third.tracks, third.scaler.tracks, third.scaler.simulated) == (451, 250, False)  # real ones are enough now
    assert tempo_of(connection, 1124.0) == pytest.approx(0.498, abs=1e-3)
    assert tempo_of(connection, 160.0) == 0.0
    assert rows(connection, "select version, active from audio_scalers order by fitted_at") == [
        (first.scaler.version, False), (third.scaler.version, True),
    ]  # fmt: skip
    assert filling.refit(connection).tracks == 0  # nothing changed
    assert filling.fill_audio(connection, SLOTS).tracks == 0


def test_a_vector_under_a_simulated_scaler_is_simulated(connection: psycopg.Connection, add_track: AddTrack) -> None:
    add_many(connection, add_track, 200, simulated=True)
    real = add_track("Real", [VERSE])
    add_features(connection, real)
    connection.execute("update audio_features set simulated = false where track_id = %s", [real])
    filling.fill_audio(connection, SLOTS)
    assert rows(connection, "select simulated from track_vectors_audio where track_id = %s", [real]) == [(True,)]


def test_a_fill_that_meets_a_refit_ends_under_the_scaler_in_force(
    connection: psycopg.Connection, settings: Settings, add_track: AddTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(connection, add_track, 300, simulated=False)
    filling.ensure_scaler(connection)
    connection.commit()
    connection.execute("update audio_features set tempo_bpm = tempo_bpm + 500")
    connection.commit()
    monkeypatch.setattr(filling, "ROWS_PER_COMMIT", 100)
    pages: list[int] = []
    fill_page = filling._fill_page

    def interrupted(conn: psycopg.Connection, *arguments: object) -> int | None:
        pages.append(1)
        if len(pages) == 2:
            thread.start()  # it has to wait for this page's transaction
            thread.join(0.3)
        return fill_page(conn, *arguments)  # type: ignore[arg-type]

    def refit() -> None:
        with connect() as other:
            filling.refit(other)

    thread = threading.Thread(target=refit)
    monkeypatch.setattr(filling, "_fill_page", interrupted)
    found = filling.fill_audio(connection, SLOTS)
    thread.join(20)
    assert len(rows(connection, "select distinct scaler_version from track_vectors_audio")) == 1
    assert rows(connection, "select version from audio_scalers where active") == [(found.scaler.version,)]
    assert rows(connection, "select count(*) from track_vectors_audio") == [(300,)]


def test_a_scaler_that_was_tampered_with_is_refused(connection: psycopg.Connection, add_track: AddTrack) -> None:
    add_many(connection, add_track, 200, simulated=False)
    filling.ensure_scaler(connection)
    connection.execute("update audio_scalers set quantiles = jsonb_set(quantiles, '{energy,0}', '-1')")
    with pytest.raises(ValueError, match="was changed after it was fitted: run `rap-platform scaler fit`"):
        filling.fill_audio(connection, SLOTS)
    assert filling.refit(connection).tracks == 200
    assert filling.fill_audio(connection, SLOTS).tracks == 0


def test_the_check_sees_values_out_of_range_and_vectors_of_other_scalers(
    connection: psycopg.Connection, settings: Settings, add_track: AddTrack
) -> None:
    track = add_track("Whole", [VERSE])
    add_features(connection, track)
    filling.fill_audio(connection, SLOTS)
    connection.commit()
    assert audio_vectors_are_scaled(PostgresResource()).passed
    connection.execute("update track_vectors_audio set scaler_version = 'other'")
    connection.commit()
    assert not audio_vectors_are_scaled(PostgresResource()).passed
    connection.execute("update track_vectors_audio set scaler_version = '0', embedding = '[-1,0,0,0,0,0,0,0,0]'")
    connection.commit()
    assert not audio_vectors_are_scaled(PostgresResource()).passed
