"""Songs come in from files: rows are judged, stored and reported here; cleaning them happens later, and nowhere is a bad file half stored."""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

import psycopg

from rap_platform.lyrics import import_queries as queries
from rap_platform.lyrics import reading
from rap_platform.lyrics.identity import MOST_CHARACTERS, normalise, slug
from rap_platform.lyrics.linewise import LineCount, songs_of_lines
from rap_platform.lyrics.presets import Kind as Kind
from rap_platform.lyrics.presets import Mapped, Preset, understand
from rap_platform.lyrics.reading import ImportRefused as ImportRefused
from rap_platform.lyrics.reading import Layout, Part, Row, Source
from rap_platform.lyrics.surveying import Survey
from rap_platform.lyrics.values import MOST_BYTES, has_escaped_nul, plain, short
from rap_platform.lyrics.values import parse_count as parse_count
from rap_platform.lyrics.values import parse_names as parse_names
from rap_platform.orchestration import progress
from rap_platform.settings import Settings

VERSION: Final = "1"  # of what a row is made into; a new one reads every file afresh
BATCH: Final = 2000
BATCH_CHARACTERS: Final = 8 * 1024 * 1024
FIRST_LINES: Final = 5
REJECTS_SUFFIX: Final = ".rejects.csv"
# What may lie in the inbox and is no song file: the Spotify stage imports features; a list of artists is read with its lyrics.
NOT_OURS: Final = frozenset({Kind.AUDIO_FEATURES, Kind.ARTISTS})
_encode: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_GUESTS: Final = re.compile(r"\s*[(\[]\s*(?:ft|feat|featuring|with)\b[^)\]]*[)\]]", re.IGNORECASE)
_LONGEST_GROWTH: Final = 18  # characters that normalising makes of one, at most


@dataclass
class ImportReport:
    """What an import did: data rows read, and of the songs in them the new, unchanged, changed and (by reason) rejected.

    `columns` is field -> column; `first_lines` the first lines of each reason; `survey` what a dry run found besides.
    """

    rows: int = 0
    new: int = 0
    unchanged: int = 0
    changed: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    preset: str | None = None
    rejects_file: Path | None = None
    kind: str = Kind.SONGS.value
    format: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    first_lines: dict[str, list[int]] = field(default_factory=dict)
    passed_over: int = 0  # of the unchanged: known from an earlier import, not read again
    survey: dict[str, Any] | None = None

    @property
    def songs(self) -> int:
        """Songs that are stored, or would be."""
        return self.new + self.unchanged + self.changed

    def told(self) -> dict[str, Any]:
        """Give the report as JSON's types."""
        return {
            "rows": self.rows,
            "new": self.new,
            "unchanged": self.unchanged,
            "changed": self.changed,
            "rejected": self.rejected,
            "kind": self.kind,
            "format": self.format,
            "preset": self.preset,
            "columns": self.columns,
            "songs": self.songs,
            "rejected_first_lines": self.first_lines,
            "passed_over": self.passed_over,
            "rejects_file": str(self.rejects_file) if self.rejects_file else None,
            **(self.survey or {}),
        }


@dataclass(frozen=True)
class _Song:
    line: int
    source_id: str
    artist: str
    title: str
    lyrics: str
    payload: Mapping[str, Any]
    told: str  # the payload as JSON
    sha256: str


@dataclass
class _Block:
    """A part being read: what is to be remembered of it. It may be skipped next time only if nothing in it was a duplicate."""

    first_line: int
    digest: bytes | None
    lines: int
    rows: int = 0
    spoiled: bool = False
    rejected: list[queries.Rejected] = field(default_factory=list)


def inbox_files(settings: Settings) -> list[Path]:
    """Give the importable files of the inbox folder, sorted by name; hidden files, folders and reject lists are not."""
    folder = settings.data_dir / "inbox"
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and path.suffix.casefold() in (*reading.SUFFIXES, *reading.PACKED)
        and not path.name.startswith((".", "~"))
        and not path.name.endswith((REJECTS_SUFFIX, ".part"))
    )


def check_input(path: Path, encoding: str = "utf-8") -> None:
    """Refuse at once what can't be a list of songs. Raises ImportRefused."""
    reading.locate(path, encoding)


def kind_of(
    path: Path, *, columns: Mapping[str, str] | None = None, encoding: str = "utf-8", per_line: bool = False
) -> Kind:
    """Say what the rows of a file are, by its header. Raises ImportRefused when that can't be read."""
    return reading.layout_of(reading.locate(path, encoding), columns, per_line=per_line).mapped.kind


def import_file(
    conn: psycopg.Connection,
    path: Path,
    *,
    dry_run: bool = False,
    columns: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    per_line: bool = False,
    skip_known: bool = True,
) -> ImportReport:
    """Store the songs of a file in raw_songs, all in one transaction; rows that did not change are not touched.

    `columns` maps column names of the file to the fields id, artist, title, lyrics, album, genre, year, release_date,
    language, views, featured, explicit, link. `per_line` says that a row is a line of a song. Rows without lyrics,
    artist or title, and second songs with the same id, are rejected and listed with line numbers in FILE.rejects.csv,
    if its folder can be written. Parts of a file that an earlier import has read are passed over where `skip_known`:
    the report is the same. A dry run reports and stores nothing. Raises ImportRefused when the file as a whole can't be
    trusted.
    """
    source = reading.locate(path, encoding)
    layout = reading.layout_of(source, columns, per_line=per_line)
    reading.require(source, layout, columns)
    with closing(Rejects(None if dry_run else path)) as rejects:
        job = _Import(conn, source, layout, columns or {}, rejects, dry_run=dry_run, skip_known=skip_known)
        with conn.transaction(force_rollback=dry_run):
            queries.begin(conn)
            job.run()
            if not job.report.rows:
                raise ImportRefused(f"{source}: there is a header but no song below it")
        job.report.rejects_file = rejects.keep()
    return job.report


class _Import:
    """One pass over a file: the songs and blocks that wait to be stored, and the report so far."""

    def __init__(
        self,
        conn: psycopg.Connection,
        source: Source,
        layout: Layout,
        columns: Mapping[str, str],
        rejects: "Rejects",
        *,
        dry_run: bool,
        skip_known: bool,
    ) -> None:
        self.conn, self.source, self.layout, self.chosen, self.rejects = conn, source, layout, columns, rejects
        self.dry_run, self.skip_known = dry_run, skip_known and not dry_run
        self.in_parts = layout.format in ("csv", "jsonl") and not layout.mapped.per_line
        preset = layout.mapped.preset
        self.report = ImportReport(
            preset=preset.name if preset else None, format=layout.format, columns=dict(layout.mapped.columns)
        )
        self.survey = Survey(layout.mapped.columns.get("language")) if dry_run else None
        self.mappings: dict[tuple[str, ...], Mapped] = {layout.header: layout.mapped}
        self.companion = _companion(source, preset)
        self.songs: list[tuple[_Song, _Block | None]] = []
        self.characters = 0
        self.blocks: list[_Block] = []
        self.passed: set[bytes] = set()
        self.skipped: set[bytes] = set()

    def run(self) -> None:
        with shown(self.source.path) as show:
            if self.in_parts:
                with reading.opened(self.source) as stream:
                    total = max(1, self.source.path.stat().st_size)
                    for part in reading.parts(self.source, self.layout, stream, self._context()):
                        if not self._skip(part):
                            self._read(part)
                        show(stream.done() / total)
            else:
                self._read_rows(show)
        self._flush()
        self.report.rejected = dict(sorted(self.rejects.counts.items()))
        self.report.first_lines = {reason: self.rejects.first_lines[reason] for reason in self.report.rejected}
        if self.survey is not None:
            self.report.survey = self.survey.report()

    def _context(self) -> bytes:
        preset, columns = self.report.preset, sorted(self.layout.mapped.columns.items())
        told = json.dumps([VERSION, preset, columns, sorted(self.chosen.items()), sorted(self.companion.items())])
        return told.encode()

    def _skip(self, part: Part) -> bool:
        """Pass over a part whose songs are stored as they are in it."""
        if not self.skip_known or part.digest is None or part.digest in self.passed:
            return False
        known = queries.known_block(self.conn, part.digest)
        if known is not None and self.songs:
            self._flush()  # a song that waits may be one of the block's
            known = queries.known_block(self.conn, part.digest)
        if known is None:
            return False
        self.passed.add(part.digest)
        self.skipped.add(part.digest)
        part.lines = known.lines
        self.report.rows += known.rows
        self.report.unchanged += known.rows - len(known.rejected)
        self.report.passed_over += known.rows - len(known.rejected)
        for at, reason, artist, title in known.rejected:
            self.rejects.add(part.first_line + at, reason, artist, title)
        return True

    def _read(self, part: Part) -> None:
        rows = part.rows()
        again = part.digest in self.passed
        block = _Block(part.first_line, None if again else part.digest, part.lines)
        if part.digest is not None:
            self.passed.add(part.digest)
        for row in rows:
            self.report.rows += 1
            block.rows += 1
            self._take(row, block)
        self.blocks.append(block)

    def _read_rows(self, show: reading.Show) -> None:
        counted = LineCount()
        rows: Iterator[Row] = reading.rows(self.source, self.layout, show)
        if self.layout.mapped.per_line:
            rows = songs_of_lines(rows, self.layout.mapped.columns, counted)
        read = 0
        for row in rows:
            read += 1
            self._take(row, None)
        self.report.rows = counted.rows if self.layout.mapped.per_line else read

    def _take(self, row: Row, block: _Block | None) -> None:
        if row.values is None:
            self._reject(row.line, row.problem or "unreadable", "", "", block)
            return
        mapped = self._mapped(row.values)
        try:
            song = _song(row.line, row.values, mapped, self.companion)
        except RecursionError:
            song = "nested_too_deeply"
        if isinstance(song, _Song):
            self.songs.append((song, block))
            self.characters += len(song.lyrics) + len(song.told)
            if len(self.songs) >= BATCH or self.characters >= BATCH_CHARACTERS:
                self._flush()
            return
        artist, title = (_named(row.values.get(mapped.columns.get(key, ""))) for key in ("artist", "title"))
        self._reject(row.line, song, artist, title, block)

    def _mapped(self, values: Mapping[str, Any]) -> Mapped:
        if self.layout.format in ("csv", "parquet"):
            return self.layout.mapped
        header = tuple(values)
        if header not in self.mappings:
            if len(self.mappings) > 1000:
                self.mappings.clear()
            chosen = {column: key for column, key in self.chosen.items() if column in values}
            self.mappings[header] = understand(header, chosen, per_line=self.layout.mapped.per_line)
        return self.mappings[header]

    def _reject(self, line: int, reason: str, artist: str, title: str, block: _Block | None) -> None:
        artist, title = _storable(artist[:100]), _storable(title[:100])
        self.rejects.add(line, reason, artist, title)
        if block is not None:
            block.rejected.append((line - block.first_line, reason, artist, title))
        if len(self.rejects.waiting) >= 10 * BATCH:
            self._flush()

    def _flush(self) -> None:
        """Store what waits. A song whose id the file had before, in this pass or in a part passed over, is a duplicate."""
        if self.songs:
            self._store()
        self.rejects.write()
        if not self.dry_run:
            queries.store_blocks(
                self.conn,
                [
                    (block.digest, queries.StoredBlock(block.rows, block.lines, block.rejected))
                    for block in self.blocks
                    if block.digest is not None and not block.spoiled
                ],
            )
        self.songs, self.blocks, self.characters = [], [], 0

    def _store(self) -> None:
        seen = queries.sightings(self.conn, list(dict.fromkeys(song.source_id for song, _ in self.songs)))
        here = set[str]()
        new: list[queries.ImportedSong] = []
        changed: list[queries.ImportedSong] = []
        moved: list[tuple[str, bytes | None]] = []
        for song, block in self.songs:
            known = seen[song.source_id]
            if not known.first or song.source_id in here or known.block in self.skipped:
                self.rejects.add(song.line, "duplicate_id", song.artist[:100], song.title[:100])
                if block is not None:
                    block.spoiled = True
                continue
            here.add(song.source_id)
            if self.survey is not None:
                self.survey.see(song.payload["fields"], song.lyrics)
            digest = block.digest if block is not None else None
            if known.sha256 == song.sha256:
                self.report.unchanged += 1
                if self.in_parts and known.block != digest:
                    moved.append((song.source_id, digest))
                continue
            row = queries.ImportedSong(
                song.source_id, song.artist, song.title, song.told, song.lyrics, song.sha256, digest
            )
            (new if known.sha256 is None else changed).append(row)
        self.report.new += len(new)
        self.report.changed += len(changed)
        if self.survey is not None:
            self.survey.count_texts(self.conn)
        if not self.dry_run:
            queries.insert_songs(self.conn, new)
            queries.update_songs(self.conn, changed)
            queries.move_songs(self.conn, moved)


# -- understanding ------------------------------------------------------------------------------------------------


def _song(
    line: int, values: Mapping[str, Any], mapped: Mapped, companion: Mapping[str, tuple[str, str]]
) -> _Song | str:
    """Make a song of a row, or say why it is none."""
    preset, columns = mapped.preset, mapped.columns
    given = {key: values.get(column) for key, column in columns.items()}
    lyrics = given.pop("lyrics", None)
    lyrics = "\n".join(map(str, lyrics)) if isinstance(lyrics, list) else lyrics
    if not isinstance(lyrics, str) or not lyrics or lyrics.isspace():
        return "no_lyrics"
    title = plain(given.get("title"))
    if title.endswith(" Lyrics"):
        title = re.sub(r"(?<=\S)\s+Lyrics$", "", title)
    artist = plain(given.get("artist"))
    if preset is not None and preset.companion:
        artist, genre = companion.get(artist) or (artist.strip("/").replace("-", " ").title(), "")
        given["genre"] = given.get("genre") or genre
    artist = artist or _artist_of_link(plain(given.get("link")), title)
    if not title:
        return "no_title"
    if not artist:
        return "no_artist"
    if "\0" in lyrics:
        return "nul_character"
    if 4 * len(lyrics) > MOST_BYTES and len(lyrics.encode(errors="replace")) > MOST_BYTES:
        return "too_long"
    if max(len(artist), len(title)) > MOST_CHARACTERS or (
        len(artist) * _LONGEST_GROWTH > MOST_CHARACTERS and len(normalise(artist)) > MOST_CHARACTERS
    ):
        return "name_too_long"
    fields = {key: short(value) for key, value in given.items() if value is not None and value != ""}
    mapped_columns = set(columns.values())
    payload: dict[str, Any] = {
        "preset": preset.name if preset else None,
        "fields": fields | {"artist": artist, "title": title},
        "row": {
            key: short(value)
            for key, value in values.items()
            if key and value is not None and key not in mapped_columns
        },
    }
    if preset is not None and preset.form:
        payload["form"] = preset.form
    told = _encode(payload)
    if has_escaped_nul(told):
        return "nul_character"
    try:
        content = f"[{told}, {_encode(lyrics)}]".encode()
    except UnicodeEncodeError:
        return "invalid_characters"
    digest = hashlib.sha256(content).hexdigest()
    return _Song(line, _source_id(preset, given, artist, title), artist, title, lyrics, payload, told, digest)


def _source_id(preset: Preset | None, given: Mapping[str, Any], artist: str, title: str) -> str:
    """Give `<preset>:<id>`; ids of unknown files mean nothing outside them, so there artist and title say which song it is."""
    if preset is not None:
        own = plain(given.get(preset.identified_by)) if preset.identified_by else ""
        return f"{preset.name}:{own[:300] or _name_digest(artist, title)}"
    own = plain(given.get("id")) or plain(given.get("link"))
    named = _name_digest(artist, title)
    return f"file:{own[:300]}:{named[:12]}" if own else f"file:{named}"


def _name_digest(artist: str, title: str) -> str:
    return hashlib.sha256(f"{normalise(artist)}|{normalise(title)}".encode()).hexdigest()[:32]


def _artist_of_link(link: str, title: str) -> str:
    """Give the artist that a Genius address names: genius.com/Some-one-the-title-lyrics by "The Title" is Some one."""
    found = re.search(r"genius\.com/(?P<path>[^/?#]+)-(?:lyrics|annotated)", link)
    for ending in (slug(title), slug(_GUESTS.sub("", title))) if found else ():
        if found and found["path"].casefold().endswith("-" + ending):
            return found["path"][: -len(ending) - 1].replace("-", " ").strip()
    return ""


def _companion(source: Source, preset: Preset | None) -> dict[str, tuple[str, str]]:
    """Read who is behind the links of a lyrics file (link -> name, genres) from the list of artists beside it."""
    if preset is None or not preset.companion:
        return {}
    found: dict[str, tuple[str, str]] = {}
    for values in reading.companion_rows(source, preset.companion):
        row = {name.casefold(): value for name, value in values.items()}
        link, name = plain(row.get("link")), plain(row.get("artist"))
        if link and name:
            found.setdefault(link, (name, plain(row.get("genres"))))
    return found


def _named(value: Any) -> str:
    try:
        return plain(value)
    except RecursionError:
        return ""


def _storable(text: str) -> str:
    return text.replace("\0", "").encode(errors="replace").decode()


# -- rejects and progress -----------------------------------------------------------------------------------------


class Rejects:
    """The rejected rows: counted by reason, and written beside the file as they come, in the order of their lines."""

    HEADER: Final = ("line", "reason", "artist", "title")

    def __init__(self, path: Path | None) -> None:
        self.counts: Counter[str] = Counter()
        self.first_lines: dict[str, list[int]] = {}
        self.waiting: list[tuple[int, str, str, str]] = []
        self._target = path.with_name(path.name + REJECTS_SUFFIX) if path else None
        self._part = path.with_name(f".{path.name}{REJECTS_SUFFIX}.part") if path else None
        self._stream: TextIO | None = None

    def add(self, line: int, reason: str, artist: str = "", title: str = "") -> None:
        self.counts[reason] += 1
        self.waiting.append((line, reason, artist, title))

    def write(self) -> None:
        """Write what waits; called when nothing with an earlier line can still come."""
        rows = sorted(self.waiting)
        self.waiting = []
        for line, reason, _, _ in rows:
            first = self.first_lines.setdefault(reason, [])
            if len(first) < FIRST_LINES:
                first.append(line)
        if not rows or self._part is None:
            return
        try:
            if self._stream is None:
                self._stream = self._part.open("w", encoding="utf-8", errors="replace", newline="")
                csv.writer(self._stream, lineterminator="\n").writerow(self.HEADER)
            csv.writer(self._stream, lineterminator="\n").writerows(rows)
        except OSError:
            self.close()
            self._part = None

    def keep(self) -> Path | None:
        """Put the list in its place, or take an old one away; None when there is nothing or no leave to write."""
        if self._target is None or self._part is None:
            return None
        try:
            if self._stream is not None:
                self._stream.close()
                self._part.replace(self._target)
                self._stream = None
                return self._target
            self._part.unlink(missing_ok=True)  # of an import that was killed
            if self._target.is_file() and self._began_by_us(self._target):
                self._target.unlink()
        except OSError:
            return None
        return None

    def close(self) -> None:
        """Drop what was not kept."""
        if self._stream is not None and self._part is not None:
            with suppress(OSError):
                self._stream.close()
            self._stream = None
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _began_by_us(self, path: Path) -> bool:
        with path.open("rb") as stream:
            header = ",".join(self.HEADER).encode() + b"\n"
            return stream.read(len(header)) == header


@contextmanager
def shown(path: Path) -> Iterator[reading.Show]:
    """Show how much of a file was read, in percent; gives the function that is told the share."""
    shown = 0

    def show(share: float) -> None:
        nonlocal shown
        while shown < min(100, int(share * 100)):
            next(bar, None)
            shown += 1

    with closing(progress.track(range(100), 100, f"importing {path.name}, percent")) as bar:  # type: ignore[type-var]
        yield show
