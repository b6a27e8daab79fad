"""Every header that people have: what it is taken for, what becomes of it, and what is refused by name."""

import csv
import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rap_platform.lyrics import reading
from rap_platform.lyrics.importing import ImportRefused, Kind, import_file, kind_of
from rap_platform.lyrics.presets import understand

LYRICS = "Rain on the window, a light in the hall\nI wrote you a letter and hung up the call"
FIGURES = "danceability,energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo"

# The headers as they are published -> (preset, kind, the columns of the fields that matter)
HEADERS: dict[str, tuple[str | None, str, dict[str, str]]] = {
    "title,tag,artist,year,views,features,lyrics,id,language_cld3,language_ft,language": (
        "genius5m", "songs", {"id": "id", "genre": "tag", "featured": "features", "language": "language", "lyrics": "lyrics"}),
    "title,tag,artist,year,views,features,lyrics,id": ("genius5m", "songs", {"id": "id", "views": "views"}),
    "artist,song,link,text": ("millsongdata", "songs", {"title": "song", "lyrics": "text", "link": "link"}),
    "ALink,SName,SLink,Lyric,language": ("vagalume", "songs", {"artist": "ALink", "title": "SName", "lyrics": "Lyric"}),
    "Artist,Genres,Songs,Popularity,Link": ("vagalume_artists", "artists", {}),
    f"id,name,album,album_id,artists,artist_ids,track_number,disc_number,explicit,{FIGURES},duration_ms,time_signature,year,release_date": (
        "spotify_1_2m", "audio_features", {"id": "id", "title": "name", "artist": "artists", "tempo": "tempo"}),
    f",track_id,artists,album_name,track_name,popularity,duration_ms,explicit,{FIGURES},time_signature,track_genre": (
        "spotify_114k", "audio_features", {"id": "track_id", "title": "track_name", "artist": "artists"}),
    "track_id,track_name,track_artist,track_popularity,track_album_id,track_album_name,track_album_release_date,playlist_name,playlist_id,"
    f"playlist_genre,playlist_subgenre,{FIGURES},duration_ms": (
        "tidytuesday_spotify_songs", "audio_features", {"artist": "track_artist", "duration_ms": "duration_ms"}),
    ",artist_name,track_name,release_date,genre,lyrics,len,dating,violence,world/life,topic,age": (
        "tcc_ceds", "songs", {"artist": "artist_name", "year": "release_date", "lyrics": "lyrics"}),
    "artist,song,lyric,next lyric": ("rap_line_pairs", "songs", {"lyrics": "lyric", "next": "next lyric"}),
    "album,lyrics_title,lyrics_url,lyrics,track_views": ("drake", "songs", {"title": "lyrics_title", "views": "track_views"}),
    "ID,title,artist,year,gender,points,n,n1,n2,n3,n4,n5": ("tidytuesday_rankings", "ratings", {}),
    "id,artist,title,full_title,lyrics": ("rap_lyrics_v1", "songs", {"id": "id", "title": "title"}),
    "rank,song,artist,genre,lyrics": (None, "songs", {"title": "song", "artist": "artist", "lyrics": "lyrics"}),
    "title,artist,lyrics,views,af_energy,af_danceability,is_explicit": (None, "songs", {"explicit": "is_explicit"}),
    f"song,artist,{FIGURES}": (None, "audio_features", {"energy": "energy"}),
    "title,artist,has_topics,has_emotion_tags,explicit_content": (None, "annotations", {}),
}  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_every_known_header_is_taken_for_what_it_is(header: str) -> None:
    preset, kind, columns = HEADERS[header]
    mapped = understand(header.split(","))
    assert (mapped.preset.name if mapped.preset else None, mapped.kind.value) == (preset, kind)
    assert columns.items() <= dict(mapped.columns).items()


def write(path: Path, header: str, *rows: tuple[str, ...]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])
    return path


def songs(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("select source_id, artist, title, body from raw_songs order by raw_song_id").fetchall()


def test_lines_are_joined_to_songs_and_a_chain_says_no_line_twice(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "pairs.csv", "artist,song,lyric,next lyric",
        ("Vale", "Tide", "one", "two"), ("Vale", "Tide", "two", "three"), ("Vale", "TIDE", "five", "six"),
        ("Crow", "Rope", "alone", ""), ("Vale", "Tide", "again", "x"),
    )  # fmt: skip
    report = import_file(connection, path)
    assert (report.preset, report.rows, report.songs, report.rejected) == ("rap_line_pairs", 5, 2, {"duplicate_id": 1})
    assert report.first_lines == {"duplicate_id": [6]}
    assert [row[1:] for row in songs(connection)] == [
        ("Vale", "Tide", "one\ntwo\nthree\nfive\nsix"),
        ("Crow", "Rope", "alone"),
    ]
    again = import_file(connection, path)
    assert (again.new, again.unchanged, again.rejected) == (0, 2, {"duplicate_id": 1})


def test_an_unknown_file_with_a_line_per_row_is_grouped_when_told(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "lines.csv", "number,artist,title,line",
        ("1", "Vale", "Tide", "one"), ("2", "Vale", "Tide", ""), ("3", "Vale", "Tide", "two"), ("4", "Crow", "Rope", "three"),
    )  # fmt: skip
    with path.open("a", encoding="utf-8") as stream:
        stream.write("odd,row\n")
    report = import_file(connection, path, per_line=True)
    assert (report.rows, report.new, report.rejected) == (5, 2, {"wrong_number_of_fields": 1})
    assert [row[1:] for row in songs(connection)] == [("Vale", "Tide", "one\n\ntwo"), ("Crow", "Rope", "three")]


def test_vagalume_names_its_artists_in_the_file_beside_it(connection: psycopg.Connection, tmp_path: Path) -> None:
    lyrics = write(tmp_path / "lyrics-data.csv", "ALink,SName,SLink,Lyric,language",
                   ("/ac-quill/", "Tide", "/ac-quill/tide.html", LYRICS, "en"), ("/no-one/", "Rope", "/no-one/rope.html", LYRICS, "en"))  # fmt: skip
    import_file(connection, lyrics)
    assert [row[1] for row in songs(connection)] == ["Ac Quill", "No One"]
    artists = write(tmp_path / "artists-data.csv", "Artist,Genres,Songs,Popularity,Link", ("AC/Quill", "Rap; Hip Hop", "3", "0.1", "/ac-quill/"))  # fmt: skip
    report = import_file(connection, lyrics)
    assert (report.changed, report.unchanged) == (1, 1)
    assert [row[1] for row in songs(connection)] == ["AC/Quill", "No One"]
    genre = connection.execute("select payload -> 'fields' ->> 'genre' from raw_songs order by 1 nulls last").fetchone()
    assert genre == ("Rap; Hip Hop",)
    packed = tmp_path / "packed" / "archive.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(artists, "artists-data.csv")
        archive.write(lyrics, "lyrics-data.csv")
    assert import_file(connection, packed).unchanged == 2


def test_the_artist_is_read_from_the_address_whatever_guests_the_title_names(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    root = "https://genius.com/Ada-quill"
    path = write(
        tmp_path / "d.csv", "album,lyrics_title,lyrics_url,lyrics,track_views",
        ("Sea", "Tide (Demo) (Ft. Crow & Vale) Lyrics", f"{root}-tide-demo-lyrics", LYRICS, "8.7K"),
        ("Sea", "More [Note] Lyrics", f"{root}-more-note-annotated", LYRICS, "1M"),
        ("Sea", "Rope Lyrics", f"{root}-something-else-lyrics", LYRICS, "1M"),
    )  # fmt: skip
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert import_file(connection, path).rejected == {"no_artist": 1}
    assert [row[1:3] for row in songs(connection)] == [
        ("Ada quill", "Tide (Demo) (Ft. Crow & Vale)"),
        ("Ada quill", "More [Note]"),
    ]


def test_lemmatised_lyrics_say_so(connection: psycopg.Connection, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", ",artist_name,track_name,release_date,genre,lyrics,len,topic,age",
                 ("0", "Vale", "Tide", "1950", "pop", "hold time feel break", "95", "sadness", "1.0"))  # fmt: skip
    assert import_file(connection, path).preset == "tcc_ceds"
    row = connection.execute("select payload ->> 'form', payload -> 'fields' ->> 'year' from raw_songs").fetchone()
    assert row == ("lemmatised", "1950")


def test_lyricsgenius_saves_artists_and_songs(connection: psycopg.Connection, tmp_path: Path) -> None:
    song = {"id": 11, "title": "Tide", "lyrics": LYRICS, "lyrics_state": "complete", "url": "https://genius.com/x",
            "stats": {"pageviews": 1200},
            "primary_artist": {"id": 4, "name": "Ada Quill"}, "artist": "Ada Quill", "album": {"name": "Sea"},
            "featured_artists": [{"name": "Crow"}]}  # fmt: skip
    artist = tmp_path / "Lyrics_AdaQuill.json"
    artist.write_text(json.dumps({"api_path": "/a/4", "name": "Ada Quill", "songs": [song, {**song, "id": 12, "title": "Rope"}]}, indent=1))  # fmt: skip
    single = tmp_path / "lyrics_tide.json"
    single.write_text(json.dumps(song))
    tops = tmp_path / "tops.json"
    tops.write_text(json.dumps({"top_tracks": [{"name": "Rope", "artist": "Vale", "lyrics": LYRICS}, 7]}))
    late = tmp_path / "late.json"
    late.write_text(json.dumps({"songs": [{"title": "Late", "lyrics": LYRICS}], "name": "Vale"}))
    reports = [import_file(connection, path) for path in (artist, single, tops, late)]
    assert [(r.preset, r.new, r.unchanged, r.rejected) for r in reports] == [
        ("lyricsgenius", 2, 0, {}), ("lyricsgenius", 0, 1, {}), (None, 1, 0, {"no_object": 1}), (None, 1, 0, {}),
    ]  # fmt: skip
    assert [row[:3] for row in songs(connection)][:2] == [
        ("lyricsgenius:11", "Ada Quill", "Tide"),
        ("lyricsgenius:12", "Ada Quill", "Rope"),
    ]
    assert [row[1:3] for row in songs(connection)][2:] == [("Vale", "Rope"), ("Vale", "Late")]
    fields = connection.execute(
        "select payload -> 'fields' from raw_songs where source_id = 'lyricsgenius:11'"
    ).fetchone()
    assert fields is not None
    assert {key: fields[0][key] for key in ("album", "views", "featured")} == {
        "album": "Sea", "views": 1200, "featured": ["Crow"],
    }  # fmt: skip


REFUSED: dict[str, tuple[str, str]] = {
    "rankings.csv": ("ID,title,artist,year,gender,points,n,n1\n1,Tide,Vale,1990,m,3,1,1\n", "critics' points.*no song in it"),
    "mxm_train.txt": ("# a comment\n%i,the,you,to\nTRAAAAV128F421A322,4623710,1:6,2:4\n", "a bag of words .musiXmatch.*nothing to import"),
    "mxm_test.txt": ("TRAAAAV128F421A322,4623710,1:6,2:4,3:2\n", "a bag of words"),
    "wasabi.csv": ("title,artist,has_topics,has_emotion_tags,explicit_content\nTide,Vale,1,1,0\n", "annotations of songs .WASABI"),
    "artists-data.csv": ("Artist,Genres,Songs,Popularity,Link\nVale,Rap,3,0.1,/vale/\n", "Vagalume's list of artists.*Keep it beside"),
    "features.csv": (f"song,artist,{FIGURES}\nTide,Vale,1,1,1,1,1,1,1,1,1,1,1\n", "audio features of songs.*without lyrics"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_lyrics_is_refused_by_name(name: str, connection: psycopg.Connection, tmp_path: Path) -> None:
    text, message = REFUSED[name]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportRefused, match=message) as refused:
        import_file(connection, path)
    assert name in str(refused.value)
    assert connection.execute("select count(*) from raw_songs").fetchone() == (0,)


# -- packed and encoded -------------------------------------------------------------------------------------------

PLAIN = f'artist,song,text\nVale,Tide,"{LYRICS}"\nCrow,"Café",two\n'


def test_gz_and_zip_and_every_mark_say_the_same(connection: psycopg.Connection, tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(PLAIN.encode()))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("readme.md", "about")
        archive.writestr("__MACOSX/._songs.csv", "junk")
        archive.writestr("folder/songs.csv", PLAIN)
    for number, encoding in enumerate(("utf-8-sig", "utf-16", "utf-32")):
        (tmp_path / f"c{number}.csv").write_bytes(PLAIN.encode(encoding))
    (tmp_path / "d.csv").write_bytes(b"\xfe\xff" + PLAIN.encode("utf-16-be"))
    (tmp_path / "e.json").write_bytes(json.dumps([{"artist": "Vale", "song": "Tide", "text": LYRICS}]).encode("utf-16"))
    reports = [import_file(connection, path) for path in sorted(tmp_path.iterdir())]
    assert [(r.new, r.unchanged, r.rejected) for r in reports] == [
        (2, 0, {}), (0, 2, {}), (0, 2, {}), (0, 2, {}), (0, 2, {}), (0, 2, {}), (0, 1, {}),
    ]  # fmt: skip
    assert songs(connection)[1][2] == "Café"


PACKED: dict[str, tuple[dict[str, bytes], str]] = {
    "two.zip": ({"a.csv": PLAIN.encode(), "b.csv": PLAIN.encode()}, "which of these is meant.*a.csv, b.csv.*one by one"),
    "none.zip": ({"a.png": b"x"}, "no CSV, JSONL or JSON file in this archive; it has a.png"),
    "sheet.zip": ({"[Content_Types].xml": b"x"}, "save the sheet as CSV"),
    "inside.zip": ({"a.csv": gzip.compress(PLAIN.encode())}, "a packed file inside a packed one"),
    "bomb.zip": ({"a.csv": b"artist,song,text\n" + (b"A,B," + b"c" * 1_000_000 + b"\n") * 60}, "more than 200 times its size"),
}  # fmt: skip


@pytest.mark.parametrize("name", PACKED)
def test_archives_that_can_not_be_right_are_refused(name: str, connection: psycopg.Connection, tmp_path: Path) -> None:
    members, message = PACKED[name]
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    with pytest.raises(ImportRefused, match=message):
        import_file(connection, path)
    assert connection.execute("select count(*) from raw_songs").fetchone() == (0,)


def test_a_zip_of_songs_and_other_tables_means_the_songs(connection: psycopg.Connection, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("rankings.csv", "ID,title,artist,year,gender,points,n\n1,Tide,Vale,1990,m,3,1\n")
        archive.writestr("songs.csv", PLAIN)
    assert import_file(connection, tmp_path / "a.zip").new == 2


def test_a_cut_archive_is_refused_and_nothing_is_stored(connection: psycopg.Connection, tmp_path: Path) -> None:
    rows = "".join(f"Vale,Song {n},{n * n}\n" for n in range(20_000))
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(("artist,song,text\n" + rows).encode())[:-2000])
    with pytest.raises(ImportRefused, match="not readable as gzip"):
        import_file(connection, path)
    assert connection.execute("select count(*) from raw_songs").fetchone() == (0,)


def test_the_kind_is_told_without_reading_the_file(tmp_path: Path) -> None:
    features = write(tmp_path / "f.csv", f"song,artist,{FIGURES}", ("Tide", "Vale", *["0.5"] * 11))
    assert kind_of(features) is Kind.AUDIO_FEATURES
    (tmp_path / "s.csv").write_text(PLAIN, encoding="utf-8")
    assert kind_of(tmp_path / "s.csv") is Kind.SONGS


# -- the dry run --------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_columns_duplicates_languages_and_years(connection: psycopg.Connection, tmp_path: Path) -> None:
    header = "title,tag,artist,year,views,features,lyrics,id,language"
    path = write(
        tmp_path / "g.csv", header,
        ("Tide", "rap", "Vale", "2004", "1", "{}", LYRICS, "1", "en"), ("Copy", "rap", "Vale", "21", "1", "{}", LYRICS, "2", "en"),
        ("Rope", "rap", "Crow", "", "1", "{}", "uno\ndos", "3", "es"), ("Tide", "rap", "Vale", "2004", "1", "{}", LYRICS, "1", "en"),
        ("", "rap", "Crow", "", "1", "{}", "x", "4", ""),
    )  # fmt: skip
    report = import_file(connection, path, dry_run=True)
    told = report.told()
    assert (told["rows"], told["songs"], told["new"], told["preset"], told["kind"]) == (5, 3, 3, "genius5m", "songs")
    assert told["columns"]["genre"] == "tag"
    assert told["rejected"] == {"duplicate_id": 1, "no_title": 1}
    assert told["rejected_first_lines"] == {"duplicate_id": [8], "no_title": [10]}
    assert told["languages"] == {"en": 2, "es": 1}
    assert (told["same_text"], told["years_out_of_range"]) == (1, 1)
    assert import_file(connection, path).told()["new"] == 3


def test_languages_that_the_file_does_not_say_are_detected_on_a_sample(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    spanish = "Camino por la calle con la luna en la mano y no quiero volver a casa esta noche"
    path = write(tmp_path / "s.csv", "artist,song,text", ("Vale", "Tide", LYRICS), ("Vale", "Luna", spanish), ("Vale", "Hm", "la"))  # fmt: skip
    survey = import_file(connection, path, dry_run=True).survey
    assert survey is not None
    assert survey["languages"] == {"en": 1, "es": 1, "(unsure)": 1}
    assert survey["languages_from"] == "detected on a sample of 3 songs"


# -- memory and rejects -------------------------------------------------------------------------------------------


def test_rejects_are_written_as_they_come_and_a_refused_file_leaves_none(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    rows = [f"Vale,Song {n},text\n" if n % 2 else "odd\n" for n in range(60_000)]
    path = tmp_path / "s.csv"
    path.write_text("artist,song,text\n" + "".join(rows), encoding="utf-8")
    report = import_file(connection, path)
    assert report.rejected == {"wrong_number_of_fields": 30_000}
    assert report.rejects_file is not None
    listed = report.rejects_file.read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in listed[1:]] == [str(n + 2) for n in range(0, 60_000, 2)]
    path.write_bytes(path.read_bytes() + b"A,B,\xff\n")
    with pytest.raises(ImportRefused, match="line 60002, byte 5"):
        import_file(connection, path)
    assert report.rejects_file.read_text(encoding="utf-8").splitlines() == listed
    assert {left.name for left in tmp_path.iterdir()} == {"s.csv", "s.csv.rejects.csv"}


def test_a_json_list_that_is_broken_late_stores_nothing_and_names_the_place(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    good = [{"artist": "Vale", "title": f"Song {n}", "lyrics": LYRICS} for n in range(3000)]
    path = tmp_path / "s.json"
    path.write_text(json.dumps(good, indent=0)[:-2] + "\n, oops]", encoding="utf-8")
    with pytest.raises(ImportRefused, match=r"line 15\d\d\d, column 3: not JSON"):
        import_file(connection, path)
    assert connection.execute("select count(*) from raw_songs").fetchone() == (0,)


def test_numbers_that_are_none_do_not_stop_a_json_list(connection: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('[{"artist": "Vale", "title": "A", "lyrics": "x"}, {"artist": "Vale", "title": "B", "lyrics": "y", "views": NaN}]')  # fmt: skip
    assert import_file(connection, path).new == 2


def test_an_object_without_end_is_refused_before_memory_is_full(
    connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_ROW_BYTES", 200_000)
    path = tmp_path / "s.json"
    path.write_text(json.dumps([{"artist": "Vale", "title": "A", "lyrics": "x" * 900_000}]))
    with pytest.raises(ImportRefused, match="one object of more than"):
        import_file(connection, path)
