"""SQL about ratings: the panel's marks, imports and what they said, counts and the state of all marks; no decisions."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from rap_platform.training.panel import PanelRating
from rap_platform.training.rating_cells import Rating
from rap_platform.training.rating_matching import Track

_UNRATED = """
select t.source_id, t.track_id
from tracks t
where t.source = 'genius' and t.simulated
  and not exists (select 1 from ratings r where r.track_id = t.track_id and r.source = 'panel')
order by t.track_id
"""

_UPSERT_PANEL = """
insert into ratings (track_id, rater, source, occasion, rating, simulated, rated_at)
values (%(track_id)s, %(rater)s, 'panel', %(occasion)s, %(rating)s, true, %(rated_at)s)
on conflict (track_id, rater, source, occasion) do update
set rating = excluded.rating, simulated = excluded.simulated, rated_at = excluded.rated_at
where ratings.rating is distinct from excluded.rating
"""

_COUNTS = """
select t.simulated, r.source, count(distinct r.track_id), count(*), count(distinct r.rater), count(*) filter (where r.occasion > 1)
from ratings r join tracks t using (track_id)
where r.simulated = t.simulated
group by t.simulated, r.source
order by t.simulated, r.source
"""

# Only what can become a label counts: a sum over hashes of the marks changes with each mark added, changed or removed, in whatever
# order they are read.
_STATE = """
select count(*), coalesce(sum(hashtextextended(
    concat_ws('|', r.track_id, r.source, length(r.rater), r.rater, r.occasion, r.rating, r.simulated), 0)::numeric), 0)
from ratings r join tracks t using (track_id)
where r.simulated = t.simulated
"""

_MISPLACED = "select count(*) from ratings r join tracks t using (track_id) where r.simulated <> t.simulated"

_MARKS = """
select r.track_id, r.source || ':' || r.rater, r.rating, r.occasion
from ratings r join tracks t using (track_id)
where r.simulated = t.simulated and t.simulated = %(simulated)s
order by r.track_id, r.source, r.rater, r.occasion
"""

_TRACKS = """
select t.track_id, t.artist, t.title, t.featured, t.year, case when t.source = 'genius' then t.source_id end as genius_id,
       s.isrc, coalesce(t.duplicate_of, t.track_id) as family, t.simulated
from tracks t left join spotify_tracks s on s.track_id = t.track_id and s.status = 'matched'
order by t.track_id
"""

_KNOWN_MARKS = """
select track_id, rater, occasion, rated_at from ratings where source = %(source)s and track_id = any(%(track_ids)s)
"""

_LOCK_IMPORTS = "select pg_advisory_xact_lock(hashtext('rating_imports'))"

_IMPORT = """
insert into rating_imports (file_name, file_sha256, source, scale, rater, report)
values (%(file_name)s, %(file_sha256)s, %(source)s, %(scale)s, %(rater)s, '{}')
on conflict (file_sha256, source, scale, rater) do update set file_name = excluded.file_name
returning import_id
"""

_STAGE = "create temporary table staged_ratings (like imported_ratings including defaults) on commit drop"
_COPY = """
copy staged_ratings (import_id, track_id, rater, occasion, line, linked_by, score, raw_value, scale, conversion, rating, rated_at)
from stdin
"""

# What an import said before and says no longer is gone; what counts is settled afterwards.
_FORGET = """
delete from imported_ratings i
where i.import_id = %(import_id)s
  and not exists (select from staged_ratings s
                  where (s.track_id, s.rater, s.occasion) = (i.track_id, i.rater, i.occasion))
"""
_KEEP = """
insert into imported_ratings select * from staged_ratings
on conflict (import_id, track_id, rater, occasion) do update
set line = excluded.line, linked_by = excluded.linked_by, score = excluded.score, raw_value = excluded.raw_value,
    scale = excluded.scale, conversion = excluded.conversion, rating = excluded.rating, rated_at = excluded.rated_at
"""

_FINISH = (
    "update rating_imports set report = %(report)s, imported_at = clock_timestamp() where import_id = %(import_id)s"
)

# Of all imports that say what a rater thought of a track on an occasion, the newest counts.
_WINNERS = """
select distinct on (i.track_id, i.rater, i.occasion)
       i.track_id, i.rater, i.occasion, i.rating, i.raw_value, i.scale, i.conversion, i.import_id, i.rated_at
from imported_ratings i join rating_imports m using (import_id)
where m.source = %(source)s
order by i.track_id, i.rater, i.occasion, m.imported_at desc, i.import_id desc
"""
_SETTLE_REMOVED = f"""
with winner as ({_WINNERS})
delete from ratings r
where r.source = %(source)s and r.import_id is not null
  and not exists (select from winner w where (w.track_id, w.rater, w.occasion) = (r.track_id, r.rater, r.occasion))
"""
_SETTLE = f"""
with winner as ({_WINNERS}), stored as (
    insert into ratings (track_id, rater, source, occasion, rating, raw_value, scale, conversion, import_id, simulated, rated_at)
    select track_id, rater, %(source)s, occasion, rating, raw_value, scale, conversion, import_id, false, rated_at from winner
    on conflict (track_id, rater, source, occasion) do update
    set rating = excluded.rating, raw_value = excluded.raw_value, scale = excluded.scale, conversion = excluded.conversion,
        import_id = excluded.import_id, rated_at = excluded.rated_at
    where (ratings.rating, ratings.raw_value, ratings.scale, ratings.conversion, ratings.import_id, ratings.rated_at)
          is distinct from
          (excluded.rating, excluded.raw_value, excluded.scale, excluded.conversion, excluded.import_id, excluded.rated_at)
    returning 1
) select count(*) from stored
"""

_BEFORE = "select track_id, rater, occasion, rating from ratings where source = %(source)s"

_IMPORTS = """
select m.import_id, m.file_name, m.file_sha256, m.source, m.scale, m.rater, m.imported_at, m.report,
       count(r.track_id)::int as counting, (select count(*)::int from imported_ratings i where i.import_id = m.import_id) as marks
from rating_imports m left join ratings r using (import_id)
group by m.import_id
order by m.import_id
"""

_REMOVE = "delete from rating_imports where import_id = %(import_id)s returning source"

_LIST = """
select t.track_id, t.artist, t.title, t.simulated, count(*)::int as marks, count(distinct r.source || ':' || r.rater)::int as raters,
       avg(r.rating)::float as mean, min(r.rating) as lowest, max(r.rating) as highest
from ratings r join tracks t using (track_id)
where r.simulated = t.simulated and (%(rater)s::text is null or r.rater = %(rater)s)
group by t.track_id
order by mean desc, t.track_id
limit %(limit)s
"""

_REPORT = "select body from reports where kind = 'ratings' and input_digest = %(digest)s"
_STORE_REPORT = """
insert into reports (kind, input_digest, body, markdown, simulated) values ('ratings', %(digest)s, %(body)s, '', %(simulated)s)
on conflict (kind, input_digest) do nothing
"""
_OLD_REPORTS = "delete from reports where kind = 'ratings' and input_digest <> %(digest)s"


@dataclass(frozen=True)
class ImportedMark:
    """A mark of a file, linked and converted."""

    track_id: int
    rater: str
    occasion: int
    line: int
    linked_by: str
    score: float
    raw_value: float
    scale: str
    conversion: str
    rating: float
    rated_at: dt.datetime | None


@dataclass(frozen=True)
class Changes:
    """What an import or a removal did to the marks that count."""

    new: int
    changed: int
    removed: int


@dataclass(frozen=True)
class Import:
    """A row of rating_imports; `marks` it said, `counting` those that no later import says otherwise."""

    import_id: int
    file_name: str
    file_sha256: str
    source: str
    scale: str
    rater: str
    imported_at: dt.datetime
    report: dict[str, Any]
    counting: int
    marks: int


@dataclass(frozen=True)
class RatedTrack:
    """A rated track in a list."""

    track_id: int
    artist: str
    title: str
    simulated: bool
    marks: int
    raters: int
    mean: float
    lowest: float
    highest: float


def unrated_tracks(conn: psycopg.Connection) -> dict[str, int]:
    """Track id by Genius id of the simulated songs that the panel has not rated. Genius ids of real songs are not the panel's."""
    return dict(conn.execute(_UNRATED).fetchall())


def upsert_panel_ratings(conn: psycopg.Connection, ratings: Iterable[PanelRating], track_ids: Mapping[str, int]) -> int:
    """Store marks of known tracks; returns how many rows are new or changed."""
    rows = [
        {"track_id": track_ids[r.source_id], "rater": r.rater, "occasion": r.occasion, "rating": r.rating, "rated_at": r.rated_at}
        for r in ratings
        if r.source_id in track_ids
    ]  # fmt: skip
    if not rows:
        return 0
    with conn.cursor() as cursor:
        cursor.executemany(_UPSERT_PANEL, rows)
        return cursor.rowcount


def counts(conn: psycopg.Connection) -> dict[str, dict[str, dict[str, int]]]:
    """Tracks, ratings, raters and repeats by population and source."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for simulated, source, tracks, marks, raters, repeats in conn.execute(_COUNTS):
        figures = {"tracks": tracks, "ratings": marks, "raters": raters, "repeats": repeats}
        found.setdefault("simulated" if simulated else "real", {})[source] = figures
    return found


def state(conn: psycopg.Connection) -> str:
    """A short text that changes whenever a mark that can count is added, changed or removed, and never else."""
    count, digest = conn.execute(_STATE).fetchone() or (0, 0)
    return f"{count}|{digest}"


def misplaced(conn: psycopg.Connection) -> int:
    """Marks of simulated raters for real tracks, and of real ones for simulated tracks; they should not be there."""
    row = conn.execute(_MISPLACED).fetchone()
    return int(row[0]) if row else 0


def marks(conn: psycopg.Connection, *, simulated: bool) -> list[Rating]:
    """All marks of a population that count, raters named with their source."""
    rows = conn.execute(_MARKS, {"simulated": simulated})
    return [Rating(track_id, rater, rating, occasion) for track_id, rater, rating, occasion in rows]


def tracks(conn: psycopg.Connection) -> list[Track]:
    """Every track as far as a file may name it."""
    with conn.cursor(row_factory=class_row(Track)) as cursor:
        found = cursor.execute(_TRACKS).fetchall()
    return [replace(track, featured=tuple(track.featured)) for track in found]


def known_marks(
    conn: psycopg.Connection, source: str, track_ids: Sequence[int]
) -> dict[tuple[int, str], dict[int, dt.datetime | None]]:
    """When each rater of a source marked these tracks: occasion -> time."""
    found: dict[tuple[int, str], dict[int, dt.datetime | None]] = {}
    rows = conn.execute(_KNOWN_MARKS, {"source": source, "track_ids": list(track_ids)})
    for track_id, rater, occasion, rated_at in rows:
        found.setdefault((track_id, rater), {})[occasion] = rated_at
    return found


def lock_imports(conn: psycopg.Connection) -> None:
    """Wait until no other import or removal is under way, and keep others waiting until the transaction ends."""
    conn.execute(_LOCK_IMPORTS)


def store_import(
    conn: psycopg.Connection,
    *,
    file_name: str,
    file_sha256: str,
    source: str,
    scale: str,
    rater: str,
    marks: Sequence[ImportedMark],
    report: Mapping[str, Any],
) -> tuple[int, Changes]:
    """Store what a file said, once for each file, source, scale and rater, and settle which marks count."""
    told = {"file_name": file_name, "file_sha256": file_sha256, "source": source, "scale": scale, "rater": rater}
    row = conn.execute(_IMPORT, told).fetchone()
    if row is None:
        raise LookupError("an insert returned no row")
    import_id = int(row[0])
    with conn.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_COPY) as copy:
            for m in marks:
                copy.write_row(
                    (import_id, m.track_id, m.rater, m.occasion, m.line, m.linked_by, m.score, m.raw_value, m.scale, m.conversion,
                     m.rating, m.rated_at)
                )  # fmt: skip
        cursor.execute(_FORGET, {"import_id": import_id})
        cursor.execute(_KEEP)
        cursor.execute("drop table staged_ratings")
    conn.execute(_FINISH, {"import_id": import_id, "report": Jsonb(dict(report))})
    return import_id, _settle(conn, source)


def remove_import(conn: psycopg.Connection, import_id: int) -> Changes | None:
    """Take an import back; what an earlier one said of the same counts again. None when there is no such import."""
    lock_imports(conn)
    found = conn.execute("select source from rating_imports where import_id = %(import_id)s", {"import_id": import_id})
    if (row := found.fetchone()) is None:
        return None
    before = _before(conn, row[0])
    conn.execute(_REMOVE, {"import_id": import_id})
    return _settle(conn, row[0], before)


def _settle(conn: psycopg.Connection, source: str, before: dict[tuple[Any, ...], float] | None = None) -> Changes:
    before = _before(conn, source) if before is None else before
    conn.execute(_SETTLE_REMOVED, {"source": source})
    conn.execute(_SETTLE, {"source": source})
    after = _before(conn, source)
    return Changes(
        new=len(after.keys() - before.keys()),
        changed=sum(before[key] != after[key] for key in after.keys() & before.keys()),
        removed=len(before.keys() - after.keys()),
    )


def _before(conn: psycopg.Connection, source: str) -> dict[tuple[Any, ...], float]:
    return {tuple(row[:3]): row[3] for row in conn.execute(_BEFORE, {"source": source})}


def imports(conn: psycopg.Connection) -> list[Import]:
    """All imports, oldest first."""
    with conn.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(_IMPORTS).fetchall()


def rated(conn: psycopg.Connection, *, limit: int, rater: str | None = None) -> list[RatedTrack]:
    """Rated tracks, best first; with `rater` by their marks alone."""
    with conn.cursor(row_factory=class_row(RatedTrack)) as cursor:
        return cursor.execute(_LIST, {"limit": limit, "rater": rater}).fetchall()


def stored_report(conn: psycopg.Connection, key: str) -> dict[str, Any] | None:
    """The report of what `key` names."""
    row = conn.execute(_REPORT, {"digest": _digest(key)}).fetchone()
    return None if row is None else row[0]


def store_report(conn: psycopg.Connection, key: str, body: Mapping[str, Any], *, simulated: bool) -> None:
    """Keep a report; older ones are of marks that are no more."""
    told = {"digest": _digest(key), "body": Jsonb(dict(body)), "simulated": simulated}
    conn.execute(_STORE_REPORT, told)
    conn.execute(_OLD_REPORTS, told)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
