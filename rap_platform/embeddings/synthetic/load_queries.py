"""SQL that loads and empties synthetic libraries; it drops what slows loading, so it is for databases of benchmarks only."""

TABLES = (
    "raw_songs",
    "tracks",
    "track_sections",
    "section_vectors_minilm",
    "track_vectors_minilm",
    "track_facts",
    "section_sounds",
)

# Neither foreign keys nor triggers fire in a session that is a replica.
NO_TRIGGERS = "set session_replication_role = replica"

COPY_ARTISTS = """
copy artists (artist_id, name, normalised_name, slug, simulated) from stdin
"""

COPY_RAW_SONGS = """
copy raw_songs (raw_song_id, source, source_id, artist, title, status, payload, content_sha256, simulated) from stdin
"""

COPY_TRACKS = """
copy tracks (track_id, raw_song_id, source, source_id, artist_id, artist, title, normalised_title, featured, year, language, explicit,
    lyrics, lyrics_sha256, line_count, word_count, cleaning, cleaner_version, raw_sha256, duplicate_of, duplicate_score, slot, simulated)
from stdin
"""

COPY_SECTIONS = """
copy track_sections (section_id, track_id, section_no, kind, first_line, last_line, text, text_sha256, language) from stdin
"""

COPY_SECTION_VECTORS = """
copy section_vectors_minilm (section_id, track_id, input_sha256, embedding, simulated) from stdin with (format binary)
"""

COPY_TRACK_VECTORS = """
copy track_vectors_minilm (track_id, kind, input_sha256, embedding, simulated) from stdin with (format binary)
"""

COPY_FACTS = """
copy track_facts (track_id, original_id, artist_id, guests, year, language, explicit, rating, moods, themes, input_sha256, simulated,
    analysis_simulated)
from stdin
"""

COPY_SOUNDS = """
copy section_sounds (section_id, track_id, version, input_sha256, keys, line_ends, simulated) from stdin with (format binary)
"""

# The indexes that no constraint rests on: dropped before the load, made after it.
INDEXES = """
select c.relname, pg_get_indexdef(i.indexrelid)
from pg_index i
join pg_class c on c.oid = i.indexrelid
where i.indrelid = any(%(tables)s::regclass[]) and not i.indisprimary
  and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
order by c.relname
"""

BUILD_MEMORY = "select set_config('maintenance_work_mem', %(memory)s, false), set_config('max_parallel_maintenance_workers', %(workers)s, false)"

# What the triggers would have noted.
NOTE_WORDS = "insert into word_changes (change, words) select 1, strip(to_tsvector('simple', text)) from track_sections"

SEQUENCES = """
select setval(pg_get_serial_sequence('artists', 'artist_id'), (select max(artist_id) from artists)),
    setval(pg_get_serial_sequence('raw_songs', 'raw_song_id'), (select max(raw_song_id) from raw_songs)),
    setval(pg_get_serial_sequence('tracks', 'track_id'), (select max(track_id) from tracks)),
    setval(pg_get_serial_sequence('track_sections', 'section_id'), (select max(section_id) from track_sections))
"""

VACUUM = tuple(f"vacuum (analyze) {table}" for table in ("artists", *TABLES, "distinct_words", "word_changes"))


TEXTS = "select section_id, text from track_sections where section_id = any(%(section_ids)s) order by section_id"

PLANT = "update section_vectors_minilm set embedding = %(embedding)s where section_id = %(section_id)s"

VACUUM_VECTORS = "vacuum (analyze) section_vectors_minilm"

DATABASES = "select datname from pg_database where datname like %(like)s"

STORE_FIGURES = """
insert into reports (kind, input_digest, body, markdown, simulated) values (%(kind)s, %(digest)s, %(body)s, '', true)
on conflict (kind, input_digest) do update set body = excluded.body
"""

STORED_FIGURES = "select body from reports where kind = %(kind)s order by created_at desc limit 1"
