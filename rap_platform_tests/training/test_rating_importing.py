"""Marks from files: linked to the right tracks or not at all, converted on a known scale, stored once, taken back."""

import json
from pathlib import Path

import psycopg
import pytest

from rap_platform.lyrics.importing import ImportRefused
from rap_platform.training import rating_queries as queries
from rap_platform.training.rating_importing import Report, import_ratings
from rap_platform_tests.training import songs

HEADER = "artist,title,rater,rating (1-5)\n"


@pytest.fixture
def book(connection: psycopg.Connection) -> songs.Songbook:
    """Six real songs by three artists, with names that people would write, and one simulated song; nobody rated them."""
    book = songs.insert(connection, 6, artists=3, simulated=False, rated=False)
    named = [
        ("Nina Marlow", "Golden Letters"), ("Nina Marlow", "Harbour Lights"), ("The Quiet Kings", "Runnin"),
        ("The Quiet Kings", "Window Seat, Pt. 2"), ("Delta Bishop", "Paper Crown"), ("Delta Bishop", "Paper Crown (Remix)"),
    ]  # fmt: skip
    for track_id, (artist, title) in zip(book.track_ids, named, strict=True):
        connection.execute("update tracks set artist = %s, title = %s where track_id = %s", [artist, title, track_id])
    songs.insert(connection, 1, artists=1, simulated=True, rated=False, seed=9)
    connection.commit()
    return book


def bring(connection: psycopg.Connection, folder: Path, text: str, name: str = "marks.csv", **told: object) -> Report:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return import_ratings(connection, path, **told)  # type: ignore[arg-type]


def stored(connection: psycopg.Connection) -> list[tuple[int, str, str, int, float]]:
    rows = connection.execute(
        "select track_id, rater, source, occasion, rating from ratings order by 1, 2, 4"
    ).fetchall()
    return [(track, rater, source, occasion, round(rating, 3)) for track, rater, source, occasion, rating in rows]


def test_marks_of_several_raters_are_linked_by_name_and_brought_to_our_scale(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    text = HEADER + "nina marlow,GOLDEN LETTERS,ann,5\nQuiet Kings,Running,ann,1\nThe Quiet Kings,Runnin',bo,3\n"
    report = bring(connection, tmp_path, text)
    golden, _, running, *_ = book.track_ids
    assert stored(connection) == [
        (golden, "ann", "human", 1, 10.0), (running, "ann", "human", 1, 1.0), (running, "bo", "human", 1, 5.5),
    ]  # fmt: skip
    assert (report.new, report.scale, report.conversion) == (3, "1-5", "1 + 9 x (value - 1) / 4")
    assert sum(report.matched.values()) == 3
    assert report.matched["fuzzy"] >= 1
    kept = connection.execute("select raw_value, scale, conversion from ratings where rater = 'bo'").fetchone()
    assert kept == (3.0, "1-5", "1 + 9 x (value - 1) / 4")


def test_a_second_import_changes_nothing_and_a_corrected_mark_updates(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    bring(connection, tmp_path, HEADER + "Nina Marlow,Golden Letters,ann,4\n")
    before = queries.state(connection)
    again = bring(connection, tmp_path, HEADER + "Nina Marlow,Golden Letters,ann,4\n")
    assert (again.new, again.changed, again.unchanged) == (0, 0, 1)
    assert queries.state(connection) == before
    corrected = bring(connection, tmp_path, HEADER + "Nina Marlow,Golden Letters,ann,5\n")
    assert (corrected.new, corrected.changed) == (0, 1)
    assert queries.state(connection) != before
    assert stored(connection) == [(book.track_ids[0], "ann", "human", 1, 10.0)]


def test_an_import_is_taken_back_and_the_one_before_counts_again(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    bring(connection, tmp_path, HEADER + "Nina Marlow,Golden Letters,ann,4\n")
    before = queries.state(connection)
    second = bring(connection, tmp_path, HEADER + "Nina Marlow,Golden Letters,ann,5\nDelta Bishop,Paper Crown,ann,2\n")
    assert second.import_id is not None
    changes = queries.remove_import(connection, second.import_id)
    assert changes == queries.Changes(new=0, changed=1, removed=1)
    assert queries.state(connection) == before
    assert queries.remove_import(connection, second.import_id) is None


def test_each_key_links_and_a_key_that_contradicts_the_names_does_not(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    first, second, third, *_ = book.track_ids
    genius = connection.execute("select source_id from tracks where track_id = %s", [second]).fetchone()
    assert genius is not None
    connection.execute(
        """insert into spotify_tracks (track_id, status, method, score, spotify_id, isrc, simulated, input_sha256)
           values (%s, 'matched', 'exact', 1, %s, 'USAAA2400001', false, %s)""",
        [third, "a" * 22, "0" * 64],
    )
    rows = [
        {"track_id": first, "rating": 7}, {"genius_id": genius[0], "rating": 8}, {"isrc": "US-AAA-24-00001", "rating": 9},
        {"track_id": first, "artist": "Somebody Else", "title": "Another Song", "rating": 2},
    ]  # fmt: skip
    text = "\n".join(json.dumps(row) for row in rows)
    report = bring(connection, tmp_path, text, "marks.jsonl", rater="ann", scale="1-10")
    assert report.matched == {"track_id": 1, "genius_id": 1, "isrc": 1}
    assert [mark[0] for mark in stored(connection)] == [first, second, third]
    assert report.rejected == {"names_disagree": 1}


def test_what_is_not_linked_is_named_with_the_nearest_song_and_nothing_else_is_lost(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    text = HEADER + (
        "Nina Marlow,Silver Letters From Home,ann,3\nNobody Known,Nothing,ann,3\nNina Marlow,Golden Letters,ann,7\n"
        "Nina Marlow,Golden Letters,bo,good\nNina Marlow,Harbour Lights,ann,2\nNina Marlow,Harbour Lights,ann,4\n"
        "Delta Bishop,Paper Crown,ann,5\nDelta Bishop,Paper Crown,ann,5\n"
    )
    report = bring(connection, tmp_path, text)
    assert report.rejected == {"conflict": 2, "duplicate": 1, "no_number": 1, "out_of_range": 1, "unmatched": 2}
    assert [problem["line"] for problem in report.problems["unmatched"]] == [2, 3]
    assert "nearest Nina Marlow" in report.problems["unmatched"][0]["detail"]
    assert report.problems["out_of_range"][0]["detail"] == "ann: 7 is not in 1-5"
    assert stored(connection) == [(book.track_ids[4], "ann", "human", 1, 10.0)]
    assert report.rejects_file is not None
    assert len(Path(report.rejects_file).read_text(encoding="utf-8").splitlines()) == 8


def test_a_simulated_song_takes_no_mark_of_a_person(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    made = connection.execute("select track_id from tracks where simulated").fetchone()
    assert made is not None
    report = bring(connection, tmp_path, f"track_id,rating\n{made[0]},5\n", rater="ann", scale="1-10")
    assert report.rejected == {"simulated": 1}
    assert stored(connection) == []


def test_a_scale_that_the_values_do_not_settle_is_asked_for(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    text = "artist,title,rater,rating\nNina Marlow,Golden Letters,ann,4\n"
    with pytest.raises(ImportRefused, match=r"does not say what the scale is .*--scale LOW-HIGH"):
        bring(connection, tmp_path, text)
    with pytest.raises(ImportRefused, match="no column names the rater; say whose marks these are with --rater NAME"):
        bring(connection, tmp_path, "artist,title,rating\nNina Marlow,Golden Letters,4\n", scale="1-5")
    assert bring(connection, tmp_path, text, scale="0-100").new == 1
    assert stored(connection)[0][4] == pytest.approx(1.36)


def test_a_column_for_each_rater_and_second_marks_by_date(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    wide = "artist,title,Ann,Bo\nNina Marlow,Golden Letters,7,\nDelta Bishop,Paper Crown,3,9\n"
    report = bring(connection, tmp_path, wide, "wide.csv", scale="1-10")
    assert (report.raters, report.blank, report.new) == (["Ann", "Bo"], 1, 3)
    dated = "artist,title,rater,date,rating\nNina Marlow,Harbour Lights,cy,2026-01-05,6\nNina Marlow,Harbour Lights,cy,2026-03-01,8\n"
    assert bring(connection, tmp_path, dated, "dated.csv", scale="1-10").repeats == 1
    assert [mark[3:] for mark in stored(connection) if mark[1] == "cy"] == [(1, 6.0), (2, 8.0)]


def test_critics_points_become_percentile_ranks_and_say_so(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    poll = (
        "ID,title,artist,year,gender,points,n,n1,n2,n3,n4,n5\n"
        "1,Golden Letters,Nina Marlow,1994,female,140,18,9,3,3,1,2\n2,Paper Crown,Delta Bishop,1989,male,100,11,7,3,1,0,0\n"
        "3,Runnin,The Quiet Kings,1999,male,12,2,1,1,0,0,0\n4,Unknown Song,Nobody Here,1999,male,2,1,0,0,0,0,1\n"
    )
    report = bring(connection, tmp_path, poll, "rankings.csv")
    golden, _, running, _, crown, _ = book.track_ids
    assert stored(connection) == [
        (golden, "rankings", "critic", 1, 8.875), (running, "rankings", "critic", 1, 4.375), (crown, "rankings", "critic", 1, 6.625),
    ]  # fmt: skip
    assert report.scale == "points"
    assert "percentile rank" in report.conversion
    assert report.rejected == {"unmatched": 1}


def test_a_dry_run_reports_and_stores_nothing(
    connection: psycopg.Connection, book: songs.Songbook, tmp_path: Path
) -> None:
    report = bring(connection, tmp_path, HEADER + "Nina Marlow,Golden Letters,ann,5\n", dry_run=True)
    assert (report.new, report.import_id) == (1, None)
    assert stored(connection) == []
    assert queries.imports(connection) == []
