"""The SQL of importing audio features from files; no decisions."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter

import psycopg


@dataclass(frozen=True)
class ImportedFeatures:
    """A row of imported_audio_features: shares 0 to 1, loudness in dB, tempo in beats a minute; None where the file says nothing."""

    dataset: str
    row_key: str
    spotify_id: str | None
    isrc: str | None
    artist: str
    title: str
    artist_key: str
    title_key: str
    duration_ms: int | None
    danceability: float | None
    energy: float | None
    valence: float | None
    acousticness: float | None
    instrumentalness: float | None
    speechiness: float | None
    liveness: float | None
    loudness_db: float | None
    tempo_bpm: float | None


_COLUMNS = [field.name for field in fields(ImportedFeatures)]
_LISTED = ", ".join(_COLUMNS)
_VALUES = attrgetter(*_COLUMNS)
_FIGURES = [name for name in _COLUMNS if name not in ("dataset", "row_key")]
_BEGIN = (
    "select pg_advisory_xact_lock(hashtextextended('rap_platform import of audio features', 0))",
    "drop table if exists pg_temp.features_staged, pg_temp.features_seen",
    f"create temporary table features_staged on commit drop as select {_LISTED} from imported_audio_features with no data",
    "alter table pg_temp.features_staged add column line bigint",
    "create temporary table features_seen (dataset text, row_key text, primary key (dataset, row_key)) on commit drop",
)

_DUPLICATES = """
with first as (
    select distinct on (dataset, row_key) dataset, row_key, line from pg_temp.features_staged order by dataset, row_key, line
),
fresh as (insert into pg_temp.features_seen select dataset, row_key from first on conflict do nothing returning dataset, row_key),
gone as (
    delete from pg_temp.features_staged s
    where not exists (
        select from first join fresh using (dataset, row_key)
        where (first.dataset, first.row_key, first.line) = (s.dataset, s.row_key, s.line)
    )
    returning s.line, s.artist, s.title
)
select line, artist, title from gone order by line
"""

_COUNTED = f"""
select count(*) filter (where i.row_key is null),
       count(*) filter (where ({", ".join(f"i.{name}" for name in _FIGURES)}) is not distinct from ({", ".join(f"s.{name}" for name in _FIGURES)})),
       count(*)
from pg_temp.features_staged s left join imported_audio_features i using (dataset, row_key)
"""

_STORE = f"""
insert into imported_audio_features ({_LISTED})
select {_LISTED} from pg_temp.features_staged
on conflict (dataset, row_key) do update
set {", ".join(f"{name} = excluded.{name}" for name in _FIGURES)}, imported_at = now()
where ({", ".join(f"imported_audio_features.{name}" for name in _FIGURES)})
      is distinct from ({", ".join(f"excluded.{name}" for name in _FIGURES)})
"""


def begin(conn: psycopg.Connection) -> None:
    """Wait for other imports and make the tables of one import, which go with its transaction."""
    for statement in _BEGIN:
        conn.execute(statement)


def stage(conn: psycopg.Connection, rows: Iterable[tuple[int, ImportedFeatures]]) -> list[tuple[int, str, str]]:
    """Bring rows (line, features) to the server; gives those (line, artist, title) whose key the file had before, which are dropped."""
    with conn.cursor() as cursor, cursor.copy(f"copy pg_temp.features_staged ({_LISTED}, line) from stdin") as copy:
        for line, row in rows:
            copy.write_row((*_VALUES(row), line))
    return [(line, artist, title) for line, artist, title in conn.execute(_DUPLICATES)]


def stamp(conn: psycopg.Connection) -> None:
    """Say that what this import stored came in now: tracks that were asked for while it ran are asked for again."""
    query = (
        "update imported_audio_features set imported_at = clock_timestamp() where imported_at = transaction_timestamp()"
    )
    conn.execute(query)


def store(conn: psycopg.Connection, *, keep: bool) -> tuple[int, int, int]:
    """Store what is staged where it differs, if it is to be kept; gives how many rows are new, unchanged and changed."""
    row = conn.execute(_COUNTED).fetchone()
    assert row is not None
    new, unchanged, total = map(int, row)
    if keep:
        conn.execute(_STORE)
    conn.execute("truncate pg_temp.features_staged")
    return new, unchanged, total - new - unchanged
