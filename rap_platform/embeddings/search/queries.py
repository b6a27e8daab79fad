"""SQL of the search: candidates of each side, filters, hits. No Python logic beyond composing filters."""

from collections.abc import Iterable

_SPEAKING_ANALYSIS = """
    select a.primary_mood, a.moods, a.themes
    from analysis_results a
    join tracks t on t.track_id = a.track_id and t.lyrics_sha256 = a.input_sha256
    where a.track_id = f.track_id and a.status = 'ok'
    order by (a.analyzer = 'qwen') desc, a.created_at desc, a.analysis_id desc
    limit 1
"""

FILTERS = {
    "artist": "f.artist_id = any(%(artist_ids)s)",
    "year_from": "f.year >= %(year_from)s",
    "year_to": "f.year <= %(year_to)s",
    "language": "f.language = %(language)s",
    "explicit": "f.explicit = %(explicit)s",
    "simulated": "f.simulated = %(simulated)s",
    "mood": f"exists (select from ({_SPEAKING_ANALYSIS}) a where a.primary_mood = %(mood)s or %(mood)s = any(a.moods))",
    "theme": f"exists (select from ({_SPEAKING_ANALYSIS}) a where %(theme)s = any(a.themes))",
}

ARTISTS_NAMED = "select artist_id from artists where lower(name) = lower(%(artist)s) or normalised_name = lower(%(artist)s) or slug = %(artist)s"


def _where(filters: Iterable[str]) -> str:
    return "".join(f" and {FILTERS[name]}" for name in filters)


def by_meaning(filters: Iterable[str]) -> str:
    """Nearest sections: section_id, track_id, the track they stand for, cosine distance. Re-sorted, for the index may relax order."""
    return f"""
with nearest as materialized (
    select v.section_id, v.track_id, v.embedding <=> %(query)s as distance
    from section_vectors_minilm v
    join tracks f using (track_id)
    where true{_where(filters)}
    order by v.embedding <=> %(query)s
    limit %(candidates)s
)
select n.section_id, n.track_id, coalesce(t.duplicate_of, t.track_id), n.distance
from nearest n
join tracks t using (track_id)
order by n.distance, n.section_id
"""


def by_meaning_exactly(filters: Iterable[str]) -> str:
    """As `by_meaning`, for filters that few tracks pass: reads all sections of those tracks, and no other.

    The filters are tried once per track. The sum in the order keeps the planner from walking the HNSW index instead.
    """
    return f"""
with passing as materialized (
    select f.track_id, coalesce(f.duplicate_of, f.track_id) as original
    from tracks f
    where true{_where(filters)}
)
select v.section_id, v.track_id, p.original, v.embedding <=> %(query)s as distance
from passing p
join section_vectors_minilm v using (track_id)
order by (v.embedding <=> %(query)s) + 0, v.section_id
limit %(candidates)s
"""


def by_words(filters: Iterable[str]) -> str:
    """Sections that hold the words of the query: section_id, track_id, the track they stand for, rank (higher is better)."""
    return f"""
with wanted as (select websearch_to_tsquery('english', %(text)s) as words)
select s.section_id, f.track_id, coalesce(f.duplicate_of, f.track_id), ts_rank_cd(s.words, wanted.words, 1) as rank
from wanted, track_sections s
join tracks f using (track_id)
where s.words @@ wanted.words{_where(filters)}
order by rank desc, s.section_id
limit %(candidates)s
"""


def sections_of_originals(filters: Iterable[str]) -> str:
    """The nearest section of each of `track_ids` that passes the filters: track_id, section_id, cosine distance."""
    return f"""
select distinct on (f.track_id) f.track_id, v.section_id, v.embedding <=> %(query)s as distance
from section_vectors_minilm v
join tracks f using (track_id)
where f.track_id = any(%(track_ids)s){_where(filters)}
order by f.track_id, distance, v.section_id
"""


HITS = """
select s.section_id, s.track_id, s.section_no, s.kind, s.first_line, s.text, t.artist, t.title, t.year, t.simulated
from track_sections s
join tracks t using (track_id)
where s.section_id = any(%(section_ids)s)
"""

# How many of the query's words are searched for at all: the rest are stop words.
CONTENT_WORDS = """
select count(*) from unnest(%(words)s::text[]) word where to_tsvector('english', word) <> ''::tsvector
"""

# Words of the query in each line, compared as the full-text index stems them; stop words never match.
LINE_WORDS = """
with wanted as (
    select word, tsvector_to_array(to_tsvector('english', word)) as stems from unnest(%(words)s::text[]) word
), held as (
    select line_index, tsvector_to_array(to_tsvector('english', line)) as stems
    from unnest(%(lines)s::text[]) with ordinality as l (line, line_index)
)
select held.line_index - 1, array_agg(wanted.word order by wanted.word)
from held
join wanted on wanted.stems && held.stems
group by held.line_index
"""

# Planner's choice of the way, with the breadth of the graph search; iterative: a filter never makes the answer short.
SEARCH_SETTINGS = """
select set_config('hnsw.ef_search', %(ef_search)s, true), set_config('hnsw.iterative_scan', %(iterative_scan)s, true)
"""
