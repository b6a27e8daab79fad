"""SQL of the lexical sides: sounds and words of sections kept up to date, how common terms are, candidates by words and by sound."""

from dataclasses import dataclass

# ---- how sections sound ---------------------------------------------------------------------------------------------

UNHEARD = """
select s.section_id
from track_sections s
join tracks t using (track_id)
left join section_sounds h on h.section_id = s.section_id and h.version = %(version)s and h.input_sha256 = s.text_sha256
where t.slot = any(%(slots)s) and h.section_id is null
order by s.section_id
"""

TEXTS = "select section_id, text_sha256, text from track_sections where section_id = any(%(section_ids)s) order by section_id"

CREATE_STAGED = """
create temp table if not exists sounds_staged (
    section_id bigint not null, input_sha256 text not null, keys integer[] not null, line_ends integer[] not null
)
on commit delete rows
"""

COPY_STAGED = "copy pg_temp.sounds_staged (section_id, input_sha256, keys, line_ends) from stdin"

# The join drops sections that were deleted or reworded while they were being heard.
STORE_STAGED = """
insert into section_sounds (section_id, track_id, version, input_sha256, keys, line_ends, simulated)
select s.section_id, s.track_id, %(version)s, s.text_sha256, g.keys, g.line_ends, t.simulated
from pg_temp.sounds_staged g
join track_sections s on s.section_id = g.section_id and s.text_sha256 = g.input_sha256
join tracks t on t.track_id = s.track_id
order by s.section_id
for key share of s
on conflict (section_id) do update set
    track_id = excluded.track_id, version = excluded.version, input_sha256 = excluded.input_sha256, keys = excluded.keys,
    line_ends = excluded.line_ends, simulated = excluded.simulated, heard_at = now()
"""

STORE_WORD_SOUNDS = """
insert into word_sounds (word, version, phones)
select word, %(version)s, phones from unnest(%(words)s::text[], %(phones)s::text[]) said (word, phones)
on conflict (word) do update set version = excluded.version, phones = excluded.phones where word_sounds.version <> excluded.version
"""

WORD_SOUNDS = "select word, phones from word_sounds where word = any(%(words)s) and version = %(version)s"

UNHEARD_COUNT = """
select count(*), count(*) filter (where h.section_id is null)
from track_sections s
join tracks t using (track_id)
left join section_sounds h on h.section_id = s.section_id and h.version = %(version)s and h.input_sha256 = s.text_sha256
where t.slot = any(%(slots)s)
"""

TIDY = (
    "select gin_clean_pending_list('section_sounds_keys'), gin_clean_pending_list('track_sections_words')",
    "select gin_clean_pending_list('distinct_words_deletes')",
    "vacuum (analyze) word_changes",
    "analyze distinct_words",
    "analyze section_sounds",
    "analyze word_sounds",
)

# ---- how common terms are -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sampling:
    """How a kind of term is counted: how many sections there are and what was sampled last; the count itself."""

    state: str
    count: str


def _sampling(table: str, terms: str) -> Sampling:
    """A sample of whole pages, cut to the limit; `least_share` and `least_count` say what is common enough to be listed."""
    return Sampling(
        state=f"""
select (select count(*) from {table}), t.sections, t.version
from (select 1) one left join term_samples t on t.kind = %(kind)s
""",
        count=f"""
with sampled as materialized (
    select {terms} as terms from {table} tablesample system (%(percent)s) limit %(limit)s
), size as (
    select count(*) as sections, greatest(%(least_count)s, ceil(%(least_share)s * count(*))) as least from sampled
), noted as (
    insert into term_samples (kind, version, sections, sampled, rare)
    select %(kind)s, %(version)s, %(sections)s, sections, least(1, least / greatest(1, sections)) from size
    on conflict (kind) do update set version = excluded.version, sections = excluded.sections, sampled = excluded.sampled,
        rare = excluded.rare, sampled_at = now()
)
insert into common_terms (kind, term, share)
select %(kind)s, term, count(*)::real / (select sections from size)
from sampled, lateral (select distinct unnest(terms)) held (term)
group by term
having count(*) >= (select least from size)
""",
    )


SAMPLES = {
    "lexeme": _sampling("track_sections", "tsvector_to_array(words)"),
    "sound": _sampling("section_sounds", "keys::text[]"),
}

FORGET_TERMS = "delete from common_terms where kind = %(kind)s"

SAMPLED = "select sampled from term_samples where kind = %(kind)s"

SHARES = """
select kind, term, share, null::bigint
from common_terms
where (kind = 'lexeme' and term = any(%(lexemes)s)) or (kind = 'sound' and term = any(%(sounds)s))
union all
select kind, null, rare, sections from term_samples
"""

# ---- what a question holds ------------------------------------------------------------------------------------------

# A word of letters is unsung when neither the distinct words have it nor the index its stem; of common stems that would be read at length.
# From here on the planner takes an index wherever there is one: how common the terms are is planned in Python.
SPLIT = """
select w.word, w.lexemes, case
    when w.word !~ '^[[:alpha:]]+$' then 1
    when d.sections > 0 then d.sections
    when w.lexemes = '{}' or exists (select from common_terms c where c.kind = 'lexeme' and c.term = any(w.lexemes)) then 1
    when exists (select from track_sections s where s.words @@ plainto_tsquery('english', w.word)) then 1
    else 0
end
from (
    select word, tsvector_to_array(to_tsvector('english', word)) as lexemes from unnest(%(words)s::text[]) word
) w
left join distinct_words d using (word)
"""

PHRASES = "select phrase, phraseto_tsquery('english', phrase)::text from unnest(%(phrases)s::text[]) phrase"

STEMS = "select word, tsvector_to_array(to_tsvector('english', word)) from unnest(%(words)s::text[]) word"

# Nested loops from the few sections found, whatever the planner thinks their number is: it would read all of track_facts. One process
# alone, so that a limit takes the same sections every time.
BY_INDEX = """
select set_config(name, 'off', true), set_config('max_parallel_workers_per_gather', '0', true)
from unnest(array['enable_seqscan', 'enable_mergejoin', 'enable_hashjoin']) name
"""

# ---- sections by words ----------------------------------------------------------------------------------------------


def by_words(combinations: int, where: str, *, phrase: bool = False, tracks: bool = False, walk: bool = False) -> str:
    """Sections that hold all lexemes of any combination: ids, original, summed weight; the heaviest first, then the closest.

    Parameters: `combination_0` ... as tsqueries, `lexemes` as one-word tsqueries with their `weights`, `phrase`, `track_ids`, `most`
    sections to rank, `wanted`. Lexemes are looked up in a copy without positions, made once per section. With `walk` the newest
    `reach` sections are looked at one after another instead of reading the index.
    """
    held = _where(_each("s.words @@ %(combination_{number})s::tsquery", combinations), walk=walk)
    phrased = " and s.words @@ %(phrase)s::tsquery" if phrase else ""
    listed = " and s.track_id = any(%(track_ids)s)" if tracks else ""
    return f"""
with found as materialized (
    select s.section_id, s.track_id, coalesce(f.original_id, s.track_id) as original_id, strip(s.words) as words
    from {_read("track_sections", walk=walk)} s
    {_facts(where)} track_facts f using (track_id)
    where {held}{phrased}{listed}{where}{_newest(walk)}
    limit %(most)s
), weighed as materialized (
    select n.section_id, n.track_id, n.original_id, (
        select sum(a.weight) from unnest(%(lexemes)s::tsquery[], %(weights)s::float8[]) a (lexeme, weight) where n.words @@ a.lexeme
    ) as weight
    from found n
    order by weight desc, n.section_id
    limit %(wanted)s
)
select w.section_id, w.track_id, w.original_id, w.weight
from weighed w
join track_sections s using (section_id)
order by w.weight desc, ts_rank_cd(s.words, (
    select string_agg(a.lexeme::text, ' & ')::tsquery from unnest(%(lexemes)s::tsquery[]) a (lexeme) where s.words @@ a.lexeme
)) desc, w.section_id
"""


def by_sound(combinations: int, where: str, *, alone: bool, tracks: bool = False, walk: bool = False) -> str:
    """Sections that hold any key of `alone` or all keys of any combination: ids, original, keys and ends of lines.

    The last two are as `vector_send` gives them: four times as fast as arrays. Parameters: `alone` and `combination_0` ... as
    integer arrays, `track_ids`, `most` sections to read, `reach` as for words.
    """
    conditions = _each("s.keys @> %(combination_{number})s::integer[]", combinations)
    held = _where([*(["s.keys && %(alone)s::integer[]"] if alone else []), *conditions], walk=walk)
    listed = " and s.track_id = any(%(track_ids)s)" if tracks else ""
    return f"""
select s.section_id, s.track_id, coalesce(f.original_id, s.track_id), vector_send(s.keys::vector),
    vector_send(coalesce(nullif(s.line_ends, '{{}}'), array[cardinality(s.keys)])::vector)
from {_read("section_sounds", walk=walk)} s
{_facts(where)} track_facts f using (track_id)
where {held}{listed}{where}{_newest(walk)}
limit %(most)s
"""


def _where(conditions: list[str], *, walk: bool) -> str:
    """Any of the conditions; for a walk in a form that no GIN index answers."""
    held = f"({' or '.join(conditions)})"
    return f"{held} is not false" if walk else held


def _read(table: str, *, walk: bool) -> str:
    return f"(select * from {table} order by section_id desc limit %(reach)s)" if walk else table


def _newest(walk: bool) -> str:
    return "\n    order by s.section_id desc" if walk else ""


def _facts(where: str) -> str:
    """Where nothing filters, a track is found before its facts are stated."""
    return "join" if where else "left join"


def _each(condition: str, count: int) -> list[str]:
    return [condition.format(number=number) for number in range(count)]


# ---- distinct words -------------------------------------------------------------------------------------------------

NEAR_WORDS = """
select word, sections from distinct_words
where deletes && %(deletes)s::integer[] and sections > 0 and length(word) between %(shortest)s and %(longest)s
"""

LOCK = "select pg_advisory_xact_lock(hashtextextended(%(lock)s, 0))"

CREATE_CHANGED = """
create temp table changed_words (word text primary key, sections integer not null, old boolean not null default false) on commit drop
"""

DROP_CHANGED = "drop table pg_temp.changed_words"

# Rows that a writer has not committed yet are not seen and stay for the next time.
TAKE_CHANGES = """
with taken as (
    delete from word_changes where ctid = any(array(select ctid from word_changes limit %(limit)s)) returning change, words
), changed as (
    insert into pg_temp.changed_words (word, sections)
    select word, sum(change) from taken, unnest(tsvector_to_array(words)) word
    where octet_length(word) <= 160
    group by word
    having sum(change) <> 0
)
select count(*) from taken
"""

# `old` marks the words that were there, so that the others can be told.
ADD_CHANGES = """
with added as (
    update distinct_words d set sections = d.sections + c.sections
    from pg_temp.changed_words c
    where d.word = c.word
    returning d.word
)
update pg_temp.changed_words c set old = true from added where added.word = c.word
"""

NEW_WORDS = "select word, sections from pg_temp.changed_words where not old order by word"

COPY_WORDS = "copy distinct_words (word, sections, deletes) from stdin with (format binary)"

DELETE_UNSUNG = """
delete from distinct_words d using pg_temp.changed_words c where d.word = c.word and d.sections = 0
"""

# A sample that is the same every time: by the hash of the key.
UNKNOWN_WORDS = """
with sampled as materialized (
    select section_id, text from track_sections order by hashint8extended(section_id, 11) limit %(limit)s
), sung as (
    select distinct word from sampled, unnest(tsvector_to_array(to_tsvector('simple', text))) word where octet_length(word) <= 160
), unknown as (
    select word from sung
    where not exists (select from distinct_words d where d.word = sung.word and d.sections > 0)
        and not exists (select from word_changes c where c.change = 1 and word = any(tsvector_to_array(c.words)))
)
select (select count(*) from sampled), word from (select 1) one left join unknown on true
"""

WORDS = "select count(*) from distinct_words where sections > 0"
