"""All SQL of this stage."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from rap_platform.spotify.features import AudioFeatures
from rap_platform.spotify.matching import VERSION, Candidate, Wanted

FAILED_EXPIRES_HOURS = 6  # a request that failed is worth another soon

# Columns of an imported file may bring a code or a length; what is not shaped like one is not used.
_INPUT = """
select
    t.track_id, t.artist, t.title, t.year, t.simulated, t.slot,
    case when jsonb_typeof(r.payload -> 'row' -> 'isrc') = 'string' then r.payload -> 'row' ->> 'isrc' end as isrc,
    case when r.payload -> 'row' ->> 'duration_ms' ~ '^[1-9][0-9]{0,7}$'
         then (r.payload -> 'row' ->> 'duration_ms')::integer end as duration_ms
from tracks t
join raw_songs r using (raw_song_id)
where t.slot = any(%(slots)s)
"""

_PENDING = f"""
with input as ({_INPUT}),
hashed as (
    select *, encode(sha256(convert_to(concat_ws(
        E'\\x1f', %(version)s::text, artist, title, coalesce(year::text, ''), coalesce(isrc, ''), coalesce(duration_ms::text, '')
    ), 'UTF8')), 'hex') as input_sha256
    from input
    where simulated = %(simulated)s
)
select h.track_id, h.artist, h.title, h.isrc, h.duration_ms, h.year, h.input_sha256
from hashed h
left join spotify_tracks s using (track_id)
where s.track_id is null
   or (s.method is distinct from 'manual' and s.input_sha256 <> h.input_sha256)
   or (s.status in ('missing', 'failed') and s.expires_at <= now())
order by h.track_id
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
"""

MATCH_SUMMARY = """
select
    count(s.track_id),
    count(*) filter (where s.status = 'matched'),
    count(*) filter (where s.status = 'review'),
    count(*) filter (where s.status = 'missing'),
    count(*) filter (where s.status = 'failed'),
    count(*) filter (where s.method = 'isrc'),
    count(*) filter (where s.method = 'exact'),
    count(*) filter (where s.method = 'fuzzy')
from tracks t
left join spotify_tracks s using (track_id)
where t.slot = any(%(slots)s)
"""

# A track without features, or with those of another Spotify track, or that was refused while now there is somebody else to ask,
# or that nobody knew long enough ago; one whose request failed is asked again sooner.
PENDING_FEATURES = """
with matched as (
    select s.track_id, case when s.status = 'matched' then s.spotify_id end as spotify_id
    from spotify_tracks s
    join tracks t using (track_id)
    where t.slot = any(%(slots)s) and t.simulated = %(simulated)s
)
select m.track_id, m.spotify_id
from matched m
left join audio_features a using (track_id)
where a.track_id is null
   or a.spotify_id is distinct from m.spotify_id
   or (a.status = 'unavailable' and m.spotify_id is not null and (
        (a.reason = 'endpoint_restricted' and %(other_provider)s)
        or (a.reason <> 'endpoint_restricted' and a.reason not like 'unknown_to_%%'
            and a.fetched_at <= now() - make_interval(hours => %(failed_expires_hours)s))
        or a.fetched_at <= now() - make_interval(days => %(expires_days)s)))
order by m.track_id
"""

UPSERT_FEATURES = """
insert into audio_features (
    track_id, status, reason, source, spotify_id, danceability, energy, valence, acousticness, instrumentalness, speechiness, liveness,
    loudness_db, tempo_bpm, simulated, fetched_at
)
select t.track_id, %(status)s, %(reason)s, %(source)s, %(spotify_id)s, %(danceability)s, %(energy)s, %(valence)s, %(acousticness)s,
       %(instrumentalness)s, %(speechiness)s, %(liveness)s, %(loudness_db)s, %(tempo_bpm)s, t.simulated or %(simulated)s, now()
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

COVERAGE = """
select
    count(*),
    count(s.track_id),
    count(*) filter (where s.status = 'matched'),
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


class PendingFeatures(NamedTuple):
    """A track to ask features for; without an id there is nothing to ask."""

    track_id: int
    spotify_id: str | None


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
    return [
        PendingTrack(track_id, Wanted(artist, title, isrc, duration_ms, year), digest)
        for track_id, artist, title, isrc, duration_ms, year, digest in found
    ]


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


def match_summary(conn: psycopg.Connection, slots: Sequence[int]) -> dict[str, int]:
    """Rows of these slots by status and method."""
    row = conn.execute(MATCH_SUMMARY, {"slots": list(slots)}).fetchone()
    assert row is not None
    names = ("asked", "matched", "review", "missing", "failed", "by_isrc", "by_exact_names", "by_similar_names")
    return dict(zip(names, map(int, row), strict=True))


def pending_features(
    conn: psycopg.Connection, slots: Sequence[int], *, simulated: bool, other_provider: bool, expires_days: int
) -> list[PendingFeatures]:
    """Tracks whose audio features are missing, of another Spotify track, or due to be asked again."""
    parameters = {
        "slots": list(slots),
        "simulated": simulated,
        "other_provider": other_provider,
        "expires_days": expires_days,
        "failed_expires_hours": FAILED_EXPIRES_HOURS,
    }
    return [PendingFeatures(*row) for row in conn.execute(PENDING_FEATURES, parameters)]


def store_features(conn: psycopg.Connection, rows: Sequence[FeatureRow], *, simulated: bool) -> None:
    """Insert or update a batch."""
    parameters = [
        {
            **(asdict(row.features) if row.features else _NO_FEATURES),
            "track_id": row.track_id,
            "spotify_id": row.spotify_id,
            "status": "ok" if row.features else "unavailable",
            "reason": row.reason,
            "source": row.source if row.features else None,
            "simulated": simulated,
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
    """Tracks of one population, and how many were asked for, matched, and have audio features."""
    row = conn.execute(COVERAGE, {"simulated": simulated}).fetchone()
    assert row is not None
    return dict(zip(("tracks", "asked", "matched", "with_audio_features"), map(int, row), strict=True))
