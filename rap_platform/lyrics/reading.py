"""Files become rows: packing, encoding, CSV, JSONL, JSON and Parquet, each with the place of what is wrong; no row is judged here."""

import codecs
import csv
import gzip
import hashlib
import io
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, NoReturn

from rap_platform.lyrics.blocks import Cutter, Read
from rap_platform.lyrics.presets import FIELDS, REFUSALS, SYNONYMS, Kind, Mapped, understand
from rap_platform.lyrics.values import MOST_BYTES, flat

SUFFIXES: Final = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet")
PACKED: Final = (".gz", ".zip")
BATCH: Final = 1000
HEAD: Final = 50  # objects whose keys are taken for those of all
MOST_ROW_BYTES: Final = 4 * MOST_BYTES
MOST_READ_AGAIN: Final = 64 * 1024 * 1024  # of a JSON file, to say exactly where it is broken
BOMB_BYTES: Final = 32 * 1024 * 1024
BOMB_RATIO: Final = 200  # songs pack 2 to 20 to 1
MOST_COMPANION_BYTES: Final = 64 * 1024 * 1024
LISTS: Final = ("songs", "top_tracks", "tracks", "data", "rows")
CHUNK: Final = 1 << 20

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"BZh", "bzip2: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "zstandard: unpack it first"),
    (b"\xfd7zXZ\x00", "xz: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it first"),
    (b"%PDF", "a PDF: export the songs as CSV"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "a SQLite database: export the songs as CSV"),
)
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BROKEN: Final = (
    OSError, EOFError, ValueError, KeyError, IndexError, RuntimeError, struct.error, zlib.error, lzma.LZMAError,
    zipfile.BadZipFile,
)  # fmt: skip
_TEXT_CONTROLS: Final = b"\t\n\r\x0b\x0c\x1b"


Show = Callable[[float], None]  # told which share of the file was read


class ImportRefused(Exception):
    """The whole file was refused and nothing of it stored; the message names the file, the place and the remedy."""


@dataclass(frozen=True)
class Row:
    """A row of a file by its line (or number); without values it is unreadable, for the reason given."""

    line: int
    values: Mapping[str, Any] | None
    problem: str | None = None


@dataclass(frozen=True)
class Source:
    """A file, or the one importable member of an archive, and the encoding of its text."""

    path: Path
    packing: str = ""  # gzip, zip
    member: str = ""
    encoding: str = "utf-8"

    def __str__(self) -> str:
        return f"{self.path}: {self.member}" if self.member else str(self.path)

    @property
    def suffix(self) -> str:
        """The suffix of what is inside."""
        name = PurePosixPath(self.member or self.path.name)
        return PurePosixPath(name.stem).suffix.casefold() if self.packing == "gzip" else name.suffix.casefold()


@dataclass(frozen=True)
class Layout:
    """How a file is laid out: its format, its header as far as it has one, and what the columns are."""

    format: str  # csv, jsonl, json, parquet, bag
    header: tuple[str, ...]
    mapped: Mapped
    delimiter: str = ","
    where: str = ""  # where in the file the header was found, for messages


# block, its first line -> its rows, and the bytes of a row that is not whole
Parse = Callable[[bytes, int], tuple[Iterable[Row], bytes]]


@dataclass
class Part:
    """Rows of a file that lie together. `digest` names a part that can be known from an earlier pass, None one that can't.

    After `rows` was called, or when the part is passed over, `lines` says how many lines it has.
    """

    first_line: int
    digest: bytes | None
    _data: bytes = b""
    _parse: Parse | None = None
    lines: int = field(default=0)
    tail: bytes = b""

    def rows(self) -> Iterable[Row]:
        """Parse the rows. Raises ImportRefused."""
        assert self._parse is not None
        found, tail = self._parse(self._data, self.first_line)
        if tail:
            self.tail, self.digest = tail, None
        self.lines = self._data.count(b"\n") - tail.count(b"\n")
        return found


# -- opening ------------------------------------------------------------------------------------------------------


def locate(path: Path, encoding: str = "utf-8") -> Source:
    """Find what is to be read in a file and how it is packed and encoded. Raises ImportRefused for what is no text."""
    if not path.exists():
        raise ImportRefused(f"{path}: there is no such file")
    if not path.is_file():
        raise ImportRefused(f"{path}: not a file; name one CSV, JSONL, JSON or Parquet file, plain, gz or zip")
    try:
        "".encode(encoding)
        encoding = codecs.lookup(encoding).name
    except (LookupError, UnicodeError):
        raise ImportRefused(
            f"{path}: there is no encoding {encoding!r}; try --encoding cp1252, latin-1 or utf-16"
        ) from None
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise ImportRefused(f"{path}: can't be read ({error.strerror}); check its permissions") from None
    if start.startswith(_ZIP):
        return _member(path, encoding)
    return _examined(Source(path, "gzip" if start.startswith(_GZIP) else "", "", encoding))


@contextmanager
def opened(source: Source) -> Iterator["Stream"]:
    """Open what is inside a file as bytes."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(source.path.open("rb"))
            read: Read = file.read
            if source.packing == "gzip":
                read = stack.enter_context(gzip.GzipFile(fileobj=file)).read
            elif source.packing == "zip":
                read = stack.enter_context(stack.enter_context(zipfile.ZipFile(file)).open(source.member)).read
        except _BROKEN as error:
            _unpackable(source, error)
        yield Stream(source, file, read)


class Stream:
    """Bytes out of a packed or plain file, with an eye on what unpacks to far more than songs do."""

    def __init__(self, source: Source, file: BinaryIO, read: Read) -> None:
        self.source, self._file, self._inner = source, file, read
        self._given = 0

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; b"" at the end. Raises ImportRefused for a broken archive."""
        try:
            data = self._inner(size)
        except _BROKEN as error:
            _unpackable(self.source, error)
        self._given += len(data)
        if self.source.packing and self._given > BOMB_BYTES and self._given > BOMB_RATIO * max(1, self.done()):
            raise ImportRefused(
                f"{self.source}: unpacks to more than {BOMB_RATIO} times its size, which no lyrics do. "
                "If it is what it should be, unpack it and import the file inside"
            )
        return data

    def done(self) -> int:
        """Bytes of the packed file read so far."""
        return self._file.tell()


def text_of(stream: Stream) -> Read:
    """Give a function that reads a stream as UTF-8 without a byte order mark, whatever its encoding."""
    encoding = stream.source.encoding
    start = stream.read(4)
    for mark, name in _MARKS:
        if start.startswith(mark):
            encoding = name
            start = start[len(mark) :] if name == "utf-8" else start
            break
    rest: Read = _Again(start, stream.read).read
    if encoding in ("utf-8", "utf-8-sig", "ascii"):
        return rest
    return _Transcoder(stream.source, rest, encoding).read


class _Again:
    """A stream whose beginning was read already."""

    def __init__(self, start: bytes, rest: Read) -> None:
        self._start, self._rest = start, rest

    def read(self, size: int) -> bytes:
        given, self._start = self._start[:size], self._start[size:]
        return given + self._rest(size - len(given)) if len(given) < size else given


class _Transcoder:
    def __init__(self, source: Source, read: Read, encoding: str) -> None:
        self._source, self._read, self._encoding = source, read, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._lines, self._ended, self._first = 1, False, True

    def read(self, size: int) -> bytes:
        while not self._ended:
            raw = self._read(size)
            self._ended = not raw
            try:
                text = self._decoder.decode(raw, final=self._ended)
                told = text.encode()
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(self._encoding, "replace")
                line = self._lines + before.count("\n")
                column = len(error.object[: error.start]) - error.object.rfind(b"\n", 0, error.start)
                raise ImportRefused(
                    f"{self._source}, line {line}, byte {column}: 0x{error.object[error.start]:02x} is not valid {proper(self._encoding)} "
                    f"({error.reason}). Name the file's encoding with --encoding"
                ) from None
            except UnicodeError as error:
                raise ImportRefused(
                    f"{self._source}, after line {self._lines}: not valid {proper(self._encoding)} ({error}); name its encoding with --encoding"
                ) from None
            self._lines += text.count("\n")
            if told:
                told, self._first = told.removeprefix(codecs.BOM_UTF8) if self._first else told, False
            if told:
                return told
        return b""


def _member(path: Path, encoding: str) -> Source:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except _BROKEN as error:
        raise ImportRefused(
            f"{path}: not readable as a zip archive ({error}). If it is a spreadsheet, save the sheet as CSV"
        ) from None
    names = [info.filename for info in infos if not info.is_dir()]
    if "[Content_Types].xml" in names:
        raise ImportRefused(f"{path}: this is a binary file, a spreadsheet or document: save the sheet as CSV")
    listed = ", ".join(names[:10]) or "nothing"
    members = [name for name in names if _is_wanted(PurePosixPath(name))]
    if not members:
        raise ImportRefused(f"{path}: no CSV, JSONL or JSON file in this archive; it has {listed}. Unpack it first")
    if any(info.flag_bits & 1 for info in infos if info.filename in members):
        raise ImportRefused(f"{path}: the archive has a password; unpack it first")
    sources = [Source(path, "zip", name, encoding) for name in members[:20]]
    if len(sources) > 1:
        sources = [source for source in sources if _has_rows_for_us(source)]
    if len(sources) != 1:
        raise ImportRefused(
            f"{path}: which of these is meant? The archive has {listed}. Unpack it and import the files one by one"
        )
    return _examined(sources[0])


def _is_wanted(name: PurePosixPath) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
    return not hidden and name.suffix.casefold() in SUFFIXES


def _has_rows_for_us(source: Source) -> bool:
    try:
        mapped = layout_of(_examined(source)).mapped
    except ImportRefused:
        return False
    return mapped.kind in (Kind.SONGS, Kind.AUDIO_FEATURES)


def _examined(source: Source) -> Source:
    """Refuse what is empty or no text."""
    with opened(source) as stream:
        start = stream.read(8192)
    if not start.removeprefix(codecs.BOM_UTF8).strip(b" \t\r\n"):
        raise ImportRefused(f"{source}: the file is empty; it needs a header line and songs below it")
    for magic, what in _MAGIC:
        if start.startswith(magic):
            raise ImportRefused(f"{source}: this is a binary file, {what}. Give a CSV, JSONL, JSON or Parquet file")
    if source.packing and start.startswith((_GZIP, _ZIP, b"PAR1")):
        raise ImportRefused(f"{source}: a packed file inside a packed one: unpack it first")
    if start.startswith(b"PAR1") or any(start.startswith(mark) for mark, _ in _MARKS[1:]):
        return source
    odd = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in start)
    if odd > 0.02 * len(start) + 2 and not _looks_wide(start):
        first = next(at for at, byte in enumerate(start, 1) if byte < 32 and byte not in _TEXT_CONTROLS)
        raise ImportRefused(
            f"{source}: this is a binary file, no text (byte {first} is a control character). Give a CSV, JSONL, JSON or Parquet file"
        )
    return source


def _unpackable(source: Source, error: Exception) -> NoReturn:
    if not source.packing:
        raise ImportRefused(f"{source}: can't be read ({getattr(error, 'strerror', None) or error})") from None
    raise ImportRefused(
        f"{source}: not readable as {source.packing}: unpack it first to see what is wrong, or get the file again ({error})"
    ) from None


def _looks_wide(start: bytes) -> bool:
    half = max(1, len(start) // 2)
    return start[0::2].count(0) > 0.8 * half or start[1::2].count(0) > 0.8 * half


# -- layout -------------------------------------------------------------------------------------------------------


def layout_of(source: Source, columns: Mapping[str, str] | None = None, *, per_line: bool = False) -> Layout:
    """Read the beginning of a file and say how it is laid out; its columns are not checked yet. Raises ImportRefused."""
    with opened(source) as stream:
        if _starts_with(source, b"PAR1"):
            return _parquet_layout(source, columns, per_line=per_line)
        read = text_of(stream)
        start = read(CHUNK)
        again = _Again(start, read).read
        bare = start.lstrip()
        if _is_bag_of_words(bare):
            return Layout("bag", (), Mapped(None, Kind.BAG_OF_WORDS, {}))
        if source.suffix == ".parquet":
            raise ImportRefused(f"{source}: named .parquet, but it isn't one (it doesn't start with PAR1)")
        lined = source.suffix in (".jsonl", ".ndjson")
        if (source.suffix == ".json" and not _is_lines_of_json(bare)) or (lined and bare.startswith(b"[")):
            return _json_layout(source, columns, per_line=per_line)
        if lined or source.suffix == ".json" or bare.startswith(b'{"'):
            return _jsonl_layout(source, Cutter(again, quoted=False), columns, per_line=per_line)
        return _csv_layout(source, Cutter(again, quoted=True), columns, per_line=per_line)[0]


def require(source: Source, layout: Layout, columns: Mapping[str, str] | None = None) -> None:
    """Refuse a file that has no songs to import, with what it is or which column is missing. Raises ImportRefused."""
    mapped, wanted = layout.mapped, dict(columns or {})
    listed = ", ".join(name or "(unnamed)" for name in layout.header[:40])
    if unknown := [name for name in wanted if name not in layout.header]:
        raise ImportRefused(f"{source}: there is no column {unknown[0]!r} to map; {layout.where}: {listed}")
    if wrong := [name for name in wanted.values() if name not in FIELDS]:
        raise ImportRefused(f"{source}: {wrong[0]!r} is no field; a column can be mapped to {', '.join(FIELDS)}")
    if mapped.kind is not Kind.SONGS:
        named = f" ({mapped.preset.name})" if mapped.preset else ""
        raise ImportRefused(f"{source}: this file has {REFUSALS[mapped.kind]}{named}")
    for needed in ("lyrics", "title"):
        if needed not in mapped.columns:
            raise ImportRefused(
                f"{source}: no {needed} column; {layout.where}: {listed}. If one of them holds the {needed}, say --map COLUMN={needed}"
            )
    if "artist" not in mapped.columns and "link" not in mapped.columns:
        raise ImportRefused(
            f"{source}: no artist column; {layout.where}: {listed}. If one of them holds the artist, say --map COLUMN=artist"
        )


def companion_rows(source: Source, header: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the file beside `source` (or in the same archive) that has this header; nothing when there is none."""
    for beside in _beside(source):
        try:
            layout = layout_of(_examined(beside))
            if header <= {name.casefold() for name in layout.header}:
                yield from (row.values for row in rows(beside, layout) if row.values is not None)
                return
        except ImportRefused:
            continue


def _beside(source: Source) -> list[Source]:
    if source.packing == "zip":
        with zipfile.ZipFile(source.path) as archive:
            infos = [info for info in archive.infolist() if info.filename != source.member and not info.is_dir()]
        return [
            replace(source, member=info.filename)
            for info in infos
            if _is_wanted(PurePosixPath(info.filename)) and info.file_size <= MOST_COMPANION_BYTES
        ][:20]
    try:
        paths = sorted(path for path in source.path.parent.iterdir() if path != source.path and path.is_file())
    except OSError:
        return []
    return [
        Source(path, "gzip" if path.suffix.casefold() == ".gz" else "", "", source.encoding)
        for path in paths
        if _is_wanted(PurePosixPath(path.name.removesuffix(".gz"))) and path.stat().st_size <= MOST_COMPANION_BYTES
    ][:100]


def _starts_with(source: Source, magic: bytes) -> bool:
    with opened(source) as stream:
        return stream.read(len(magic)) == magic


def _is_bag_of_words(start: bytes) -> bool:
    """Say whether a text is musiXmatch's: comments (#), one line of words (%), then TRACK,ID,word:count,..."""
    lines = [line for line in start[:65536].split(b"\n")[:200] if line.strip() and not line.startswith(b"#")]
    if lines and lines[0].startswith(b"%") and lines[0].count(b",") > 2:
        return True
    cells = lines[0].strip().split(b",") if lines else []
    return len(cells) > 3 and all(cell.partition(b":")[1] and cell.replace(b":", b"").isdigit() for cell in cells[2:])


def _is_lines_of_json(start: bytes) -> bool:
    first, _, rest = start.partition(b"\n")
    if not first.startswith(b"{") or not rest.strip().startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


# -- CSV ----------------------------------------------------------------------------------------------------------


def _csv_layout(
    source: Source, cutter: Cutter, columns: Mapping[str, str] | None, *, per_line: bool
) -> tuple[Layout, int]:
    """Read the header; the cutter then stands below it. Gives the layout and how many lines the header has."""
    seen: list[str] = []

    def _lines() -> Iterator[str]:
        while line := cutter.line(MOST_BYTES + 1):
            seen.append(_decoded(source, line, len(seen) + 1))
            yield seen[-1]

    lines = _lines()
    first = next(lines, "")
    if "\r" in first.rstrip("\r\n"):
        raise ImportRefused(
            f"{source}, line 1: lines end in bare carriage returns; convert them, e.g. tr '\\r' '\\n' < {source.path.name} > lines.csv"
        )
    delimiter = _delimiter(first)
    try:
        with _field_limit():
            header = next(csv.reader(_chain(first, lines), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise _unreadable_csv(source, 1, len(seen), error) from None
    names = tuple(name.strip() for name in header)
    mapped = understand(names, columns, per_line=per_line)
    return Layout("csv", names, mapped, delimiter, "line 1 has the columns"), len(seen)


def _csv_block(data: bytes, first_line: int, *, source: Source, layout: Layout, last: bool) -> tuple[list[Row], bytes]:
    """Parse whole records; gives them and, unless this is the `last` block, the bytes of the record that is not whole."""
    text = _decoded(source, data, first_line)
    stream = io.StringIO(text)
    reader = csv.reader(stream, delimiter=layout.delimiter, strict=True)
    header = layout.header
    width, backwards = len(header), header[::-1]
    unique = len(set(header)) == width
    found: list[Row] = []
    at, start = 0, first_line
    try:
        with _field_limit():
            for cells in reader:
                if len(cells) == width and (cells[-1] or any(cell.strip() for cell in cells)):
                    pairs = zip(header, cells, strict=True) if unique else zip(backwards, cells[::-1], strict=True)
                    found.append(Row(start, dict(pairs)))
                elif any(cell.strip() for cell in cells):
                    found.append(Row(start, None, "wrong_number_of_fields"))
                at, start = stream.tell(), first_line + reader.line_num
    except csv.Error as error:
        tail = text[at:].encode()
        if str(error) == "unexpected end of data" and not last and len(tail) <= MOST_ROW_BYTES:
            return found, tail
        raise _unreadable_csv(source, start, first_line + reader.line_num - 1, error) from None
    return found, b""


def _unreadable_csv(source: Source, start: int, end: int, error: csv.Error) -> ImportRefused:
    to = f" to {end}" if end > start else ""
    return ImportRefused(
        f"{source}, line {start}{to}: not readable as CSV ({error}). Put double quotes around texts with line breaks, and double the quotes inside them"
    )


@contextmanager
def _field_limit() -> Iterator[None]:
    before = csv.field_size_limit(MOST_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _delimiter(header: str) -> str:
    known = {name for names in SYNONYMS.values() for name in names}

    def _fit(mark: str) -> tuple[int, int]:
        names = [name.strip().strip('"').casefold() for name in header.rstrip("\r\n").split(mark)]
        return sum(name in known for name in names), len(names)

    best = max(",;\t|", key=_fit)
    return best if _fit(best)[1] > 1 else ","


def _decoded(source: Source, data: bytes, first_line: int) -> str:
    """Decode UTF-8 that begins with `first_line`. Raises ImportRefused for NUL, bad bytes and endless lines, with the place."""
    if len(data) > MOST_BYTES:
        for number, whole in enumerate(data.split(b"\n"), first_line):
            if len(whole) > MOST_BYTES:
                raise ImportRefused(
                    f"{source}, line {number}: longer than {MOST_BYTES // 1024 // 1024} MB, no song is. Is a quote left open, or are line ends missing?"
                )
    nul = data.find(b"\0")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if not 0 <= nul < error.start:
            line, column = _place(data, error.start)
            raise ImportRefused(
                f"{source}, line {first_line + line}, byte {column}: 0x{data[error.start]:02x} is not valid UTF-8. "
                "Save the file as UTF-8, or name its encoding, e.g. --encoding cp1252"
            ) from None
    if nul >= 0:
        line, column = _place(data, nul)
        raise ImportRefused(
            f"{source}, line {first_line + line}, column {column}: a NUL byte, which no text has. "
            f"Remove it, e.g. tr -d '\\000' < {source.path.name} > clean{source.suffix}"
        )
    return text


def _place(data: bytes, at: int) -> tuple[int, int]:
    """Give the line (from 0) and the byte in it (from 1) of a position."""
    return data.count(b"\n", 0, at), at - data.rfind(b"\n", 0, at)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def proper(encoding: str) -> str:
    """Give an encoding's name as people know it."""
    return "UTF-8" if encoding.casefold().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig") else encoding


# -- JSONL --------------------------------------------------------------------------------------------------------


def _jsonl_layout(source: Source, cutter: Cutter, columns: Mapping[str, str] | None, *, per_line: bool) -> Layout:
    head = _jsonl_head(source, cutter)
    header = tuple(dict.fromkeys(key for row in head for key in row.values or ()))
    where = f"the lines up to {head[-1].line} have the keys" if head else "no line has keys"
    return Layout("jsonl", header, understand(header, columns, per_line=per_line), where=where)


def _jsonl_head(source: Source, cutter: Cutter) -> list[Row]:
    """Read the first objects, whose keys are those of the file; what stands before the first must be JSON at least."""
    found: list[Row] = []
    number = objects = 0
    while line := cutter.line(MOST_BYTES + 1):
        number += 1
        text = _decoded(source, line, number)
        if not text.strip():
            continue
        row = _jsonl_row(number, text)
        if isinstance(row, Exception) and objects:
            row = Row(number, None, "invalid_json")
        if isinstance(row, Exception):
            place = f", column {row.colno}" if isinstance(row, json.JSONDecodeError) else ""
            raise ImportRefused(
                f"{source}, line {number}{place}: not JSON; JSONL has one object per line, a JSON list belongs in a .json file"
            )
        found.append(row)
        objects += row.values is not None
        if objects >= HEAD or len(found) >= BATCH:
            break
    return found


def _jsonl_row(number: int, line: str) -> Row | Exception:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        return error
    return Row(number, flat(values)) if isinstance(values, dict) else Row(number, None, "no_object")


def _jsonl_block(data: bytes, first_line: int, *, source: Source) -> tuple[Iterator[Row], bytes]:
    return _jsonl_lines(_decoded(source, data, first_line), first_line), b""


def _jsonl_lines(text: str, first_line: int) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), first_line):
        if line.strip():
            row = _jsonl_row(number, line)
            yield Row(number, None, "invalid_json") if isinstance(row, Exception) else row


# -- parts and rows -----------------------------------------------------------------------------------------------


def parts(source: Source, layout: Layout, stream: Stream, context: bytes) -> Iterator[Part]:
    """Yield the parts of a CSV or JSONL file in order; each must be parsed or passed over before the next is asked for.

    `context` is what the meaning of a row depends on besides its bytes and the layout. Raises ImportRefused.
    """
    read = text_of(stream)
    if layout.format == "csv":
        cutter = Cutter(read, quoted=True)
        _, line = _csv_layout(source, cutter, None, per_line=False)
        line += 1
    else:
        cutter = Cutter(read, quoted=False)
        head = _jsonl_head(source, cutter)
        line = head[-1].line + 1 if head else 1
        yield Part(1, None, b"", lambda _data, _line: (head, b""))
    settled = hashlib.sha256(repr((layout.format, layout.header, layout.delimiter)).encode() + context)
    while True:
        data, usual = cutter.cut()
        if not data:
            return
        digest = settled.copy()
        digest.update(data)
        parse: Parse = partial(_jsonl_block, source=source)
        if layout.format == "csv":
            parse = partial(_csv_block, source=source, layout=layout, last=cutter.ended)
        part = Part(line, digest.digest() if usual else None, data, parse)
        yield part
        line += part.lines
        if part.tail:
            cutter.give_back(part.tail, whole=len(part.tail) == len(data))


def rows(source: Source, layout: Layout, show: Show = lambda _: None) -> Iterator[Row]:
    """Yield the rows of a file. Raises ImportRefused."""
    if layout.format == "parquet":
        yield from _parquet_rows(source, show)
    elif layout.format == "json":
        yield from _json_rows(source, show)
    else:
        total = max(1, source.path.stat().st_size)
        with opened(source) as stream:
            for part in parts(source, layout, stream, b""):
                yield from part.rows()
                show(stream.done() / total)


# -- JSON ---------------------------------------------------------------------------------------------------------


class _Watched:
    """A UTF-8 stream for the JSON parser, checked for NUL, bad bytes and objects without end."""

    def __init__(self, source: Source, read: Read) -> None:
        self._source, self._read = source, read
        self._line, self._column, self._since = 1, 0, 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")

    def read(self, size: int = -1) -> bytes:
        if size == 0:
            return b""
        data = self._read(size if size > 0 else CHUNK)
        bad = data.find(b"\0")
        if bad >= 0:
            line, column = self._at(data, bad)
            raise ImportRefused(
                f"{self._source}, line {line}, column {column}: a NUL byte, which no text has. Remove it"
            )
        pending = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            line, column = self._at(data, error.start - pending)
            raise ImportRefused(
                f"{self._source}, line {line}, byte {column}: 0x{error.object[error.start]:02x} is not valid UTF-8. "
                "Save the file as UTF-8, or name its encoding, e.g. --encoding cp1252"
            ) from None
        newlines = data.count(b"\n")
        self._line += newlines
        self._column = len(data) - data.rfind(b"\n") - 1 if newlines else self._column + len(data)
        self._since += len(data)
        if self._since > MOST_ROW_BYTES:
            raise ImportRefused(
                f"{self._source}, before line {self._line}: one object of more than {MOST_ROW_BYTES // 1024 // 1024} MB, no song is"
            )
        return data

    def rest(self) -> None:
        """Say that an object ended."""
        self._since = 0

    def _at(self, data: bytes, at: int) -> tuple[int, int]:
        at = max(0, at)
        line = data.count(b"\n", 0, at)
        return self._line + line, at - data.rfind(b"\n", 0, at) + (0 if line else self._column)


def _json_layout(source: Source, columns: Mapping[str, str] | None, *, per_line: bool) -> Layout:
    keys: dict[str, None] = {}
    found = 0
    for row in _json_rows(source):
        if row.values is not None:
            keys |= dict.fromkeys(row.values)
            found += 1
            if found >= HEAD:
                break
    header = tuple(keys)
    return Layout("json", header, understand(header, columns, per_line=per_line), where="the songs have the keys")


def _json_rows(source: Source, show: Show = lambda _: None) -> Iterator[Row]:
    """Yield the songs of a JSON file: a list of them, an object that holds such a list (and a name), or one song."""
    import ijson

    number, objects, fixed = 0, False, dict[str, Any]()
    try:
        prefix, fixed = _json_shape(source)
        for value in _json_items(source, prefix, show):
            number += 1
            objects = objects or isinstance(value, dict)
            yield _json_row(number, value, fixed)
    except (ijson.JSONError, ValueError, OverflowError) as error:
        for value in _rest_of_json(source, number, error):
            number += 1
            objects = objects or isinstance(value, dict)
            yield _json_row(number, value, fixed)
    if not objects:
        raise ImportRefused(f'{source}: no list of songs in it; give [{{"artist": …, "title": …, "lyrics": …}}, …]')


def _json_row(number: int, value: Any, fixed: Mapping[str, Any]) -> Row:
    return Row(number, flat({**fixed, **value})) if isinstance(value, dict) else Row(number, None, "no_object")


def _json_items(source: Source, prefix: str, show: Show) -> Iterator[Any]:
    import ijson

    with opened(source) as stream:
        watched = _Watched(source, text_of(stream))
        total = max(1, source.path.stat().st_size)
        for value in ijson.items(watched, prefix, use_float=True, buf_size=65536):
            watched.rest()
            yield value
            show(stream.done() / total)


def _json_shape(source: Source) -> tuple[str, dict[str, Any]]:
    """Give where the songs are (in ijson's words) and what holds for all of them: the artist whose list it is."""
    import ijson

    lists, named, depth, key = set[str](), dict[str, Any](), 0, ""
    with opened(source) as stream:
        watched = _Watched(source, text_of(stream))
        for event, value in ijson.basic_parse(watched, use_float=True, buf_size=65536):
            watched.rest()
            if depth == 0 and event == "start_array":
                return "item", {}
            if depth == 1:
                if event == "map_key":
                    key = value
                elif event == "start_array" and key in LISTS:
                    lists.add(key)
                elif event == "string" and key == "name":
                    named = {"artist": value}
            depth += event in ("start_map", "start_array")
            depth -= event in ("end_map", "end_array")
    chosen = next((name for name in LISTS if name in lists), None)
    return (f"{chosen}.item", named) if chosen else ("", {})


def _rest_of_json(source: Source, number: int, problem: Exception) -> list[Any]:
    """Look at a file that the parser gave up on with the standard library: its rest if that is content, else a refusal."""
    with opened(source) as stream:
        text = io.BytesIO()
        watched = _Watched(source, text_of(stream))
        while data := watched.read(CHUNK):
            watched.rest()
            text.write(data)
            if text.tell() > MOST_READ_AGAIN:
                told = " ".join(str(problem).split())[:120]
                raise ImportRefused(f"{source}, after song {number}: not JSON ({told})") from None
    try:
        return _song_list(json.loads(text.getvalue()))[number:]
    except json.JSONDecodeError as error:
        raise ImportRefused(f"{source}, line {error.lineno}, column {error.colno}: not JSON ({error.msg})") from None
    except RecursionError:
        raise ImportRefused(f"{source}: JSON nested too deeply; give a list of songs") from None
    except ValueError as error:  # a number of thousands of digits
        raise ImportRefused(f"{source}: JSON that can't be read ({error})") from None


def _song_list(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        return next((document[key] for key in LISTS if isinstance(document.get(key), list)), [document])
    return [document]


# -- Parquet ------------------------------------------------------------------------------------------------------


def _parquet_layout(source: Source, columns: Mapping[str, str] | None, *, per_line: bool) -> Layout:
    with _parquet(source, 0) as file:
        header = tuple(file.schema_arrow.names)
    return Layout("parquet", header, understand(header, columns, per_line=per_line), where="it has the columns")


def _parquet_rows(source: Source, show: Show) -> Iterator[Row]:
    number = 0
    with _parquet(source, number) as file:
        total = max(1, file.metadata.num_rows)
        batches = file.iter_batches(batch_size=BATCH)
        while True:
            with _parquet_errors(source, number):
                batch = next(batches, None)
                values = batch.to_pylist() if batch is not None else None
            if values is None:
                return
            for row in values:
                number += 1
                yield Row(number, flat(row))
            show(number / total)


@contextmanager
def _parquet(source: Source, number: int) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with _parquet_errors(source, number):
        file = pq.ParquetFile(source.path, buffer_size=CHUNK, pre_buffer=False)
    with file:
        yield file


@contextmanager
def _parquet_errors(source: Source, number: int) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeError) as error:
        told = (str(error).splitlines() or [""])[0]
        raise ImportRefused(f"{source}, after row {number}: not readable as Parquet ({told})") from None
