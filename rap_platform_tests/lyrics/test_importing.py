"""Files: known headers, careful rows, whole files refused with nothing stored."""

import csv
import json
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rap_platform.lyrics.importing import ImportRefused, check_input, import_file, inbox_files, parse_count, parse_names
from rap_platform.settings import Settings

LYRICS = "Rain on the window, a light in the hall\nI wrote you a letter and hung up the call"
SONGS = [
    ("Ada Quill", "Letter Home", "/1", LYRICS),
    ("Vale", "Tide", "/2", LYRICS + "\nonce"),
    ("Crow", "Rope", "/3", LYRICS + "\ntwice"),
]


def write_csv(
    path: Path, rows: list[tuple[str, ...]], header: str = "artist,song,link,text", delimiter: str = ","
) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return path


def stored(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("select source_id, artist, title, body from raw_songs order by raw_song_id").fetchall()


def count(conn: psycopg.Connection) -> int:
    row = conn.execute("select count(*) from raw_songs").fetchone()
    assert row is not None
    return int(row[0])


def test_an_import_a_second_one_and_an_edit(connection: psycopg.Connection, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "songs.csv", SONGS)
    first = import_file(connection, path)
    assert (first.rows, first.new, first.unchanged, first.changed, first.rejected, first.preset) == (
        3,
        3,
        0,
        0,
        {},
        "millsongdata",
    )
    before = connection.execute("select source_id, xmin::text from raw_songs order by 1").fetchall()
    second = import_file(connection, path)
    assert (second.new, second.unchanged, second.changed) == (0, 3, 0)
    assert connection.execute("select source_id, xmin::text from raw_songs order by 1").fetchall() == before
    write_csv(path, [SONGS[0], ("Vale", "Tide", "/2", "another text\nand a line"), SONGS[2]])
    third = import_file(connection, path)
    assert (third.new, third.unchanged, third.changed) == (0, 2, 1)
    assert stored(connection)[1] == ("millsongdata:/2", "Vale", "Tide", "another text\nand a line")
    assert count(connection) == 3


def test_a_dry_run_reports_and_stores_nothing(connection: psycopg.Connection, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "songs.csv", [*SONGS, ("", "x", "/4", "y")])
    report = import_file(connection, path, dry_run=True)
    assert (report.new, report.rejected) == (3, {"no_artist": 1})
    assert count(connection) == 0
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_marks_and_quoted_line_breaks(
    connection: psycopg.Connection, tmp_path: Path, delimiter: str
) -> None:
    path = write_csv(tmp_path / "songs.csv", SONGS, delimiter=delimiter)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert import_file(connection, path).new == 3
    assert stored(connection)[0] == ("millsongdata:/1", "Ada Quill", "Letter Home", LYRICS)


def test_rejected_rows_are_listed_with_their_lines(connection: psycopg.Connection, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "songs.csv", [SONGS[0], ("Vale", "", "/2", "x"), ("Vale", "Tide", "/3", " \n"), SONGS[0]]
    )
    path.write_text(path.read_text(encoding="utf-8") + "only,three,fields\n", encoding="utf-8")
    report = import_file(connection, path)
    assert report.rejected == {"duplicate_id": 1, "no_lyrics": 1, "no_title": 1, "wrong_number_of_fields": 1}
    assert (report.rows, report.new) == (5, 1)
    assert report.rejects_file == tmp_path / "songs.csv.rejects.csv"
    assert report.rejects_file.read_text(encoding="utf-8").splitlines() == [
        "line,reason,artist,title", "4,no_title,Vale,", "5,no_lyrics,Vale,Tide", "7,duplicate_id,Ada Quill,Letter Home", "9,wrong_number_of_fields,,",
    ]  # fmt: skip
    write_csv(path, SONGS)
    assert import_file(connection, path).rejects_file is None
    assert list(tmp_path.iterdir()) == [path]


def test_known_headers_are_understood(connection: psycopg.Connection, tmp_path: Path) -> None:
    genius = write_csv(
        tmp_path / "genius.csv",
        [("Tide", "rap", "Vale", "2004", "1200", '{"Cam\\\\\'ron","Ada Quill"}', LYRICS, "77", "en", "en", "en")],
        header="title,tag,artist,year,views,features,lyrics,id,language_cld3,language_ft,language",
    )
    drake = write_csv(
        tmp_path / "drake.csv", [("Album", "Tide Song Lyrics", "https://genius.com/Ada-quill-tide-song-lyrics", LYRICS, "8.7K")],
        header="album,lyrics_title,lyrics_url,lyrics,track_views",
    )  # fmt: skip
    unnamed = write_csv(tmp_path / "index.csv", [("0", "Vale", "Tide", LYRICS)], header=",Singer,Track_Name,Lyrics")
    assert import_file(connection, genius).preset == "genius5m"
    assert import_file(connection, drake).preset == "drake"
    assert import_file(connection, unnamed).preset is None
    rows = stored(connection)
    assert rows[0][:3] == ("genius5m:77", "Vale", "Tide")
    assert rows[1][1:3] == ("Ada quill", "Tide Song")
    assert rows[2][0].startswith("file:")
    fields = connection.execute("select payload -> 'fields' from raw_songs order by raw_song_id").fetchall()
    assert parse_names(fields[0][0]["featured"]) == ["Cam'ron", "Ada Quill"]
    assert parse_count(fields[1][0]["views"]) == 8700


def test_an_unknown_header_can_be_mapped(connection: psycopg.Connection, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "odd.csv", [("Vale", "Tide", LYRICS)], header="who,what,words")
    with pytest.raises(
        ImportRefused, match=r"no lyrics column; line 1 has the columns: who, what, words.*--map COLUMN=lyrics"
    ):
        import_file(connection, path)
    assert import_file(connection, path, columns={"who": "artist", "what": "title", "words": "lyrics"}).new == 1
    with pytest.raises(ImportRefused, match="no column 'nope' to map"):
        import_file(connection, path, columns={"nope": "artist"})
    with pytest.raises(ImportRefused, match="'verse' is no field"):
        import_file(connection, path, columns={"who": "verse"})


def test_equal_ids_of_two_unknown_files_do_not_overwrite_each_other(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    for name, artist in (("a.csv", "Vale"), ("b.csv", "Crow")):
        assert (
            import_file(
                connection, write_csv(tmp_path / name, [("1", artist, "Tide", LYRICS)], header="id,artist,title,lyrics")
            ).new
            == 1
        )
    assert count(connection) == 2


def test_json_jsonl_and_parquet_say_the_same(connection: psycopg.Connection, tmp_path: Path) -> None:
    songs = [
        {"id": n, "artist": {"name": artist}, "title": title, "lyrics": text}
        for n, (artist, title, _, text) in enumerate(SONGS)
    ]
    (tmp_path / "a.json").write_text(json.dumps(songs), encoding="utf-8")
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, songs)), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(songs), tmp_path / "c.parquet")
    (tmp_path / "d.json").write_text(
        json.dumps({"name": "Vale", "songs": [{"id": 9, "title": "Nine", "lyrics": LYRICS}]}), encoding="utf-8"
    )
    results = [import_file(connection, tmp_path / name) for name in ("a.json", "b.jsonl", "c.parquet", "d.json")]
    assert [(r.new, r.unchanged) for r in results] == [(3, 0), (0, 3), (0, 3), (1, 0)]
    assert stored(connection)[3][1:3] == ("Vale", "Nine")


def test_broken_json_lines_are_rejected_one_by_one(connection: psycopg.Connection, tmp_path: Path) -> None:
    good = json.dumps({"artist": "Vale", "title": "Tide", "lyrics": LYRICS})
    nul = json.dumps({"artist": "Vale", "title": "Tide 2", "lyrics": "a\0b"})
    lone = '{"artist": "Vale", "title": "Tide 3", "lyrics": "a \\ud800"}'
    path = tmp_path / "songs.jsonl"
    path.write_text("\n".join([good, "{oops", "[1]", nul, lone]), encoding="utf-8")
    report = import_file(connection, path)
    assert (report.rows, report.new) == (5, 1)
    assert report.rejected == {"invalid_characters": 1, "invalid_json": 1, "no_object": 1, "nul_character": 1}


HEADER = b"artist,song,text\n"
REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "the file is empty"),
    "blank.csv": (b" \n\n", "the file is empty"),
    "header.csv": (HEADER, "no song below it"),
    "no_lyrics.csv": (b"artist,song\nA,B\n", r"no lyrics column; line 1 has the columns: artist, song\..*--map"),
    "no_title.csv": (b"artist,text\nA,B\n", "no title column"),
    "no_artist.csv": (b"song,text\nA,B\n", "no artist column"),
    "binary.csv": (bytes(range(256)) * 40, "a binary file"),
    "songs.csv.gz": (b"\x1f\x8b\x08\x00" + b"\0" * 50, "gzip: unpack it first"),
    "sheet.csv": (b"PK\x03\x04" + b"\0" * 50, "save the sheet as CSV"),
    "latin1.csv": (
        HEADER + "A,B,ok\nA,C,caf\xe9\n".encode("latin-1"),
        r"line 3, byte 8: 0xe9 is not valid UTF-8.*--encoding",
    ),
    "nul.csv": (HEADER + b"A,B,one\nA,C,tw\0o\n", "line 3, column 7: a NUL byte"),
    "long.csv": (HEADER + b"A,B,ok\nA,B," + b"x" * 20_000_000 + b"\n", "line 3: longer than 10 MB"),
    "open_quote.csv": (HEADER + b'A,B,ok\nA,C,"never closed\nmore\n', "line 3 to 4: not readable as CSV"),
    "wide_field.csv": (HEADER + b'A,B,"' + (b"x" * 999 + b"\n") * 11_000 + b'"\n', "not readable as CSV .field larger"),
    "utf16.csv": ("artist,song,text\nA,B,c\n".encode("utf-16")[:-1], "line 2, byte 1: 0x0a is not valid utf-16"),
    "mac.csv": (b"artist,song,text\rA,B,c\r", "bare carriage returns"),
    "fake.parquet": (b"artist,song,text\nA,B,c\n", "named .parquet, but it isn't one"),
    "cut.parquet": (b"PAR1" + b"x" * 100, "not readable as Parquet"),
    "bad.jsonl": (b"no json\n", "line 1, column 1: not JSON"),
    "bad.json": (b'[\n{"artist": oops}]', "line 2, column 12: not JSON"),
    "nul.json": (b'[{"artist": "A",\n "title": "\0"}]', "line 2, column 12: a NUL byte"),
    "text.json": (b'"hello"', "no list of songs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_with_place_and_remedy_and_nothing_is_stored(
    name: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    content, message = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match=message) as refused:
        import_file(connection, path)
    assert name in str(refused.value)
    assert count(connection) == 0


def test_a_late_error_stores_nothing_of_the_thousands_of_rows_before(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "songs.csv", [("Vale", f"Song {n}", f"/{n}", LYRICS) for n in range(2500)])
    path.write_bytes(path.read_bytes() + b"Vale,Last,/x,\xff\n")
    with pytest.raises(ImportRefused, match="0xff is not valid UTF-8"):
        import_file(connection, path)
    assert count(connection) == 0


def test_the_remedies_work(connection: psycopg.Connection, tmp_path: Path) -> None:
    latin, wide = tmp_path / "latin1.csv", tmp_path / "utf16.csv"
    latin.write_bytes("artist,song,text\nA,B,café\n".encode("cp1252"))
    wide.write_bytes('artist,song,text\nA,C,"thé\nvert"\n'.encode("utf-16"))
    assert import_file(connection, latin, encoding="cp1252").new == 1
    assert import_file(connection, wide, encoding="utf-16").new == 1
    assert [row[3] for row in stored(connection)] == ["café", "thé\nvert"]
    with pytest.raises(ImportRefused, match="no encoding 'klingon'"):
        import_file(connection, latin, encoding="klingon")


def test_what_is_no_file_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="no such file"):
        check_input(tmp_path / "nowhere.csv")
    with pytest.raises(ImportRefused, match="not a file"):
        check_input(tmp_path)


def test_the_inbox_holds_files_and_no_reject_lists(settings: Settings) -> None:
    assert inbox_files(settings) == []
    inbox = settings.data_dir / "inbox"
    inbox.mkdir(parents=True)
    for name in ("b.csv", "a.jsonl", "a.csv.rejects.csv", ".hidden.csv", "notes.md", "c.csv.part"):
        (inbox / name).write_text("x", encoding="utf-8")
    (inbox / "folder.csv").mkdir()
    assert [path.name for path in inbox_files(settings)] == ["a.jsonl", "b.csv"]


@pytest.mark.parametrize(
    ("value", "views"),
    [
        ("8.7K", 8700),
        ("1M", 1_000_000),
        ("1,234", 1234),
        (12, 12),
        (-1, None),
        ("many", None),
        (None, None),
        (True, None),
        (float("nan"), None),
    ],
)
def test_views_are_read_as_people_write_them(value: object, views: int | None) -> None:
    assert parse_count(value) == views


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("{}", []),
        ('{"A, B",C}', ["A, B", "C"]),
        ("['A', \"B\"]", ["A", "B"]),
        ("A", ["A"]),
        (None, []),
        ([{"name": "A"}, "B"], ["A", "B"]),
    ],
)
def test_lists_of_names_are_read_in_every_dialect(value: object, names: list[str]) -> None:
    assert parse_names(value) == names


def test_what_the_database_can_not_hold_is_rejected_before_it_gets_there(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    songs = [
        {"artist": "Vale", "title": "Tide", "lyrics": "Rain on the window", "note": "a\0b"},
        {"artist": "V" * 4000, "title": "Talk", "lyrics": "Rain on the window"},
        {"artist": "Vale", "title": "Sea", "lyrics": "Rain on the window", "note": r"a \u0000 as written"},
    ]
    path = tmp_path / "songs.jsonl"
    path.write_text("".join(json.dumps(song) + "\n" for song in songs), encoding="utf-8")
    report = import_file(connection, path)
    assert (report.new, report.rejected) == (1, {"name_too_long": 1, "nul_character": 1})
    assert connection.execute("select title from raw_songs").fetchall() == [("Sea",)]


def test_a_number_of_thousands_of_digits_is_refused_with_a_message(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    path = tmp_path / "songs.json"
    path.write_text('[{"artist": "Vale", "title": "Tide", "lyrics": "Rain", "views": ' + "9" * 5000 + "}]")
    with pytest.raises(ImportRefused, match="can't be read"):
        import_file(connection, path)


def test_views_past_belief_are_no_views() -> None:
    assert [parse_count(views) for views in ("999,999,999,999,999B", 10**18, float("nan"), "8.7K")] == [
        None,
        None,
        None,
        8700,
    ]


def test_jsonl_whose_first_song_has_no_lyrics_is_read(connection: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "songs.jsonl"
    songs = [{"artist": "Vale", "title": "Tide"}, {"artist": "Vale", "title": "Dusk", "lyrics": "Rain\nLate"}]
    path.write_text("".join(json.dumps(one) + "\n" for one in songs), encoding="utf-8")
    report = import_file(connection, path)
    assert (report.new, report.rejected) == (1, {"no_lyrics": 1})


def test_a_byte_order_mark_wins_over_a_named_encoding(connection: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    path.write_text("artist,title,lyrics\nBéa,Café,là là\n", encoding="utf-8-sig")
    import_file(connection, path, encoding="cp1252")
    assert connection.execute("select artist, title, body from raw_songs").fetchall() == [("Béa", "Café", "là là")]
