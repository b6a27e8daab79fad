"""Songs come in from CSV, JSON, JSONL and Parquet files; cleaning them happens later, and nowhere is a bad file half stored."""

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from rap_platform.lyrics import queries
from rap_platform.lyrics.identity import MOST_CHARACTERS, normalise, slug
from rap_platform.settings import Settings

BATCH: Final = 1000
MOST_BYTES: Final = 10 * 1024 * 1024
MOST_JSON_BYTES: Final = 512 * 1024 * 1024
MOST_EXTRA_CHARACTERS: Final = 2000
MOST_VIEWS: Final = 1e15
SUFFIXES: Final = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet")
REJECTS_SUFFIX: Final = ".rejects.csv"

FIELDS: Final = (
    "id",
    "artist",
    "title",
    "lyrics",
    "album",
    "genre",
    "year",
    "release_date",
    "language",
    "views",
    "featured",
    "explicit",
    "link",
)
_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "lyrics": ("lyrics", "lyric", "text", "song_lyrics", "lyrics_text", "full_lyrics", "plain_lyrics", "plainlyrics"),
    "title": (
        "title",
        "song",
        "song_title",
        "track_name",
        "track",
        "name",
        "song_name",
        "sname",
        "lyrics_title",
        "track_title",
    ),
    "artist": (
        "artist",
        "artist_name",
        "singer",
        "performer",
        "primary_artist",
        "track_artist",
        "artists",
        "artist_names",
        "band",
        "poet",
        "author",
    ),
    "id": ("id", "song_id", "genius_id", "track_id", "uid"),
    "link": ("link", "url", "lyrics_url", "slink", "song_url", "song_link"),
    "album": ("album", "album_name", "track_album_name"),
    "genre": ("genre", "tag", "playlist_genre", "track_genre"),
    "year": ("year", "release_year"),
    "release_date": ("release_date", "date", "track_album_release_date", "released"),
    "language": ("language", "lang", "language_cld3"),
    "views": ("views", "track_views", "pageviews"),
    "featured": ("features", "featured", "featuring", "featured_artists"),
    "explicit": ("explicit", "is_explicit"),
}
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x1f\x8b", "gzip: unpack it first (gunzip)"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet: unpack it, or save the sheet as CSV"),
    (b"BZh", "bzip2: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "zstandard: unpack it first"),
    (b"\xfd7zXZ\x00", "xz: unpack it first"),
    (b"%PDF", "a PDF: export the songs as CSV"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "a SQLite database: export the songs as CSV"),
)
_ESCAPED_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_WIDE_MARKS: Final = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class ImportRefused(Exception):
    """The whole file was refused and nothing of it stored; the message names the file, the place and the remedy."""


@dataclass(frozen=True)
class Preset:
    """A known header: which of its columns is what, and whether its ids are the same in every copy of the data set."""

    name: str
    header: frozenset[str]
    columns: Mapping[str, str]  # field -> column
    identified_by: str | None = "id"


@dataclass
class ImportReport:
    """What an import did: data rows read, and of those the new, unchanged, changed and (by reason) rejected."""

    rows: int = 0
    new: int = 0
    unchanged: int = 0
    changed: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    preset: str | None = None
    rejects_file: Path | None = None


@dataclass(frozen=True)
class _Row:
    line: int
    values: Mapping[str, Any] | None
    problem: str | None = None


@dataclass(frozen=True)
class _Song:
    line: int
    source_id: str
    artist: str
    title: str
    lyrics: str
    payload: dict[str, Any]


PRESETS: Final[tuple[Preset, ...]] = (
    Preset(
        "genius5m",
        frozenset({"title", "tag", "artist", "year", "views", "features", "lyrics", "id"}),
        {"id": "id", "title": "title", "artist": "artist", "lyrics": "lyrics", "genre": "tag", "year": "year", "views": "views",
         "featured": "features", "language": "language"},
    ),
    Preset(
        "millsongdata",
        frozenset({"artist", "song", "link", "text"}),
        {"link": "link", "title": "song", "artist": "artist", "lyrics": "text"},
        "link",
    ),
    Preset(
        "rap_lyrics_v1",
        frozenset({"id", "artist", "title", "full_title", "lyrics"}),
        {"id": "id", "artist": "artist", "title": "title", "lyrics": "lyrics"},
    ),
    Preset(
        "drake",
        frozenset({"album", "lyrics_title", "lyrics_url", "lyrics", "track_views"}),
        {"link": "lyrics_url", "title": "lyrics_title", "lyrics": "lyrics", "album": "album", "views": "track_views"},
        "link",
    ),
    Preset(
        "vagalume",
        frozenset({"alink", "sname", "slink", "lyric", "language"}),
        {"link": "slink", "title": "sname", "artist": "alink", "lyrics": "lyric", "language": "language"},
        "link",
    ),
    Preset(
        "tcc_ceds",
        frozenset({"artist_name", "track_name", "release_date", "genre", "lyrics", "len", "topic", "age"}),
        {"artist": "artist_name", "title": "track_name", "lyrics": "lyrics", "genre": "genre", "year": "release_date"},
        None,
    ),
)  # fmt: skip


def inbox_files(settings: Settings) -> list[Path]:
    """Give the importable files of the inbox folder, sorted by name; hidden files, folders and reject lists are not."""
    folder = settings.data_dir / "inbox"
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and path.suffix.casefold() in SUFFIXES
        and not path.name.startswith((".", "~"))
        and not path.name.endswith((REJECTS_SUFFIX, ".part"))
    )


def check_input(path: Path) -> None:
    """Refuse at once what can't be a list of songs. Raises ImportRefused."""
    if not path.exists():
        raise ImportRefused(f"{path}: there is no such file")
    if not path.is_file():
        raise ImportRefused(f"{path}: not a file; name one CSV, JSONL, JSON or Parquet file")
    try:
        with path.open("rb") as stream:
            start = stream.read(8192)
    except OSError as error:
        raise ImportRefused(f"{path}: can't be read ({error.strerror}); check its permissions") from None
    if not start.strip(b" \t\r\n\xef\xbb\xbf"):
        raise ImportRefused(f"{path}: the file is empty; it needs a header line and songs below it")
    for magic, what in _MAGIC:
        if start.startswith(magic):
            raise ImportRefused(f"{path}: this is a binary file, {what}. Give a CSV, JSONL, JSON or Parquet file")
    if start.startswith(b"PAR1") or any(start.startswith(mark) for mark, _ in _WIDE_MARKS):
        return
    odd = sum(byte < 32 and byte not in b"\t\n\r\x0b\x0c\x1b" for byte in start)
    if odd > 0.02 * len(start) + 2 and not _looks_wide(start):
        raise ImportRefused(
            f"{path}: this is a binary file, no text (byte {_first_odd(start)} is a control character). Give a CSV, JSONL, JSON or Parquet file"
        )


def import_file(
    conn: psycopg.Connection,
    path: Path,
    *,
    dry_run: bool = False,
    columns: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> ImportReport:
    """Store the songs of a file in raw_songs, all in one transaction; rows that did not change are not touched.

    `columns` maps column names of the file to the fields id, artist, title, lyrics, album, genre, year, release_date,
    language, views, featured, explicit, link. Rows without lyrics, artist or title, and second rows with the same id,
    are rejected and listed with line numbers in FILE.rejects.csv, if its folder can be written. A dry run reports and
    stores nothing. Raises ImportRefused when the file as a whole can't be trusted.
    """
    check_input(path)
    report, rejects = ImportReport(), _Rejects()
    rows = _rows(path, encoding, columns)
    with conn.transaction(force_rollback=dry_run):
        queries.begin_import(conn)
        for batch in _batches(_songs(rows, columns or {}, report, rejects)):
            _store(conn, batch, report, rejects)
        if not report.rows:
            raise ImportRefused(f"{path}: there is a header but no song below it")
    report.rejected = dict(sorted(rejects.counts.items()))
    if not dry_run:
        report.rejects_file = rejects.write(path)
    return report


def parse_count(value: Any) -> int | None:
    """Read a number of views as people write them: 1200, "1,200", "8.7K", "1M"; None when there is none, or one past belief."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value < MOST_VIEWS else None
    found = re.fullmatch(r"\s*(\d[\d,]{0,15}(?:\.\d{1,6})?)\s*([KMB]?)\s*", str(value), re.IGNORECASE)
    if not found:
        return None
    count = float(found[1].replace(",", "")) * {"": 1, "K": 1e3, "M": 1e6, "B": 1e9}[found[2].upper()]
    return round(count) if count < MOST_VIEWS else None


def parse_names(value: Any) -> list[str]:
    """Read a list of names: a JSON or Python list, a database array literal ({"A","B"}) or one name."""
    if isinstance(value, list | tuple):
        return [name for item in value if (name := _plain(item))]
    text = str(value or "").strip()
    if text[:1] + text[-1:] in ("{}", "[]"):
        quoted = re.findall(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|([^,{}\[\]\"']+)", text[1:-1])
        names = [re.sub(r"\\+(.)", r"\1", a or b or c).strip() for a, b, c in quoted]
        return [name for name in names if name]
    return [text] if text else []


# -- reading ------------------------------------------------------------------------------------------------------


def _rows(path: Path, encoding: str, columns: Mapping[str, str] | None) -> Iterator[_Row]:
    with path.open("rb") as stream:
        start = stream.read(4096)
    if start.startswith(b"PAR1"):
        return _parquet_rows(path, columns)
    suffix = path.suffix.casefold()
    bare = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if suffix == ".json" or (suffix in (".jsonl", ".ndjson") and bare.startswith(b"[")):
        return _json_rows(path, encoding, columns)
    if suffix in (".jsonl", ".ndjson") or bare.startswith(b'{"'):
        return _jsonl_rows(path, encoding, columns)
    if suffix == ".parquet":
        raise ImportRefused(f"{path}: named .parquet, but it isn't one (it doesn't start with PAR1)")
    return _csv_rows(path, encoding, columns)


def _text_lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines of a text file with their ends, each checked: length, NUL, encoding."""
    try:
        "".encode(encoding)
        wide = len("a".encode(encoding).removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")) > 1
    except (LookupError, UnicodeError):
        raise ImportRefused(
            f"{path}: there is no encoding {encoding!r}; try --encoding cp1252, latin-1 or utf-16"
        ) from None
    yield from (_wide_lines if wide else _narrow_lines)(path, encoding)


def _narrow_lines(path: Path, encoding: str) -> Iterator[str]:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MOST_BYTES + 1):
            number += 1
            if len(line) > MOST_BYTES:
                raise ImportRefused(
                    f"{path}, line {number}: longer than {MOST_BYTES // 1024 // 1024} MB, no song is. Is a quote left open, or are line ends missing?"
                )
            if number == 1:
                wide = next((name for mark, name in _WIDE_MARKS if line.startswith(mark)), None)
                if wide:
                    raise ImportRefused(f"{path}, line 1, byte 1: not UTF-8 but {wide.upper()}; say --encoding {wide}")
                line = line.removeprefix(b"\xef\xbb\xbf")
            if (at := line.find(b"\0")) >= 0:
                raise ImportRefused(
                    f"{path}, line {number}, column {at + 1}: a NUL byte, which no text has. "
                    f"Remove it, e.g. tr -d '\\000' < {path.name} > clean{path.suffix}"
                )
            try:
                yield line.decode(encoding)
            except UnicodeDecodeError as error:
                raise ImportRefused(
                    f"{path}, line {number}, byte {error.start + 1}: 0x{line[error.start]:02x} is not valid {_proper(encoding)}. "
                    "Save the file as UTF-8, or name its encoding, e.g. --encoding cp1252"
                ) from None


def _wide_lines(path: Path, encoding: str) -> Iterator[str]:
    with path.open("r", encoding=encoding, newline="") as stream:
        number = 0
        while True:
            try:
                line = stream.readline(MOST_BYTES + 1)
            except UnicodeError as error:
                raise ImportRefused(
                    f"{path}, after line {number}: not valid {_proper(encoding)} ({error}); name its encoding with --encoding"
                ) from None
            if not line:
                return
            number += 1
            if len(line) > MOST_BYTES:
                raise ImportRefused(f"{path}, line {number}: longer than {MOST_BYTES // 1024 // 1024} MB, no song is")
            if "\0" in line:
                raise ImportRefused(
                    f"{path}, line {number}, column {line.index(chr(0)) + 1}: a NUL character, which no text has. Remove it"
                )
            yield line.removeprefix("\ufeff") if number == 1 else line


@contextmanager
def _field_limit() -> Iterator[None]:
    before = csv.field_size_limit(MOST_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv_rows(path: Path, encoding: str, columns: Mapping[str, str] | None) -> Iterator[_Row]:
    lines = _text_lines(path, encoding)
    first = next(lines, "")
    if "\r" in first.rstrip("\r\n"):
        raise ImportRefused(
            f"{path}, line 1: lines end in bare carriage returns; convert them, e.g. tr '\\r' '\\n' < {path.name} > lines{path.suffix}"
        )
    reader = csv.reader(_chain(first, lines), delimiter=_delimiter(first), strict=True)
    start = 1
    try:
        with _field_limit():
            header = [name.strip() for name in next(reader, [])]
        _require(path, header, columns, where="line 1 has the columns")
        while True:
            start = reader.line_num + 1
            with _field_limit():
                cells = next(reader, None)
            if cells is None:
                return
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                yield _Row(start, None, "wrong_number_of_fields")
            else:
                yield _Row(start, dict(zip(reversed(header), reversed(cells), strict=True)))
    except csv.Error as error:
        end = f" to {reader.line_num}" if reader.line_num > start else ""
        raise ImportRefused(
            f"{path}, line {start}{end}: not readable as CSV ({error}). Put double quotes around texts with line breaks, and double the quotes inside them"
        ) from None


def _delimiter(header: str) -> str:
    known = {name for names in _SYNONYMS.values() for name in names}

    def _fit(mark: str) -> tuple[int, int]:
        names = [name.strip().strip('"').casefold() for name in header.rstrip("\r\n").split(mark)]
        return sum(name in known for name in names), len(names)

    best = max(",;\t|", key=_fit)
    return best if _fit(best)[1] > 1 else ","


def _jsonl_rows(path: Path, encoding: str, columns: Mapping[str, str] | None) -> Iterator[_Row]:
    lines = _text_lines(path, encoding)
    good = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            if not good:
                place = f", column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
                raise ImportRefused(
                    f"{path}, line {number}{place}: not JSON; JSONL has one object per line, a JSON list belongs in a .json file"
                ) from None
            yield _Row(number, None, "invalid_json")
            continue
        if not isinstance(values, dict):
            yield _Row(number, None, "no_object")
            continue
        if not good:
            _require(path, [*values], columns, where=f"line {number} has the keys")
            good = True
        yield _Row(number, _flat(values))


def _json_rows(path: Path, encoding: str, columns: Mapping[str, str] | None) -> Iterator[_Row]:
    if path.stat().st_size > MOST_JSON_BYTES:
        raise ImportRefused(
            f"{path}: larger than {MOST_JSON_BYTES // 1024 // 1024} MB; a list that large belongs in JSONL, one object per line"
        )
    text = "".join(_long_json(path, encoding))
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            yield from _jsonl_rows(path, encoding, columns)
            return
        raise ImportRefused(f"{path}, line {error.lineno}, column {error.colno}: not JSON ({error.msg})") from None
    except RecursionError:
        raise ImportRefused(f"{path}: JSON nested too deeply; give a list of songs") from None
    except ValueError as error:  # a number of thousands of digits
        raise ImportRefused(f"{path}: JSON that can't be read ({error})") from None
    songs = _song_list(document)
    if not songs:
        raise ImportRefused(f'{path}: no list of songs in it; give [{{"artist": …, "title": …, "lyrics": …}}, …]')
    _require(
        path, list(dict.fromkeys(key for song in songs[:50] for key in song)), columns, where="the songs have the keys"
    )
    for number, song in enumerate(songs, 1):
        yield _Row(number, _flat(song))


def _long_json(path: Path, encoding: str) -> Iterator[str]:
    """Yield a JSON text, which may stand on one line of any length, with the checks of `_text_lines`."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if (at := data.find(b"\0")) >= 0 and "16" not in encoding and "32" not in encoding:
        line, column = data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)
        raise ImportRefused(f"{path}, line {line}, column {column}: a NUL byte, which no text has. Remove it")
    try:
        yield data.decode(encoding)
    except UnicodeDecodeError as error:
        line, column = data.count(b"\n", 0, error.start) + 1, error.start - data.rfind(b"\n", 0, error.start)
        raise ImportRefused(
            f"{path}, line {line}, byte {column}: 0x{data[error.start]:02x} is not valid {_proper(encoding)}. "
            "Save the file as UTF-8, or name its encoding, e.g. --encoding cp1252"
        ) from None
    except LookupError:
        raise ImportRefused(
            f"{path}: there is no encoding {encoding!r}; try --encoding cp1252, latin-1 or utf-16"
        ) from None


def _song_list(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, list):
        return [song for song in document if isinstance(song, dict)]
    if isinstance(document, dict):
        for key in ("songs", "top_tracks", "tracks", "data", "rows"):
            if isinstance(document.get(key), list):
                artist = {"artist": document["name"]} if isinstance(document.get("name"), str) else {}
                return [artist | song for song in document[key] if isinstance(song, dict)]
        return [document]
    return []


def _parquet_rows(path: Path, columns: Mapping[str, str] | None) -> Iterator[_Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            _require(path, list(file.schema_arrow.names), columns, where="it has the columns")
            for batch in file.iter_batches(batch_size=BATCH):
                for values in batch.to_pylist():
                    number += 1
                    yield _Row(number, _flat(values))
    except (pa.ArrowException, OSError) as error:
        raise ImportRefused(
            f"{path}, after row {number}: not readable as Parquet ({str(error).splitlines()[0]})"
        ) from None


# -- understanding ------------------------------------------------------------------------------------------------


def _require(path: Path, header: Sequence[str], columns: Mapping[str, str] | None, *, where: str) -> None:
    wanted = dict(columns or {})
    listed = ", ".join(name or "(unnamed)" for name in header[:40])
    if unknown := [name for name in wanted if name not in header]:
        raise ImportRefused(f"{path}: there is no column {unknown[0]!r} to map; {where}: {listed}")
    if wrong := [name for name in wanted.values() if name not in FIELDS]:
        raise ImportRefused(f"{path}: {wrong[0]!r} is no field; a column can be mapped to {', '.join(FIELDS)}")
    if {"lyric", "next lyric"} <= {name.casefold() for name in header}:
        raise ImportRefused(
            f"{path}: {where}: {listed}. This is one line per row, without an order: give one song per row"
        )
    found = _mapping(header, wanted)[1]
    for needed in ("lyrics", "title"):
        if needed not in found:
            raise ImportRefused(
                f"{path}: no {needed} column; {where}: {listed}. If one of them holds the {needed}, say --map COLUMN={needed}"
            )
    if "artist" not in found and "link" not in found:
        raise ImportRefused(
            f"{path}: no artist column; {where}: {listed}. If one of them holds the artist, say --map COLUMN=artist"
        )


def _mapping(header: Sequence[str], columns: Mapping[str, str]) -> tuple[Preset | None, dict[str, str]]:
    """Give the preset of a header (None when it has none) and field -> column."""
    named = {name.casefold(): name for name in reversed(header) if name}
    if not columns:
        for preset in PRESETS:
            if preset.header <= named.keys():
                return preset, {key: named[name] for key, name in preset.columns.items() if name in named}
    found = {key: column for column, key in columns.items()}
    for key, names in _SYNONYMS.items():
        taken = set(found.values())
        choice = next((named[name] for name in names if name in named and named[name] not in taken), None)
        if key not in found and choice is not None:
            found[key] = choice
    return None, found


def _songs(
    rows: Iterable[_Row], columns: Mapping[str, str], report: ImportReport, rejects: "_Rejects"
) -> Iterator[_Song]:
    mappings: dict[tuple[str, ...], tuple[Preset | None, dict[str, str]]] = {}
    for row in rows:
        report.rows += 1
        if row.values is None:
            rejects.add(row.line, row.problem or "unreadable")
            continue
        header = tuple(row.values)
        if header not in mappings:
            if len(mappings) > 1000:
                mappings.clear()
            mappings[header] = _mapping(
                header, {column: key for column, key in columns.items() if column in row.values}
            )
        preset, found = mappings[header]
        report.preset = report.preset or (preset.name if preset else None)
        song = _song(row.line, row.values, preset, found)
        if isinstance(song, _Song):
            yield song
        else:
            rejects.add(
                row.line,
                song,
                _plain(row.values.get(found.get("artist", ""))),
                _plain(row.values.get(found.get("title", ""))),
            )


def _song(line: int, values: Mapping[str, Any], preset: Preset | None, found: Mapping[str, str]) -> _Song | str:
    """Make a song of a row, or say why it is none."""
    given = {key: values.get(column) for key, column in found.items()}
    lyrics = given.get("lyrics")
    lyrics = "\n".join(map(str, lyrics)) if isinstance(lyrics, list) else lyrics
    if not isinstance(lyrics, str) or not lyrics.strip():
        return "no_lyrics"
    title = re.sub(r"(?<=\S)\s+Lyrics$", "", _plain(given.get("title")))
    artist = _plain(given.get("artist"))
    if preset is not None and preset.name == "vagalume":
        artist = artist.strip("/").replace("-", " ").title()
    artist = artist or _artist_of_link(_plain(given.get("link")), title)
    if not title:
        return "no_title"
    if not artist:
        return "no_artist"
    if problem := _unstorable(artist, title, lyrics):
        return problem
    if max(len(artist), len(normalise(artist)), len(title)) > MOST_CHARACTERS:
        return "name_too_long"
    mapped = set(found.values())
    extra = {key: _short(value) for key, value in values.items() if key and value is not None and key not in mapped}
    fields = {
        key: _short(value) for key, value in given.items() if key != "lyrics" and value is not None and value != ""
    }
    payload = {
        "preset": preset.name if preset else None,
        "fields": fields | {"artist": artist, "title": title},
        "row": extra,
    }
    told = json.dumps(payload, ensure_ascii=False)
    if _ESCAPED_NUL.search(told):
        return "nul_character"
    if _unstorable(told):
        return "invalid_characters"
    return _Song(line, _source_id(preset, given, artist, title), artist, title, lyrics, payload)


def _source_id(preset: Preset | None, given: Mapping[str, Any], artist: str, title: str) -> str:
    """Give `<preset>:<id>`; ids of unknown files mean nothing outside them, so there artist and title say which song it is."""
    named = hashlib.sha256(f"{normalise(artist)}|{normalise(title)}".encode()).hexdigest()[:32]
    if preset is not None:
        own = _plain(given.get(preset.identified_by)) if preset.identified_by else ""
        return f"{preset.name}:{own[:300] or named}"
    own = _plain(given.get("id")) or _plain(given.get("link"))
    return f"file:{own[:300]}:{named[:12]}" if own else f"file:{named}"


def _artist_of_link(link: str, title: str) -> str:
    """Give the artist that a Genius address names: genius.com/Some-one-the-title-lyrics by "The Title" is Some one."""
    found = re.search(r"genius\.com/(?P<path>[^/?#]+)-lyrics", link)
    ending = slug(title)
    if not found or not found["path"].casefold().endswith("-" + ending):
        return ""
    return found["path"][: -len(ending) - 1].replace("-", " ").strip()


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Take the names out of nested artists and albums, and the views out of Genius' statistics."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat[key] = value.get("name") or value.get("title")
            if key == "stats" and "pageviews" in value:
                flat["pageviews"] = value["pageviews"]
        else:
            flat[key] = value
    return flat


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("name") or value.get("title") or ""
    if isinstance(value, list | tuple):
        value = ", ".join(_plain(item) for item in value)
    text = "" if value is None or value != value else str(value)
    if text.startswith("['") and text.endswith("']"):
        text = ", ".join(parse_names(text))
    return " ".join(re.sub("[\u200b\u2060\ufeff]", "", text).split())


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, list | tuple):
        return [_short(item) for item in value[:50]]
    return str(value)[:MOST_EXTRA_CHARACTERS]


def _unstorable(*texts: str) -> str | None:
    for text in texts:
        if "\0" in text:
            return "nul_character"
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            return "invalid_characters"
        if size > MOST_BYTES:
            return "too_long"
    return None


# -- storing ------------------------------------------------------------------------------------------------------


class _Rejects:
    """The rejected rows: counted by reason, and the first hundred thousand remembered for the list."""

    MOST = 100_000
    HEADER = ("line", "reason", "artist", "title")

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._rows: list[tuple[int, str, str, str]] = []

    def add(self, line: int, reason: str, artist: str = "", title: str = "") -> None:
        self.counts[reason] += 1
        if len(self._rows) < self.MOST:
            self._rows.append((line, reason, artist[:100], title[:100]))

    def write(self, path: Path) -> Path | None:
        """Write the list beside the file, or take an old one away; None when there is nothing or no leave to write."""
        target = path.with_name(path.name + REJECTS_SUFFIX)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.HEADER, *sorted(self._rows)])
        try:
            if self._rows:
                target.write_text(text.getvalue(), encoding="utf-8", errors="replace")
                return target
            if target.is_file() and target.read_bytes().startswith(",".join(self.HEADER).encode() + b"\n"):
                target.unlink()
        except OSError:
            return None
        return None


def _batches(songs: Iterable[_Song]) -> Iterator[list[_Song]]:
    batch: list[_Song] = []
    for song in songs:
        batch.append(song)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _store(conn: psycopg.Connection, batch: Sequence[_Song], report: ImportReport, rejects: _Rejects) -> None:
    fresh = queries.first_sightings(conn, [song.source_id for song in batch])
    stored = queries.stored_hashes(conn, [song.source_id for song in batch])
    wanted: list[queries.RawSong] = []
    for song in batch:
        if song.source_id not in fresh:
            rejects.add(song.line, "duplicate_id", song.artist, song.title)
            continue
        fresh.discard(song.source_id)
        digest = hashlib.sha256(
            json.dumps([song.payload, song.lyrics], sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()
        if stored.get(song.source_id) == digest:
            report.unchanged += 1
            continue
        report.changed += song.source_id in stored
        report.new += song.source_id not in stored
        wanted.append(
            queries.RawSong(
                "import",
                song.source_id,
                None,
                song.artist,
                song.title,
                "ok",
                None,
                song.payload,
                song.lyrics,
                digest,
                simulated=False,
            )
        )
    queries.store_raw_songs(conn, wanted)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _proper(encoding: str) -> str:
    return "UTF-8" if encoding.casefold().replace("_", "-") in ("utf-8", "utf8") else encoding


def _looks_wide(start: bytes) -> bool:
    half = max(1, len(start) // 2)
    return start[0::2].count(0) > 0.8 * half or start[1::2].count(0) > 0.8 * half


def _first_odd(start: bytes) -> int:
    return next(at for at, byte in enumerate(start, 1) if byte < 32 and byte not in b"\t\n\r\x0b\x0c\x1b")
