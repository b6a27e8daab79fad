"""SQL of this stage, composed by encoder: work to do, vectors in and out, encoders. Indexes are in index_queries.py, searches in search/."""

import re

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def checked(name: str, longest: int = 31) -> str:
    """The name as part of an identifier. Raises ValueError when it may not be one."""
    if not _NAME.fullmatch(name) or len(name) > longest:
        raise ValueError(f"{name!r} is no encoder's name: lower-case letters, digits and _, at most 31, a letter first")
    return name


def section_table(encoder: str) -> str:
    """The table of an encoder's section vectors."""
    return f"section_vectors_{checked(encoder)}"


def track_table(encoder: str) -> str:
    """The table of an encoder's track vectors."""
    return f"track_vectors_{checked(encoder)}"


def section_index(encoder: str) -> str:
    """The HNSW index over an encoder's section vectors."""
    return f"{section_table(encoder)}_hnsw"


def track_index(encoder: str, kind: str) -> str:
    """The HNSW index over an encoder's track vectors of a kind: lyrics or analysis."""
    return f"{track_table(encoder)}_{kind}_hnsw"


AUDIO_TABLE = "track_vectors_audio"
AUDIO_INDEX = f"{AUDIO_TABLE}_hnsw"


# ---- encoders -------------------------------------------------------------------------------------------------------

# One row: name and fingerprint are null until an encoder was switched to.
SERVING = """
select s.name, e.fingerprint, (select coalesce(jsonb_object_agg(index_name, ef_search), '{}') from index_breadths)
from (select) one
left join (serving_encoder s join encoders e using (name)) on true
"""

TABLES_EXIST = "select to_regclass(%(table)s) is not null"

REGISTERED = "select name, model, dimension, fingerprint from encoders order by registered_at, name"

REGISTER = """
insert into encoders (name, model, dimension, fingerprint) values (%(name)s, %(model)s, %(dimension)s, %(fingerprint)s)
on conflict (name) do nothing
"""

FINGERPRINT = "select fingerprint, dimension from encoders where name = %(name)s"

CREATE_TABLES = "select create_vector_tables(%(name)s, %(dimension)s)"

SWITCH = """
insert into serving_encoder (name) values (%(name)s)
on conflict (one) do update set name = excluded.name, switched_at = now()
"""

UNREGISTER = "delete from encoders where name = %(name)s"

FORGET_BREADTHS = "delete from index_breadths where index_name = any(%(indexes)s)"

LOCK_ENCODERS = "lock table encoders in share row exclusive mode"

LOCK_TIMEOUT = "select set_config('lock_timeout', %(timeout)s, true)"

TABLE_BYTES = "select coalesce(sum(pg_total_relation_size(to_regclass(name))), 0) from unnest(%(tables)s::text[]) name"


def retire_tables(encoder: str) -> tuple[str, ...]:
    """Statements that empty an encoder's tables and put them away, so that their names are free."""
    tables = section_table(encoder), track_table(encoder)
    return f"truncate {', '.join(tables)}", *(f"alter table {table} set schema dropped" for table in tables)


def drop_put_away(table: str) -> str:
    """Drop a table that was put away."""
    return f"drop table if exists dropped.{checked(table, longest=63)}"


PUT_AWAY = "select tablename from pg_tables where schemaname = 'dropped' order by tablename"


# ---- sections -------------------------------------------------------------------------------------------------------


def pending_texts(encoder: str) -> str:
    """Into a temporary table: every text that has no vector of its present wording, once, with all the sections that hold it.

    Numbered by length, so that batches are of like length and the slowest comes first. The client holds one block at a time.
    """
    return f"""
create temp table pending_texts on commit preserve rows as
select row_number() over (order by max(length(s.text)) desc, s.text_sha256) as number,
    s.text_sha256, array_agg(s.section_id order by s.section_id) as section_ids
from track_sections s
join tracks t using (track_id)
left join {section_table(encoder)} v using (section_id)
where t.slot = any(%(slots)s) and v.input_sha256 is distinct from s.text_sha256
group by s.text_sha256
"""


# A batch looks for its texts by number and, to store them, by digest: without these each would read all that are pending.
INDEX_PENDING = (
    "create unique index on pending_texts (number)",
    "create unique index on pending_texts (text_sha256)",
    "analyze pending_texts",
)

DROP_PENDING = "drop table if exists pending_texts, staged_vectors"

DROP_STAGED = "drop table if exists staged_vectors"

COUNT_PENDING = "select count(*) from pending_texts"

# A text that was reworded or deleted since is not there any more, and is left to the next fill.
NEXT_TEXTS = """
select p.text_sha256, s.text
from pending_texts p
cross join lateral (
    select text from track_sections
    where section_id = any(p.section_ids) and text_sha256 = p.text_sha256
    limit 1
) s
where p.number > %(after)s and p.number <= %(after)s + %(count)s
order by p.number
"""


def staging(dimension: int) -> str:
    """A temporary table that a batch of vectors is copied into; empty again after each commit."""
    return f"""
create temp table staged_vectors (
    input_sha256 text not null,
    track_id     bigint,
    embedding    halfvec({int(dimension)}) not null,
    simulated    boolean
) on commit delete rows
"""


COPY_STAGED = "copy staged_vectors (input_sha256, track_id, embedding, simulated) from stdin (format binary)"
STAGED_TYPES = ("text", "int8", "halfvec", "bool")


def store_sections(encoder: str) -> str:
    """From the staged vectors to all sections of those texts, but those that were reworded or deleted meanwhile."""
    return f"""
insert into {section_table(encoder)} (section_id, track_id, input_sha256, embedding, simulated)
select s.section_id, s.track_id, s.text_sha256, v.embedding, t.simulated
from staged_vectors v
join pending_texts p on p.text_sha256 = v.input_sha256
cross join lateral unnest(p.section_ids) as of_text (section_id)
join track_sections s on s.section_id = of_text.section_id and s.text_sha256 = v.input_sha256
join tracks t on t.track_id = s.track_id
order by s.section_id
for key share of s, t
on conflict (section_id) do update set
    track_id = excluded.track_id, input_sha256 = excluded.input_sha256, embedding = excluded.embedding,
    simulated = excluded.simulated, embedded_at = now()
"""


def store_lyrics(encoder: str) -> str:
    """A track's lyrics vector: the normalised mean of its sections, made when all of them have theirs.

    A track that is being deleted is waited for and left out.
    """
    return f"""
with wanted as (
    select t.track_id, t.simulated,
        encode(sha256(convert_to(string_agg(s.text_sha256, ' ' order by s.section_no), 'utf8')), 'hex') as input_sha256
    from tracks t
    join track_sections s using (track_id)
    left join {section_table(encoder)} v on v.section_id = s.section_id and v.input_sha256 = s.text_sha256
    where t.slot = any(%(slots)s)
    group by t.track_id
    having count(*) = count(v.section_id)
), stale as (
    select w.* from wanted w
    join tracks t using (track_id)
    left join {track_table(encoder)} v on v.track_id = w.track_id and v.kind = 'lyrics'
    where (v.input_sha256, v.simulated) is distinct from (w.input_sha256, w.simulated)
    for key share of t
)
insert into {track_table(encoder)} (track_id, kind, input_sha256, embedding, simulated)
select stale.track_id, 'lyrics', stale.input_sha256, l2_normalize(avg(v.embedding)), stale.simulated
from stale
join {section_table(encoder)} v using (track_id)
group by stale.track_id, stale.input_sha256, stale.simulated
on conflict (track_id, kind) do update set
    input_sha256 = excluded.input_sha256, embedding = excluded.embedding, simulated = excluded.simulated, embedded_at = now()
"""


def uncovered_sections(encoder: str) -> str:
    """How many sections there are in some slots, and how many of them lack the vector of their present text."""
    return f"""
select count(*), count(*) filter (where v.input_sha256 is distinct from s.text_sha256)
from track_sections s
join tracks t using (track_id)
left join {section_table(encoder)} v using (section_id)
where t.slot = any(%(slots)s)
"""


def missing_sections(encoder: str) -> str:
    """How many sections there are, and how many of them lack the vector of their present text."""
    return f"""
select count(*), count(*) filter (where v.input_sha256 is distinct from s.text_sha256)
from track_sections s
left join {section_table(encoder)} v using (section_id)
"""


def section_norms(encoder: str) -> str:
    """Number of section vectors, largest distance of a length from 1, least and greatest dimension."""
    return f"""
select count(*), coalesce(max(abs(l2_norm(embedding) - 1)), 0), coalesce(min(vector_dims(embedding)), 0), coalesce(max(vector_dims(embedding)), 0)
from {section_table(encoder)}
"""


def track_norms(encoder: str) -> str:
    """As `section_norms`, of the track vectors of a kind."""
    return f"""
select count(*), coalesce(max(abs(l2_norm(embedding) - 1)), 0), coalesce(min(vector_dims(embedding)), 0), coalesce(max(vector_dims(embedding)), 0)
from {track_table(encoder)}
where kind = %(kind)s
"""


# ---- analyses -------------------------------------------------------------------------------------------------------


def analyses(encoder: str) -> str:
    """The analysis that speaks for each track, of its present lyrics: QWEN's before the rules', newest first; and the vector it has."""
    return f"""
with best as (
    select distinct on (a.track_id) a.track_id, a.analyzer, a.primary_mood, a.moods, a.themes, a.summary,
        a.simulated or t.simulated as simulated
    from analysis_results a
    join tracks t using (track_id)
    where a.status = 'ok' and a.input_sha256 = t.lyrics_sha256 and t.slot = any(%(slots)s)
    order by a.track_id, (a.analyzer = 'qwen') desc, a.created_at desc, a.analysis_id desc
)
select best.*, v.input_sha256, v.simulated
from best
left join {track_table(encoder)} v on v.track_id = best.track_id and v.kind = 'analysis'
order by best.track_id
"""


def store_analyses(encoder: str) -> str:
    """From the staged vectors to the tracks that are still there."""
    return f"""
insert into {track_table(encoder)} (track_id, kind, input_sha256, embedding, simulated)
select t.track_id, 'analysis', v.input_sha256, v.embedding, v.simulated
from staged_vectors v
join tracks t using (track_id)
order by t.track_id
for key share of t
on conflict (track_id, kind) do update set
    input_sha256 = excluded.input_sha256, embedding = excluded.embedding, simulated = excluded.simulated, embedded_at = now()
"""


def delete_stale_analyses(encoder: str) -> str:
    """Take away the vectors of tracks that no analysis speaks for any more."""
    return f"""
delete from {track_table(encoder)} v
using tracks t
where t.track_id = v.track_id and t.slot = any(%(slots)s) and v.kind = 'analysis'
  and not exists (
    select from analysis_results a
    where a.track_id = v.track_id and a.status = 'ok' and a.input_sha256 = t.lyrics_sha256)
"""
