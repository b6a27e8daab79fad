"""All SQL of this stage: artists, raw songs, tracks, sections, set-aside songs; no decisions."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


@dataclass(frozen=True)
class Artist:
    """A row of artists."""

    artist_id: int
    name: str
    normalised_name: str
    slug: str
    genius_id: int | None
    watched: bool
    simulated: bool


@dataclass(frozen=True)
class WatchedArtist:
    """An artist on the watch list, and how far fetching got; `songs` by status, `tracks` that were made of them."""

    artist_id: int
    name: str
    slug: str
    genius_id: int | None
    simulated: bool
    fetched_at: dt.datetime | None
    fetch_tried_at: dt.datetime | None
    fetch_error: str | None
    songs: dict[str, int]
    tracks: int


@dataclass(frozen=True)
class RawSong:
    """A song as it came, to be stored."""

    source: str
    source_id: str
    artist_slug: str | None
    artist: str
    title: str
    status: str
    reason: str | None
    payload: Mapping[str, Any]
    body: str | None
    content_sha256: str
    simulated: bool
    parser_version: str | None = None
    text_sha256: str | None = None


@dataclass(frozen=True)
class StalePage:
    """A stored page that no parser, or another one than today's, looked into."""

    raw_song_id: int
    song: RawSong


@dataclass(frozen=True)
class KnownSong:
    """What is known of a stored song without reading it."""

    source_id: str
    status: str
    listing: str | None
    fetched_at: dt.datetime


@dataclass(frozen=True)
class PendingSong:
    """A raw song that is not cleaned yet, or not by this version; the track it made before, if any."""

    raw_song_id: int
    source: str
    source_id: str
    artist: str
    title: str
    payload: dict[str, Any]
    body: str | None
    content_sha256: str
    simulated: bool
    track_id: int | None
    lyrics_sha256: str | None


@dataclass(frozen=True)
class TrackRow:
    """A track to be stored."""

    raw_song_id: int
    source: str
    source_id: str
    artist_id: int
    artist: str
    title: str
    normalised_title: str
    featured: list[str]
    album: str | None
    genre: str | None
    release_date: dt.date | None
    year: int | None
    language: str | None
    explicit: bool | None
    views: int | None
    lyrics: str
    lyrics_sha256: str
    line_count: int
    word_count: int
    cleaning: Jsonb
    cleaner_version: str
    raw_sha256: str
    slot: int
    simulated: bool


@dataclass(frozen=True)
class SectionRow:
    """A section to be stored."""

    track_id: int
    section_no: int
    kind: str
    label: str | None
    number: int | None
    performers: list[str]
    first_line: int
    last_line: int
    text: str
    text_sha256: str
    language: str | None


_ARTIST_COLUMNS = "artist_id, name, normalised_name, slug, genius_id, watched, simulated"

_INSERT_ARTIST = f"""
insert into artists (name, normalised_name, slug, genius_id, watched, simulated)
values (%(name)s, %(normalised_name)s, %(slug)s, %(genius_id)s, %(watched)s, %(simulated)s)
on conflict do nothing
returning {_ARTIST_COLUMNS}
"""

# A song that was read once stays readable: a block, a failure or a page gone blank does not take its text away.
_STORE_RAW = """
insert into raw_songs (source, source_id, artist_slug, artist, title, status, reason, payload, body, content_sha256, simulated,
                       parser_version, text_sha256)
values (%(source)s, %(source_id)s, %(artist_slug)s, %(artist)s, %(title)s, %(status)s, %(reason)s, %(payload)s, %(body)s,
        %(content_sha256)s, %(simulated)s, %(parser_version)s, %(text_sha256)s)
on conflict (source, source_id) do update
set artist_slug = excluded.artist_slug, artist = excluded.artist, title = excluded.title, status = excluded.status,
    reason = excluded.reason, payload = excluded.payload, body = excluded.body, content_sha256 = excluded.content_sha256,
    parser_version = excluded.parser_version, text_sha256 = excluded.text_sha256, fetched_at = now()
where raw_songs.simulated = excluded.simulated
  and (excluded.status in ('ok', 'removed') or raw_songs.status in ('blocked', 'failed')
       or (raw_songs.status <> 'ok' and excluded.status not in ('blocked', 'failed')))
returning raw_song_id
"""

# A song that is kept although its page is gone was asked for all the same: it is not asked for again at every run.
_STORE_ASKED = """
update raw_songs
set fetched_at = now(), payload = payload || jsonb_build_object('listing', %(listing)s::text)
where source = %(source)s and source_id = %(source_id)s and simulated = %(simulated)s and status = 'ok'
"""
_GONE = frozenset({"missing", "instrumental", "unreleased"})

_LAND = """
insert into fetched_songs (source_id, artist_slug, artist, title, payload, body, content_sha256, simulated)
values (%(source_id)s, %(artist_slug)s, %(artist)s, %(title)s, %(payload)s, %(body)s, %(content_sha256)s, %(simulated)s)
on conflict (source_id) do update
set artist_slug = excluded.artist_slug, artist = excluded.artist, title = excluded.title, payload = excluded.payload,
    body = excluded.body, content_sha256 = excluded.content_sha256, simulated = excluded.simulated, fetched_at = now()
"""
_LANDED = """
select 'genius' as source, source_id, artist_slug, artist, title, 'ok' as status, null as reason, payload, body, content_sha256, simulated
from fetched_songs
order by fetched_at, source_id
limit %s
"""
_STALE = """
select raw_song_id, source, source_id, artist_slug, artist, title, status, reason, payload, body, content_sha256, simulated,
       parser_version, text_sha256
from raw_songs
where source = 'genius' and body is not null and raw_song_id > %(after)s and parser_version is distinct from %(version)s
order by raw_song_id
limit %(limit)s
"""

_PENDING = """
select r.raw_song_id, r.source, r.source_id, r.artist, r.title, r.payload, r.body, r.content_sha256, r.simulated,
       t.track_id, t.lyrics_sha256
from raw_songs r
left join tracks t using (raw_song_id)
left join set_aside s using (raw_song_id)
where r.status = 'ok' and r.raw_song_id > %(after)s
  and (t.track_id is null or t.raw_sha256 <> r.content_sha256 or t.cleaner_version <> %(version)s)
  and (s.raw_song_id is null or s.raw_sha256 <> r.content_sha256 or s.cleaner_version <> %(version)s)
order by r.raw_song_id
limit %(limit)s
"""

_COUNT_PENDING = """
select count(*)
from raw_songs r
left join tracks t using (raw_song_id)
left join set_aside s using (raw_song_id)
where r.status = 'ok'
  and (t.track_id is null or t.raw_sha256 <> r.content_sha256 or t.cleaner_version <> %(version)s)
  and (s.raw_song_id is null or s.raw_sha256 <> r.content_sha256 or s.cleaner_version <> %(version)s)
"""

_TRACK_COLUMNS = [name for name in TrackRow.__dataclass_fields__ if name not in ("source", "source_id")]
_STORE_TRACK = f"""
insert into tracks (source, source_id, {", ".join(_TRACK_COLUMNS)})
values (%(source)s, %(source_id)s, {", ".join(f"%({name})s" for name in _TRACK_COLUMNS)})
on conflict (source, source_id) do update
set {", ".join(f"{name} = excluded.{name}" for name in _TRACK_COLUMNS)}, updated_at = now()
returning track_id
"""

_SECTION_COLUMNS = [name for name in SectionRow.__dataclass_fields__ if name not in ("track_id", "section_no")]
_COMPARED = [name for name in _SECTION_COLUMNS if name != "text"]
_STORE_SECTION = f"""
insert into track_sections (track_id, section_no, {", ".join(_SECTION_COLUMNS)})
values (%(track_id)s, %(section_no)s, {", ".join(f"%({name})s" for name in _SECTION_COLUMNS)})
on conflict (track_id, section_no) do update
set {", ".join(f"{name} = excluded.{name}" for name in _SECTION_COLUMNS)}
where ({", ".join(f"track_sections.{name}" for name in _COMPARED)})
   is distinct from ({", ".join(f"excluded.{name}" for name in _COMPARED)})
"""

_SET_ASIDE = """
insert into set_aside (raw_song_id, raw_sha256, cleaner_version, reason)
values (%(raw_song_id)s, %(raw_sha256)s, %(cleaner_version)s, %(reason)s)
on conflict (raw_song_id) do update
set raw_sha256 = excluded.raw_sha256, cleaner_version = excluded.cleaner_version, reason = excluded.reason,
    set_aside_at = now()
"""


def artists_by_name(conn: psycopg.Connection, names: Sequence[str], *, simulated: bool) -> dict[str, Artist]:
    """Read the artists with these normalised names."""
    query = f"select {_ARTIST_COLUMNS} from artists where normalised_name = any(%s) and simulated = %s"
    with conn.cursor(row_factory=class_row(Artist)) as cursor:
        return {artist.normalised_name: artist for artist in cursor.execute(query, [list(names), simulated])}


def artists_by_slug(conn: psycopg.Connection, slugs: Sequence[str]) -> dict[str, Artist]:
    """Read the artists with these slugs."""
    with conn.cursor(row_factory=class_row(Artist)) as cursor:
        rows = cursor.execute(f"select {_ARTIST_COLUMNS} from artists where slug = any(%s)", [list(slugs)])
        return {artist.slug: artist for artist in rows}


def insert_artist(
    conn: psycopg.Connection, name: str, normalised_name: str, slugs: Iterable[str], *, simulated: bool
) -> Artist:
    """Insert an artist under the first slug that is free, or read the one that another process inserted meanwhile."""
    with conn.cursor(row_factory=class_row(Artist)) as cursor:
        for slug in slugs:
            row = {"name": name, "normalised_name": normalised_name, "slug": slug, "genius_id": None}
            artist = cursor.execute(_INSERT_ARTIST, row | {"watched": False, "simulated": simulated}).fetchone()
            artist = artist or artists_by_name(conn, [normalised_name], simulated=simulated).get(normalised_name)
            if artist is not None:
                return artist
    raise RuntimeError(f"every slug of {name!r} is taken")


def watch_artists(conn: psycopg.Connection, artists: Sequence[tuple[int, int | None]]) -> None:
    """Mark artists (artist_id, Genius id or None) as watched, but those taken off by hand; a known Genius id is not forgotten."""
    query = """
    update artists a
    set watched = true, genius_id = coalesce(w.genius_id, a.genius_id)
    from unnest(%s::bigint[], %s::bigint[]) as w (artist_id, genius_id)
    where a.artist_id = w.artist_id and a.unwatched_at is null and (not a.watched or a.genius_id is distinct from coalesce(w.genius_id, a.genius_id))
    """
    conn.execute(query, [[artist_id for artist_id, _ in artists], [genius_id for _, genius_id in artists]])


def unwatch_other_artists(conn: psycopg.Connection, artist_ids: Sequence[int], *, simulated: bool) -> None:
    """Stop watching the artists of a population that are not among these."""
    query = "update artists set watched = false where watched and simulated = %s and artist_id <> all(%s)"
    conn.execute(query, [simulated, list(artist_ids)])


def welcome_back(conn: psycopg.Connection, artist_ids: Sequence[int]) -> None:
    """Let artists that were taken off by hand be watched again."""
    conn.execute("update artists set unwatched_at = null where artist_id = any(%s)", [list(artist_ids)])


def take_off(conn: psycopg.Connection, artist_ids: Sequence[int]) -> None:
    """Take artists off the watch list by hand, for good."""
    conn.execute(
        "update artists set watched = false, unwatched_at = now() where artist_id = any(%s)", [list(artist_ids)]
    )


_WATCH_LIST = """
with songs as (
    select artist_slug as slug, jsonb_object_agg(status, songs) as songs
    from (select artist_slug, status, count(*) as songs from raw_songs where artist_slug is not null group by 1, 2) counted
    group by 1
), made as (
    select r.artist_slug as slug, count(*) as tracks
    from tracks t
    join raw_songs r using (raw_song_id)
    where r.artist_slug is not null
    group by 1
)
select a.artist_id, a.name, a.slug, a.genius_id, a.simulated, a.fetched_at, a.fetch_tried_at, a.fetch_error,
       coalesce(s.songs, '{}') as songs, coalesce(m.tracks, 0) as tracks
from artists a
left join songs s using (slug)
left join made m using (slug)
where a.watched and a.simulated = %s
order by a.slug
"""


def watch_list(conn: psycopg.Connection, *, simulated: bool) -> list[WatchedArtist]:
    """Read the watched artists of one population with what was fetched of them, by slug."""
    with conn.cursor(row_factory=class_row(WatchedArtist)) as cursor:
        return cursor.execute(_WATCH_LIST, [simulated]).fetchall()


def watched_slugs(conn: psycopg.Connection, *, simulated: bool) -> list[str]:
    """Read the slugs of the watched artists of one population, sorted."""
    query = "select slug from artists where watched and simulated = %s order by slug"
    return [str(slug) for (slug,) in conn.execute(query, [simulated])]


def known_songs(conn: psycopg.Connection, slugs: Sequence[str]) -> dict[str, KnownSong]:
    """Read what is known of the songs of these artists, by source_id."""
    query = """
    select source_id, status, payload ->> 'listing' as listing, fetched_at
    from raw_songs
    where source = 'genius' and artist_slug = any(%s)
    """
    with conn.cursor(row_factory=class_row(KnownSong)) as cursor:
        return {song.source_id: song for song in cursor.execute(query, [list(slugs)])}


def store_raw_songs(conn: psycopg.Connection, songs: Sequence[RawSong]) -> int:
    """Insert or update raw songs; returns how many were written (a real song never overwrites a simulated one)."""
    if not songs:
        return 0
    with conn.cursor() as cursor:
        cursor.executemany(_STORE_RAW, [_row(song) | {"payload": Jsonb(dict(song.payload))} for song in songs])
        written = cursor.rowcount
        gone = [_row(song) | {"listing": song.payload.get("listing")} for song in songs if song.status in _GONE]
        if gone:
            cursor.executemany(_STORE_ASKED, gone)
    return written


def commit_without_waiting(conn: psycopg.Connection) -> None:
    """Let commits of this connection return before they are on disk: what a power cut could take back is fetched again.

    A killed process or server loses nothing by it, and two commits a song would otherwise cost more than fetching it.
    """
    conn.execute("set synchronous_commit = off")
    conn.commit()


def land_song(conn: psycopg.Connection, song: RawSong) -> None:
    """Keep a fetched song as it came until its page was looked into; the caller commits before anybody does."""
    conn.execute(_LAND, _row(song) | {"payload": Jsonb(dict(song.payload))})


def landed_songs(conn: psycopg.Connection, limit: int) -> list[RawSong]:
    """Read the oldest songs whose pages nobody looked into yet."""
    with conn.cursor(row_factory=class_row(RawSong)) as cursor:
        return cursor.execute(_LANDED, [limit]).fetchall()


def settle_song(conn: psycopg.Connection, song: RawSong) -> bool:
    """Store a song with what its page turned out to be; False when what is stored stays. It has landed no more then."""
    conn.execute("delete from fetched_songs where source_id = %s", [song.source_id])
    return store_raw_songs(conn, [song]) > 0


def stale_pages(conn: psycopg.Connection, version: str, after: int, limit: int) -> list[StalePage]:
    """Read the next stored pages after raw_song_id `after` that this version of the parser has not looked into."""
    rows = conn.execute(_STALE, {"version": version, "after": after, "limit": limit})
    return [StalePage(int(raw_song_id), RawSong(*song)) for raw_song_id, *song in rows]


def store_verdict(conn: psycopg.Connection, raw_song_id: int, song: RawSong) -> None:
    """Store what a page turned out to be when it was read again; what came with it stays as it is."""
    query = """
    update raw_songs set status = %s, reason = %s, parser_version = %s, text_sha256 = %s where raw_song_id = %s
    """
    conn.execute(query, [song.status, song.reason, song.parser_version, song.text_sha256, raw_song_id])


def is_text_of_earlier(conn: psycopg.Connection, text_sha256: str, source_id: str) -> bool:
    """Say whether a song of Genius that was stored before this one has these very words."""
    query = """
    select exists (
        select from raw_songs
        where text_sha256 = %(digest)s and source = 'genius' and raw_song_id < coalesce(
            (select raw_song_id from raw_songs where source = 'genius' and source_id = %(source_id)s), 9223372036854775807)
    )
    """
    row = conn.execute(query, {"digest": text_sha256, "source_id": source_id}).fetchone()
    return bool(row and row[0])


def text_owners(conn: psycopg.Connection) -> Iterator[tuple[str, str]]:
    """Stream (digest of the words, source_id) of the songs of Genius, the first that came first."""
    with conn.cursor(name="text_owners") as cursor:
        cursor.itersize = 1000
        query = "select text_sha256, source_id from raw_songs where source = 'genius' and text_sha256 is not null order by raw_song_id"
        yield from cursor.execute(query)


def mark_artist_fetched(conn: psycopg.Connection, slug: str, error: str | None) -> None:
    """Remember that an artist was gone through completely, or was tried and why that did not get there."""
    query = """
    update artists
    set fetched_at = case when %(error)s::text is null then now() else fetched_at end, fetch_error = %(error)s, fetch_tried_at = now()
    where slug = %(slug)s
    """
    conn.execute(query, {"slug": slug, "error": error})


def count_pending(conn: psycopg.Connection, version: str) -> int:
    """Count the raw songs that wait for cleaning."""
    row = conn.execute(_COUNT_PENDING, {"version": version}).fetchone()
    return int(row[0]) if row else 0


def pending_songs(conn: psycopg.Connection, version: str, after: int, limit: int) -> list[PendingSong]:
    """Read the next raw songs after raw_song_id `after` that wait for cleaning."""
    with conn.cursor(row_factory=class_row(PendingSong)) as cursor:
        return cursor.execute(_PENDING, {"version": version, "after": after, "limit": limit}).fetchall()


def store_tracks(conn: psycopg.Connection, tracks: Sequence[TrackRow]) -> list[int]:
    """Insert or update tracks in place; returns their track_ids in order."""
    if not tracks:
        return []
    track_ids: list[int] = []
    with conn.cursor() as cursor:
        cursor.executemany(_STORE_TRACK, [_row(track) for track in tracks], returning=True)
        while True:
            row = cursor.fetchone()
            assert row is not None
            track_ids.append(int(row[0]))
            if not cursor.nextset():
                break
        cursor.execute("delete from set_aside where raw_song_id = any(%s)", [[track.raw_song_id for track in tracks]])
    return track_ids


def store_sections(conn: psycopg.Connection, sections: Sequence[SectionRow], lengths: Mapping[int, int]) -> None:
    """Insert or update sections and drop those beyond `lengths` (track_id -> number of sections); the same section keeps its id."""
    if not lengths:
        return
    query = """
    delete from track_sections s
    using unnest(%s::bigint[], %s::integer[]) as n (track_id, sections)
    where s.track_id = n.track_id and s.section_no > n.sections
    """
    with conn.cursor() as cursor:
        if sections:
            cursor.executemany(_STORE_SECTION, [_row(section) for section in sections])
        cursor.execute(query, [list(lengths), list(lengths.values())])


def store_set_aside(conn: psycopg.Connection, rows: Sequence[Mapping[str, Any]], *, keep_tracks: bool) -> None:
    """Set raw songs aside with their reasons; the tracks they made before are taken back unless `keep_tracks`."""
    if not rows:
        return
    with conn.cursor() as cursor:
        cursor.executemany(_SET_ASIDE, rows)
        if keep_tracks:
            return
        cursor.execute(
            "select track_id from tracks where raw_song_id = any(%s)", [[row["raw_song_id"] for row in rows]]
        )
        delete_tracks(conn, [int(track_id) for (track_id,) in cursor])


def withdrawn_tracks(conn: psycopg.Connection) -> list[int]:
    """Read the tracks whose song was removed at its source."""
    query = "select t.track_id from tracks t join raw_songs r using (raw_song_id) where r.status = 'removed'"
    return [int(track_id) for (track_id,) in conn.execute(query)]


def delete_tracks(conn: psycopg.Connection, track_ids: Sequence[int]) -> None:
    """Delete tracks and all that hangs on them; their duplicates are set free first."""
    if track_ids:
        query = "update tracks set duplicate_of = null, duplicate_score = null where duplicate_of = any(%s)"
        conn.execute(query, [list(track_ids)])
        conn.execute("delete from tracks where track_id = any(%s)", [list(track_ids)])


def raw_song_ids(conn: psycopg.Connection, source_ids: Sequence[str]) -> dict[str, int]:
    """Read the raw_song_ids of imports, by source_id."""
    query = "select source_id, raw_song_id from raw_songs where source = 'import' and source_id = any(%s)"
    return {str(source_id): int(raw_song_id) for source_id, raw_song_id in conn.execute(query, [list(source_ids)])}


def forget_all_songs(conn: psycopg.Connection) -> None:
    """Empty the database of songs and artists: for databases made to be measured."""
    conn.execute("truncate raw_songs, artists cascade")


def figures(conn: psycopg.Connection) -> dict[str, int]:
    """Count tracks, sections, duplicates, set-aside songs and artists."""
    query = """
    select (select count(*) from tracks) as tracks, (select count(*) from track_sections) as sections,
           (select count(*) from tracks where duplicate_of is not null) as duplicates,
           (select count(*) from set_aside) as set_aside,
           (select count(distinct artist_id) from tracks) as artists
    """
    cursor = conn.execute(query)
    row = cursor.fetchone()
    assert row is not None and cursor.description is not None
    return {column.name: int(value) for column, value in zip(cursor.description, row, strict=True)}


def status_counts(conn: psycopg.Connection, source: str) -> dict[str, int]:
    """Count the raw songs of a source by status."""
    query = "select status, count(*) from raw_songs where source = %s group by status order by status"
    return {str(status): int(count) for status, count in conn.execute(query, [source])}


def tracks_without_text(conn: psycopg.Connection) -> int:
    """Count tracks in which nothing can be sung."""
    return _one(conn, "select count(*) from tracks where btrim(lyrics) = '' or word_count = 0")


def tracks_without_line_breaks(conn: psycopg.Connection, words: int) -> int:
    """Count tracks of more than `words` words on a single line."""
    return _one(conn, "select count(*) from tracks where word_count > %s and position(E'\\n' in lyrics) = 0", [words])


def duplicated_songs(conn: psycopg.Connection) -> int:
    """Count songs that stand in tracks twice."""
    return _one(conn, "select count(*) from (select from tracks group by source, source_id having count(*) > 1) twice")


def badly_cut_tracks(conn: psycopg.Connection) -> int:
    """Count tracks whose sections are missing, overlap, run past the end or leave out most of the text."""
    query = """
    with cut as (
        select track_id, first_line, last_line, length(text) as characters,
               lag(last_line) over (partition by track_id order by section_no) as before
        from track_sections
    ), judged as (
        select track_id, max(last_line) as last_line, sum(characters) as characters,
               bool_or(first_line < before or (first_line = before and first_line < last_line)) as overlap
        from cut group by track_id
    )
    select count(*)
    from tracks t left join judged j using (track_id)
    where j.track_id is null or j.overlap or j.characters < 0.5 * length(t.lyrics)
       or j.last_line > 1 + length(t.lyrics) - length(replace(t.lyrics, E'\\n', ''))
    """
    return _one(conn, query)


def _one(conn: psycopg.Connection, query: str, parameters: Sequence[Any] = ()) -> int:
    row = conn.execute(query, parameters).fetchone()
    return int(row[0]) if row else 0


def _row(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
