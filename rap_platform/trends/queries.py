"""All SQL of the stage: songs with what trends look at, cheap digests, stored reports."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from rap_platform.trends.series import Song

KIND = "trend_report"

_POPULATIONS = "select distinct simulated from tracks order by simulated"

_STATE = """
select concat_ws('|',
    (select concat_ws(',', count(*), max(updated_at), count(year), count(duplicate_of), max(track_id)) from tracks where simulated = %(simulated)s),
    (select concat_ws(',', count(*), max(f.computed_at), max(f.version))
     from lyric_features f join tracks t using (track_id) where t.simulated = %(simulated)s),
    (select concat_ws(',', count(*), max(a.analysis_id), extract(epoch from max(a.created_at)))
     from analysis_results a join tracks t using (track_id) where t.simulated = %(simulated)s))
"""

_ANALYZERS = """
select a.analyzer, count(distinct a.track_id)
from analysis_results a join tracks t using (track_id)
where t.simulated = %(simulated)s and a.status = 'ok' and a.input_sha256 = t.lyrics_sha256
  and (not a.simulated or t.simulated)
group by a.analyzer
order by 2 desc, a.analyzer = 'rule_based' desc, a.analyzer
limit 1
"""

_COUNTS = """
select count(*) filter (where year is not null), count(*) filter (where year is null)
from tracks where simulated = %(simulated)s and duplicate_of is null
"""

# A simulated analysis of a real song never counts, nor what was said or heard of another wording.
_SONGS = """
with heard as (
    select distinct on (f.track_id) f.track_id, f.rhyme_density
    from lyric_features f join tracks t using (track_id)
    where t.simulated = %(simulated)s and f.status = 'ok' and f.input_sha256 = t.lyrics_sha256
    order by f.track_id, f.computed_at desc, f.version desc
), said as (
    select distinct on (a.track_id) a.track_id, a.themes, a.primary_mood
    from analysis_results a join tracks t using (track_id)
    where t.simulated = %(simulated)s and a.analyzer = %(analyzer)s and a.status = 'ok' and a.input_sha256 = t.lyrics_sha256
      and (not a.simulated or t.simulated)
    order by a.track_id, a.created_at desc, a.analysis_id desc
)
select t.track_id, t.artist_id, t.year, heard.rhyme_density, said.themes, said.primary_mood
from tracks t left join heard using (track_id) left join said using (track_id)
where t.simulated = %(simulated)s and t.year is not null and t.duplicate_of is null
order by t.track_id
"""

_KNOWN = "update reports set created_at = now() where kind = 'trend_report' and input_digest = %(digest)s returning body, markdown"

_INSERT = """
insert into reports (kind, input_digest, body, markdown, simulated)
values ('trend_report', %(digest)s, %(body)s, %(markdown)s, %(simulated)s)
on conflict (kind, input_digest) do update set body = excluded.body, markdown = excluded.markdown, created_at = now()
"""

_LATEST = """
select body, markdown, simulated, created_at
from reports
where kind = 'trend_report' and simulated = %(simulated)s
order by created_at desc
limit 1
"""

_POPULATION_OF_SERIES = """
select count(*) from reports
where kind = 'trend_report' and (body ->> 'simulated')::boolean is distinct from simulated
"""


@dataclass(frozen=True)
class Counts:
    """Songs of a population with and without a year, near-duplicates left out."""

    with_year: int
    without_year: int


def populations(conn: psycopg.Connection) -> list[bool]:
    """Which populations have tracks: False for real, True for simulated."""
    return [row[0] for row in conn.execute(_POPULATIONS)]


def state(conn: psycopg.Connection, simulated: bool) -> str:
    """A text that changes when tracks, features or analyses of the population do."""
    row = conn.execute(_STATE, {"simulated": simulated}).fetchone()
    return "" if row is None else str(row[0])


def analyzer(conn: psycopg.Connection, simulated: bool) -> str | None:
    """The analyzer that covers most songs of the population; the rules win a tie."""
    row = conn.execute(_ANALYZERS, {"simulated": simulated}).fetchone()
    return None if row is None else str(row[0])


def counts(conn: psycopg.Connection, simulated: bool) -> Counts:
    """How many songs have a year."""
    row = conn.execute(_COUNTS, {"simulated": simulated}).fetchone()
    return Counts(0, 0) if row is None else Counts(*row)


def songs(conn: psycopg.Connection, simulated: bool, analyzer: str | None) -> list[Song]:
    """Songs with a year, each original once."""
    rows = conn.execute(_SONGS, {"simulated": simulated, "analyzer": analyzer or ""})
    return [
        Song(track, artist, year, density, None if themes is None else tuple(themes), mood)
        for track, artist, year, density, themes, mood in rows
    ]


def known(conn: psycopg.Connection, digest: str) -> dict[str, Any] | None:
    """The stored report of exactly this input, made the newest; None when there is none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_KNOWN, {"digest": digest}).fetchone()


def insert(conn: psycopg.Connection, digest: str, body: dict[str, Any], markdown: str) -> None:
    """Store a report."""
    conn.execute(_INSERT, {"digest": digest, "body": Jsonb(body), "markdown": markdown, "simulated": body["simulated"]})


def latest(conn: psycopg.Connection, simulated: bool) -> dict[str, Any] | None:
    """The newest trend report of a population."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LATEST, {"simulated": simulated}).fetchone()


def mislabelled(conn: psycopg.Connection) -> int:
    """Reports whose body and row disagree on whether they are simulated."""
    row = conn.execute(_POPULATION_OF_SERIES).fetchone()
    return 0 if row is None else int(row[0])
