"""SQL of the audio vectors: the features to scale, vectors in and out, the scaler they were made under."""

_AUDIO_INPUT = """
    select t.track_id, f.simulated or t.simulated as simulated, f.danceability, f.energy, f.valence, f.acousticness,
        f.instrumentalness, f.speechiness, f.liveness, f.loudness_db, f.tempo_bpm,
        encode(sha256(convert_to(concat_ws(' ', %(scaler_version)s::text, f.danceability, f.energy, f.valence, f.acousticness,
            f.instrumentalness, f.speechiness, f.liveness, f.loudness_db, f.tempo_bpm), 'utf8')), 'hex') as input_sha256
    from audio_features f
    join tracks t using (track_id)
    where t.slot = any(%(slots)s) and f.status = 'ok'
"""

PENDING_AUDIO = f"""
with wanted as ({_AUDIO_INPUT})
select w.* from wanted w
left join track_vectors_audio v using (track_id)
where (v.input_sha256, v.simulated) is distinct from (w.input_sha256, w.simulated)
order by w.track_id
"""

UPSERT_AUDIO_VECTOR = """
insert into track_vectors_audio (track_id, scaler_version, input_sha256, embedding, simulated)
select t.track_id, %(scaler_version)s, %(input_sha256)s, %(embedding)s, %(simulated)s
from tracks t where t.track_id = %(track_id)s
on conflict (track_id) do update set
    scaler_version = excluded.scaler_version, input_sha256 = excluded.input_sha256, embedding = excluded.embedding,
    simulated = excluded.simulated, embedded_at = now()
"""

# Features that were withdrawn, or of which one is missing now, leave no old vector behind.
DELETE_STALE_AUDIO = """
delete from track_vectors_audio v
using tracks t
where t.track_id = v.track_id and t.slot = any(%(slots)s)
  and not exists (
    select from audio_features f
    where f.track_id = v.track_id and f.status = 'ok'
      and num_nulls(f.danceability, f.energy, f.valence, f.acousticness, f.instrumentalness, f.speechiness, f.liveness,
                    f.loudness_db, f.tempo_bpm) = 0)
"""

AUDIO_RANGE = """
select count(*), coalesce(min(vector_dims(embedding)), 0), coalesce(max(vector_dims(embedding)), 0), coalesce(max(l2_norm(embedding)), 0),
    count(*) filter (where scaler_version <> %(scaler_version)s)
from track_vectors_audio
"""
