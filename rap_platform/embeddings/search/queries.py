"""SQL of the search by meaning, its filters and its hits. What the sides by words and by sound ask is in term_queries.py."""

import re

from psycopg import sql

_ENCODER = re.compile(r"[a-z][a-z0-9_]{0,30}")

# Filters over the alias f of track_facts. Arrays are compared by operators that their GIN indexes know.
CONDITIONS = {
    "artist": "f.artist_id = any(%(artist_ids)s)",
    "artist_or_guest": "(f.artist_id = any(%(artist_ids)s) or f.guests && %(artist_names)s::text[])",
    "featuring": "f.guests && %(featuring)s::text[]",
    "not_featuring": "not f.guests && %(not_featuring)s::text[]",
    "year_from": "f.year >= %(year_from)s",
    "year_to": "f.year <= %(year_to)s",
    "language": "f.language = %(language)s",
    "mood": "f.moods @> %(mood)s::text[]",
    "theme": "f.themes @> %(theme)s::text[]",
    "rating": "f.rating = any(%(ratings)s)",
    "explicit": "f.explicit = %(explicit)s",
    "simulated": "f.simulated = %(simulated)s",
}

ARTISTS_NAMED = "select artist_id from artists where normalised_name = %(name)s or slug = any(%(slugs)s)"

TRACKS_ABOUT = "select greatest(reltuples, 0) from pg_class where oid = 'track_facts'::regclass"

# Values of the questions' parameters are planned for, and no plan is worth compiling in milliseconds.
OPENING = """
select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)
"""

# The answer is that of one moment: what is deleted while it is made is in it, or not, as a whole.
ONE_MOMENT = "set transaction isolation level repeatable read, read only"

# Of two connections beside each other: who holds the lock that one waits for may wait for one of the other's, a ring that no server sees.
BRIEF_LOCK_WAITS = "select set_config('lock_timeout', '200ms', true)"

# So that another connection sees the same moment while this transaction is open.
EXPORT_MOMENT = "select pg_export_snapshot()"

BREADTH = """
select set_config('hnsw.ef_search', %(ef_search)s, true), set_config('hnsw.max_scan_tuples', %(max_scan_tuples)s, true),
    set_config('hnsw.scan_mem_multiplier', %(scan_mem_multiplier)s, true), set_config('hnsw.iterative_scan', %(iterative_scan)s, true)
"""


def same_moment(snapshot: str) -> sql.Composed:
    """Has a transaction that did nothing yet see what the one that exported `snapshot` sees."""
    return sql.SQL("set transaction snapshot {}").format(sql.Literal(snapshot))


def section_vectors(encoder: str) -> str:
    """The table of an encoder's section vectors. Raises ValueError for what is no encoder's name."""
    if not _ENCODER.fullmatch(encoder):
        raise ValueError(f"{encoder!r} is no name of an encoder")
    return f"section_vectors_{encoder}"


def passing(where: str) -> str:
    """At most `most` of the tracks that pass."""
    return f"select f.track_id from track_facts f where true{where} limit %(most)s"


def passing_of_newest(where: str) -> str:
    """How many of the newest `looked_at` tracks pass, and how many these are."""
    return f"""
select count(*) filter (where n.passes), count(*)
from (select (true{where}) as passes from track_facts f order by f.track_id desc limit %(looked_at)s) n
"""


def by_meaning(encoder: str, where: str) -> str:
    """Nearest sections through the index, about in order: section_id, track_id, the track they stand for, cosine distance.

    `offset 0` keeps the facts a look-up per section, so that the order of the index is the order of the plan. A track whose
    facts are not stated yet is found where nothing filters.
    """
    facts = f"lateral (select f.original_id from track_facts f where f.track_id = v.track_id{where} offset 0) f"
    return f"""
select v.section_id, v.track_id, coalesce(f.original_id, v.track_id), v.embedding <=> %(query)s as distance
from {section_vectors(encoder)} v
{f"cross join {facts}" if where else f"left join {facts} on true"}
order by v.embedding <=> %(query)s
limit %(wanted)s
"""


def by_meaning_among(encoder: str) -> str:
    """As `by_meaning`, exactly and in order, for the sections of the tracks `track_ids`.

    `offset 0` keeps the planner from walking the HNSW index instead.
    """
    return f"""
select n.section_id, n.track_id, coalesce(f.original_id, n.track_id), n.distance
from (
    select * from (
        select v.section_id, v.track_id, v.embedding <=> %(query)s as distance
        from {section_vectors(encoder)} v
        where v.track_id = any(%(track_ids)s)
        offset 0
    ) among
    order by distance, section_id
    limit %(wanted)s
) n
left join track_facts f on f.track_id = n.track_id
"""


def by_meaning_exactly(encoder: str, where: str) -> str:
    """The nearest section of each of the nearest `wanted` tracks that pass, exactly: reads every vector of theirs."""
    facts = f"join track_facts f using (track_id) where true{where}" if where else ""
    return f"""
select s.section_id, n.track_id, coalesce(f.original_id, n.track_id), n.distance
from (
    select v.track_id, min(v.embedding <=> %(query)s) as distance
    from {section_vectors(encoder)} v
    {facts}
    group by v.track_id
    order by distance, v.track_id
    limit %(wanted)s
) n
left join track_facts f on f.track_id = n.track_id
cross join lateral (
    select v.section_id from {section_vectors(encoder)} v
    where v.track_id = n.track_id
    order by (v.embedding <=> %(query)s) + 0, v.section_id
    limit 1
) s
order by n.distance, s.section_id
"""


def distances(encoder: str) -> str:
    """Of sections that have a vector: section_id, cosine distance to the question."""
    return f"""
select v.section_id, v.embedding <=> %(query)s
from {section_vectors(encoder)} v
where v.section_id = any(%(section_ids)s)
"""


def compared(encoder: str) -> str:
    """Of sections: section_id, cosine to the question and to what it must not be like, whether they hold the latter's words."""
    return f"""
select s.section_id, 1 - (v.embedding <=> %(query)s), 1 - (v.embedding <=> %(unwanted)s), s.words @@ plainto_tsquery('english', %(but_not)s)
from track_sections s
left join {section_vectors(encoder)} v using (section_id)
where s.section_id = any(%(section_ids)s)
"""


def sections_of_originals(encoder: str, where: str) -> str:
    """One section of each of `track_ids` that passes: track_id, section_id. That of the same text as one of `section_ids`, else the nearest."""
    return f"""
select distinct on (s.track_id) s.track_id, s.section_id
from track_sections s
left join track_facts f using (track_id)
left join {section_vectors(encoder)} v using (section_id)
where s.track_id = any(%(track_ids)s){where}
order by s.track_id, s.text_sha256 = any(array(select c.text_sha256 from track_sections c where c.section_id = any(%(section_ids)s))) desc,
    (v.embedding <=> %(query)s::halfvec) + 0, s.section_id
"""


def hits(encoder: str) -> str:
    """What is shown of sections: ids, number, kind, first line, text, song, cosine to the question, keys of sound and ends of lines.

    The last two as `vector_send` gives them, if these very texts were heard as the version `heard` hears them.
    """
    return f"""
select s.section_id, s.track_id, s.section_no, s.kind, s.first_line, s.text, t.artist, t.title, t.year, t.simulated,
    1 - (v.embedding <=> %(query)s::halfvec), vector_send(nullif(h.keys, '{{}}')::vector), vector_send(nullif(h.line_ends, '{{}}')::vector)
from track_sections s
join tracks t using (track_id)
left join {section_vectors(encoder)} v using (section_id)
left join section_sounds h on h.section_id = s.section_id and h.input_sha256 = s.text_sha256 and h.version = %(heard)s
where s.section_id = any(%(section_ids)s)
"""


# All vectors that pass are read: in the order of the table, with whatever helps.
EVERYTHING = "select set_config('enable_seqscan', 'on', true), set_config('max_parallel_workers_per_gather', '2', true)"

ORIGINALS = "select original_id from track_facts where track_id = any(%(track_ids)s)"
