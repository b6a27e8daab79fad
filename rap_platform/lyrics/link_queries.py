"""The SQL of linking near-duplicates: signatures, the bands by which songs meet, links; no decisions, those are in linking.py."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True)
class UnsignedTrack:
    """A track whose text or facts have no signature yet, or one by another linker."""

    track_id: int
    artist_id: int
    title: str
    normalised_title: str
    release_date: dt.date | None
    year: int | None
    lyrics: str
    lyrics_sha256: str
    facts_sha256: str
    simulated: bool


@dataclass(frozen=True)
class SignatureRow:
    """A signature to be stored."""

    track_id: int
    simulated: bool
    artist_id: int
    title: str
    version: str | None
    released: int
    lyrics_sha256: str
    facts_sha256: str
    linker_version: str
    signature: bytes


@dataclass(frozen=True)
class SignedSong:
    """A signature as stored, with what decides which song is the older."""

    track_id: int
    artist_id: int
    title: str
    version: str | None
    released: int
    signature: bytes
    is_original: bool | None


@dataclass(frozen=True)
class Decision:
    """What was decided of a song; `was_original` is None when nothing was before."""

    track_id: int
    original_id: int | None
    score: float | None
    was_original: bool | None
    keys: list[int]


_FACTS = """
encode(sha256(convert_to(
    jsonb_build_array(t.simulated, t.artist_id, t.title, t.normalised_title, t.release_date, t.year)::text, 'utf8')), 'hex')
"""

_UNSIGNED = f"""
select t.track_id, t.artist_id, t.title, t.normalised_title, t.release_date, t.year, t.lyrics, t.lyrics_sha256, {_FACTS} as facts_sha256, t.simulated
from tracks t left join track_signatures s using (track_id)
where t.track_id > %(after)s
  and (s.track_id is null or s.lyrics_sha256 <> t.lyrics_sha256 or s.linker_version <> %(version)s or s.facts_sha256 <> {_FACTS})
order by t.track_id
limit %(limit)s
"""

_SIGNATURE_COLUMNS = list(SignatureRow.__dataclass_fields__)
_STORE_SIGNATURE = f"""
insert into track_signatures ({", ".join(_SIGNATURE_COLUMNS)})
values ({", ".join(f"%({name})s" for name in _SIGNATURE_COLUMNS)})
on conflict (track_id) do update
set {", ".join(f"{name} = excluded.{name}" for name in _SIGNATURE_COLUMNS)}, decided = false, is_original = null, original_id = null
"""

_SIGNED_SONG = "select track_id, artist_id, title, version, released, signature, is_original from track_signatures"

# The planner can't know that a key is rare: told otherwise, it reads all bands for every batch.
_BY_INDEX = "set local enable_hashjoin = off; set local enable_mergejoin = off; set local enable_seqscan = off"

# Rows (song, other): those that share a band, and those of one artist's title in another version.
_MEETINGS = """
with asked as (select * from unnest(%(songs)s::bigint[], %(keys)s::bigint[]) as a (track_id, key)),
met as (
    select a.track_id, b.track_id as other
    from asked a join track_bands b on b.key = a.key {bands}
    union
    select s.track_id, o.track_id
    from unnest(%(batch)s::bigint[]) as a (track_id)
    join track_signatures s using (track_id)
    join track_signatures o on o.artist_id = s.artist_id and o.title = s.title and o.version is distinct from s.version
         and {songs}
)
select m.track_id, m.other
from met m
join track_signatures s on s.track_id = m.track_id
join track_signatures o on o.track_id = m.other and o.simulated = s.simulated
where m.other <> all(%(apart)s::bigint[])
"""
_OLDER = (
    _MEETINGS.format(bands="and b.is_original", songs="o.is_original")
    + "and (o.version is not null, o.released, o.track_id) < (s.version is not null, s.released, s.track_id)"
)
_LATER = (
    _MEETINGS.format(bands="", songs="o.is_original is not null")
    + "and (o.version is not null, o.released, o.track_id) > (s.version is not null, s.released, s.track_id)"
)


def unsigned_tracks(conn: psycopg.Connection, version: str, after: int, limit: int) -> list[UnsignedTrack]:
    """Read the next tracks after track_id `after` that are new or changed to the linker of this version."""
    with conn.cursor(row_factory=class_row(UnsignedTrack)) as cursor:
        return cursor.execute(_UNSIGNED, {"version": version, "after": after, "limit": limit}).fetchall()


def store_signatures(conn: psycopg.Connection, rows: Sequence[SignatureRow]) -> None:
    """Insert or replace signatures; these songs, and the copies of those that are replaced, are to be decided."""
    track_ids = [row.track_id for row in rows]
    with conn.cursor() as cursor:
        cursor.executemany(_STORE_SIGNATURE, [vars(row) for row in rows])
        cursor.execute("delete from track_bands where track_id = any(%s)", [track_ids])
        cursor.execute(
            "update track_signatures set decided = false where decided and original_id = any(%s)", [track_ids]
        )


def reopen_freed(conn: psycopg.Connection) -> None:
    """Mark the songs to be decided whose original was deleted."""
    conn.execute("""
    update track_signatures s
    set decided = false, original_id = t.duplicate_of
    from tracks t
    where t.track_id = s.track_id and s.decided and s.original_id is distinct from t.duplicate_of
    """)


def reopen(conn: psycopg.Connection, track_ids: Sequence[int]) -> None:
    """Mark these songs to be decided again."""
    conn.execute("update track_signatures set decided = false where decided and track_id = any(%s)", [list(track_ids)])


def undecided_songs(conn: psycopg.Connection, limit: int, *, simulated: bool) -> list[SignedSong]:
    """Read the oldest songs of a population that are to be decided."""
    query = f"""
    {_SIGNED_SONG}
    where not decided and simulated = %s
    order by (version is not null), released, track_id
    limit %s
    """
    with conn.cursor(row_factory=class_row(SignedSong)) as cursor:
        return cursor.execute(query, [simulated, limit]).fetchall()


def signed_songs(conn: psycopg.Connection, track_ids: Sequence[int]) -> list[SignedSong]:
    """Read the signatures of these tracks."""
    with conn.cursor(row_factory=class_row(SignedSong)) as cursor:
        return cursor.execute(f"{_SIGNED_SONG} where track_id = any(%s)", [list(track_ids)]).fetchall()


def older_originals(conn: psycopg.Connection, keys: Mapping[int, Sequence[int]]) -> list[tuple[int, int]]:
    """Read pairs of a song (track_id -> its band keys) and an older original outside of `keys` that it may be near to."""
    return _meetings(conn, keys, list(keys), _OLDER)


def later_songs(
    conn: psycopg.Connection, keys: Mapping[int, Sequence[int]], apart: Sequence[int]
) -> list[tuple[int, int]]:
    """Read pairs of a song (track_id -> its band keys) and a later decided song, not one of `apart`, that may be near to it."""
    return _meetings(conn, keys, apart, _LATER)


def _meetings(
    conn: psycopg.Connection, keys: Mapping[int, Sequence[int]], apart: Sequence[int], query: str
) -> list[tuple[int, int]]:
    if not keys:
        return []
    pairs = [(track_id, key) for track_id, own in keys.items() for key in own]
    parameters = {
        "songs": [track_id for track_id, _ in pairs],
        "keys": [key for _, key in pairs],
        "batch": list(keys),
        "apart": list(apart),
    }
    conn.execute(_BY_INDEX)
    return [(int(track_id), int(other)) for track_id, other in conn.execute(query, parameters)]


def lyrics_of(conn: psycopg.Connection, track_id: int) -> str:
    """Read the lyrics of a track."""
    row = conn.execute("select lyrics from tracks where track_id = %s", [track_id]).fetchone()
    assert row is not None
    return str(row[0])


def store_decisions(conn: psycopg.Connection, decisions: Sequence[Decision]) -> int:
    """Store links and originals; copies of a song that became a copy are set free and marked. Returns the links that changed."""
    copies = [one.track_id for one in decisions if one.original_id is not None]
    columns = {
        "tracks": [one.track_id for one in decisions],
        "originals": [one.original_id for one in decisions],
        "scores": [one.score for one in decisions],
    }
    wanted = (
        "unnest(%(tracks)s::bigint[], %(originals)s::bigint[], %(scores)s::real[]) as w (track_id, original, score)"
    )
    _free_copies(conn, copies)
    changed = conn.execute(
        f"""
        update tracks t set duplicate_of = w.original, duplicate_score = w.score
        from {wanted}
        where t.track_id = w.track_id and (t.duplicate_of, t.duplicate_score) is distinct from (w.original, w.score)
        """,
        columns,
    ).rowcount
    conn.execute(
        f"""
        update track_signatures s set decided = true, is_original = (w.original is null), original_id = w.original
        from {wanted}
        where s.track_id = w.track_id
        """,
        columns,
    )
    _store_bands(conn, decisions)
    return changed


def _free_copies(conn: psycopg.Connection, track_ids: Sequence[int]) -> None:
    conn.execute(
        "update track_signatures set decided = false, original_id = null where original_id = any(%s)", [list(track_ids)]
    )
    free = "update tracks set duplicate_of = null, duplicate_score = null where duplicate_of = any(%s)"
    conn.execute(free, [list(track_ids)])


def _store_bands(conn: psycopg.Connection, decisions: Sequence[Decision]) -> None:
    new = [
        (one.track_id, band, key, one.original_id is None)
        for one in decisions
        if one.was_original is None
        for band, key in enumerate(one.keys)
    ]
    if new:
        conn.execute(
            "insert into track_bands (track_id, band, key, is_original) "
            "select * from unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::boolean[])",
            [list(column) for column in zip(*new, strict=True)],
        )
    for is_original in (True, False):
        turned = [
            one.track_id
            for one in decisions
            if one.was_original is not None
            and one.was_original != is_original
            and (one.original_id is None) == is_original
        ]
        if turned:
            conn.execute("update track_bands set is_original = %s where track_id = any(%s)", [is_original, turned])


def links_by_source(conn: psycopg.Connection) -> list[tuple[str, str]]:
    """Read the source_ids of all copies and of their originals."""
    query = "select t.source_id, o.source_id from tracks t join tracks o on o.track_id = t.duplicate_of"
    return [(str(copy), str(original)) for copy, original in conn.execute(query)]


def dangling_duplicates(conn: psycopg.Connection) -> int:
    """Count duplicates whose original is itself one, or of the other population."""
    query = """
    select count(*) from tracks t join tracks o on o.track_id = t.duplicate_of
    where o.duplicate_of is not null or o.simulated <> t.simulated
    """
    row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0
