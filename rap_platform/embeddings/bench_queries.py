"""SQL that benchmarks of the search ask beside the search's own: the plain index query, exact scans, samples, sizes."""

# What somebody would write who has pgvector and psycopg and nothing else.
PLAIN = "select section_id from section_vectors_minilm order by embedding <=> %(query)s limit 10"

PLAIN_BREADTH = "select set_config('hnsw.ef_search', %(ef_search)s, false)"

BREADTH = "select set_config('hnsw.ef_search', %(ef_search)s, true)"

NO_INDEX = "select set_config('enable_indexscan', 'off', true)"

ONLY_INDEX = "select set_config('enable_seqscan', 'off', true)"

NEAREST = "select embedding <=> %(query)s from section_vectors_minilm order by embedding <=> %(query)s limit 10"

HUGE_PAGES = "select (current_setting('huge_pages_status') = 'on')::integer"

ARTIST_OF_RANK = """
select a.name
from (select artist_id from track_facts group by artist_id order by count(*) desc, artist_id offset %(rank)s limit 1) t
join artists a using (artist_id)
"""

ORIGINALS_AMONG = "select count(distinct original_id) from track_facts where track_id = any(%(track_ids)s)"

TRACKS_TITLED = "select track_id from tracks where title like %(number)s"

SAMPLE_TABLE = "create temp table sample (number integer primary key, embedding halfvec(384) not null) on commit drop"

COPY_SAMPLE = "copy sample (number, embedding) from stdin with (format binary)"

SAMPLE_OF_SECTIONS = """
insert into sample (number, embedding)
select row_number() over (), embedding
from (select embedding from section_vectors_minilm order by hashint8extended(section_id, 11) limit %(limit)s) chosen
"""

NEAREST_IN_SAMPLE = "select embedding <=> %(query)s from sample order by embedding <=> %(query)s limit 10"

# Bits for the index, half-precision vectors for the order: what pgvector's README advises where memory is short.
BINARY_INDEX = "create index sample_binary on sample using hnsw ((binary_quantize(embedding)::bit(384)) bit_hamming_ops) with (m = 16, ef_construction = 128)"

NEAREST_BY_BITS = """
select embedding <=> %(query)s as distance
from (
    select embedding from sample
    order by binary_quantize(embedding)::bit(384) <~> binary_quantize(%(query)s::halfvec(384))
    limit %(candidates)s
) near
order by distance
limit 10
"""

SAMPLE_INDEX_BYTES = """
select coalesce(sum(pg_relation_size(i.indexrelid)), 0)::bigint from pg_index i where i.indrelid = 'sample'::regclass and not i.indisprimary
"""

RELATIONS = """
select c.relname, c.relkind = 'i', pg_relation_size(c.oid),
    case when c.reltoastrelid <> 0 then pg_total_relation_size(c.reltoastrelid) else 0 end
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'i') and pg_relation_size(c.oid) >= 65536
"""


def originals(where: str) -> str:
    """How many songs pass, copies counted as their originals, up to ten times ten; `where` is that of a Filtering."""
    return f"""
select count(distinct original_id) from (select f.original_id from track_facts f where true{where} limit 100) passing
"""


def sample_index(m: int, ef_construction: int) -> str:
    """An index over the sample with these parameters of the graph."""
    return f"create index on sample using hnsw (embedding halfvec_cosine_ops) with (m = {m:d}, ef_construction = {ef_construction:d})"
