"""Audio features from files: the three Kaggle headers, odd figures, duplicates, a second import."""

import csv
from pathlib import Path

import psycopg
import pytest

from rap_platform.lyrics.importing import ImportRefused, import_file
from rap_platform.spotify.importing import import_features

FIGURES = "danceability,energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo"
HEARD = ["0.7", "0.61", "5", "-6.2", "1", "0.25", "0.1", "1e-45", "0.12", "0.5", "92.5"]
ID = "0a1B2c3D4e5F6g7H8i9J0k"
HEADERS = {
    "spotify_1_2m": f"id,name,album,album_id,artists,artist_ids,track_number,disc_number,explicit,{FIGURES},duration_ms,time_signature,year,release_date",
    "spotify_114k": f",track_id,artists,album_name,track_name,popularity,duration_ms,explicit,{FIGURES},time_signature,track_genre",
    "tidytuesday_spotify_songs": "track_id,track_name,track_artist,track_popularity,track_album_id,track_album_name,track_album_release_date,"
    f"playlist_name,playlist_id,playlist_genre,playlist_subgenre,{FIGURES},duration_ms",
}
ROWS = {
    "spotify_1_2m": [ID, "Tide (feat. Crow)", "Sea", "x", "['Ada Quill', \"Vale's\"]", "['x', 'y']", "1", "1", "False", *HEARD,
                     "200000", "4", "1999", "1999-11-02"],
    "spotify_114k": ["0", ID, "Tyler, The Weaver;Vale", "Sea", "Tide", "12", "200000", "False", *HEARD, "4", "hip-hop"],
    "tidytuesday_spotify_songs": [ID, "Tide - Live", "Ada Quill", "60", "x", "Sea", "2019-06-14", "Rap", "p", "rap", "southern", *HEARD, "200000"],
}  # fmt: skip


def write(path: Path, header: str, *rows: list[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])
    return path


@pytest.mark.parametrize(
    ("dataset", "artist", "artist_key"),
    [
        ("spotify_1_2m", "Ada Quill, Vale's", "ada quill"),
        ("spotify_114k", "Tyler, The Weaver, Vale", "tyler the weaver"),
        ("tidytuesday_spotify_songs", "Ada Quill", "ada quill"),
    ],
)
def test_known_tables_of_features_are_understood(
    dataset: str, artist: str, artist_key: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    report = import_features(connection, write(tmp_path / "f.csv", HEADERS[dataset], ROWS[dataset]))
    assert (report.preset, report.kind, report.rows, report.new) == (dataset, "audio_features", 1, 1)
    row = connection.execute(
        "select dataset, row_key, spotify_id, artist, artist_key, title_key, duration_ms, instrumentalness, loudness_db::text, tempo_bpm::text"
        " from imported_audio_features"
    ).fetchone()
    assert row == (dataset, ID, ID, artist, artist_key, "tide", 200000, 0.0, "-6.2", "92.5")


def test_a_second_import_changes_nothing_and_an_edit_is_one_change(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    header, row = HEADERS["tidytuesday_spotify_songs"], ROWS["tidytuesday_spotify_songs"]
    rows = [[f"{ID[:-1]}{n}", *row[1:]] for n in range(5)]
    path = write(tmp_path / "f.csv", header, *rows)
    assert import_features(connection, path).new == 5
    again = import_features(connection, path)
    assert (again.new, again.unchanged, again.changed) == (0, 5, 0)
    rows[2][HEADERS["tidytuesday_spotify_songs"].split(",").index("energy")] = "0.9"
    write(path, header, *rows)
    edited = import_features(connection, path)
    assert (edited.new, edited.unchanged, edited.changed) == (0, 4, 1)
    assert connection.execute("select count(*) from imported_audio_features where energy > 0.8").fetchone() == (1,)


def test_odd_rows_are_rejected_with_the_figure_and_listed(connection: psycopg.Connection, tmp_path: Path) -> None:
    header, row = HEADERS["tidytuesday_spotify_songs"], ROWS["tidytuesday_spotify_songs"]
    at = header.split(",").index

    def odd(column: str, value: str) -> list[str]:
        return [value if n == at(column) else cell for n, cell in enumerate(row)]

    path = write(
        tmp_path / "f.csv", header, row, odd("energy", "1.7"), odd("tempo", "fast"), odd("track_name", ""), row,
        odd("duration_ms", "-4"), odd("loudness", "1e999"), ["too", "short"],
    )  # fmt: skip
    report = import_features(connection, path)
    assert (report.rows, report.new) == (8, 1)
    assert report.rejected == {
        "duplicate_id": 1, "duration_ms_out_of_range": 1, "energy_out_of_range": 1, "loudness_out_of_range": 1, "no_title": 1,
        "tempo_is_no_number": 1, "wrong_number_of_fields": 1,
    }  # fmt: skip
    assert report.first_lines["duplicate_id"] == [6]
    assert report.rejects_file is not None
    assert [line.split(",")[0] for line in report.rejects_file.read_text().splitlines()[1:]] == [*"3456789"]


def test_a_dry_run_of_features_stores_nothing(connection: psycopg.Connection, tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", HEADERS["spotify_114k"], ROWS["spotify_114k"])
    assert import_features(connection, path, dry_run=True).new == 1
    assert connection.execute("select count(*) from imported_audio_features").fetchone() == (0,)


def test_features_are_no_songs_and_songs_are_no_features(connection: psycopg.Connection, tmp_path: Path) -> None:
    features = write(tmp_path / "f.csv", HEADERS["spotify_114k"], ROWS["spotify_114k"])
    songs = write(tmp_path / "s.csv", "artist,song,text", ["Vale", "Tide", "Rain"])
    with pytest.raises(ImportRefused, match=r"audio features of songs.*\(spotify_114k\)"):
        import_file(connection, features)
    with pytest.raises(ImportRefused, match=r"no table of audio features.*artist, song, text"):
        import_features(connection, songs)


def test_a_table_of_ones_own_needs_names_and_a_few_figures(connection: psycopg.Connection, tmp_path: Path) -> None:
    own = write(tmp_path / "own.csv", "artist,title,isrc,energy,valence,tempo", ["Vale", "Tide", "gb-abc-99-00001", "0.5", "", "90"])  # fmt: skip
    assert import_features(connection, own).new == 1
    row = connection.execute("select dataset, isrc, spotify_id, valence from imported_audio_features").fetchone()
    assert row == ("file", "GBABC9900001", None, None)
    nameless = write(tmp_path / "nameless.csv", "title,energy,valence,tempo", ["Tide", "0.5", "0.4", "90"])
    with pytest.raises(ImportRefused, match="without a column for the artist"):
        import_features(connection, nameless)
