-- What a search compares besides vectors: the facts it filters by, how sections sound, which words there are.
create table track_facts (
    track_id     bigint primary key references tracks on delete cascade,
    original_id  bigint not null,              -- the track it is a copy of, else itself
    artist_id    bigint not null,
    guests       text[] not null,              -- normalised names of the featured artists
    year         smallint,
    language     text,
    explicit     boolean,
    rating       text check (rating in ('G', 'PG', 'PG-13', 'R', 'NC-17')),  -- moods, themes and rating are those of the analysis that speaks for the track
    moods        text[] not null,              -- the primary one first
    themes       text[] not null,
    input_sha256 text not null check (length(input_sha256) = 64),
    simulated    boolean not null,             -- the track is
    analysis_simulated boolean not null,       -- who named moods, themes and rating was
    stated_at    timestamptz not null default now()
);
-- One for each filter: what few tracks pass is found without reading the others.
create index track_facts_artist on track_facts (artist_id);
create index track_facts_year on track_facts (year);
create index track_facts_language on track_facts (language);
create index track_facts_explicit on track_facts (explicit);
create index track_facts_rating on track_facts (rating);
create index track_facts_simulated on track_facts (simulated);
create index track_facts_guests on track_facts using gin (guests) with (fastupdate = off);
create index track_facts_moods on track_facts using gin (moods) with (fastupdate = off);
create index track_facts_themes on track_facts using gin (themes) with (fastupdate = off);

-- What is pending when many are heard at once is merged by the asset, not by whoever searches.
create table section_sounds (
    section_id   bigint primary key references track_sections on delete cascade,
    track_id     bigint not null references tracks on delete cascade,
    version      text not null,
    input_sha256 text not null check (length(input_sha256) = 64),
    keys         integer[] not null,           -- hashes of how each word sounds and of neighbouring vowels, sorted
    simulated    boolean not null,
    heard_at     timestamptz not null default now()
);
create index section_sounds_track on section_sounds (track_id);
create index section_sounds_keys on section_sounds using gin (keys);

-- Every distinct word, for near-miss spelling. What a writer changes is appended in its own transaction, one row per section, so that
-- writers never wait for one another; embeddings/search/spelling.py sums it up.
create table distinct_words (
    word     text primary key,
    sections integer not null,                 -- that hold it; below zero only between two parts of a long summing up
    deletes  integer[] not null                -- hashes of the word's beginning with up to two letters left out
);
create index distinct_words_deletes on distinct_words using gin (deletes);

create table word_changes (
    change smallint not null check (change in (-1, 1)),
    words  tsvector not null                   -- of one section
);

create function note_words() returns trigger language plpgsql as $$
begin
    if tg_op in ('INSERT', 'UPDATE') then
        insert into word_changes (change, words) select 1, strip(to_tsvector('simple', text)) from new_sections;
    end if;
    if tg_op in ('DELETE', 'UPDATE') then
        insert into word_changes (change, words) select -1, strip(to_tsvector('simple', text)) from old_sections;
    end if;
    return null;
end
$$;
create trigger words_inserted after insert on track_sections referencing new table as new_sections for each statement execute function note_words();
create trigger words_updated after update on track_sections referencing new table as new_sections old table as old_sections
    for each statement execute function note_words();
create trigger words_deleted after delete on track_sections referencing old table as old_sections for each statement execute function note_words();
create function forget_words() returns trigger language plpgsql as $$
begin
    truncate word_changes, distinct_words;
    return null;
end
$$;
create trigger words_truncated after truncate on track_sections for each statement execute function forget_words();
insert into word_changes (change, words) select 1, strip(to_tsvector('simple', text)) from track_sections;

-- How common the common terms are, from a sample: the search starts with the rare ones. What is not listed is rarer than `rare`.
create table common_terms (
    kind  text not null check (kind in ('lexeme', 'sound')),
    term  text not null,
    share real not null check (share > 0 and share <= 1),   -- of the sections
    primary key (kind, term)
);
create table term_samples (
    kind       text primary key check (kind in ('lexeme', 'sound')),
    version    text not null,                  -- of how the terms are made
    sections   bigint not null,                -- there were when the sample was taken
    sampled    integer not null,
    rare       real not null check (rare > 0 and rare <= 1),  -- share from which on a term is listed
    sampled_at timestamptz not null default now()
);
