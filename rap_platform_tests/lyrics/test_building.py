"""Raw songs become tracks: once, in place, and with their sections' ids kept."""

import csv
import datetime as dt
from pathlib import Path

import psycopg

from rap_platform.lyrics import queries
from rap_platform.lyrics.building import MOST_SECTIONS, VERSION, BuildReport, build_tracks, ensure_artists
from rap_platform.lyrics.importing import import_file

STANZAS = [
    f"Rain on window number {n}\nA light in the hall of house {n}\nI wrote you letter {n}\nAnd hung up call {n}"
    for n in range(6)
]
HEADER = ["title", "tag", "artist", "year", "views", "features", "lyrics", "id"]


def put(conn: psycopg.Connection, folder: Path, *songs: tuple[str, str, str], year: str = "2004") -> None:
    """Import songs (id, title, lyrics) by Vale."""
    path = folder / "songs.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(
            [(title, "rap", "Vale", year, "8.7K", '{"Crow"}', text, number) for number, title, text in songs]
        )
    import_file(conn, path)


def build(conn: psycopg.Connection) -> BuildReport:
    report = BuildReport()
    for _ in build_tracks(conn, report):
        pass
    return report


def sections(conn: psycopg.Connection) -> dict[int, tuple[int, str]]:
    rows = conn.execute("select section_no, section_id, text from track_sections order by section_no")
    return {number: (section_id, text) for number, section_id, text in rows}


def test_a_song_becomes_a_track_with_its_facts(connection: psycopg.Connection, tmp_path: Path) -> None:
    text = "4 ContributorsTide Lyrics[Verse 1: Vale]\n" + "\n\n[Hook]\n".join(STANZAS[:2]) + "7Embed"
    put(connection, tmp_path, ("77", "Tide (feat. Ada Quill)", text))
    report = build(connection)
    assert (report.new, report.sections, dict(report.cleaning)) == (1, 2, {"contributors_header": 1, "embed": 1})
    row = connection.execute(
        "select source_id, artist, title, normalised_title, featured, genre, year, views, language, line_count, word_count,"
        " cleaning, cleaner_version, simulated from tracks"
    ).fetchone()
    assert row == (
        "genius5m:77", "Vale", "Tide (feat. Ada Quill)", "tide", ["Crow", "Ada Quill"], "rap", 2004, 8700, "en", 8, 46,
        {"contributors_header": 1, "embed": 1}, VERSION, False,
    )  # fmt: skip
    found = connection.execute(
        "select kind, label, number, performers, first_line, last_line, language from track_sections order by section_no"
    ).fetchall()
    assert found == [("verse", "Verse 1: Vale", 1, ["Vale"], 2, 5, "en"), ("hook", "Hook", None, [], 8, 11, "en")]


def test_a_second_build_does_nothing(connection: psycopg.Connection, tmp_path: Path) -> None:
    put(connection, tmp_path, ("1", "Tide", "\n\n".join(STANZAS)), ("2", "Talk", "word " * 300))
    assert build(connection).set_aside == {"no_line_breaks": 1}
    before = connection.execute("select xmin::text, updated_at from tracks").fetchall()
    assert build(connection) == BuildReport()
    assert connection.execute("select xmin::text, updated_at from tracks").fetchall() == before


def test_skits_and_lemmatised_texts_are_set_aside_whatever_their_length(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    put(connection, tmp_path, ("1", "Bus Stop (Skit)", "\n\n".join(STANZAS)), ("2", "Skitzo", "\n\n".join(STANZAS)))
    stems = queries.RawSong(
        "import",
        "stems:1",
        None,
        "Vale",
        "Tide",
        "ok",
        None,
        {"form": "lemmatised"},
        "rain window light",
        "1" * 64,
        simulated=False,
    )
    queries.store_raw_songs(connection, [stems])
    assert build(connection).set_aside == {"skit": 1, "lemmatised": 1}
    reasons = dict(
        connection.execute("select r.title, s.reason from set_aside s join raw_songs r using (raw_song_id)").fetchall()
    )
    assert reasons["Bus Stop (Skit)"] == "skit"
    assert reasons["Tide"].startswith("lemmatised: ")
    assert "no rhyme" in reasons["Tide"]
    assert connection.execute("select title from tracks").fetchall() == [("Skitzo",)]


def test_a_text_cut_into_more_sections_than_can_be_numbered_is_set_aside(connection: psycopg.Connection) -> None:
    text = "\n".join(f"[Hook {n}]\nrain {n}" for n in range(MOST_SECTIONS + 1))
    queries.store_raw_songs(
        connection,
        [queries.RawSong("import", "long", None, "Vale", "Tide", "ok", None, {}, text, "1" * 64, simulated=False)],
    )
    assert build(connection).set_aside == {"too_many_sections": 1}


def test_an_edited_song_keeps_its_track_and_the_sections_that_stayed(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    put(connection, tmp_path, ("1", "Tide", "\n\n".join(STANZAS)))
    build(connection)
    track = connection.execute("select track_id, created_at from tracks").fetchone()
    before = sections(connection)
    put(
        connection,
        tmp_path,
        ("1", "Tide", "\n\n".join([*STANZAS[:2], STANZAS[2].replace("wrote", "burned"), STANZAS[3]])),
    )
    report = build(connection)
    assert (report.new, report.changed) == (0, 1)
    assert connection.execute("select track_id, created_at from tracks").fetchone() == track
    after = sections(connection)
    assert [number for number in after if after[number] != before[number]] == [3]
    assert {number: section_id for number, (section_id, _) in after.items()} == {n: before[n][0] for n in (1, 2, 3, 4)}


def test_a_song_that_turns_into_something_else_is_set_aside_and_comes_back(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    text = "\n\n".join(STANZAS)
    put(connection, tmp_path, ("1", "Tide", text), ("2", "Tide (Live)", text))
    build(connection)
    assert connection.execute(
        "select title, duplicate_score from tracks where duplicate_of is not null"
    ).fetchall() == [("Tide (Live)", 1.0)]
    put(connection, tmp_path, ("1", "Tide", "<html><div>gone</div></html>"))
    assert build(connection).set_aside == {"markup": 1}
    assert connection.execute("select title, duplicate_of, duplicate_score from tracks").fetchall() == [
        ("Tide (Live)", None, None)
    ]
    put(connection, tmp_path, ("1", "Tide", text))
    assert build(connection).new == 1
    assert queries.figures(connection) == {"tracks": 2, "sections": 12, "duplicates": 1, "set_aside": 0, "artists": 1}
    assert connection.execute("select title from tracks where duplicate_of is not null").fetchall() == [
        ("Tide (Live)",)
    ]


def test_real_and_simulated_songs_are_never_linked_and_share_no_artist(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    text = "\n\n".join(STANZAS)
    put(connection, tmp_path, ("1", "Tide", text))
    song = queries.RawSong(
        "genius", "9", "vale-simulated", "Vale", "Tide", "ok", None, {"song": {}}, page(text), "0" * 64, simulated=True
    )
    queries.store_raw_songs(connection, [song])
    build(connection)
    assert connection.execute("select count(*), count(duplicate_of) from tracks").fetchone() == (2, 0)
    assert connection.execute("select slug, simulated from artists order by simulated").fetchall() == [
        ("vale", False),
        ("vale-simulated", True),
    ]


def test_a_page_gone_blank_does_not_take_the_track(connection: psycopg.Connection) -> None:
    store(connection, page("\n\n".join(STANZAS)), "1" * 64)
    assert build(connection).new == 1
    store(connection, "<html><body>we have moved</body></html>", "2" * 64)
    report = build(connection)
    assert report.set_aside == {"blocked": 1}
    assert queries.figures(connection)["tracks"] == 1
    assert build(connection) == BuildReport()


def test_a_song_removed_at_its_source_is_withdrawn(connection: psycopg.Connection) -> None:
    store(connection, page("\n\n".join(STANZAS)), "1" * 64)
    build(connection)
    store(connection, None, "2" * 64, status="removed")
    assert build(connection).withdrawn == 1
    assert queries.figures(connection)["tracks"] == 0


def test_a_block_or_failure_never_overwrites_what_is_known(connection: psycopg.Connection) -> None:
    store(connection, None, "1" * 64, status="missing")
    for status in ("blocked", "failed"):
        store(connection, None, "2" * 64, status=status)
    assert connection.execute("select status from raw_songs").fetchall() == [("missing",)]
    store(connection, page(STANZAS[0]), "3" * 64)
    for status in ("blocked", "failed", "missing", "instrumental"):
        store(connection, None, "2" * 64, status=status)
    assert connection.execute("select status, body is null from raw_songs").fetchall() == [("ok", False)]


def test_metadata_of_genius_is_read(connection: psycopg.Connection) -> None:
    song = {
        "featured_artists": [{"name": "Crow"}], "album": {"name": "Sea"},
        "release_date_components": {"year": 2004, "month": 2, "day": 30}, "release_date": "2004-02-29",
        "stats": {"pageviews": 1234}, "explicit": True, "language": "en",
    }  # fmt: skip
    store(connection, page("\n\n".join(STANZAS)), "1" * 64, song=song)
    build(connection)
    found = connection.execute("select featured, album, release_date, year, views, explicit from tracks").fetchone()
    assert found == (["Crow"], "Sea", dt.date(2004, 2, 29), 2004, 1234, True)


def test_a_year_that_can_not_be_is_unknown(connection: psycopg.Connection, tmp_path: Path) -> None:
    put(connection, tmp_path, ("1", "Tide", "\n\n".join(STANZAS)), year="1")
    build(connection)
    assert connection.execute("select year from tracks").fetchone() == (None,)


def test_spellings_share_an_artist_and_every_artist_has_a_slug_of_its_own(connection: psycopg.Connection) -> None:
    artists = ensure_artists(connection, ["JAY-Q", "Jay Q", "Jay—Q", "!!!", "???", "Каста"], simulated=False)
    assert artists["JAY-Q"] == artists["Jay Q"]
    assert artists["Каста"].slug == "каста"
    assert len({artist.slug for artist in artists.values()}) == 4


def page(lyrics: str) -> str:
    return f'<html><body><div data-lyrics-container="true">{lyrics.replace(chr(10), "<br/>")}</div></body></html>'


def store(
    conn: psycopg.Connection,
    body: str | None,
    digest: str,
    *,
    status: str = "ok",
    song: dict[str, object] | None = None,
) -> None:
    queries.store_raw_songs(
        conn,
        [
            queries.RawSong(
                "genius",
                "9",
                "vale",
                "Vale",
                "Tide",
                status,
                None if status == "ok" else status,
                {"song": song or {}},
                body,
                digest,
                simulated=True,
            )
        ],
    )
