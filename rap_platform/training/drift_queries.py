"""The SQL of drift: tracks that are not in a dataset version, what is known of them, and the stored comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from rap_platform.training.labels import Rating

KIND = "drift_report"

# Tracks that could be judged as the members were: heard, no copy of another, of the same population. The newest features count.
_FRESH = """
with heard as (
    select distinct on (f.track_id) f.track_id, f.version, f.status
    from lyric_features f join tracks t using (track_id)
    where f.input_sha256 = t.lyrics_sha256
    order by f.track_id, f.computed_at desc, f.version desc
), fresh as (
    select t.track_id, t.artist_id, t.lyrics_sha256, heard.version, md5(t.source || ':' || t.source_id) as lot
    from tracks t join heard using (track_id)
    where heard.status in ('ok', 'low_confidence') and t.duplicate_of is null
      and (%(population)s = 'mixed' or t.simulated = (%(population)s = 'simulated'))
      and not exists (select from dataset_members m where m.version = %(version)s and m.track_id = t.track_id)
)
"""

_NEW_TRACKS = _FRESH + "select track_id, artist_id, count(*) over () from fresh order by lot limit %(limit)s"

_STATE = (
    _FRESH
    + """
select count(*),
       md5(coalesce(string_agg(concat_ws(':', track_id, lyrics_sha256, version), ',' order by track_id), '')),
       (select md5(coalesce(string_agg(v.track_id || ':' || v.input_sha256, ',' order by v.track_id), ''))
        from track_vectors_minilm v join fresh using (track_id) where v.kind = 'lyrics'),
       (select md5(coalesce(string_agg(concat_ws(':', r.track_id, r.source, r.rater, r.rating), ',' order by r.track_id, r.source, r.rater), ''))
        from ratings r join fresh using (track_id))
from fresh
"""
)

_MEMBERS = """
select m.track_id, t.artist_id, m.label
from dataset_members m join tracks t using (track_id)
where m.version = %(version)s and m.split = 'train'
order by m.track_id
"""

_FEATURES = """
select distinct on (f.track_id) f.track_id, f.version, {columns}
from lyric_features f
where f.track_id = any(%(track_ids)s) and f.status in ('ok', 'low_confidence')
order by f.track_id, f.computed_at desc, f.version desc
"""

_VECTORS = (
    "select track_id, embedding from track_vectors_minilm where kind = 'lyrics' and track_id = any(%(track_ids)s)"
)

_RATINGS = """
select r.track_id, r.source || ':' || r.rater, r.rating, r.occasion
from ratings r join tracks t using (track_id)
where r.simulated = t.simulated and (%(population)s = 'mixed' or t.simulated = (%(population)s = 'simulated'))
order by r.track_id, r.source, r.rater, r.occasion
"""

_BY_DIGEST = "select body, markdown from reports where kind = 'drift_report' and input_digest = %(digest)s"

# A state that comes back is the newest again; nothing is written when it is already.
_MAKE_NEWEST = """
update reports r set created_at = now()
where kind = 'drift_report' and input_digest = %(digest)s and exists (
    select from reports o where o.kind = r.kind and o.input_digest <> r.input_digest and o.created_at >= r.created_at
)
"""

_INSERT = """
insert into reports (kind, input_digest, body, markdown, simulated)
values ('drift_report', %(digest)s, %(body)s, %(markdown)s, %(simulated)s)
on conflict (kind, input_digest) do nothing
"""

_LATEST = """
select body, markdown, simulated, created_at
from reports
where kind = 'drift_report' and body ->> 'dataset' = %(version)s
order by created_at desc
limit 1
"""


@dataclass(frozen=True)
class Learned:
    """A track that was learned from."""

    track_id: int
    artist_id: int
    label: float


def new_tracks(conn: psycopg.Connection, version: str, population: str, limit: int) -> tuple[dict[int, int], int]:
    """Artist by track of at most `limit` tracks that are not in the version (drawn by their names' hash), and how many there are."""
    rows = conn.execute(_NEW_TRACKS, {"version": version, "population": population, "limit": limit}).fetchall()
    return {track_id: artist_id for track_id, artist_id, _ in rows}, rows[0][2] if rows else 0


def state(conn: psycopg.Connection, version: str, population: str) -> str:
    """Changes when a track comes, goes, is heard, embedded or rated anew."""
    row = conn.execute(_STATE, {"version": version, "population": population}).fetchone()
    return "|".join(map(str, row or ()))


def learned_from(conn: psycopg.Connection, version: str) -> list[Learned]:
    """The training side of a version."""
    return [Learned(*row) for row in conn.execute(_MEMBERS, {"version": version})]


def feature_rows(
    conn: psycopg.Connection, track_ids: Sequence[int], columns: Sequence[str]
) -> dict[int, tuple[Any, ...]]:
    """The newest features of these tracks, values in the order of `columns` (names from code, never from outside)."""
    query = _FEATURES.format(columns=", ".join(f"f.{column}" for column in columns))
    return {row[0]: row[2:] for row in conn.execute(query.encode(), {"track_ids": list(track_ids)})}


def lyric_vectors(conn: psycopg.Connection, track_ids: Sequence[int]) -> dict[int, np.ndarray]:
    """The lyrics embedding of these tracks, float32."""
    rows = conn.execute(_VECTORS, {"track_ids": list(track_ids)}).fetchall()
    return {track_id: vector.to_numpy().astype(np.float32) for track_id, vector in rows}


def ratings(conn: psycopg.Connection, population: str) -> list[Rating]:
    """All marks of a population's tracks."""
    return [Rating(*row) for row in conn.execute(_RATINGS, {"population": population})]


def use_again(conn: psycopg.Connection, digest: str) -> dict[str, Any] | None:
    """The stored comparison of exactly this input, made the newest; None when there is none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        stored = cursor.execute(_BY_DIGEST, {"digest": digest}).fetchone()
    if stored is not None:
        conn.execute(_MAKE_NEWEST, {"digest": digest})
    return stored


def insert(conn: psycopg.Connection, digest: str, body: dict[str, Any], markdown: str) -> None:
    """Store a comparison."""
    row = {"digest": digest, "body": Jsonb(body), "markdown": markdown, "simulated": body["simulated"]}
    conn.execute(_INSERT, row)


def latest(conn: psycopg.Connection, version: str) -> dict[str, Any] | None:
    """The newest comparison with this dataset version."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LATEST, {"version": version}).fetchone()
