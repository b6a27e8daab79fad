"""Audio features come from files first, then Spotify, then ReccoBeats; one source a row; a later file mends what was unavailable."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rap_platform.resources.postgres import PostgresResource, connect
from rap_platform.resources.spotify import SpotifyResource
from rap_platform.settings import Settings
from rap_platform.spotify import checks
from rap_platform.spotify.assets import audio_features, imported_audio_features, spotify_tracks
from rap_platform.spotify.features import AudioFeatures
from rap_platform.spotify.importing import import_features
from rap_platform.spotify.providers import choose
from rap_platform.spotify.queries import FileFeatures, PendingFeatures
from rap_platform_tests.spotify.service import Service, found, track
from rap_platform_tests.spotify.test_assets import (
    FEATURES,
    FORBIDDEN,
    RECCO,
    SEARCH,
    AskService,
    add_track,
    figures,
    materialize,
)

A, B, C = ("a" * 22, "b" * 22, "c" * 22)
FIGURES = ("danceability", "energy", "valence", "acousticness", "instrumentalness", "speechiness", "liveness")


@pytest.fixture
def conn(settings: Settings, database: str) -> Iterator[psycopg.Connection]:
    with connect(database, autocommit=True) as conn:
        yield conn


def write(path: Path, *rows: tuple[str, str, str, float], isrc: str = "") -> Path:
    """A file of features: (id, artist, title, energy) a row; its other figures are 0.5."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["track_id", "artist_name", "track_name", "isrc", "duration_ms", *FIGURES, "loudness", "tempo"])
        for spotify_id, artist, title, energy in rows:
            heard = [energy if name == "energy" else 0.5 for name in FIGURES]
            writer.writerow([spotify_id, artist, title, isrc, 200_000, *heard, -7.5, 90])
    return path


def heard(conn: psycopg.Connection) -> dict[str, tuple[Any, ...]]:
    rows = conn.execute(
        "select t.title, a.source, a.reason, a.energy::text from audio_features a join tracks t using (track_id)"
    )
    return {title: tuple(rest) for title, *rest in rows}


def closed(service: Service, *titles: str) -> None:
    """Spotify knows these songs and gives no features; ReccoBeats knows none."""
    service.standing |= {
        SEARCH: found(*(track(title[0].lower() * 22, title, "Ann") for title in titles)),
        FEATURES: FORBIDDEN,
        RECCO: (200, {}, {"content": []}),
    }


def test_a_file_comes_before_the_services_by_id_by_isrc_and_by_names(
    conn: psycopg.Connection, database: str, service: Service, tmp_path: Path
) -> None:
    for title in ("Alpha", "Chalk", "Delta"):
        add_track(conn, title)
    add_track(conn, "Birch", payload='{"row": {"isrc": "US-ABC-01-00001"}}')
    closed(service, "Alpha", "Birch", "Chalk", "Delta")
    service.standing[RECCO] = (200, {}, {"content": [{"id": "u", "href": f"https://x/{'d' * 22}", "energy": 0.9}]})
    import_features(
        conn, write(tmp_path / "one.csv", (A, "Somebody", "Renamed", 0.1), ("", "Ann", "Chalk (feat. Ben)", 0.3))
    )
    import_features(conn, write(tmp_path / "two.csv", ("", "Another", "Spelling", 0.2), isrc="USABC0100001"))
    spotify = AskService(url=service.url)
    materialize(spotify_tracks, database, spotify)
    result = figures(materialize(audio_features, database, spotify), "audio_features")
    assert heard(conn) == {
        "Alpha": ("file:file", None, "0.1"),
        "Birch": ("file:file", None, "0.2"),
        "Chalk": ("file:file", None, "0.3"),
        "Delta": ("reccobeats", None, "0.9"),
    }
    assert result["by_source_or_reason"] == {"file:file": 3, "reccobeats": 1}
    assert service.asked[-1] == (RECCO, {"ids": "d" * 22})
    coverage = checks.audio_features_cover_the_tracks(PostgresResource(dsn=database))
    assert coverage.passed  # type: ignore[union-attr]


def test_a_later_import_mends_what_was_unavailable_and_costs_nothing_otherwise(
    conn: psycopg.Connection, database: str, service: Service, tmp_path: Path
) -> None:
    for title in ("Alpha", "Birch"):
        add_track(conn, title)
    closed(service, "Alpha", "Birch")
    spotify = AskService(url=service.url)
    materialize(spotify_tracks, database, spotify)
    materialize(audio_features, database, spotify)
    assert heard(conn)["Alpha"] == (None, "unknown_to_reccobeats", None)
    before = len(service.asked)
    import_features(conn, write(tmp_path / "f.csv", (A, "Ann", "Alpha", 0.1), (C, "Zed", "Unheard", 0.4)))
    assert figures(materialize(audio_features, database, spotify), "audio_features")["rows_new"] == 1
    assert heard(conn) == {"Alpha": ("file:file", None, "0.1"), "Birch": (None, "unknown_to_reccobeats", None)}
    assert figures(materialize(audio_features, database, spotify), "audio_features")["rows_new"] == 0
    assert len(service.asked) == before


def test_a_song_without_a_link_and_a_real_one_beside_the_simulated_spotify_are_heard_from_files(
    conn: psycopg.Connection, database: str, service: Service, tmp_path: Path
) -> None:
    add_track(conn, "Alpha")
    add_track(conn, "Birch", simulated=False)
    add_track(conn, "Chalk", simulated=False)
    closed(service)
    spotify = AskService(url=service.url)
    materialize(spotify_tracks, database, spotify)
    import_features(conn, write(tmp_path / "f.csv", (A, "Ann", "Alpha", 0.1), (B, "Ann", "Birch", 0.2)))
    materialize(audio_features, database, spotify)
    assert heard(conn) == {"Alpha": ("file:file", None, "0.1"), "Birch": ("file:file", None, "0.2")}
    assert conn.execute(
        "select bool_and(a.simulated = t.simulated) from audio_features a join tracks t using (track_id)"
    ).fetchone() == (True,)
    assert checks.audio_features_are_given_or_absent(PostgresResource(dsn=database)).passed


def test_files_are_enough_where_no_spotify_is_configured(
    conn: psycopg.Connection, database: str, tmp_path: Path
) -> None:
    add_track(conn, "Alpha", simulated=False)
    import_features(conn, write(tmp_path / "f.csv", (A, "Ann", "Alpha", 0.1)))
    result = figures(materialize(audio_features, database, SpotifyResource()), "audio_features")
    assert (result["status"], result["rows_new"]) == ("not configured", 1)
    assert heard(conn) == {"Alpha": ("file:file", None, "0.1")}
    assert figures(materialize(audio_features, database, SpotifyResource()), "audio_features")["rows_new"] == 0


def test_names_that_leave_doubt_are_not_guessed_and_not_asked_about_again(
    conn: psycopg.Connection, database: str, tmp_path: Path
) -> None:
    add_track(conn, "Alpha", simulated=False)
    add_track(conn, "Birch", simulated=False)
    rows = [(A, "Ann", "Alpha", 0.1), (B, "Ann", "Alpha", 0.9), (C, "Ann", "Birch (Remix)", 0.4)]
    import_features(conn, write(tmp_path / "f.csv", *rows))
    for rows_new in (2, 0):
        result = figures(materialize(audio_features, database, SpotifyResource()), "audio_features")
        assert result["rows_new"] == rows_new
    assert heard(conn) == {
        "Alpha": (None, "ambiguous_in_files", None),
        "Birch": (None, "other_version_in_files", None),
    }


def test_features_wait_for_the_link_that_comes_later(
    conn: psycopg.Connection, database: str, service: Service, tmp_path: Path
) -> None:
    add_track(conn, "Alpha")
    import_features(conn, write(tmp_path / "f.csv", (A, "Ann", "Alpha", 0.1), (B, "Ann", "Alpha", 0.9)))
    spotify = AskService(url=service.url)
    materialize(audio_features, database, spotify)
    assert heard(conn)["Alpha"] == (None, "ambiguous_in_files", None)
    closed(service, "Alpha")
    materialize(spotify_tracks, database, spotify)
    materialize(audio_features, database, spotify)
    assert heard(conn)["Alpha"] == ("file:file", None, "0.1")


def test_feature_files_of_the_inbox_are_imported_and_a_broken_one_is_named(
    settings: Settings, conn: psycopg.Connection, database: str
) -> None:
    inbox = settings.data_dir / "inbox"
    write(inbox / "good.csv", (A, "Ann", "Alpha", 0.1), (B, "Ann", "Birch", 7.0))
    (inbox / "songs.csv").write_text("artist,song,text\nAnn,Alpha,la la\n", encoding="utf-8")
    (inbox / "broken.csv").write_text("danceability,energy,valence\n0.1,0.2,0.3\n", encoding="utf-8")
    (inbox / "empty.csv").write_text("", encoding="utf-8")
    result = materialize(imported_audio_features, database, SpotifyResource())
    told = figures(result, "imported_audio_features")
    assert (told["files"], told["files_refused"], told["rows_new"], told["rejected"]) == (
        2,
        1,
        1,
        {"energy_out_of_range": 1},
    )
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert list(check.metadata["refused"].value) == ["broken.csv"]  # type: ignore[call-overload]
    again = figures(materialize(imported_audio_features, database, SpotifyResource()), "imported_audio_features")
    assert (again["rows_new"], again["rows_unchanged"], again["dagster/row_count"]) == (0, 1, 1)


def row(energy: float, title: str = "Alpha", artist: str = "Ann", **more: Any) -> FileFeatures:
    sound = AudioFeatures(0.5, energy, 0.5, 0.5, 0.0, 0.1, 0.1, -7.0, 90.0)
    given: dict[str, Any] = {"spotify_id": None, "isrc": None, "duration_ms": None} | more
    return FileFeatures(1, "file", artist=artist, title=title, features=sound, **given)


WANTED = PendingFeatures(1, A, "Ann", "Alpha", "USABC0100001", 200_000, "ann", "alpha", True)


def test_the_id_wins_over_the_code_and_the_code_over_the_names() -> None:
    by_id, by_code, by_name = row(0.1, "X", "Y", spotify_id=A), row(0.2, "X", "Y", isrc="USABC0100001"), row(0.3)
    assert choose(WANTED, [by_name, by_code, by_id]) == by_id
    assert choose(WANTED, [by_name, by_code]) == by_code
    assert choose(WANTED, [by_name]) == by_name


def test_one_recording_on_several_albums_is_no_doubt_and_length_tells_two_apart() -> None:
    assert choose(WANTED, [row(0.3, spotify_id=B), row(0.3, spotify_id=C)]) == row(0.3, spotify_id=B)
    near, far = row(0.3, duration_ms=201_000), row(0.8, duration_ms=215_000)
    assert choose(WANTED, [far, near]) == near
    assert choose(WANTED, [row(0.3), row(0.8)]) == "ambiguous_in_files"
    assert choose(WANTED, [row(0.3, "Alpha (Live)")]) == "other_version_in_files"
