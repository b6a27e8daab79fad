"""Ratings from files against a real database: linked by every key, refused where in doubt, corrected, repeated, taken back."""

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from typer.testing import CliRunner, Result

from rap_platform import cli
from rap_platform.local.environment import dagster_instance
from rap_platform.lyrics.importing import ImportRefused
from rap_platform.resources.postgres import connect
from rap_platform.settings import Settings
from rap_platform.training import rating_commands, rating_queries
from rap_platform.training.rating_importing import Report, import_ratings
from rap_platform_tests.training import songs

SONGS = {
    "1001": ("Ada Quill", "Paper Crown"),
    "1002": ("Ada Quill", "Paper Town"),
    "1003": ("Nora Vale", "Harbour Lights"),
    "1004": ("Wolfgang Clan", "Thirty Six Rooms"),
    "1005": ("Nora Vale", "Twice"),
    "1006": ("Nora Vale", "Twice"),
}
BBC = "ID,title,artist,year,gender,points,n,n1,n2,n3,n4,n5"


@pytest.fixture
def library(connection: psycopg.Connection) -> dict[str, int]:
    """Six real songs and a simulated one, by Genius id; the first has an ISRC."""
    songs.insert(connection, 6, artists=2, simulated=False, rated=False)
    songs.insert(connection, 1, artists=1, simulated=True, rated=False, seed=2)
    ids = [row[0] for row in connection.execute("select track_id from tracks where not simulated order by track_id")]
    for track_id, (genius_id, (artist, title)) in zip(ids, SONGS.items(), strict=True):
        connection.execute(
            "update tracks set source_id = %s, artist = %s, title = %s, normalised_title = lower(%s), year = %s where track_id = %s",
            [genius_id, artist, title, title, 1990 + int(genius_id) % 10, track_id],
        )
    connection.execute("update tracks set source_id = '2001', artist = 'Ada Quill', title = 'Neon' where simulated")
    connection.execute(
        "insert into spotify_tracks (track_id, status, method, score, spotify_id, isrc, input_sha256, simulated) "
        "values (%s, 'matched', 'exact', 1, 'x', 'USAB11234567', repeat('0', 64), false)",
        [ids[0]],
    )
    connection.commit()
    return dict(connection.execute("select source_id, track_id from tracks").fetchall())


def write(path: Path, header: str, *rows: Sequence[object]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])
    return path


def stored(conn: psycopg.Connection) -> list[tuple[object, ...]]:
    return conn.execute(
        "select t.source_id, r.rater, r.occasion, r.raw_value, round(r.rating::numeric, 2)::float from ratings r join tracks t using (track_id) "
        "order by 1, 2, 3"
    ).fetchall()


def test_a_row_is_linked_by_the_best_key_that_it_has(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    path = write(
        tmp_path / "marks.csv",
        "track_id,genius_id,isrc,artist,title,rater,rating",
        [library["1002"], "", "", "", "", "ann", 1],
        ["", "1003", "", "", "", "ann", 2],
        ["", "", "us-ab1-12-34567", "", "", "ann", 3],
        ["", "", "", "The WOLFGANG Clan", "Thirty-Six Rooms (feat. X)", "ann", 4],
        ["", "", "", "Nora Vale", "Harbor Lights", "bo", 5],
    )
    report = import_ratings(connection, path, scale="1-5")
    assert report.matched == {"exact": 1, "fuzzy": 1, "genius_id": 1, "isrc": 1, "track_id": 1}
    assert stored(connection) == [
        ("1001", "ann", 1, 3.0, 5.5), ("1002", "ann", 1, 1.0, 1.0), ("1003", "ann", 1, 2.0, 3.25), ("1003", "bo", 1, 5.0, 10.0),
        ("1004", "ann", 1, 4.0, 7.75),
    ]  # fmt: skip
    kept = connection.execute("select distinct scale, conversion, source, simulated from ratings").fetchall()
    assert kept == [("1-5", "1 + 9 x (value - 1) / 4", "human", False)]


def test_what_is_in_doubt_is_not_linked_and_named_with_its_candidates(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    path = write(
        tmp_path / "marks.csv",
        "genius_id,artist,title,rating",
        ["", "Nora Vale", "Twice", 5],
        ["", "Ada Quill", "Paper Gown", 5],
        ["", "Somebody Else", "Unheard Of", 5],
        ["2001", "", "", 5],
        ["", "Ada Quill", "Neon", 5],
        ["1003", "Ada Quill", "Paper Crown", 5],
        ["", "Ada Quill", "Paper Crown", 11],
        ["", "Ada Quill", "Paper Crown", "great"],
    )
    report = import_ratings(connection, path, rater="me", scale="1-10")
    assert report.rejected == {
        "ambiguous": 1, "names_disagree": 1, "no_number": 1, "out_of_range": 1, "simulated": 1, "unmatched": 3,
    }  # fmt: skip
    assert stored(connection) == []
    (twice,) = report.problems["ambiguous"]
    assert {found["track_id"] for found in twice["candidates"]} == {library["1005"], library["1006"]}
    near = report.problems["unmatched"][0]
    assert near["line"] == 3
    assert near["candidates"][0]["title"] in ("Paper Crown", "Paper Town")
    assert 0.6 < near["candidates"][0]["score"] < 0.88
    assert report.problems["out_of_range"][0]["detail"] == "me: 11 is not in 1-10"
    with (tmp_path / "marks.csv.rejects.csv").open(encoding="utf-8") as stream:
        assert [int(row["line"]) for row in csv.DictReader(stream)] == list(range(2, 10))


def test_a_year_tells_songs_of_one_name_apart(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    path = write(tmp_path / "m.csv", "artist,title,year,rating", ["Nora Vale", "Twice", 1996, 5])
    import_ratings(connection, path, rater="me", scale="1-10")
    assert stored(connection) == [("1006", "me", 1, 5.0, 5.0)]


def test_of_duplicates_the_original_is_marked(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    connection.execute(
        "update tracks set duplicate_of = %s, duplicate_score = 1 where track_id = %s",
        [library["1006"], library["1005"]],
    )
    path = write(tmp_path / "m.csv", "artist,title,rating", ["Nora Vale", "Twice", 5])
    import_ratings(connection, path, rater="me", scale="1-10")
    assert stored(connection) == [("1006", "me", 1, 5.0, 5.0)]


def test_a_second_import_changes_nothing_and_a_corrected_mark_takes_the_place_of_the_old_one(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    rows = [["1001", "ann", 4], ["1002", "ann", 3], ["1001", "bo", 2]]
    path = write(tmp_path / "m.csv", "genius_id,rater,rating", *rows)
    first = import_ratings(connection, path, scale="1-5")
    before = rating_queries.state(connection)
    second = import_ratings(connection, path, scale="1-5")
    assert (first.new, second.new, second.changed, second.unchanged) == (3, 0, 0, 3)
    assert second.import_id == first.import_id
    assert rating_queries.state(connection) == before
    rows[0][2] = 5
    third = import_ratings(connection, write(path, "genius_id,rater,rating", *rows), scale="1-5")
    assert (third.new, third.changed, third.unchanged) == (0, 1, 2)
    assert stored(connection)[0] == ("1001", "ann", 1, 5.0, 10.0)
    assert rating_queries.state(connection) != before


def test_an_import_can_be_taken_back_and_what_was_said_before_counts_again(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    header = "genius_id,rater,rating"
    first = import_ratings(
        connection, write(tmp_path / "a.csv", header, ["1001", "ann", 4], ["1002", "ann", 3]), scale="1-5"
    )
    before = (stored(connection), rating_queries.state(connection))
    second = import_ratings(
        connection, write(tmp_path / "b.csv", header, ["1001", "ann", 1], ["1003", "ann", 2]), scale="1-5"
    )
    listed = {one.import_id: (one.file_name, one.marks, one.counting) for one in rating_queries.imports(connection)}
    assert listed == {first.import_id: ("a.csv", 2, 1), second.import_id: ("b.csv", 2, 2)}
    assert second.import_id is not None
    assert first.import_id is not None
    assert rating_queries.remove_import(connection, second.import_id) == rating_queries.Changes(0, 1, 1)
    assert (stored(connection), rating_queries.state(connection)) == before
    assert rating_queries.remove_import(connection, first.import_id) == rating_queries.Changes(0, 0, 2)
    assert stored(connection) == []
    assert rating_queries.remove_import(connection, first.import_id) is None


def test_marks_of_other_days_are_repeats_and_the_same_day_corrects(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    header = "genius_id,rater,rated_at,rating"
    report = import_ratings(
        connection, write(tmp_path / "a.csv", header, ["1001", "ann", "2024-02-01", 5], ["1001", "ann", "2024-01-01", 3]), scale="1-5"
    )  # fmt: skip
    assert report.repeats == 1
    assert stored(connection) == [("1001", "ann", 1, 3.0, 5.5), ("1001", "ann", 2, 5.0, 10.0)]
    import_ratings(
        connection, write(tmp_path / "b.csv", header, ["1001", "ann", "2024-02-01", 4], ["1001", "ann", "2024-06-01", 1]), scale="1-5"
    )  # fmt: skip
    assert [row[2:4] for row in stored(connection)] == [(1, 3.0), (2, 4.0), (3, 1.0)]
    told = write(tmp_path / "c.csv", "genius_id,rater,occasion,rating", ["1002", "ann", 1, 5], ["1002", "ann", 2, 4])
    assert import_ratings(connection, told, scale="1-5").repeats == 1


def test_marks_that_nothing_tells_apart_are_a_conflict_and_equal_ones_duplicates(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    path = write(
        tmp_path / "m.csv", "genius_id,rater,rating", ["1001", "ann", 5], ["1001", "ann", 4], ["1002", "ann", 3], ["1002", "ann", 3]
    )  # fmt: skip
    report = import_ratings(connection, path, scale="1-5")
    assert report.rejected == {"conflict": 2, "duplicate": 1}
    assert "lines 2, 3" in report.problems["conflict"][0]["detail"]
    assert [row[0] for row in stored(connection)] == ["1002"]


def test_wide_tables_and_json_hold_the_same_marks(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    wide = write(
        tmp_path / "w.csv",
        "artist,title,ann,bo",
        ["Ada Quill", "Paper Crown", 80, 20],
        ["Nora Vale", "Harbour Lights", "", 60],
    )
    report = import_ratings(connection, wide, scale="0-100", dry_run=True)
    assert (report.raters, report.marks, report.blank, report.new) == (["ann", "bo"], 3, 1, 3)
    assert stored(connection) == []
    assert rating_queries.imports(connection) == []
    marks = [
        {"genius_id": 1001, "rater": "ann", "rating": "80%"},
        {"genius_id": 1001, "rater": "bo", "rating": "20%"},
        {"genius_id": 1003, "rater": "bo", "rating": "60%"},
    ]
    packed = tmp_path / "m.jsonl.gz"
    packed.write_bytes(gzip.compress("\n".join(map(json.dumps, marks)).encode()))
    report = import_ratings(connection, packed)
    assert (report.scale, report.scale_known) == ("0-100", "written beside the marks: out of 100")
    from_json = stored(connection)
    connection.execute("delete from ratings")
    import_ratings(connection, wide, scale="0-100")
    assert stored(connection) == from_json
    assert len(from_json) == 3


def test_critics_points_become_ranks_among_all_songs_of_the_file(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    path = write(
        tmp_path / "rankings.csv", BBC,
        [1, "Paper Crown", "Ada Quill", 1991, "female", 140, 18, 9, 3, 3, 1, 2],
        [2, "Unknown", "Elsewhere", 1991, "male", 100, 11, 7, 3, 1, 0, 0],
        [3, "Harbour Lights", "Nora Vale", 1993, "female", 2, 1, 0, 0, 0, 0, 1],
        [4, "Unknown too", "Elsewhere", 1991, "male", 2, 1, 0, 0, 0, 0, 1],
    )  # fmt: skip
    report = import_ratings(connection, path)
    assert (report.source, report.scale, report.scale_known) == (
        "critic",
        "points",
        "critics' points: a poll has no upper end",
    )
    assert "percentile rank" in report.conversion
    assert stored(connection) == [("1001", "rankings", 1, 140.0, 8.88), ("1003", "rankings", 1, 2.0, 3.25)]


@pytest.mark.parametrize(
    ("header", "row", "options", "said"),
    [
        ("genius_id,rater,rating", ["1001", "ann", 3], {}, "say it with --scale"),
        ("genius_id,rating", ["1001", 3], {"scale": "1-5"}, "--rater NAME"),
        ("rater,rating", ["ann", 3], {}, "no column says which track"),
        ("genius_id,rater,rating", ["1001", "ann", 3], {"scale": "many"}, "write LOW-HIGH"),
    ],
)
def test_a_file_that_does_not_say_enough_is_refused_whole(
    header: str, row: list[object], options: dict[str, str], said: str,
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path,
) -> None:  # fmt: skip
    with pytest.raises(ImportRefused, match=said):
        import_ratings(connection, write(tmp_path / "m.csv", header, row), **options)  # type: ignore[arg-type]
    assert rating_queries.imports(connection) == []


def test_every_row_of_a_large_file_is_accounted_for(
    connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    rows = [["1001" if n % 3 else "9", f"rater {n}", n % 7] for n in range(600)]
    report: Report = import_ratings(connection, write(tmp_path / "m.csv", "genius_id,rater,rating", *rows), scale="1-5")
    assert report.rows == report.marks == 600
    assert sum(report.matched.values()) + sum(report.rejected.values()) == 600
    assert len(stored(connection)) == sum(report.matched.values()) == report.new


@pytest.fixture
def commands(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """The commands on this test's database; gives the assets that they told Dagster of."""
    told: list[str] = []

    @contextmanager
    def already_running(*_: str) -> Iterator[Settings]:
        yield settings

    monkeypatch.setattr(rating_commands, "running", already_running)
    monkeypatch.setattr(
        rating_commands, "record_change", lambda _, asset, figures: told.append(f"{asset} {figures['rows_changed']}")
    )
    yield told


def ratings(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, ["ratings", *map(str, arguments)])


def test_the_commands_import_list_report_and_remove(
    commands: list[str], connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    path = write(tmp_path / "m.csv", "genius_id,rater,rating", ["1001", "ann", 3], ["1002", "ann", 5], ["7", "ann", 5])
    refused = ratings("import", path)
    assert refused.exit_code == 2
    done = json.loads(ratings("import", path, "--scale", "1-5", "--json").stdout)
    assert (done["new"], done["rejected"]) == (2, {"unmatched": 1})
    again = ratings("import", path, "--scale", "1-5")
    assert "line 4: no track has genius_id 7" in again.stdout
    assert commands == ["ratings 0"]
    listed = json.loads(ratings("list", "--json").stdout)
    assert [(row["title"], row["mean"]) for row in listed] == [("Paper Town", 10.0), ("Paper Crown", 5.5)]
    told = json.loads(ratings("report", "--json").stdout)
    assert told["counts"] == {"real": {"human": {"tracks": 2, "ratings": 2, "raters": 1, "repeats": 0}}}
    assert told["populations"]["real"]["reliability"]["icc_single"] is None
    assert "not known" not in ratings("imports").stdout
    assert ratings("remove", str(done["import_id"])).exit_code == 0
    assert ratings("remove", str(done["import_id"])).exit_code == 2
    assert "no track has a rating" in ratings("report").stdout
    assert stored(connection) == []


def test_dagster_is_told_of_the_marks_that_a_command_brought(
    settings: Settings, connection: psycopg.Connection, library: dict[str, int], tmp_path: Path
) -> None:
    path = write(tmp_path / "m.csv", "genius_id,rater,rating", ["1001", "ann", 3], ["1002", "ann", 5])
    done = ratings("import", path, "--scale", "1-5")
    assert done.exit_code == 0, done.output
    with dagster_instance(settings) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("ratings"))
    assert event is not None
    assert event.asset_materialization is not None
    told = event.asset_materialization.metadata
    assert told["file"].value == "m.csv"
    assert told["rows_new"].value == 2
    assert told["real_raters"].value.startswith("![plot]")


def test_a_removal_waits_for_an_import_that_is_under_way(
    connection: psycopg.Connection, settings: Settings, library: dict[str, int], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "genius_id,rater,rating", ["1001", "ann", 4])
    first = import_ratings(connection, path, scale="1-5")
    assert first.import_id is not None
    connection.commit()
    with connect(settings.require_database_url()) as importing, importing.transaction():
        rating_queries.lock_imports(importing)
        connection.execute("set lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            rating_queries.remove_import(connection, first.import_id)
    connection.rollback()
    assert [one.import_id for one in rating_queries.imports(connection)] == [first.import_id]
