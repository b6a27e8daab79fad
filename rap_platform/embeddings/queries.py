"""SQL of this stage: work to do, vectors in and out, the indexes. What searches ask is in search/queries.py."""

# ---- sections -------------------------------------------------------------------------------------------------------

# Every text that has no vector of its present wording, once, with all the sections that hold it; long ones first, so
# that batches are of like length and the slowest comes first.
PENDING_TEXTS = """
select s.text_sha256, array_agg(s.section_id order by s.section_id), max(length(s.text)) as characters
from track_sections s
join tracks t using (track_id)
left join section_vectors_minilm v using (section_id)
where t.slot = any(%(slots)s) and v.input_sha256 is distinct from s.text_sha256
group by s.text_sha256
order by characters desc, s.text_sha256
"""

TEXTS = """
select text_sha256, text from track_sections where section_id = any(%(section_ids)s)
"""

# The join drops sections that were deleted or reworded while they were being encoded.
UPSERT_SECTION_VECTORS = """
insert into section_vectors_minilm (section_id, track_id, input_sha256, embedding, simulated)
select s.section_id, s.track_id, s.text_sha256, %(embedding)s, t.simulated
from track_sections s
join tracks t using (track_id)
where s.section_id = any(%(section_ids)s) and s.text_sha256 = %(text_sha256)s
on conflict (section_id) do update set
    track_id = excluded.track_id, input_sha256 = excluded.input_sha256, embedding = excluded.embedding,
    simulated = excluded.simulated, embedded_at = now()
"""

# A track's lyrics vector: the normalised mean of its sections, made when all of them have theirs.
UPSERT_LYRICS_VECTORS = """
with wanted as (
    select t.track_id, t.simulated,
        encode(sha256(convert_to(string_agg(s.text_sha256, ' ' order by s.section_no), 'utf8')), 'hex') as input_sha256
    from tracks t
    join track_sections s using (track_id)
    left join section_vectors_minilm v on v.section_id = s.section_id and v.input_sha256 = s.text_sha256
    where t.slot = any(%(slots)s)
    group by t.track_id
    having count(*) = count(v.section_id)
), stale as (
    select w.* from wanted w
    left join track_vectors_minilm v on v.track_id = w.track_id and v.kind = 'lyrics'
    where (v.input_sha256, v.simulated) is distinct from (w.input_sha256, w.simulated)
)
insert into track_vectors_minilm (track_id, kind, input_sha256, embedding, simulated)
select stale.track_id, 'lyrics', stale.input_sha256, l2_normalize(avg(v.embedding)), stale.simulated
from stale
join section_vectors_minilm v using (track_id)
group by stale.track_id, stale.input_sha256, stale.simulated
on conflict (track_id, kind) do update set
    input_sha256 = excluded.input_sha256, embedding = excluded.embedding, simulated = excluded.simulated, embedded_at = now()
"""

UNCOVERED_SECTIONS = """
select count(*), count(*) filter (where v.input_sha256 is distinct from s.text_sha256)
from track_sections s
join tracks t using (track_id)
left join section_vectors_minilm v using (section_id)
where t.slot = any(%(slots)s)
"""

SECTION_NORMS = """
select count(*), coalesce(max(abs(l2_norm(embedding) - 1)), 0), coalesce(min(vector_dims(embedding)), 0), coalesce(max(vector_dims(embedding)), 0)
from section_vectors_minilm
"""

TRACK_NORMS = """
select count(*), coalesce(max(abs(l2_norm(embedding) - 1)), 0), coalesce(min(vector_dims(embedding)), 0), coalesce(max(vector_dims(embedding)), 0)
from track_vectors_minilm
where kind = %(kind)s
"""

# ---- analyses -------------------------------------------------------------------------------------------------------

# The analysis that speaks for a track is one of its present lyrics: QWEN's before the rules', newest first.
_BEST_ANALYSES = """
    select distinct on (a.track_id) a.track_id, a.analyzer, a.primary_mood, a.moods, a.themes, a.summary,
        a.simulated or t.simulated as simulated
    from analysis_results a
    join tracks t using (track_id)
    where a.status = 'ok' and a.input_sha256 = t.lyrics_sha256 and t.slot = any(%(slots)s)
    order by a.track_id, (a.analyzer = 'qwen') desc, a.created_at desc, a.analysis_id desc
"""

ANALYSES = f"""
with best as ({_BEST_ANALYSES})
select best.*, v.input_sha256, v.simulated
from best
left join track_vectors_minilm v on v.track_id = best.track_id and v.kind = 'analysis'
order by best.track_id
"""

UPSERT_ANALYSIS_VECTOR = """
insert into track_vectors_minilm (track_id, kind, input_sha256, embedding, simulated)
select t.track_id, 'analysis', %(input_sha256)s, %(embedding)s, %(simulated)s
from tracks t where t.track_id = %(track_id)s
on conflict (track_id, kind) do update set
    input_sha256 = excluded.input_sha256, embedding = excluded.embedding, simulated = excluded.simulated, embedded_at = now()
"""

DELETE_STALE_ANALYSES = """
delete from track_vectors_minilm v
using tracks t
where t.track_id = v.track_id and t.slot = any(%(slots)s) and v.kind = 'analysis'
  and not exists (
    select from analysis_results a
    where a.track_id = v.track_id and a.status = 'ok' and a.input_sha256 = t.lyrics_sha256)
"""

# ---- indexes --------------------------------------------------------------------------------------------------------

# m and ef_construction: recall 0.997 at 57,718 vectors with the default ef_search, 17 s to build.
INDEXES = {
    "section_vectors_minilm_hnsw": """
        create index section_vectors_minilm_hnsw on section_vectors_minilm
        using hnsw (embedding halfvec_cosine_ops) with (m = 16, ef_construction = 128)
    """,
    "track_vectors_minilm_lyrics_hnsw": """
        create index track_vectors_minilm_lyrics_hnsw on track_vectors_minilm
        using hnsw (embedding halfvec_cosine_ops) with (m = 16, ef_construction = 128) where kind = 'lyrics'
    """,
    "track_vectors_minilm_analysis_hnsw": """
        create index track_vectors_minilm_analysis_hnsw on track_vectors_minilm
        using hnsw (embedding halfvec_cosine_ops) with (m = 16, ef_construction = 128) where kind = 'analysis'
    """,
    "track_vectors_audio_hnsw": """
        create index track_vectors_audio_hnsw on track_vectors_audio
        using hnsw (embedding halfvec_l2_ops) with (m = 16, ef_construction = 128)
    """,
}

INDEX_EXISTS = "select exists (select from pg_class where relname = %(name)s and relkind = 'i')"

INDEX_BYTES = "select pg_relation_size(%(name)s::regclass)"

ANALYZE = (
    "analyze section_vectors_minilm",
    "analyze track_vectors_minilm",
    "analyze track_vectors_audio",
    "analyze track_sections",
)

BUILD_SETTINGS = """
select set_config('maintenance_work_mem', %(memory)s, true), set_config('max_parallel_maintenance_workers', %(workers)s, true)
"""

# Which vectors there are, in one number per table: their count and the sum of the hashes of their keys and inputs.
VECTORS_DIGEST = """
select 'sections', count(*), coalesce(sum(hashtextextended(section_id || ' ' || input_sha256, 0)), 0)::text, coalesce(bool_or(simulated), false)
from section_vectors_minilm
union all
select 'lyrics', count(*), coalesce(sum(hashtextextended(track_id || ' ' || input_sha256, 0)), 0)::text, coalesce(bool_or(simulated), false)
from track_vectors_minilm where kind = 'lyrics'
union all
select 'analysis', count(*), coalesce(sum(hashtextextended(track_id || ' ' || input_sha256, 0)), 0)::text, coalesce(bool_or(simulated), false)
from track_vectors_minilm where kind = 'analysis'
union all
select 'audio', count(*), coalesce(sum(hashtextextended(track_id || ' ' || input_sha256, 0)), 0)::text, coalesce(bool_or(simulated), false)
from track_vectors_audio
"""

# A sample that is the same every time: by the hash of the key.
SAMPLES = {
    "sections": "select embedding from section_vectors_minilm order by hashint8extended(section_id, 7) limit %(limit)s",
    "lyrics": "select embedding from track_vectors_minilm where kind = 'lyrics' order by hashint8extended(track_id, 7) limit %(limit)s",
    "analysis": "select embedding from track_vectors_minilm where kind = 'analysis' order by hashint8extended(track_id, 7) limit %(limit)s",
    "audio": "select embedding from track_vectors_audio order by hashint8extended(track_id, 7) limit %(limit)s",
}

NEAREST_DISTANCES = {
    "sections": "select embedding <=> %(query)s from section_vectors_minilm order by embedding <=> %(query)s limit %(limit)s",
    "lyrics": "select embedding <=> %(query)s from track_vectors_minilm where kind = 'lyrics' order by embedding <=> %(query)s limit %(limit)s",
    "analysis": "select embedding <=> %(query)s from track_vectors_minilm where kind = 'analysis' order by embedding <=> %(query)s limit %(limit)s",
    "audio": "select embedding <-> %(query)s from track_vectors_audio order by embedding <-> %(query)s limit %(limit)s",
}

EXACT_SCAN = "select set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true)"

INDEX_SCAN = "select set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true)"

# Planner's choice again, with the breadth of the graph search; iterative: a filter never makes the answer short.
SEARCH_SETTINGS = """
select set_config('hnsw.ef_search', %(ef_search)s, true), set_config('hnsw.iterative_scan', %(iterative_scan)s, true)
"""

STORED_REPORT = """
select body from reports where kind = 'vector_index' and input_digest = %(digest)s
"""

LATEST_REPORT = """
select body from reports where kind = 'vector_index' order by created_at desc limit 1
"""

STORE_REPORT = """
insert into reports (kind, input_digest, body, markdown, simulated)
values ('vector_index', %(digest)s, %(body)s, %(markdown)s, %(simulated)s)
on conflict (kind, input_digest) do update set body = excluded.body, markdown = excluded.markdown, created_at = now()
"""

# ---- encoders -------------------------------------------------------------------------------------------------------

SERVING_ENCODER = "select name from serving_encoder"
