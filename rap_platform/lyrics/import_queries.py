"""The SQL of importing: ids a file has had, blocks known from earlier passes, storing by COPY; no decisions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.types.json import Jsonb

Rejected = tuple[int, str, str, str]  # line within the block (from 0), reason, artist, title


@dataclass(frozen=True)
class Sighting:
    """What is known of an id: whether the file has it for the first time, and what is stored under it."""

    first: bool
    sha256: str | None
    block: bytes | None


@dataclass(frozen=True)
class StoredBlock:
    """A block of an earlier pass: its data rows, its lines, and the rows that were rejected."""

    rows: int
    lines: int
    rejected: list[Rejected]


@dataclass(frozen=True)
class ImportedSong:
    """A song to be stored; `payload` is JSON already."""

    source_id: str
    artist: str
    title: str
    payload: str
    lyrics: str
    sha256: str
    block: bytes | None


_BEGIN = (
    "select pg_advisory_xact_lock(hashtextextended('rap_platform import', 0))",
    "drop table if exists pg_temp.import_seen, pg_temp.import_staged, pg_temp.import_texts",
    "create temporary table import_seen (source_id text primary key) on commit drop",
    "create temporary table import_texts (digest bytea primary key) on commit drop",
    """
    create temporary table import_staged (source_id text, artist text, title text, payload jsonb, body text, content_sha256 text, import_block bytea)
    on commit drop
    """,
)

_SIGHTINGS = """
with asked as (select source_id from unnest(%(ids)s::text[]) as a (source_id)),
fresh as (insert into pg_temp.import_seen select source_id from asked on conflict do nothing returning source_id),
stored as (select source_id, content_sha256, import_block from raw_songs where source = 'import' and source_id = any(%(ids)s::text[]))
select a.source_id, f.source_id is not null, s.content_sha256, s.import_block
from asked a left join fresh f using (source_id) left join stored s using (source_id)
"""

_COPY_NEW = """
copy raw_songs (source, source_id, artist, title, status, payload, body, content_sha256, simulated, import_block) from stdin
"""
_COPY_STAGED = (
    "copy pg_temp.import_staged (source_id, artist, title, payload, body, content_sha256, import_block) from stdin"
)
_STORE_STAGED = """
update raw_songs r
set artist = s.artist, title = s.title, status = 'ok', reason = null, payload = s.payload, body = s.body,
    content_sha256 = s.content_sha256, import_block = s.import_block, fetched_at = now()
from pg_temp.import_staged s
where r.source = 'import' and r.source_id = s.source_id
"""
_MOVE = """
update raw_songs r
set import_block = m.block
from unnest(%s::text[], %s::bytea[]) as m (source_id, block)
where r.source = 'import' and r.source_id = m.source_id
"""


def begin(conn: psycopg.Connection) -> None:
    """Wait for other imports and make the tables of one import, which go with its transaction."""
    for statement in _BEGIN:
        conn.execute(statement)


def sightings(conn: psycopg.Connection, source_ids: Sequence[str]) -> dict[str, Sighting]:
    """Note that the file has these (distinct) ids; gives what was known of each."""
    rows = conn.execute(_SIGHTINGS, {"ids": list(source_ids)})
    return {source_id: Sighting(first, sha256, block) for source_id, first, sha256, block in rows}


def insert_songs(conn: psycopg.Connection, songs: Sequence[ImportedSong]) -> None:
    """Store songs whose ids are not there yet."""
    if not songs:
        return
    with conn.cursor() as cursor, cursor.copy(_COPY_NEW) as copy:
        for song in songs:
            copy.write_row(
                ("import", song.source_id, song.artist, song.title, "ok", song.payload, song.lyrics, song.sha256, False, song.block)
            )  # fmt: skip


def update_songs(conn: psycopg.Connection, songs: Sequence[ImportedSong]) -> None:
    """Store songs in place of those with the same ids."""
    if not songs:
        return
    with conn.cursor() as cursor:
        with cursor.copy(_COPY_STAGED) as copy:
            for song in songs:
                copy.write_row(
                    (song.source_id, song.artist, song.title, song.payload, song.lyrics, song.sha256, song.block)
                )
        cursor.execute(_STORE_STAGED)
        cursor.execute("truncate pg_temp.import_staged")


def move_songs(conn: psycopg.Connection, blocks: Sequence[tuple[str, bytes | None]]) -> None:
    """Note for unchanged songs (source_id, block) the block that they were read from now; their old blocks are forgotten."""
    if blocks:
        conn.execute(_MOVE, [[source_id for source_id, _ in blocks], [block for _, block in blocks]])


def known_block(conn: psycopg.Connection, digest: bytes) -> StoredBlock | None:
    """Read what is known of a block, None when anything of it may have changed since."""
    query = "select rows, lines, rejected from import_blocks where block_sha256 = %s"
    row = conn.execute(query, [digest]).fetchone()
    return StoredBlock(row[0], row[1], [(at, why, who, what) for at, why, who, what in row[2]]) if row else None


def store_blocks(conn: psycopg.Connection, blocks: Iterable[tuple[bytes, StoredBlock]]) -> None:
    """Remember blocks all of whose songs are stored."""
    query = """
    insert into import_blocks (block_sha256, rows, lines, rejected) values (%s, %s, %s, %s)
    on conflict (block_sha256) do update set imported_at = now()
    """
    parameters = [
        (digest, block.rows, block.lines, Jsonb([list(entry) for entry in block.rejected])) for digest, block in blocks
    ]
    if parameters:
        with conn.cursor() as cursor:
            cursor.executemany(query, parameters)


def new_texts(conn: psycopg.Connection, digests: Sequence[bytes]) -> int:
    """Note the digests of texts; gives how many of them the file has not had before."""
    query = "insert into pg_temp.import_texts select unnest(%s::bytea[]) on conflict do nothing"
    return conn.execute(query, [list(digests)]).rowcount
