"""SQL of the audio vectors: the features to scale, vectors in and out, the scalers they were made under."""

from rap_platform.embeddings.audio.scaling import FEATURES, MOST_MISSING, QUANTILES

_COLUMNS = ", ".join(f"f.{name}" for name in FEATURES)
_LACKING = f"num_nulls({_COLUMNS})"

# ---- scalers --------------------------------------------------------------------------------------------------------

# Two runs that find no scaler must not both fit one.
LOCK_FITTING = "select pg_advisory_xact_lock(hashtextextended('audio_scalers', 0))"

ACTIVE_SCALER = "select version, quantiles, tracks, simulated from audio_scalers where active"

# Held to the end of a batch: a scaler that is being replaced waits for the batch, and the next batch sees the new one.
HOLD_SCALER = "select version from audio_scalers where active for share"

POPULATION = f"""
select (f.simulated or t.simulated) as simulated, count(*)
from audio_features f
join tracks t using (track_id)
where f.status = 'ok' and t.duplicate_of is null and {_LACKING} <= {MOST_MISSING}
group by 1
"""

# For each feature how many tracks have it and its values at the quantiles.
FIT = f"""
select {", ".join(f"count(f.{name}), percentile_cont(%(shares)s::float8[]) within group (order by f.{name})" for name in FEATURES)}
from audio_features f
join tracks t using (track_id)
where f.status = 'ok' and t.duplicate_of is null and {_LACKING} <= {MOST_MISSING} and (f.simulated or t.simulated) = %(simulated)s
"""

SHARES = [index / (QUANTILES - 1) for index in range(QUANTILES)]

RETIRE_SCALER = "update audio_scalers set active = false where active"

STORE_SCALER = """
insert into audio_scalers (version, quantiles, tracks, simulated, active)
values (%(version)s, %(quantiles)s, %(tracks)s, %(simulated)s, true)
on conflict (version) do update set
    quantiles = excluded.quantiles, tracks = excluded.tracks, simulated = excluded.simulated, active = true
"""

# ---- vectors --------------------------------------------------------------------------------------------------------

# A page of tracks whose features have no vector under this scaler, by track_id.
PENDING = f"""
with wanted as (
    select t.track_id, f.simulated or t.simulated or %(scaler_simulated)s as simulated, {_COLUMNS},
        encode(sha256(convert_to(concat_ws(' ', %(version)s::text, {", ".join(f"coalesce(f.{name}::text, '-')" for name in FEATURES)}), 'utf8')), 'hex')
            as input_sha256
    from audio_features f
    join tracks t using (track_id)
    where t.slot = any(%(slots)s) and f.status = 'ok' and t.track_id > %(after)s
)
select w.* from wanted w
left join track_vectors_audio v using (track_id)
where (v.input_sha256, v.simulated) is distinct from (w.input_sha256, w.simulated)
order by w.track_id
limit %(limit)s
"""

UPSERT = """
insert into track_vectors_audio (track_id, scaler_version, input_sha256, embedding, imputed, simulated)
select t.track_id, %(version)s, %(input_sha256)s, %(embedding)s, %(imputed)s, %(simulated)s
from tracks t where t.track_id = %(track_id)s
on conflict (track_id) do update set
    scaler_version = excluded.scaler_version, input_sha256 = excluded.input_sha256, embedding = excluded.embedding,
    imputed = excluded.imputed, simulated = excluded.simulated, embedded_at = now()
"""

# Features that were withdrawn, or of which too many are missing now, leave no old vector behind.
DELETE_STALE = f"""
delete from track_vectors_audio v
using tracks t
where t.track_id = v.track_id and t.slot = any(%(slots)s)
  and not exists (
    select from audio_features f
    where f.track_id = v.track_id and f.status = 'ok' and {_LACKING} <= {MOST_MISSING})
"""

SCALED = """
select count(*), coalesce(min(vector_dims(v.embedding)), 0), coalesce(max(vector_dims(v.embedding)), 0), coalesce(min(s.lowest), 0),
    coalesce(max(s.highest), 0), count(*) filter (where v.scaler_version is distinct from (select version from audio_scalers where active))
from track_vectors_audio v
cross join lateral (select min(x) as lowest, max(x) as highest from unnest(v.embedding::real[]) x) s
"""
