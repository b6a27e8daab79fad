"""All SQL of this stage."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from rap_platform.resources.connecting import lock_id
from rap_platform.spotify.features import AudioFeatures
from rap_platform.spotify.matching import VERSION, Candidate, Wanted

FAILED_EXPIRES_HOURS = 6  # a request that failed is worth another soon

# Columns of an imported file may bring a code, a length or a Spotify id, and so may Genius; what is not shaped like one is not used.
_INPUT = """
select
    t.track_id, t.artist, t.title, t.year, t.simulated, t.slot,
    case when jsonb_typeof(r.payload -> 'row' -> 'isrc') = 'string' then r.payload -> 'row' ->> 'isrc' end as isrc,
    case when r.payload -> 'row' ->> 'duration_ms' ~ '^[1-9][0-9]{0,7}$'
         then (r.payload -> 'row' ->> 'duration_ms')::integer end as duration_ms,
    (select substring(told.value from '^(?:spotify:track:|https?://open[.]spotify[.]com/(?:intl-[a-z]+/)?track/)?([0-9A-Za-z]{22})(?:[?#].*)?$')
     from (values
        (1, r.payload -> 'row' ->> 'spotify_id'), (2, r.payload -> 'row' ->> 'spotify_track_id'), (3, r.payload -> 'row' ->> 'track_id'),
        (4, r.payload -> 'row' ->> 'spotify_uri'), (5, r.payload -> 'row' ->> 'track_uri'), (6, r.payload -> 'row' ->> 'uri'),
        (7, r.payload -> 'row' ->> 'spotify_url'), (8, r.payload -> 'row' ->> 'id'), (9, r.payload -> 'fields' ->> 'id'),
        (10, r.payload -> 'fields' ->> 'link'), (11, r.payload -> 'song' ->> 'spotify_uuid'), (12, r.payload -> 'song' ->> 'spotifyUuid')
     ) told(place, value)
     where told.value ~ '^(?:spotify:track:|https?://open[.]spotify[.]com/(?:intl-[a-z]+/)?track/)?[0-9A-Za-z]{22}(?:[?#].*)?$'
     order by place limit 1) as told_id
from tracks t
join raw_songs r using (raw_song_id)
where t.slot = any(%(slots)s)
"""

_PENDING = f"""
with input as ({_INPUT}),
hashed as (
    select *, encode(sha256(convert_to(concat_ws(
        E'\\x1f', %(version)s::text, artist, title, coalesce(year::text, ''), coalesce(isrc, ''), coalesce(duration_ms::text, ''),
        coalesce(told_id, '')
    ), 'UTF8')), 'hex') as input_sha256
    from input
    where simulated = %(simulated)s
)
select h.track_id, h.artist, h.title, h.isrc, h.duration_ms, h.year, h.told_id, h.input_sha256, coalesce(s.rejected_ids, '{{}}')
from hashed h
left join spotify_tracks s using (track_id)
where s.track_id is null
   or (s.method is distinct from 'manual' and s.input_sha256 <> h.input_sha256)
   or (s.status in ('missing', 'failed') and s.expires_at <= now())
order by h.track_id
"""

# Shares the reading of the input with _PENDING; for one track that a person points at.
ONE_TRACK = f"""
with input as ({_INPUT.replace("t.slot = any(%(slots)s)", "t.track_id = %(track_id)s")})
select i.track_id, i.artist, i.title, i.isrc, i.duration_ms, i.year, i.told_id,
       encode(sha256(convert_to(concat_ws(
           E'\\x1f', %(version)s::text, artist, title, coalesce(year::text, ''), coalesce(isrc, ''), coalesce(duration_ms::text, ''),
           coalesce(told_id, '')
       ), 'UTF8')), 'hex'),
       '{{}}'::text[], i.simulated, i.slot
from input i
"""

NOT_ASKED = "select count(*) from tracks where slot = any(%(slots)s) and simulated <> %(simulated)s"

UPSERT_TRACK = """
insert into spotify_tracks (
    track_id, status, method, score, spotify_id, isrc, name, artists, album, release_date, duration_ms, popularity, explicit,
    payload, reason, input_sha256, simulated, matched_at, expires_at
)
select t.track_id, %(status)s, %(method)s, %(score)s, %(spotify_id)s, %(isrc)s, %(name)s, %(artists)s, %(album)s, %(release_date)s,
       %(duration_ms)s, %(popularity)s, %(explicit)s, %(payload)s, %(reason)s, %(input_sha256)s, t.simulated or %(simulated)s, now(),
       case when %(expires_days)s::double precision is not null
            then now() + make_interval(secs => %(expires_days)s::double precision * 86400) end
from tracks t
where t.track_id = %(track_id)s
for key share
on conflict (track_id) do update set
    status = excluded.status, method = excluded.method, score = excluded.score, spotify_id = excluded.spotify_id,
    isrc = excluded.isrc, name = excluded.name, artists = excluded.artists, album = excluded.album,
    release_date = excluded.release_date, duration_ms = excluded.duration_ms, popularity = excluded.popularity,
    explicit = excluded.explicit, payload = excluded.payload, reason = excluded.reason, input_sha256 = excluded.input_sha256,
    simulated = excluded.simulated, matched_at = excluded.matched_at, expires_at = excluded.expires_at
where spotify_tracks.method is distinct from 'manual'
  and (excluded.spotify_id is null or excluded.spotify_id <> all(spotify_tracks.rejected_ids))
"""

MATCH_SUMMARY = """
select
    count(s.track_id),
    count(*) filter (where s.status = 'matched'),
    count(*) filter (where s.status = 'review'),
    count(*) filter (where s.status = 'missing'),
    count(*) filter (where s.status = 'failed'),
    count(*) filter (where s.status = 'matched' and s.method = 'id'),
    count(*) filter (where s.status = 'matched' and s.method = 'isrc'),
    count(*) filter (where s.status = 'matched' and s.method = 'exact'),
    count(*) filter (where s.status = 'matched' and s.method = 'fuzzy'),
    count(*) filter (where s.status = 'matched' and s.method = 'manual')
from tracks t
left join spotify_tracks s using (track_id)
where t.slot = any(%(slots)s)
"""

# Rows of files that may be about a track: by its Spotify id, its ISRC, or its names. Each branch uses an index.
_IN_FILES = """
select f.imported_id, f.imported_at from imported_audio_features f where f.spotify_id = w.spotify_id
union all
select f.imported_id, f.imported_at from imported_audio_features f where f.isrc = w.isrc
union all
select f.imported_id, f.imported_at from imported_audio_features f where f.artist_key = w.artist_key and f.title_key = w.title_key
"""

# What Spotify or ReccoBeats can be asked: a track that was looked for and has no features, or those of another Spotify track, or
# was refused while now there is somebody else to ask, or that nobody knew long enough ago; a failed request is repeated sooner.
# What only files can tell: any other track, when a file that may be about it came in since.
PENDING_FEATURES = f"""
with wanted as (
    select t.track_id, t.artist, t.title, t.simulated, a.normalised_name as artist_key, t.normalised_title as title_key,
           s.track_id is not null as is_looked_for,
           case when s.status = 'matched' then s.spotify_id end as spotify_id,
           upper(replace(coalesce(
               case when s.status = 'matched' then s.isrc end,
               case when jsonb_typeof(r.payload -> 'row' -> 'isrc') = 'string' then r.payload -> 'row' ->> 'isrc' end
           ), '-', '')) as isrc,
           coalesce(case when s.status = 'matched' then s.duration_ms end,
               case when r.payload -> 'row' ->> 'duration_ms' ~ '^[1-9][0-9]{{0,7}}$'
                    then (r.payload -> 'row' ->> 'duration_ms')::integer end) as duration_ms
    from tracks t
    join artists a using (artist_id)
    join raw_songs r using (raw_song_id)
    left join spotify_tracks s using (track_id)
    where t.slot = any(%(slots)s)
)
select w.track_id, w.spotify_id, w.artist, w.title, w.isrc, w.duration_ms, w.artist_key, w.title_key,
       coalesce(w.is_looked_for and w.simulated = %(simulated)s::boolean, false)
from wanted w
left join audio_features a using (track_id)
where (
    w.is_looked_for and w.simulated = %(simulated)s::boolean and (
        a.track_id is null
        or a.spotify_id is distinct from w.spotify_id
        or (a.status = 'unavailable' and w.spotify_id is not null and (
            (a.reason = 'endpoint_restricted' and %(other_provider)s)
            or (a.reason <> 'endpoint_restricted' and a.reason not like 'unknown_to_%%'
                and a.fetched_at <= now() - make_interval(hours => %(failed_expires_hours)s))
            or a.fetched_at <= now() - make_interval(days => %(expires_days)s)))
    )
) or (
    coalesce(a.status, 'unavailable') = 'unavailable'
    and exists (select from ({_IN_FILES}) f where a.fetched_at is null or f.imported_at > a.fetched_at)
)
order by w.track_id
"""

SLOTS_WAITING = f"""
select t.slot from ({_PENDING}) waiting join tracks t using (track_id)
union
select t.slot from ({PENDING_FEATURES}) waiting join tracks t using (track_id)
"""

FROM_FILES = f"""
select w.track_id, f.dataset, f.spotify_id, f.isrc, f.artist, f.title, f.duration_ms, f.danceability, f.energy, f.valence,
       f.acousticness, f.instrumentalness, f.speechiness, f.liveness, f.loudness_db, f.tempo_bpm
from unnest(%(track_ids)s::bigint[], %(spotify_ids)s::text[], %(isrcs)s::text[], %(artist_keys)s::text[], %(title_keys)s::text[])
     w(track_id, spotify_id, isrc, artist_key, title_key)
cross join lateral (select distinct imported_id from ({_IN_FILES}) one) found
join imported_audio_features f using (imported_id)
order by w.track_id, f.dataset, f.imported_id
"""

UPSERT_FEATURES = """
insert into audio_features (
    track_id, status, reason, source, spotify_id, danceability, energy, valence, acousticness, instrumentalness, speechiness, liveness,
    loudness_db, tempo_bpm, simulated, fetched_at
)
select t.track_id, %(status)s, %(reason)s, %(source)s, %(spotify_id)s, %(danceability)s, %(energy)s, %(valence)s, %(acousticness)s,
       %(instrumentalness)s, %(speechiness)s, %(liveness)s, %(loudness_db)s, %(tempo_bpm)s, t.simulated, now()
from tracks t
where t.track_id = %(track_id)s
for key share
on conflict (track_id) do update set
    status = excluded.status, reason = excluded.reason, source = excluded.source, spotify_id = excluded.spotify_id,
    danceability = excluded.danceability, energy = excluded.energy, valence = excluded.valence,
    acousticness = excluded.acousticness, instrumentalness = excluded.instrumentalness, speechiness = excluded.speechiness,
    liveness = excluded.liveness, loudness_db = excluded.loudness_db, tempo_bpm = excluded.tempo_bpm,
    simulated = excluded.simulated, fetched_at = excluded.fetched_at
"""

FEATURE_SUMMARY = """
select coalesce(a.source, a.reason), count(*)
from audio_features a
join tracks t using (track_id)
where t.slot = any(%(slots)s)
group by 1
order by 1
"""

BROKEN_MATCHES = """
select
    count(*) filter (where status = 'matched' and method <> 'manual' and score < %(gate)s),
    count(*) filter (where status in ('missing', 'review', 'failed') and reason is null),
    count(*) filter (where status in ('missing', 'failed') and expires_at is null)
from spotify_tracks
"""

SOURCES = """
select coalesce(a.source, 'none: ' || a.reason), count(*)
from audio_features a
join tracks t using (track_id)
where t.simulated = %(simulated)s
group by 1
order by 2 desc, 1
limit 30
"""

LINKS = """
select coalesce(case when s.status = 'matched' then s.method end, 'none: ' || s.status), count(*)
from spotify_tracks s
join tracks t using (track_id)
where t.simulated = %(simulated)s
group by 1
order by 2 desc, 1
"""

IMPORTED = """
select count(*), count(distinct dataset) from imported_audio_features
"""

REVIEW = """
select s.track_id, t.artist, t.title, t.year, s.spotify_id, s.name, s.artists, s.album, s.release_date, s.duration_ms, s.score, s.reason,
       s.simulated
from spotify_tracks s
join tracks t using (track_id)
where s.status = 'review'
order by s.score desc, s.track_id
limit %(limit)s
"""

ACCEPT = """
update spotify_tracks
set status = 'matched', method = 'manual', reason = null, expires_at = null, matched_at = now()
where track_id = %(track_id)s and status = 'review' and spotify_id is not null
returning spotify_id
"""

# The song is looked for again, without this candidate, at the next run.
REJECT = """
with refused as (
    select track_id, spotify_id from spotify_tracks
    where track_id = %(track_id)s and status in ('review', 'matched') and spotify_id is not null
    for update
)
update spotify_tracks s
set rejected_ids = array_append(array_remove(s.rejected_ids, refused.spotify_id), refused.spotify_id), status = 'missing', method = null,
    score = null, reason = 'refused by hand: ' || refused.spotify_id, expires_at = now(), spotify_id = null, isrc = null, name = null,
    artists = null, album = null, release_date = null, duration_ms = null, popularity = null, explicit = null, payload = null
from refused
where s.track_id = refused.track_id
returning refused.spotify_id
"""

STATE = "select status, method from spotify_tracks where track_id = %(track_id)s"
TRACK = "select slot from tracks where track_id = %(track_id)s"

# A link by hand wins over what was there, and over an earlier refusal of the same id.
SET_BY_HAND = (
    UPSERT_TRACK[: UPSERT_TRACK.index("where spotify_tracks.method is distinct")].rstrip()
    + """,
    rejected_ids = array_remove(spotify_tracks.rejected_ids, excluded.spotify_id)
"""
)

COVERAGE = """
select
    count(*),
    count(s.track_id),
    count(*) filter (where s.status = 'matched'),
    count(a.track_id),
    count(*) filter (where a.status = 'ok')
from tracks t
left join spotify_tracks s using (track_id)
left join audio_features a using (track_id)
where t.simulated = %(simulated)s
"""

BROKEN_FEATURES = """
select
    count(*) filter (where a.status = 'ok' and num_nonnulls(
        danceability, energy, valence, acousticness, instrumentalness, speechiness, liveness, loudness_db, tempo_bpm) = 0),
    count(*) filter (where a.status = 'unavailable' and num_nonnulls(
        danceability, energy, valence, acousticness, instrumentalness, speechiness, liveness, loudness_db, tempo_bpm) > 0),
    count(*) filter (where a.simulated <> t.simulated)
from audio_features a
join tracks t using (track_id)
"""


class PendingTrack(NamedTuple):
    """A track to look for, and the hash of what it is looked for by."""

    track_id: int
    wanted: Wanted
    input_sha256: str
    rejected: tuple[str, ...] = ()


class PendingFeatures(NamedTuple):
    """A track to ask features for; services can be asked where `is_asked`, and only by a Spotify id."""

    track_id: int
    spotify_id: str | None
    artist: str
    title: str
    isrc: str | None
    duration_ms: int | None
    artist_key: str
    title_key: str
    is_asked: bool


class FileFeatures(NamedTuple):
    """A row of an imported file that may be about a track."""

    track_id: int
    dataset: str
    spotify_id: str | None
    isrc: str | None
    artist: str
    title: str
    duration_ms: int | None
    features: AudioFeatures


@dataclass(frozen=True)
class TrackRow:
    """What became of a search, ready to be stored; `expires_days` says when to ask again."""

    track_id: int
    input_sha256: str
    status: str
    method: str | None
    score: float | None
    candidate: Candidate | None
    payload: dict[str, Any] | None
    reason: str | None
    expires_days: float | None


@dataclass(frozen=True)
class FeatureRow:
    """Audio features of a track, or why there are none."""

    track_id: int
    spotify_id: str | None
    features: AudioFeatures | None
    source: str | None
    reason: str | None


_NO_FEATURES = dict.fromkeys(AudioFeatures.__dataclass_fields__)
_NO_CANDIDATE = dict.fromkeys(Candidate.__dataclass_fields__)


def pending_tracks(conn: psycopg.Connection, slots: Sequence[int], *, simulated: bool) -> list[PendingTrack]:
    """Tracks that were never looked for, changed since, or were not found long enough ago."""
    found = conn.execute(_PENDING, {"slots": list(slots), "simulated": simulated, "version": VERSION})
    return [_pending_track(row) for row in found]


def _pending_track(row: Sequence[Any]) -> PendingTrack:
    track_id, artist, title, isrc, duration_ms, year, told_id, digest, rejected = row
    wanted = Wanted(artist, title, isrc, duration_ms, year, None if told_id in rejected else told_id)
    return PendingTrack(track_id, wanted, digest, tuple(rejected))


def slots_waiting(conn: psycopg.Connection, *, simulated: bool, other_provider: bool, expires_days: int) -> set[int]:
    """Slots of tracks that wait to be looked for, or for their audio features."""
    parameters = {
        "slots": list(range(1024)),
        "simulated": simulated,
        "version": VERSION,
        "other_provider": other_provider,
        "expires_days": expires_days,
        "failed_expires_hours": FAILED_EXPIRES_HOURS,
    }
    return {int(slot) for (slot,) in conn.execute(SLOTS_WAITING, parameters)}


def not_asked(conn: psycopg.Connection, slots: Sequence[int], *, simulated: bool) -> int:
    """Tracks that this endpoint is not asked for: real ones at the simulated Spotify, simulated ones at the real one."""
    row = conn.execute(NOT_ASKED, {"slots": list(slots), "simulated": simulated}).fetchone()
    return int(row[0]) if row else 0


def store_tracks(conn: psycopg.Connection, rows: Sequence[TrackRow], *, simulated: bool) -> None:
    """Insert or update a batch; links made by hand stay."""
    with conn.cursor() as cursor:
        cursor.executemany(UPSERT_TRACK, [_track_parameters(row, simulated) for row in rows])


def _track_parameters(row: TrackRow, simulated: bool) -> dict[str, Any]:
    described = asdict(row.candidate) if row.candidate else dict(_NO_CANDIDATE)
    artists = described.pop("artists")
    own = {name: value for name, value in asdict(row).items() if name not in ("candidate", "payload")}
    payload = Jsonb(row.payload) if row.payload is not None else None
    return {
        **described,
        **own,
        "artists": list(artists) if artists else None,
        "payload": payload,
        "simulated": simulated,
    }


def lock_capabilities(conn: psycopg.Connection) -> None:
    """Let one transaction at a time find out what Spotify allows; until the caller commits."""
    conn.execute("select pg_advisory_xact_lock(%s)", [lock_id("spotify capabilities")])


def match_summary(conn: psycopg.Connection, slots: Sequence[int]) -> dict[str, int]:
    """Rows of these slots by status and method."""
    row = conn.execute(MATCH_SUMMARY, {"slots": list(slots)}).fetchone()
    assert row is not None
    names = (
        "asked", "matched", "review", "missing", "failed", "by_id", "by_isrc", "by_exact_names", "by_similar_names", "by_hand",
    )  # fmt: skip
    return dict(zip(names, map(int, row), strict=True))


def pending_features(
    conn: psycopg.Connection, slots: Sequence[int], *, simulated: bool | None, other_provider: bool, expires_days: int
) -> list[PendingFeatures]:
    """Tracks whose audio features are missing, of another Spotify track, due to be asked again, or perhaps in a newer file.

    `simulated` is the population that the services are asked about; None asks files alone.
    """
    parameters = {
        "slots": list(slots),
        "simulated": simulated,
        "other_provider": other_provider,
        "expires_days": expires_days,
        "failed_expires_hours": FAILED_EXPIRES_HOURS,
    }
    return [PendingFeatures(*row) for row in conn.execute(PENDING_FEATURES, parameters)]


def features_in_files(conn: psycopg.Connection, batch: Sequence[PendingFeatures]) -> list[FileFeatures]:
    """Every imported row that may be about a track of the batch, by id, ISRC or names; which of them is gets decided elsewhere."""
    parameters = {
        "track_ids": [track.track_id for track in batch],
        "spotify_ids": [track.spotify_id for track in batch],
        "isrcs": [track.isrc for track in batch],
        "artist_keys": [track.artist_key for track in batch],
        "title_keys": [track.title_key for track in batch],
    }
    return [FileFeatures._make((*row[:7], AudioFeatures(*row[7:]))) for row in conn.execute(FROM_FILES, parameters)]


def store_features(conn: psycopg.Connection, rows: Sequence[FeatureRow]) -> None:
    """Insert or update a batch; a simulated track's features are simulated, a real one's are not."""
    parameters = [
        {
            **(asdict(row.features) if row.features else _NO_FEATURES),
            "track_id": row.track_id,
            "spotify_id": row.spotify_id,
            "status": "ok" if row.features else "unavailable",
            "reason": row.reason,
            "source": row.source if row.features else None,
        }
        for row in rows
    ]
    with conn.cursor() as cursor:
        cursor.executemany(UPSERT_FEATURES, parameters)


def feature_summary(conn: psycopg.Connection, slots: Sequence[int]) -> dict[str, int]:
    """Rows of these slots by source, or by the reason why there is none."""
    return {str(name): int(count) for name, count in conn.execute(FEATURE_SUMMARY, {"slots": list(slots)})}


def broken_matches(conn: psycopg.Connection, gate: float) -> dict[str, int]:
    """How many rows break which expectation."""
    row = conn.execute(BROKEN_MATCHES, {"gate": gate - 1e-6}).fetchone()
    assert row is not None
    return dict(zip(("below_the_gate", "reason_missing", "never_asked_again"), map(int, row), strict=True))


def broken_features(conn: psycopg.Connection) -> dict[str, int]:
    """How many rows break which expectation."""
    row = conn.execute(BROKEN_FEATURES).fetchone()
    assert row is not None
    return dict(zip(("ok_without_figures", "unavailable_with_figures", "mislabelled"), map(int, row), strict=True))


def coverage(conn: psycopg.Connection, *, simulated: bool) -> dict[str, int]:
    """Tracks of one population: how many were looked for, are matched, were asked about their sound, and have audio features."""
    row = conn.execute(COVERAGE, {"simulated": simulated}).fetchone()
    assert row is not None
    return dict(zip(("tracks", "asked", "matched", "listened_for", "with_audio_features"), map(int, row), strict=True))


def sources(conn: psycopg.Connection, *, simulated: bool) -> dict[str, int]:
    """Tracks of one population by where their audio features come from, or why there are none."""
    return {str(name): int(count) for name, count in conn.execute(SOURCES, {"simulated": simulated})}


def links(conn: psycopg.Connection, *, simulated: bool) -> dict[str, int]:
    """Tracks of one population by the method of their link, or what stands in its place."""
    return {str(name): int(count) for name, count in conn.execute(LINKS, {"simulated": simulated})}


def imported_count(conn: psycopg.Connection) -> tuple[int, int]:
    """Rows of audio features from files, and of how many data sets."""
    row = conn.execute(IMPORTED).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


@dataclass(frozen=True)
class ReviewItem:
    """A song whose best candidate did not pass the gate."""

    track_id: int
    artist: str
    title: str
    year: int | None
    spotify_id: str
    candidate: str
    candidate_artists: list[str]
    album: str | None
    release_date: str | None
    duration_ms: int | None
    score: float
    reason: str
    simulated: bool


def review_queue(conn: psycopg.Connection, limit: int) -> list[ReviewItem]:
    """Songs in review, those closest to the gate first."""
    return [ReviewItem(*row) for row in conn.execute(REVIEW, {"limit": limit})]


def accept(conn: psycopg.Connection, track_id: int) -> str | None:
    """Link a song in review to its candidate for good; gives the Spotify id, None when it is not in review."""
    row = conn.execute(ACCEPT, {"track_id": track_id}).fetchone()
    return str(row[0]) if row else None


def reject(conn: psycopg.Connection, track_id: int) -> str | None:
    """Refuse a song's candidate or link for good; gives its Spotify id, None when there is nothing to refuse."""
    row = conn.execute(REJECT, {"track_id": track_id}).fetchone()
    return str(row[0]) if row else None


def state(conn: psycopg.Connection, track_id: int) -> tuple[str, str | None] | None:
    """Status and method of a track; None when it was not looked for."""
    row = conn.execute(STATE, {"track_id": track_id}).fetchone()
    return (str(row[0]), row[1]) if row else None


def slot_of_track(conn: psycopg.Connection, track_id: int) -> int | None:
    """The slot of a track; None when there is no such track."""
    row = conn.execute(TRACK, {"track_id": track_id}).fetchone()
    return int(row[0]) if row else None


def one_track(conn: psycopg.Connection, track_id: int) -> tuple[PendingTrack, bool] | None:
    """A track as it would be looked for, and whether it is simulated; None when there is no such track."""
    row = conn.execute(ONE_TRACK, {"track_id": track_id, "version": VERSION}).fetchone()
    return (_pending_track(row[:9]), bool(row[9])) if row else None


def set_by_hand(conn: psycopg.Connection, row: TrackRow, *, simulated: bool) -> None:
    """Store a link that a person chose, whatever was there."""
    conn.execute(SET_BY_HAND, _track_parameters(row, simulated))
