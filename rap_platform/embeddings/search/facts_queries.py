"""SQL that states the facts of tracks: what is stale, and how it goes in."""

# The analysis that speaks for a track is one of its present lyrics: QWEN's before the rules', newest first.
STALE = """
with wanted as (
    select t.track_id, coalesce(t.duplicate_of, t.track_id) as original_id, t.artist_id, t.featured, t.year, t.language, t.explicit,
        a.profanity_rating, a.primary_mood, a.moods, a.themes, t.simulated, coalesce(a.simulated, false) as analysis_simulated
    from tracks t
    left join lateral (
        select * from analysis_results a
        where a.track_id = t.track_id and a.status = 'ok' and a.input_sha256 = t.lyrics_sha256
        order by (a.analyzer = 'qwen') desc, a.created_at desc, a.analysis_id desc
        limit 1
    ) a on true
    where t.slot = any(%(slots)s)
), stamped as (
    select w.*, encode(sha256(convert_to(%(version)s::text || row_to_json(w)::text, 'utf8')), 'hex') as input_sha256 from wanted w
)
select s.* from stamped s
left join track_facts f using (track_id)
where f.input_sha256 is distinct from s.input_sha256
"""

STAGING = "create temporary table if not exists stated_facts (like track_facts including defaults) on commit drop"

UNSTAGE = "drop table pg_temp.stated_facts"

COPY = """
copy pg_temp.stated_facts (
    track_id, original_id, artist_id, guests, year, language, explicit, rating, moods, themes, simulated, analysis_simulated, input_sha256)
from stdin
"""

# The join drops tracks that were deleted meanwhile, and the lock keeps those that are there until the facts are.
UPSERT = """
with present as (select t.track_id from tracks t join pg_temp.stated_facts using (track_id) for key share of t)
insert into track_facts
select s.* from pg_temp.stated_facts s join present using (track_id)
on conflict (track_id) do update set
    original_id = excluded.original_id, artist_id = excluded.artist_id, guests = excluded.guests, year = excluded.year,
    language = excluded.language, explicit = excluded.explicit, rating = excluded.rating, moods = excluded.moods,
    themes = excluded.themes, input_sha256 = excluded.input_sha256, simulated = excluded.simulated,
    analysis_simulated = excluded.analysis_simulated, stated_at = now()
"""

UNSTATED = """
select count(*), count(*) filter (where f.track_id is null)
from tracks t
left join track_facts f using (track_id)
where t.slot = any(%(slots)s)
"""

ANALYZE = "analyze track_facts"
