-- Songs as they came and as they are after cleaning. Grain and keys: see README.md.
create extension if not exists vector;

create table artists (
    artist_id       bigint generated always as identity primary key,
    name            text not null check (name <> ''),
    normalised_name text not null check (normalised_name <> ''),
    slug            text not null unique check (slug <> ''),
    genius_id       bigint,
    watched         boolean not null default false,
    simulated       boolean not null,
    created_at      timestamptz not null default now(),
    unique (normalised_name, simulated)
);

create table raw_songs (
    raw_song_id    bigint generated always as identity primary key,
    source         text not null check (source in ('genius', 'import')),
    source_id      text not null check (source_id <> ''),
    artist_slug    text,                       -- the partition that fetched it; null for imports
    artist         text not null,
    title          text not null,
    status         text not null check (status in ('ok', 'missing', 'instrumental', 'unreleased', 'removed', 'blocked', 'failed')),
    reason         text,
    payload        jsonb not null,             -- metadata as it came
    body           text,                       -- page or lyrics as it came
    content_sha256 text not null check (length(content_sha256) = 64),
    simulated      boolean not null,
    fetched_at     timestamptz not null default now(),
    unique (source, source_id)
);
create index raw_songs_artist on raw_songs (artist_slug);

create table tracks (
    track_id         bigint generated always as identity primary key,
    raw_song_id      bigint not null unique references raw_songs on delete cascade,
    source           text not null,
    source_id        text not null,
    artist_id        bigint not null references artists,
    artist           text not null,
    title            text not null,
    normalised_title text not null check (normalised_title <> ''),
    featured         text[] not null default '{}',
    album            text,
    genre            text,
    release_date     date,
    year             smallint check (year between 1000 and 2100),
    language         text,
    explicit         boolean,
    views            bigint check (views >= 0),
    lyrics           text not null check (lyrics <> ''),
    lyrics_sha256    text not null check (length(lyrics_sha256) = 64),
    line_count       integer not null check (line_count > 0),
    word_count       integer not null check (word_count > 0),
    cleaning         jsonb not null,           -- rule -> number of times it fired
    cleaner_version  text not null,
    raw_sha256       text not null check (length(raw_sha256) = 64),
    duplicate_of     bigint references tracks on delete set null,
    duplicate_score  real check (duplicate_score between 0 and 1),
    slot             smallint not null check (slot between 0 and 1023),
    simulated        boolean not null,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    unique (source, source_id),
    check (duplicate_of is distinct from track_id),
    check (duplicate_of is null or duplicate_score is not null)
);
create index tracks_slot on tracks (slot);
create index tracks_artist on tracks (artist_id);
create index tracks_year on tracks (year);
create index tracks_duplicate_of on tracks (duplicate_of) where duplicate_of is not null;

-- A song that is no song (an interview, an empty page) is set aside with its reason, not dropped.
create table set_aside (
    raw_song_id     bigint primary key references raw_songs on delete cascade,
    raw_sha256      text not null check (length(raw_sha256) = 64),
    cleaner_version text not null,
    reason          text not null check (reason <> ''),
    set_aside_at    timestamptz not null default now()
);

create table track_sections (
    section_id  bigint generated always as identity primary key,
    track_id    bigint not null references tracks on delete cascade,
    section_no  smallint not null check (section_no >= 1),
    kind        text not null check (kind in ('verse', 'hook', 'bridge', 'intro', 'outro', 'interlude', 'skit', 'part', 'other')),
    label       text,                          -- the header as written
    performers  text[] not null default '{}',
    first_line  integer not null check (first_line >= 1),
    last_line   integer not null,
    text        text not null check (text <> ''),
    text_sha256 text not null check (length(text_sha256) = 64),
    words       tsvector generated always as (to_tsvector('english', text)) stored,
    unique (track_id, section_no),
    check (last_line >= first_line)
);
create index track_sections_words on track_sections using gin (words);
