"""SQL of the indexes over vectors: building, inventory, recall, reports."""

from rap_platform.embeddings.queries import section_table, track_table

OPERATORS = {"halfvec_cosine_ops": "<=>", "halfvec_l2_ops": "<->"}


def create_index(index: str, table: str, where: str, operators: str, *, concurrently: bool = False) -> str:
    """An HNSW index; m and ef_construction are whole numbers, filled in by format(m=..., ef_construction=...)."""
    return (
        f"create index {'concurrently ' if concurrently else ''}{index} on {table} using hnsw (embedding {operators}) "
        f"with (m = {{m}}, ef_construction = {{ef_construction}}){where}"
    )


def drop_index(index: str) -> str:
    """Drop an index while searches and writers go on."""
    return f"drop index concurrently if exists {index}"


def take_place(index: str, following: str) -> str:
    """Give an index the name of the one that it replaced; keeps nobody out."""
    return f"alter index {following} rename to {index}"


def analyze(table: str) -> str:
    """Statistics for the planner."""
    return f"analyze {table}"


# Valid indexes of the present schema: one that is being built or was left half built answers nothing.
VALID_INDEX = """
select i.indisvalid and i.indisready from pg_index i where i.indexrelid = to_regclass(%(name)s)
"""

PARAMETERS = "select reloptions from pg_class where oid = to_regclass(%(name)s)"

RESET_BUILD_SETTINGS = ("reset maintenance_work_mem", "reset max_parallel_maintenance_workers")

# Bytes, which build of the index it is, and the time of this transaction.
INDEX_STATE = """
select coalesce(pg_relation_size(to_regclass(%(name)s)), 0), pg_relation_filenode(to_regclass(%(name)s))::bigint, now()::text
"""

BUILD_SETTINGS = """
select set_config('maintenance_work_mem', %(memory)s, %(local)s), set_config('max_parallel_maintenance_workers', %(workers)s, %(local)s)
"""


def sections_inventory(encoder: str) -> str:
    """Number, digest and whether any is simulated, read from the index of embedded_at: a change of a vector changes the sum."""
    return f"""
select count(*), coalesce(sum((extract(epoch from embedded_at) * 1000000)::bigint), 0)::text, coalesce(bool_or(simulated), false)
from {section_table(encoder)}
"""


def tracks_inventory(encoder: str) -> str:
    """As `sections_inventory`, of the track vectors of a kind."""
    return f"""
select count(*), coalesce(sum(hashtextextended(track_id || ' ' || input_sha256, 0)), 0)::text, coalesce(bool_or(simulated), false)
from {track_table(encoder)} where kind = '{{kind}}'
"""


AUDIO_INVENTORY = """
select count(*), coalesce(sum(hashtextextended(track_id || ' ' || input_sha256, 0)), 0)::text, coalesce(bool_or(simulated), false)
from track_vectors_audio
"""


def made_since(table: str, where: str) -> str:
    """How many vectors were made or made again since a time."""
    return f"select count(*) from {table}{where or ' where true'} and embedded_at > %(since)s::timestamptz"


def sample(table: str, key: str, where: str) -> str:
    """Vectors that are the same every time, by the hash of the key; only those that are taken are read."""
    return f"""
select embedding from {table}
where {key} in (select {key} from {table}{where} order by hashint8extended({key}, 7), {key} limit %(limit)s){where.replace(" where ", " and ")}
order by hashint8extended({key}, 7), {key}
"""


def sample_texts(encoder: str) -> str:
    """Texts of sections that have a vector, the same every time, by the hash of the key."""
    return f"""
select s.text from track_sections s
join (select section_id from {section_table(encoder)} order by hashint8extended(section_id, 9), section_id limit %(limit)s) sampled
    using (section_id)
order by hashint8extended(section_id, 9), section_id
"""


def nearest(table: str, where: str, operators: str) -> str:
    """The least distances to a vector."""
    operator = OPERATORS[operators]
    return f"select embedding {operator} %(query)s as distance from {table}{where} order by embedding {operator} %(query)s limit %(limit)s"


EXACT_SCAN = "select set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true)"

INDEX_SCAN = "select set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true)"

SEARCH_SETTINGS = """
select set_config('hnsw.ef_search', %(ef_search)s, true), set_config('hnsw.iterative_scan', %(iterative_scan)s, true)
"""

STORE_BREADTH = """
insert into index_breadths (index_name, ef_search, measured_at) values (%(index)s, %(ef_search)s, %(measured_at)s::timestamptz)
on conflict (index_name) do update set ef_search = excluded.ef_search, measured_at = excluded.measured_at
"""

LATEST_REPORT = """
select body, input_digest from reports where kind = 'vector_index' order by created_at desc limit 1
"""

STORE_REPORT = """
insert into reports (kind, input_digest, body, markdown, simulated)
values ('vector_index', %(digest)s, %(body)s, %(markdown)s, %(simulated)s)
on conflict (kind, input_digest) do update set body = excluded.body, markdown = excluded.markdown, created_at = now()
"""
