"""Marks come in from files: rows are linked to tracks, converted, counted and stored; nothing is linked or converted on a guess."""

import datetime as dt
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import psycopg

from rap_platform.lyrics import reading
from rap_platform.lyrics.identity import MOST_CHARACTERS
from rap_platform.lyrics.importing import ImportRefused, Rejects, shown
from rap_platform.lyrics.reading import Row
from rap_platform.lyrics.values import parse_year, plain
from rap_platform.training import rating_queries as queries
from rap_platform.training.rating_columns import Columns, ColumnsUnknown, understand
from rap_platform.training.rating_matching import MARGIN, THRESHOLD, Link, Named, Tracks
from rap_platform.training.rating_values import (
    Mark,
    Scale,
    ScaleUnknown,
    is_blank,
    parse_mark,
    parse_scale,
    parse_time,
    scale_of,
)

Source = Literal["human", "critic"]
SAMPLE: Final = 200  # rows that tell what the columns of a wide table are
SHOWN: Final = 20  # of a kind that a report lists
MOST_OCCASIONS: Final = 1000
LONGEST_RATER: Final = 200


@dataclass
class Report:
    """What an import did: rows read, marks in them, how they were linked, and (by reason) those that were not.

    `problems` lists the first of each reason with line, names and, where there are any, candidates and scores.
    """

    file: str
    source: str
    scale: str = ""
    scale_known: str = ""
    conversion: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    raters: list[str] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    threshold: float = THRESHOLD
    margin: float = MARGIN
    rows: int = 0
    marks: int = 0
    blank: int = 0
    matched: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    problems: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    new: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    import_id: int | None = None
    rejects_file: str | None = None

    def told(self) -> dict[str, Any]:
        """Give the report as JSON's types."""
        return dict(vars(self))


@dataclass(frozen=True)
class _Given:
    """A mark as it stands in the file."""

    line: int
    named: Named
    rater: str
    mark: Mark
    rated_at: dt.datetime | None
    occasion: int | None


@dataclass(frozen=True)
class _Linked:
    given: _Given
    link: Link
    rating: float

    @property
    def track_id(self) -> int:
        assert self.link.track is not None
        return self.link.track.track_id


def import_ratings(
    conn: psycopg.Connection,
    path: Path,
    *,
    rater: str | None = None,
    source: Source | None = None,
    scale: str | None = None,
    dry_run: bool = False,
    encoding: str = "utf-8",
) -> Report:
    """Store the marks of a file for real tracks, all in one transaction; a second time changes nothing, a corrected mark updates.

    A row names its track by track_id, genius_id, isrc, else artist and title; keys that contradict the names are refused.
    Marks become 1 to 10 in proportion to their scale: `scale`, one that is written in the file, or one that the values
    settle. Critics' points without an upper end become percentile ranks. Of a rater's marks for one track, those of other
    days or occasions are repeats; different ones that nothing tells apart are a conflict, and none is taken. What is
    rejected stands in FILE.rejects.csv. Raises ImportRefused when the file as a whole can't be trusted.
    """
    located = reading.locate(path, encoding)
    try:
        told_scale = parse_scale(scale) if scale else None
        layout = reading.layout_of(located)
        sample = [row.values for row in islice(reading.rows(located, layout), SAMPLE) if row.values is not None]
        header = layout.header or tuple(dict.fromkeys(key for values in sample for key in values))
        columns = understand(header, layout.mapped, sample)
    except (ScaleUnknown, ColumnsUnknown) as reason:
        raise ImportRefused(f"{located}: {reason}") from None
    chosen: Source = source or ("critic" if columns.points else "human")
    fallback = (rater or (path.name.split(".")[0] if columns.points else "")).strip()[:LONGEST_RATER]
    if not columns.raters and "rater" not in columns.fields and not fallback:
        raise ImportRefused(f"{located}: no column names the rater; say whose marks these are with --rater NAME")
    report = Report(path.name, chosen, columns=dict(columns.fields), raters=list(columns.raters),
                    ignored_columns=list(columns.ignored))  # fmt: skip
    with closing(Rejects(None if dry_run else path)) as rejects, shown(path) as show:
        job = _Import(report, rejects, columns, fallback)
        given = list(job.read(reading.rows(located, layout, show)))
        if not report.rows:
            raise ImportRefused(f"{located}: there is a header but no row below it")
        try:
            known_scale = told_scale or _recognised(columns, given)
        except ScaleUnknown as reason:
            raise ImportRefused(f"{located}: {reason}") from None
        report.scale, report.scale_known, report.conversion = known_scale.name, known_scale.why, known_scale.conversion
        with conn.transaction(force_rollback=dry_run):
            queries.lock_imports(conn)
            linked = job.link(given, Tracks(queries.tracks(conn)), known_scale)
            marks = job.settled(conn, linked, known_scale)
            job.finish()
            stored = {**report.told(), "import_id": None}
            report.import_id, changes = queries.store_import(
                conn, file_name=path.name, file_sha256=_sha256(path), source=chosen, scale=known_scale.name, rater=fallback,
                marks=marks, report=stored,
            )  # fmt: skip
            report.new, report.changed, report.removed = changes.new, changes.changed, changes.removed
            report.unchanged = len(marks) - changes.new - changes.changed
        if dry_run:
            report.import_id = None
        rejects.write()
        kept = rejects.keep()
        report.rejects_file = str(kept) if kept else None
    return report


def _recognised(columns: Columns, given: Sequence[_Given]) -> Scale:
    if columns.points:
        return Scale(None, None, "critics' points: a poll has no upper end")
    header = columns.fields["mark"] if "mark" in columns.fields else ", ".join(columns.raters.values())
    return scale_of(header, [one.mark for one in given])


class _Import:
    """One pass over a file: what was rejected and the report so far."""

    def __init__(self, report: Report, rejects: Rejects, columns: Columns, rater: str) -> None:
        self.report, self.rejects, self.columns, self.rater = report, rejects, columns, rater
        self.rejected: Counter[str] = Counter()
        self.matched: Counter[str] = Counter()
        self.problems: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def read(self, rows: Iterator[Row]) -> Iterator[_Given]:
        """The marks of the rows; rows that hold none that can be read are rejected."""
        for row in rows:
            self.report.rows += 1
            if row.values is None:
                self.reject(row.line, row.problem or "unreadable", Named(), "")
                continue
            named = self._named(row.values)
            if self.columns.raters:
                for rater, column in self.columns.raters.items():
                    yield from self._mark(row, named, rater, row.values.get(column))
            else:
                rater = plain(row.values.get(self.columns.fields.get("rater", "")))[:LONGEST_RATER] or self.rater
                yield from self._mark(row, named, rater, row.values.get(self.columns.fields["mark"]))

    def _named(self, values: Mapping[str, Any]) -> Named:
        def field_of(name: str) -> str:
            return plain(values.get(self.columns.fields.get(name, "")))[:MOST_CHARACTERS]

        keys = {key: field_of(key).removesuffix(".0") for key in ("track_id", "genius_id")}
        return Named(field_of("artist"), field_of("title"), parse_year(field_of("year")), isrc=field_of("isrc"), **keys)

    def _mark(self, row: Row, named: Named, rater: str, value: Any) -> Iterator[_Given]:
        values = row.values or {}
        if is_blank(value):
            self.report.blank += 1
            return
        self.report.marks += 1
        mark = parse_mark(value)
        try:
            rated_at = parse_time(values.get(self.columns.fields.get("rated_at", "")))
            occasion = _occasion(values.get(self.columns.fields.get("occasion", "")))
        except (ValueError, OverflowError):
            self.reject(row.line, "no_date_or_occasion", named, f"of {rater or 'nobody'}")
            return
        if not rater or "\0" in rater:
            self.reject(row.line, "no_rater", named, "")
        elif mark is None:
            self.reject(row.line, "no_number", named, f"{rater}: {plain(value)[:60]}")
        else:
            yield _Given(row.line, named, rater, mark, rated_at, occasion)

    def link(self, given: Sequence[_Given], tracks: Tracks, scale: Scale) -> list[_Linked]:
        """Marks on our scale with their tracks; out of range, unmatched and ambiguous ones are rejected."""
        found = []
        for one, rating in zip(given, scale.convert([one.mark.value for one in given]), strict=True):
            if rating is None:
                self.reject(
                    one.line, "out_of_range", one.named, f"{one.rater}: {one.mark.value:g} is not in {scale.name}"
                )
                continue
            link = tracks.find(one.named)
            if link.problem is not None or link.track is None:
                candidates = [
                    {"track_id": t.track_id, "artist": t.artist, "title": t.title, "score": s}
                    for t, s in link.candidates
                ]
                self.reject(one.line, link.problem or "unmatched", one.named, link.reason, candidates)
                continue
            found.append(_Linked(one, link, rating))
        return found

    def settled(self, conn: psycopg.Connection, linked: Sequence[_Linked], scale: Scale) -> list[queries.ImportedMark]:
        """One mark for each track, rater and occasion; duplicates and conflicts are rejected."""
        known = queries.known_marks(conn, self.report.source, sorted({one.track_id for one in linked}))
        together: dict[tuple[int, str], list[_Linked]] = defaultdict(list)
        for one in linked:
            together[one.track_id, one.given.rater].append(one)
        marks = []
        for (track_id, rater), ones in together.items():
            for occasion, one in self._occasions(ones, known.get((track_id, rater), {})):
                given, key = one.given, one.link.key or "fuzzy"
                self.matched[key] += 1
                marks.append(
                    queries.ImportedMark(
                        track_id, rater, occasion, given.line, key, one.link.score, given.mark.value, scale.name,
                        scale.conversion, one.rating, given.rated_at,
                    )
                )  # fmt: skip
        self.report.repeats = len(marks) - len({(mark.track_id, mark.rater) for mark in marks})
        return marks

    def _occasions(
        self, ones: Sequence[_Linked], known: Mapping[int, dt.datetime | None]
    ) -> Iterator[tuple[int, _Linked]]:
        """The occasion of each mark that one rater gave one track: as told, else by its time; without either, the first."""
        at_once: dict[tuple[int | None, dt.datetime | None], list[_Linked]] = defaultdict(list)
        for one in ones:
            at_once[one.given.occasion, None if one.given.occasion else one.given.rated_at].append(one)
        taken: dict[int, dt.datetime | None] = dict(known)
        used: set[int] = set()
        for (told, at), same in sorted(at_once.items(), key=_in_time):
            if len({one.rating for one in same}) > 1:
                lines = ", ".join(str(one.given.line) for one in same)
                for one in same:
                    reason = f"{one.given.rater}: {one.given.mark.value:g}, and other marks in lines {lines}"
                    self.reject(
                        one.given.line,
                        "conflict",
                        one.given.named,
                        f"{reason}; a date or an occasion would tell them apart",
                    )
                continue
            for one in same[1:]:
                self.reject(one.given.line, "duplicate", one.given.named, f"as line {same[0].given.line}")
            occasion = told or _free(at, taken, used)
            used.add(occasion)
            taken[occasion] = at
            yield occasion, same[0]

    def reject(
        self, line: int, reason: str, named: Named, detail: str, candidates: list[dict[str, Any]] | None = None
    ) -> None:
        """Count a mark as rejected and keep it for the list."""
        self.rejected[reason] += 1
        self.rejects.add(line, f"{reason}: {detail}" if detail else reason, named.artist, named.title)
        if len(self.problems[reason]) < SHOWN:
            shown_ = {"line": line, "artist": named.artist, "title": named.title, "detail": detail}
            self.problems[reason].append(shown_ | ({"candidates": candidates} if candidates else {}))

    def finish(self) -> None:
        """Put the counts into the report."""
        self.report.matched = dict(sorted(self.matched.items()))
        self.report.rejected = dict(sorted(self.rejected.items()))
        self.report.problems = dict(sorted(self.problems.items()))


def _in_time(group: tuple[tuple[int | None, dt.datetime | None], list[_Linked]]) -> tuple[int, dt.datetime, int]:
    (told, at), same = group
    return told or 0, at or dt.datetime.min.replace(tzinfo=dt.UTC), same[0].given.line


def _free(at: dt.datetime | None, taken: Mapping[int, dt.datetime | None], used: set[int]) -> int:
    """The occasion of a mark of this time: one already known of it, one known without a time, else the next."""
    if at is None:
        return next(number for number in range(1, MOST_OCCASIONS + 2) if number not in used)
    for wanted in (at, None):
        for number, known in sorted(taken.items()):
            if known == wanted and number not in used:
                return number
    return next(number for number in range(1, MOST_OCCASIONS + 2) if number not in used and number not in taken)


def _occasion(value: Any) -> int | None:
    if is_blank(value):
        return None
    number = int(plain(value).removesuffix(".0"))
    if not 1 <= number <= MOST_OCCASIONS:
        raise ValueError(f"occasion {number}")
    return number


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
