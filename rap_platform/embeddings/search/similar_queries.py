"""SQL of tracks like a track and of recommendations, and the examples for the README: all answered by an index."""

from collections.abc import Collection
from dataclasses import dataclass

from rap_platform.embeddings.queries import AUDIO_INDEX, AUDIO_TABLE, track_index, track_table


@dataclass(frozen=True)
class Vectors:
    """Where the vectors of a kind are, their index, and its operator: `<=>` cosine, `<->` Euclidean distance."""

    table: str
    index: str
    kind: str  # a condition on the alias v, "" where the table holds one kind
    operator: str


def vectors(encoder: str) -> dict[str, Vectors]:
    """The three kinds of track vectors; those of texts are the encoder's. Raises ValueError for a name that is none."""
    texts = track_table(encoder)
    return {
        "lyrics": Vectors(texts, track_index(encoder, "lyrics"), " and v.kind = 'lyrics'", "<=>"),
        "audio": Vectors(AUDIO_TABLE, AUDIO_INDEX, "", "<->"),
        "analysis": Vectors(texts, track_index(encoder, "analysis"), " and v.kind = 'analysis'", "<=>"),
    }


# Which tracks may be an answer, over the alias t of tracks.
FILTERS = {
    "simulated": "t.simulated = %(simulated)s",
    "language": "t.language = %(language)s",
    "without_artists": "t.artist_id <> all(%(without_artists)s)",
}


def _where(filters: Collection[str]) -> str:
    return "".join(f" and {FILTERS[name]}" for name in filters)


BREADTH = """
select set_config('hnsw.ef_search', %(ef_search)s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true)
"""

ARTISTS_NAMED = """
select asked.name, array(
    select a.artist_id from artists a where a.normalised_name = asked.normalised or a.slug = asked.slug)
from unnest(%(names)s::text[], %(normalised)s::text[], %(slugs)s::text[]) asked (name, normalised, slug)
"""


def nearest(found: Vectors, filters: Collection[str]) -> str:
    """The tracks nearest to each of `vectors`: track_id, artist_id, distance. Through the index, copies of `originals` left out."""
    return f"""
select n.track_id, n.artist_id, n.distance
from unnest(%(vectors)s::halfvec[]) asked (embedding)
cross join lateral (
    select v.track_id, t.artist_id, v.embedding {found.operator} asked.embedding as distance
    from {found.table} v
    join tracks t using (track_id)
    where coalesce(t.duplicate_of, t.track_id) <> all(%(originals)s){found.kind}{_where(filters)}
    order by v.embedding {found.operator} asked.embedding
    limit %(candidates)s
) n
"""


def nearest_exactly(found: Vectors, filters: Collection[str]) -> str:
    """As `nearest` by reading every vector, for filters that few tracks pass. The sum keeps the planner from the index."""
    return f"""
select v.track_id, t.artist_id, v.embedding {found.operator} %(vector)s as distance
from {found.table} v
join tracks t using (track_id)
where coalesce(t.duplicate_of, t.track_id) <> all(%(originals)s){found.kind}{_where(filters)}
order by (v.embedding {found.operator} %(vector)s) + 0
limit %(candidates)s
"""


def few_of_each(statement: str) -> str:
    """Of what `nearest` or `nearest_exactly` finds, the nearest `of_artist` tracks of each artist, `most` in all; columns as there."""
    return f"""
select track_id, artist_id, distance
from (
    select track_id, artist_id, min(distance) as distance, row_number() over (partition by artist_id order by min(distance)) as place
    from ({statement}) found
    group by track_id, artist_id
) placed
where place <= %(of_artist)s
order by distance
limit %(most)s
"""


def tracks(encoder: str) -> str:
    """Tracks by number with what is shown of them, the track each is a copy of, and their vectors of every kind."""
    texts = vectors(encoder)["lyrics"].table
    return f"""
select t.track_id, coalesce(t.duplicate_of, t.track_id), t.artist_id, t.artist, t.title, t.year, t.simulated,
    l.embedding, l.simulated, s.embedding, s.simulated, a.embedding, a.simulated
from tracks t
left join {texts} l on l.track_id = t.track_id and l.kind = 'lyrics'
left join track_vectors_audio s on s.track_id = t.track_id
left join {texts} a on a.track_id = t.track_id and a.kind = 'analysis'
where t.track_id = any(%(track_ids)s)
"""


SAMPLED_PAGES = 150  # about 700 songs: the mean squared distance of pairs is then known to a few percent

# The expected squared distance of two vectors drawn at random, 2 (E |v|^2 - |E v|^2), from the same few pages each time.
_SPREAD = f"""
select '{{name}}', 2 * (avg(l2_norm(v.embedding) ^ 2) - l2_norm(avg(v.embedding)) ^ 2), count(*)
from {{table}} v tablesample system ((
    select least(100, 100.0 * {SAMPLED_PAGES} / greatest(1, pg_relation_size('{{table}}') / 8192)))) repeatable (7)
where true{{kind}}
"""


def spreads(encoder: str) -> str:
    """For each kind the expected squared distance of two tracks drawn at random, and the number of tracks looked at."""
    found = vectors(encoder)
    return "union all".join(_SPREAD.format(name=name, table=each.table, kind=each.kind) for name, each in found.items())


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
