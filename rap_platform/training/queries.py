"""SQL of the stage: dataset versions and the rows that features are made of. That of ratings is in rating_queries.py."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from rap_platform.lyrics.duplicates import LINKER_VERSION, Signature
from rap_platform.training.commercial import Attention
from rap_platform.training.dataset import Member, Plan, Row
from rap_platform.training.dataset_diff import Described
from rap_platform.training.labels import Rating

# A simulated mark or analysis of a real track never counts, nor what was said or heard of another wording.
# The filter's number is the analyst's own (raw_confidence): how clear the song is to it. The calibrated confidence says how often such
# an analyst is right about moods, so under an analyst that is often wrong no song would pass, however clear it is.
# `family` is the original at the end of the chain of duplicates.
_RATED_TRACKS = """
with recursive rated as (
    select distinct r.track_id from ratings r join tracks t using (track_id) where r.simulated = t.simulated
), chain (track_id, ancestor, depth) as (
    select t.track_id, t.duplicate_of, 1 from tracks t join rated using (track_id) where t.duplicate_of is not null
    union all
    select c.track_id, t.duplicate_of, c.depth + 1
    from chain c join tracks t on t.track_id = c.ancestor
    where t.duplicate_of is not null and c.depth < 20
), family as (
    select distinct on (track_id) track_id, ancestor from chain order by track_id, depth desc
), confidence as (
    select a.track_id, max(a.raw_confidence) as confidence
    from analysis_results a join rated using (track_id) join tracks t using (track_id)
    where a.status = 'ok' and a.input_sha256 = t.lyrics_sha256 and (not a.simulated or t.simulated)
    group by a.track_id
), heard as (
    select distinct on (f.track_id) f.track_id, f.status
    from lyric_features f join rated using (track_id) join tracks t using (track_id)
    where f.input_sha256 = t.lyrics_sha256
    order by f.track_id, f.computed_at desc, f.version desc
)
select t.track_id, t.source, t.source_id, t.artist_id, t.artist, t.title, t.featured as guests, t.lyrics_sha256,
       length(t.lyrics) as characters, coalesce(family.ancestor, t.track_id) as family, t.simulated,
       confidence.confidence, heard.status as features, t.genre, t.year, t.language, t.views, s.popularity
from rated
join tracks t using (track_id)
left join family using (track_id)
left join confidence using (track_id)
left join heard using (track_id)
left join spotify_tracks s on s.track_id = t.track_id and s.status = 'matched' and (not s.simulated or t.simulated)
order by t.track_id
"""

_RATINGS = """
select r.track_id, r.source || ':' || r.rater as rater, r.rating, r.occasion
from ratings r join tracks t using (track_id)
where r.simulated = t.simulated
order by r.track_id, r.source, r.rater, r.occasion
"""

_LYRICS = "select track_id, lyrics from tracks where track_id = any(%(track_ids)s)"

_INSERT_VERSION = """
insert into dataset_versions (version, content_digest, seed, train_count, eval_count, simulated, card)
values (%(version)s, %(digest)s, %(seed)s, %(train)s, %(eval)s, %(simulated)s, %(card)s)
"""

_COPY_MEMBERS = "copy dataset_members (version, track_id, split, label, group_key, lyrics_sha256) from stdin"

# Content that comes back (a rating was corrected, then put right) is current again under its old name.
_BY_DIGEST = "select version from dataset_versions where content_digest = %(digest)s"
_MAKE_CURRENT = """
update dataset_versions set created_at = now()
where version = %(version)s and exists (
    select from dataset_versions other where other.version <> %(version)s and other.created_at >= dataset_versions.created_at
)
"""
_FORGET_MEMBERS = "delete from dataset_members where version = %(version)s"

_CURRENT = """
select version, content_digest as digest, card ->> 'population' as population, simulated, train_count, eval_count, card
from dataset_versions
where %(population)s = 'auto' and card ->> 'population' <> 'mixed' or card ->> 'population' = %(population)s
order by created_at desc, version
limit 1
"""

_MEMBERS = "select track_id, split, label, group_key, lyrics_sha256 from dataset_members where version = %(version)s order by track_id"

_FEATURES = """
select distinct on (f.track_id) f.track_id, f.version, {columns}
from lyric_features f join dataset_members m using (track_id)
where m.version = %(version)s and f.status in ('ok', 'low_confidence')
order by f.track_id, f.computed_at desc, f.version desc
"""

_VECTORS = """
select v.track_id, v.embedding
from track_vectors_minilm v join dataset_members m using (track_id)
where m.version = %(version)s and v.kind = 'lyrics'
"""

_INPUTS = """
select coalesce((
    select string_agg(part, ',' order by part) from (
        select distinct f.version || ':' || count(*) over (partition by f.version) as part
        from lyric_features f join dataset_members m using (track_id) where m.version = %(version)s
    ) versions), ''),
    (select md5(coalesce(string_agg(v.track_id || ':' || v.input_sha256, ',' order by v.track_id), ''))
     from track_vectors_minilm v join dataset_members m using (track_id) where m.version = %(version)s and v.kind = 'lyrics')
"""

_VERSIONS = """
select version, content_digest as digest, card ->> 'population' as population, simulated, train_count, eval_count, card, created_at, seed
from dataset_versions
order by created_at desc, version
"""

_DESCRIBED = """
select m.track_id, m.split, m.label, m.lyrics_sha256, t.artist, t.title, t.genre, t.year, t.language
from dataset_members m join tracks t using (track_id)
where m.version = %(version)s
order by m.track_id
"""

# A simulated popularity of a real track is none.
_ATTENTION = """
select m.track_id, t.views, s.popularity
from dataset_members m
join tracks t using (track_id)
left join spotify_tracks s on s.track_id = m.track_id and s.status = 'matched' and (not s.simulated or t.simulated)
where m.version = %(version)s
order by m.track_id
"""

_SIGNATURES = """
select s.track_id, s.signature
from track_signatures s join tracks t using (track_id)
where s.track_id = any(%(track_ids)s) and s.lyrics_sha256 = t.lyrics_sha256 and s.linker_version = %(linker)s
"""

_ARTISTS_ON_BOTH_SIDES = """
select t.artist
from dataset_members m join tracks t using (track_id)
where m.version = %(version)s
group by t.artist_id, t.artist
having count(distinct m.split) > 1
order by t.artist
"""

_GROUPS_ON_BOTH_SIDES = """
select m.group_key, array_agg(t.artist || ', ' || t.title || ' (' || m.split || ')' order by m.split, m.track_id)
from dataset_members m join tracks t using (track_id)
where m.version = %(version)s
group by m.group_key
having count(distinct m.split) > 1
order by m.group_key
"""

_DUPLICATES_ON_BOTH_SIDES = """
with member as (
    select m.split, t.lyrics_sha256, coalesce(o.duplicate_of, t.duplicate_of, t.track_id) as family, t.title
    from dataset_members m join tracks t using (track_id) left join tracks o on o.track_id = t.duplicate_of
    where m.version = %(version)s
)
select min(title) from member group by family having count(distinct split) > 1
union
select min(title) from member group by lyrics_sha256 having count(distinct split) > 1
"""

_LABELS = """
select count(*), min(label), max(label), count(distinct label), coalesce(stddev_samp(label), 0)
from dataset_members where version = %(version)s
"""

_LABELS_OUT_OF_RANGE = """
select t.artist || ', ' || t.title, m.label
from dataset_members m join tracks t using (track_id)
where m.version = %(version)s and not m.label between 1 and 10
order by m.track_id
"""


@dataclass(frozen=True)
class Version:
    """A stored dataset version."""

    version: str
    digest: str
    population: str
    simulated: bool
    train_count: int
    eval_count: int
    card: dict[str, Any]


@dataclass(frozen=True)
class Stored(Version):
    """A version with when it was made (or last became current) and its seed."""

    created_at: datetime
    seed: int


def rated_tracks(conn: psycopg.Connection) -> list[Row]:
    """Every rated track with what decides about it; no lyrics."""
    with conn.cursor(row_factory=class_row(Row)) as cursor:
        rows = cursor.execute(_RATED_TRACKS).fetchall()
    return [replace(row, guests=tuple(row.guests)) for row in rows]


def ratings(conn: psycopg.Connection) -> dict[int, list[Rating]]:
    """Marks by track."""
    grouped: dict[int, list[Rating]] = {}
    for track_id, *mark in conn.execute(_RATINGS):
        grouped.setdefault(track_id, []).append(Rating(track_id, *mark))
    return grouped


def lyrics(conn: psycopg.Connection, track_ids: Sequence[int]) -> dict[int, str]:
    """Lyrics by track."""
    return dict(conn.execute(_LYRICS, {"track_ids": list(track_ids)}).fetchall())


def use_again(conn: psycopg.Connection, plan: Plan) -> str | None:
    """Make the stored version with the plan's content the current one; None when there is none.

    Nothing is written when it is current already and whole. Members whose tracks were deleted and came back under other ids
    are put in again.
    """
    row = conn.execute(_BY_DIGEST, {"digest": plan.digest}).fetchone()
    if row is None:
        return None
    version = str(row[0])
    conn.execute(_MAKE_CURRENT, {"version": version})
    if {member.track_id for member in members(conn, version)} != {member.track_id for member in plan.members}:
        conn.execute(_FORGET_MEMBERS, {"version": version})
        _insert_members(conn, version, plan.members)
    return version


def insert_dataset(conn: psycopg.Connection, plan: Plan, *, seed: int, simulated: bool) -> None:
    """Store a version and its members."""
    counts = {"train": plan.count("train"), "eval": plan.count("eval")}
    row = {
        "version": plan.version,
        "digest": plan.digest,
        "seed": seed,
        "simulated": simulated,
        "card": Jsonb(plan.card),
        **counts,
    }
    conn.execute(_INSERT_VERSION, row)
    _insert_members(conn, plan.version, plan.members)


def _insert_members(conn: psycopg.Connection, version: str, members: Iterable[Member]) -> None:
    with conn.cursor() as cursor, cursor.copy(_COPY_MEMBERS) as copy:
        for m in members:
            copy.write_row((version, m.track_id, m.split, m.label, m.group_key, m.lyrics_sha256))


def current_dataset(conn: psycopg.Connection, population: str) -> Version | None:
    """The newest version of `population`; auto never gives a mixed one."""
    with conn.cursor(row_factory=class_row(Version)) as cursor:
        return cursor.execute(_CURRENT, {"population": population}).fetchone()


def versions(conn: psycopg.Connection) -> list[Stored]:
    """All versions that are kept, the one made or used last first."""
    with conn.cursor(row_factory=class_row(Stored)) as cursor:
        return cursor.execute(_VERSIONS).fetchall()


def described(conn: psycopg.Connection, version: str) -> list[Described]:
    """The tracks of a version with what a comparison of versions shows of them, by track id."""
    with conn.cursor(row_factory=class_row(Described)) as cursor:
        return cursor.execute(_DESCRIBED, {"version": version}).fetchall()


def signatures(conn: psycopg.Connection, track_ids: Sequence[int]) -> dict[int, Signature]:
    """The MinHash signatures that the linker has stored of these tracks' present lyrics."""
    rows = conn.execute(_SIGNATURES, {"track_ids": list(track_ids), "linker": LINKER_VERSION})
    return {track_id: np.frombuffer(sketch, dtype="<u4").astype(np.uint32) for track_id, sketch in rows}


def members(conn: psycopg.Connection, version: str) -> list[Member]:
    """The tracks of a version, by track id."""
    with conn.cursor(row_factory=class_row(Member)) as cursor:
        return cursor.execute(_MEMBERS, {"version": version}).fetchall()


def feature_rows(conn: psycopg.Connection, version: str, columns: Sequence[str]) -> dict[int, tuple[Any, ...]]:
    """The newest lyric features of each member, values in the order of `columns` (names from code, never from outside)."""
    query = _FEATURES.format(columns=", ".join(f"f.{column}" for column in columns))
    return {row[0]: row[2:] for row in conn.execute(query.encode(), {"version": version})}


def lyric_vectors(conn: psycopg.Connection, version: str) -> dict[int, np.ndarray]:
    """The lyrics embedding of each member, float32."""
    rows = conn.execute(_VECTORS, {"version": version}).fetchall()
    return {track_id: vector.to_numpy().astype(np.float32) for track_id, vector in rows}


def input_versions(conn: psycopg.Connection, version: str) -> tuple[str, str]:
    """Which feature versions and vectors a model of this dataset would see: (versions with counts, digest of the vectors)."""
    features, vectors = _one(conn.execute(_INPUTS, {"version": version}))
    return str(features), str(vectors)


def attention(conn: psycopg.Connection, version: str) -> list[Attention]:
    """Views and popularity of each member."""
    with conn.cursor(row_factory=class_row(Attention)) as cursor:
        return cursor.execute(_ATTENTION, {"version": version}).fetchall()


def artists_on_both_sides(conn: psycopg.Connection, version: str) -> list[str]:
    """Artists with tracks in train and in eval."""
    return [row[0] for row in conn.execute(_ARTISTS_ON_BOTH_SIDES, {"version": version})]


def duplicates_on_both_sides(conn: psycopg.Connection, version: str) -> list[str]:
    """Titles whose near-duplicates or exact copies stand in train and in eval."""
    return [row[0] for row in conn.execute(_DUPLICATES_ON_BOTH_SIDES, {"version": version})]


def groups_on_both_sides(conn: psycopg.Connection, version: str) -> dict[str, list[str]]:
    """Groups with tracks in train and in eval: their tracks by group key."""
    return dict(conn.execute(_GROUPS_ON_BOTH_SIDES, {"version": version}).fetchall())


def labels_out_of_range(conn: psycopg.Connection, version: str) -> list[tuple[str, float]]:
    """Tracks (artist, title) whose label is no number from 1 to 10."""
    return conn.execute(_LABELS_OUT_OF_RANGE, {"version": version}).fetchall()


def label_summary(conn: psycopg.Connection, version: str) -> tuple[int, float, float, int, float]:
    """Count, smallest, largest, distinct values and standard deviation of the labels."""
    count, low, high, distinct, deviation = _one(conn.execute(_LABELS, {"version": version}))
    return count, low, high, distinct, deviation


def _one(cursor: psycopg.Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise LookupError("an aggregate query returned no row")
    return row
