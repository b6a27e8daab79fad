"""All SQL of this stage."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import NamedTuple

import psycopg

from rap_platform.features.analysis import VERSION, LyricFeatures

COLUMNS = tuple(field.name for field in fields(LyricFeatures))


class Pending(NamedTuple):
    """A track whose features are missing or were made from other lyrics."""

    track_id: int
    lyrics: str
    lyrics_sha256: str
    language: str | None


_PENDING = """
from tracks t
left join lyric_features f
  on f.track_id = t.track_id and f.version = %(version)s and f.input_sha256 = t.lyrics_sha256
where t.slot = any(%(slots)s) and f.track_id is null
"""

COUNT_PENDING = f"select count(*) {_PENDING}"

NEXT_PENDING = f"""
select t.track_id, t.lyrics, t.lyrics_sha256, t.language {_PENDING}
  and t.track_id > %(after)s
order by t.track_id
limit %(limit)s
"""

# Written only if the track still has the lyrics that were measured; a changed track stays pending.
UPSERT = f"""
insert into lyric_features (track_id, version, input_sha256, {", ".join(COLUMNS)}, computed_at)
select t.track_id, %(version)s, t.lyrics_sha256, {", ".join(f"%({name})s" for name in COLUMNS)}, now()
from tracks t
where t.track_id = %(track_id)s and t.lyrics_sha256 = %(lyrics_sha256)s
for key share
on conflict (track_id, version) do update set
    input_sha256 = excluded.input_sha256,
    {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)},
    computed_at = excluded.computed_at
"""

DELETE_OTHER_VERSIONS = "delete from lyric_features where track_id = any(%(track_ids)s) and version <> %(version)s"

SUMMARY = """
select
    count(*) filter (where f.status = 'ok'),
    count(*) filter (where f.status = 'low_confidence'),
    count(*) filter (where f.status = 'too_short'),
    count(*) filter (where f.status = 'not_english'),
    avg(f.rhyme_density),
    avg(f.rhyme_factor),
    avg(f.end_rhyme_share),
    avg(f.out_of_vocabulary_share)
from lyric_features f
join tracks t using (track_id)
where f.version = %(version)s and t.slot = any(%(slots)s)
"""

DENSITIES = """
select f.rhyme_density
from lyric_features f
join tracks t using (track_id)
where f.version = %(version)s and t.slot = any(%(slots)s) and f.rhyme_density is not null
"""

COVERAGE = """
select count(*), count(f.track_id)
from tracks t
left join lyric_features f
  on f.track_id = t.track_id and f.version = %(version)s and f.input_sha256 = t.lyrics_sha256
"""

# Figures that no constraint of the table guards, and figures that should be there, or should not.
IMPLAUSIBLE = """
select
    count(*) filter (where status in ('ok', 'low_confidence') and (
        syllables is null or syllables_per_line is null or rhyme_density is null or end_rhyme_share is null
        or type_token_ratio is null or profanity_rating is null)),
    count(*) filter (where status in ('too_short', 'not_english') and (rhyme_density is not null or type_token_ratio is not null)),
    count(*) filter (where status <> 'ok' and reason is null),
    count(*) filter (where syllables_per_word not between 0.3 and 4 or syllables_per_line < 0.3
        or rhyme_factor not between 0 and 20 or internal_rhymes_per_line < 0 or longest_rhyme_syllables < 0
        or compression_ratio <= 0)
from lyric_features
where version = %(version)s
"""


def count_pending(conn: psycopg.Connection, slots: Sequence[int]) -> int:
    """How many tracks of these slots wait for features."""
    row = conn.execute(COUNT_PENDING, {"version": VERSION, "slots": list(slots)}).fetchone()
    return int(row[0]) if row else 0


def next_pending(conn: psycopg.Connection, slots: Sequence[int], after: int, limit: int) -> list[Pending]:
    """The next waiting tracks in order of their id."""
    found = conn.execute(NEXT_PENDING, {"version": VERSION, "slots": list(slots), "after": after, "limit": limit})
    return [Pending(*row) for row in found]


def store(conn: psycopg.Connection, rows: Sequence[tuple[Pending, LyricFeatures]]) -> int:
    """Insert or update a batch; returns how many rows were written (a track that changed meanwhile is left pending)."""
    with conn.cursor() as cursor:
        cursor.executemany(
            UPSERT,
            [
                {
                    "version": VERSION,
                    "track_id": track.track_id,
                    "lyrics_sha256": track.lyrics_sha256,
                    **asdict(features),
                }
                for track, features in rows
            ],
        )
        written = cursor.rowcount
        cursor.execute(DELETE_OTHER_VERSIONS, {"track_ids": [track.track_id for track, _ in rows], "version": VERSION})
    return written


def summary(conn: psycopg.Connection, slots: Sequence[int]) -> dict[str, float | int | None]:
    """Rows by status and mean figures of these slots."""
    row = conn.execute(SUMMARY, {"version": VERSION, "slots": list(slots)}).fetchone()
    assert row is not None
    names = ("ok", "low_confidence", "too_short", "not_english", "mean_rhyme_density", "mean_rhyme_factor")
    return dict(zip((*names, "mean_end_rhyme_share", "mean_out_of_vocabulary_share"), row, strict=True))


def densities(conn: psycopg.Connection, slots: Sequence[int]) -> list[float]:
    """Rhyme densities of these slots, for a plot."""
    return [float(row[0]) for row in conn.execute(DENSITIES, {"version": VERSION, "slots": list(slots)})]


def coverage(conn: psycopg.Connection) -> tuple[int, int]:
    """(tracks, tracks with current features)."""
    row = conn.execute(COVERAGE, {"version": VERSION}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def implausible(conn: psycopg.Connection) -> dict[str, int]:
    """How many rows break which expectation."""
    row = conn.execute(IMPLAUSIBLE, {"version": VERSION}).fetchone()
    assert row is not None
    names = ("figures_missing", "figures_that_should_be_null", "reason_missing", "out_of_range")
    return dict(zip(names, map(int, row), strict=True))
