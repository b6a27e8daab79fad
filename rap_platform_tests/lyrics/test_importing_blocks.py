"""Parts of a file that an earlier import has read are passed over, and nobody can tell from the report or the database."""

import csv
import io
import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rap_platform.lyrics import blocks
from rap_platform.lyrics.blocks import READ, Cutter, Sizes, block_ends
from rap_platform.lyrics.importing import ImportRefused, ImportReport, import_file

SMALL = Sizes(least=80, most=600, every=3)
Step = tuple[str, list[str]]  # what is done, and the records of the file then


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "USUAL", SMALL)


def record(song: int, text: str, *, stray: bool = False) -> str:
    if stray:
        return f'7" single,Tide {song},/{song},{text.replace(",", " ")}\r\n'.replace("\n", " ", text.count("\n"))
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow([f"Poet {song % 7}", f"Tide {song}", f"/{song}", text])
    return stream.getvalue()


def line_of(song: int, text: str) -> str:
    return json.dumps({"artist": f"Poet {song % 7}", "song": f"Tide {song}", "link": f"/{song}", "text": text}) + "\n"


# -- where blocks end ---------------------------------------------------------------------------------------------


def cut_all(data: bytes, sizes: Sizes, *, quoted: bool) -> list[bytes]:
    cutter = Cutter(io.BytesIO(data).read, quoted=quoted, sizes=sizes)
    found = []
    while block := cutter.cut()[0]:
        found.append(block)
    return found


def songs(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [
        record(n, "\n".join(f"line {chance.random()}" for _ in range(chance.randrange(1, 9)))) for n in range(count)
    ]


def test_blocks_are_the_whole_file_and_fall_back_into_step_after_an_edit() -> None:
    rows = songs(4000, 1)
    edited = [*rows[:1500], "Vale,New,/new,text\n", *rows[1500:2800], *rows[2801:]]
    sizes = Sizes(least=2000, most=20_000, every=16)
    before, after = (cut_all("".join(some).encode(), sizes, quoted=True) for some in (rows, edited))
    assert b"".join(before) == "".join(rows).encode()
    assert b"".join(after) == "".join(edited).encode()
    assert len(before) > 60
    assert len(set(after) - set(before)) <= 4
    assert all(2000 <= len(block) <= 21_000 for block in before[:-1])


def test_the_ends_do_not_depend_on_how_the_stream_arrives() -> None:
    data = "".join(songs(3000, 2)).encode()
    sizes = Sizes(least=500, most=5000, every=8)
    whole = block_ends(data, 0, quoted=True, sizes=sizes)
    for length in (1000, 50_000, 123_456):
        assert block_ends(data[:length], 0, quoted=True, sizes=sizes) == [end for end in whole if end <= length]
    start = whole[10]
    assert block_ends(data, start, quoted=True, sizes=sizes) == whole[11:]


def test_a_line_longer_than_the_buffer_is_given_and_cut() -> None:
    long = b"x" * (READ + 5) + b"\n"
    cutter = Cutter(io.BytesIO(long + b"y\n").read, quoted=True)
    assert cutter.line(2 * READ) == long
    assert cutter.cut() == (b"y\n", True)
    assert cutter.ended
    assert Cutter(io.BytesIO(long).read, quoted=True).line(100) == b"x" * 100


def test_what_is_given_back_comes_again_and_longer() -> None:
    data = b"".join(b"%d,%s\n" % (n, b"x" * 40) for n in range(200))
    cutter = Cutter(io.BytesIO(data).read, quoted=True, sizes=SMALL)
    block, usual = cutter.cut()
    assert usual
    cutter.give_back(block, whole=True)
    longer, usual = cutter.cut()
    assert not usual
    assert len(longer) >= 2 * len(block)
    cutter.give_back(longer[-50:], whole=False)
    rest = b"".join(iter(lambda: cutter.cut()[0], b""))
    assert longer[:-50] + rest == data


# -- passing over -------------------------------------------------------------------------------------------------


def write(path: Path, records: list[str], *, header: str = "artist,song,link,text\n") -> Path:
    path.write_text(header + "".join(records), encoding="utf-8", newline="")
    return path


def told(report: ImportReport) -> dict[str, Any]:
    hidden = ("passed_over", "rejects_file")
    return {name: value for name, value in asdict(report).items() if name not in hidden}


def stored(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    query = "select source_id, artist, title, payload, body, content_sha256 from raw_songs order by source_id"
    return conn.execute(query).fetchall()


def test_one_changed_row_reads_one_block_again(
    small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    rows = songs(300, 3)
    path = write(tmp_path / "songs.csv", rows)
    assert import_file(connection, path).new == 300
    rows[120] = record(120, "another text")
    report = import_file(connection, write(path, rows))
    assert (report.rows, report.new, report.changed, report.unchanged) == (300, 0, 1, 299)
    assert 270 <= report.passed_over < 299
    again = import_file(connection, path)
    assert (again.unchanged, again.passed_over) == (300, 300)


def test_rejects_of_parts_passed_over_are_told_with_the_lines_where_they_are_now(
    small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    rows = songs(100, 4)
    rows[70] = "too,few\n"
    path = write(tmp_path / "songs.csv", rows)
    first = import_file(connection, path)
    second = import_file(connection, write(path, [record(500, "one\ntwo\nthree"), *rows]))
    assert second.passed_over > 80
    assert first.rejected == second.rejected == {"wrong_number_of_fields": 1}
    assert second.first_lines["wrong_number_of_fields"] == [first.first_lines["wrong_number_of_fields"][0] + 3]


@pytest.mark.parametrize(
    "harm",
    [
        "delete from raw_songs where title = 'Tide 50'",
        "update raw_songs set body = 'x', content_sha256 = repeat('0', 64) where title = 'Tide 50'",
        "truncate raw_songs cascade",
    ],
)
def test_what_was_changed_behind_our_back_is_read_again(
    harm: str, small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    path = write(tmp_path / "songs.csv", songs(100, 5))
    import_file(connection, path)
    before = stored(connection)
    connection.execute(harm)
    report = import_file(connection, path)
    assert report.new + report.changed == (100 if "truncate" in harm else 1)
    assert stored(connection) == before


def test_a_stray_quote_costs_one_block_and_not_the_rest_of_the_file(
    small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    rows = songs(200, 6)
    rows[40] = record(40, "text", stray=True)
    path = write(tmp_path / "songs.csv", rows)
    assert import_file(connection, path).new == 200
    again = import_file(connection, path)
    assert (again.unchanged, again.changed) == (200, 0)
    assert again.passed_over > 150


def test_a_block_that_comes_twice_in_a_file_is_full_of_duplicates_the_second_time(
    small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    rows = songs(100, 9)
    path = write(tmp_path / "songs.csv", rows)
    import_file(connection, path)
    for _ in range(2):
        report = import_file(connection, write(path, [*rows, *rows]))
        assert (report.rows, report.unchanged, report.rejected) == (200, 100, {"duplicate_id": 100})
        assert report.passed_over > 80
    fresh = songs(100, 10)
    report = import_file(connection, write(path, [*fresh, *fresh]))
    assert (report.changed, report.rejected) == (100, {"duplicate_id": 100})


def test_another_mapping_reads_everything_again(
    small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    path = write(tmp_path / "songs.csv", songs(50, 7))
    import_file(connection, path)
    mapped = import_file(connection, path, columns={"song": "title", "text": "lyrics"})
    assert (mapped.passed_over, mapped.new) == (0, 50)


def test_a_dry_run_reads_everything_and_says_what_an_import_would(
    small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    rows = songs(100, 8)
    path = write(tmp_path / "songs.csv", rows)
    import_file(connection, path)
    rows[3] = record(3, "another text")
    rows[90] = rows[10]
    write(path, rows)
    dry = import_file(connection, path, dry_run=True)
    wet = import_file(connection, path)
    assert dry.passed_over == 0
    assert {**told(dry), "survey": None} == told(wet)


# -- nobody can tell ----------------------------------------------------------------------------------------------

texts = st.sampled_from(
    ["Rain on the window", "one\ntwo\n\nthree", 'say "this", then that', " ", "", "a" * 90, "café\u2028x"]
)
small = st.integers(0, 14)


@st.composite
def histories(draw: st.DrawFn, *, lines: bool) -> list[tuple[str, list[str]]]:
    """Files as they follow each other: each is the one before after some edits, or another file, or a change in the database."""

    def one() -> str:
        song = draw(st.integers(0, 40))
        if lines:
            odd = st.sampled_from(["{oops\n", "\n", "[1]\n"])
            return draw(odd) if draw(small) == 0 else line_of(song, draw(texts))
        if draw(small) == 0:
            return draw(st.sampled_from(["too,few\n", "\n", record(song, "text", stray=True)]))
        return record(song, draw(texts))

    base = [record(n, f"text {n}\nof {n * n}") for n in range(40, 70)]
    if lines:
        base = [line_of(n, f"text {n}\nof {n * n}") for n in range(40, 70)]
    rows = [*base[:10], *(one() for _ in range(draw(st.integers(1, 12)))), *base[10:]]
    steps: list[tuple[str, list[str]]] = [("file", rows)]
    for _ in range(draw(st.integers(1, 4))):
        rows = list(rows)
        action = draw(st.sampled_from(["same", "insert", "delete", "repeat", "double", "move", "other", "harm"]))
        at = draw(st.integers(0, len(rows) - 1))
        if action == "insert":
            rows.insert(at, one())
        elif action == "delete":
            del rows[at : at + draw(st.integers(1, 4))]
        elif action == "repeat":
            rows.insert(draw(st.integers(0, len(rows))), rows[at])
        elif action == "double":
            rows[at:at] = rows[max(0, at - 25) : at + 10]
        elif action == "move":
            part = rows[at : at + 6]
            del rows[at : at + 6]
            where = draw(st.integers(0, len(rows)))
            rows[where:where] = part
        elif action == "other":
            steps.append(("other", [one() for _ in range(draw(st.integers(1, 4)))] + rows[at : at + 9]))
        elif action == "harm":
            steps.append(("harm", [f"/{draw(st.integers(0, 70))}"]))
        steps.append(("file", rows))
    return steps


def played(
    conn: psycopg.Connection, steps: list[Step], folder: Path, header: str, suffix: str, *, skip: bool
) -> Iterator[Any]:
    for action, rows in steps:
        if action == "harm":
            conn.execute("delete from raw_songs where source_id = %s", [f"millsongdata:{rows[0]}"])
            continue
        path = write(folder / f"{action}{suffix}", rows, header=header)
        try:
            report = import_file(conn, path, skip_known=skip)
        except ImportRefused as error:  # the same refusal on both sides
            yield str(error)
            continue
        listed = report.rejects_file.read_text() if report.rejects_file else None
        yield told(report), listed, stored(conn)


def compare(conn: psycopg.Connection, steps: list[Step], folder: Path, header: str, suffix: str) -> None:
    results = []
    for skip in (True, False):
        for left in folder.iterdir():
            left.unlink()
        with conn.transaction(force_rollback=True):
            results.append(list(played(conn, steps, folder, header, suffix, skip=skip)))
    assert results[0] == results[1]


COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@settings(max_examples=60, **COMMON)  # type: ignore[arg-type]
@given(steps=histories(lines=False))
def test_passing_over_can_not_be_told_from_reading_csv(
    steps: list[Step], small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    compare(connection, steps, tmp_path, "artist,song,link,text\n", ".csv")


@settings(max_examples=30, **COMMON)  # type: ignore[arg-type]
@given(steps=histories(lines=True))
def test_passing_over_can_not_be_told_from_reading_jsonl(
    steps: list[Step], small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    compare(connection, steps, tmp_path, "", ".jsonl")


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=2000, **COMMON)  # type: ignore[arg-type]
@given(steps=histories(lines=False))
def test_passing_over_can_not_be_told_from_reading_at_length(
    steps: list[Step], small_blocks: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    compare(connection, steps, tmp_path, "artist,song,link,text\n", ".csv")
