"""Whatever bytes a file has, importing it ends in a report or in a refusal that names it."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from rap_platform.lyrics import blocks
from rap_platform.lyrics.blocks import Sizes
from rap_platform.lyrics.importing import ImportRefused, import_file

SONGS = [
    {"artist": "Vale", "title": "Tide", "lyrics": 'Rain on the "window"\na light in the hall', "id": 1, "year": 1999},
    {"artist": "Ada Quill", "title": "Café", "lyrics": "one, two\n\nthree", "id": 2, "year": None},
    {"artist": "Crow; Vale", "title": "Rope\u200b", "lyrics": "a\ud83d\ude00b".encode("utf-16", "surrogatepass").decode("utf-16"), "id": 3, "year": 12},
]  # fmt: skip


def as_csv(songs: list[dict[str, object]]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(SONGS[0]))
    writer.writeheader()
    writer.writerows(songs)
    return stream.getvalue().encode()


def as_lines(songs: list[dict[str, object]]) -> bytes:
    return "\n".join(json.dumps(song) for song in songs).encode()


def as_list(songs: list[dict[str, object]]) -> bytes:
    return json.dumps(songs, ensure_ascii=False, indent=1).encode()


def as_artist(songs: list[dict[str, object]]) -> bytes:
    return json.dumps({"songs": songs, "name": "Vale"}).encode()


def as_wide(songs: list[dict[str, object]]) -> bytes:
    return as_csv(songs).decode().encode("utf-16")


def as_gzip(songs: list[dict[str, object]]) -> bytes:
    return gzip.compress(as_csv(songs), mtime=0)


def as_zip(songs: list[dict[str, object]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("songs.jsonl", as_lines(songs))
    return stream.getvalue()


FORMATS: dict[str, Callable[[list[dict[str, object]]], bytes]] = {
    "s.csv": as_csv, "s.jsonl": as_lines, "s.json": as_list, "artist.json": as_artist, "wide.csv": as_wide, "s.csv.gz": as_gzip, "s.zip": as_zip,
}  # fmt: skip
PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b'"', b"\n", b"\r", b",", b"\0", b"\\u0000", b"\\ud800", b"\xff\xfe", b"{", b"[", b"]}", b"9" * 400, b"1e999", b"NaN",
                     b"[" * 3000, b"\xed\xa0\x80"]),
)  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes, bool]:
    """A valid file with a few bytes replaced, cut out, put in or doubled."""
    name = draw(st.sampled_from(sorted(FORMATS)))
    data = FORMATS[name]([dict(SONGS[n % 3]) | {"id": n} for n in range(draw(st.integers(1, 8)))])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        until = at + draw(st.sampled_from([0, 0, 1, 2, 20, 200]))
        data = data[:at] + draw(st.one_of(PIECES, st.just(data[at:until] * 2))) + data[until:]
    return draw(st.sampled_from([name, name, name, "s.csv", "s.json", "s.parquet"])), data, draw(st.booleans())


def survive(conn: psycopg.Connection, name: str, data: bytes, folder: Path, *, per_line: bool) -> None:
    path = folder / name
    path.write_bytes(data)
    with conn.transaction(force_rollback=True):
        try:
            report = import_file(conn, path, per_line=per_line)
        except ImportRefused as refused:
            event("refused")
            assert name in str(refused)
            assert conn.execute("select count(*) from raw_songs").fetchone() == (0,)
        else:
            event("imported")
            assert conn.execute("select count(*) from raw_songs").fetchone() == (report.new,)
            assert report.songs + sum(report.rejected.values()) == report.rows or per_line
    path.unlink()


COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@settings(max_examples=200, **COMMON)  # type: ignore[arg-type]
@given(file=files())
def test_no_file_makes_the_importer_fall(
    file: tuple[str, bytes, bool], connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "USUAL", Sizes(least=60, most=300, every=2))
    survive(connection, file[0], file[1], tmp_path, per_line=file[2])


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, **COMMON)  # type: ignore[arg-type]
@given(file=files())
def test_ten_thousand_files_do_not_make_the_importer_fall(
    file: tuple[str, bytes, bool], connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "USUAL", Sizes(least=60, most=300, every=2))
    survive(connection, file[0], file[1], tmp_path, per_line=file[2])
