"""SQL of tracks like a track, and the examples for the README: all answered by an index."""

_SIMILAR = """
with this as materialized (
    select v.embedding, coalesce(t.duplicate_of, t.track_id) as original
    from {table} v join tracks t using (track_id)
    where v.track_id = %(track_id)s{kind}
), nearest as materialized (
    select v.track_id, v.simulated, v.embedding {operator} (select embedding from this) as distance
    from {table} v
    where v.track_id <> %(track_id)s{kind}
    order by v.embedding {operator} (select embedding from this)
    limit %(candidates)s
), originals as (
    select distinct on (coalesce(t.duplicate_of, t.track_id)) t.track_id, t.artist, t.title, t.year, n.simulated, n.distance
    from nearest n
    join tracks t using (track_id)
    where coalesce(t.duplicate_of, t.track_id) <> (select original from this)
    order by coalesce(t.duplicate_of, t.track_id), (t.duplicate_of is null) desc, n.distance
)
select track_id, artist, title, year, simulated, distance from originals order by distance, track_id limit %(limit)s
"""

SIMILAR_TRACKS = {
    "lyrics": _SIMILAR.format(table="track_vectors_minilm", kind=" and v.kind = 'lyrics'", operator="<=>"),
    "analysis": _SIMILAR.format(table="track_vectors_minilm", kind=" and v.kind = 'analysis'", operator="<=>"),
    "audio": _SIMILAR.format(table="track_vectors_audio", kind="", operator="<->"),
}

HAS_VECTOR = {
    "lyrics": "select exists (select from track_vectors_minilm where track_id = %(track_id)s and kind = 'lyrics')",
    "analysis": "select exists (select from track_vectors_minilm where track_id = %(track_id)s and kind = 'analysis')",
    "audio": "select exists (select from track_vectors_audio where track_id = %(track_id)s)",
}

# ---- examples for the README: everything an index can answer is asked with `order by ... limit` -----------------------

# Tracks whose lyrics are like a text or a track: the vector has the table's 384 dimensions and is bound, not printed.
# `<=>` is a cosine distance, so one minus it is a similarity.
EXAMPLE_SIMILAR_BY_LYRICS = """
select t.title, t.artist, 1 - (v.embedding <=> %(lyrics)s::halfvec(384)) as similarity
from track_vectors_minilm v
join tracks t using (track_id)
where v.kind = 'lyrics'
order by v.embedding <=> %(lyrics)s::halfvec(384)
limit 10
"""

# Pairs that sound alike: five nearest neighbours per track through the index, instead of every track with every other.
EXAMPLE_AUDIO_PAIRS = """
with pairs as (
    select distinct least(a.track_id, b.track_id) as first, greatest(a.track_id, b.track_id) as second, b.distance
    from track_vectors_audio a
    cross join lateral (
        select near.track_id, near.embedding <-> a.embedding as distance
        from track_vectors_audio near
        where near.track_id <> a.track_id
        order by near.embedding <-> a.embedding
        limit 5
    ) b
    where b.distance < %(threshold)s
)
select t1.title, t2.title, pairs.distance
from pairs
join tracks t1 on t1.track_id = pairs.first
join tracks t2 on t2.track_id = pairs.second
order by pairs.distance
limit 20
"""

# Recommendations: tracks whose analysis is near a listener's vector; the threshold is applied to what the index found.
# The score is a cosine similarity: higher is a better match.
EXAMPLE_RECOMMENDATIONS = """
with nearest as materialized (
    select v.track_id, v.embedding <=> %(listener)s::halfvec(384) as distance
    from track_vectors_minilm v
    where v.kind = 'analysis'
    order by v.embedding <=> %(listener)s::halfvec(384)
    limit 20
)
select t.title, t.artist, 1 - nearest.distance as match_score
from nearest
join tracks t using (track_id)
where nearest.distance < %(threshold)s
order by nearest.distance
"""
