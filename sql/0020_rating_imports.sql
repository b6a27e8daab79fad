-- Marks that people bring in files: what each file said, so that it can be listed and taken back; and a rater's second opinion.
create table rating_imports (
    import_id   bigint generated always as identity primary key,
    file_name   text not null check (file_name <> ''),
    file_sha256 text not null check (length(file_sha256) = 64),
    source      text not null check (source in ('human', 'critic')),
    scale       text not null check (scale <> ''),
    rater       text not null default '',      -- the rater of marks that name none
    report      jsonb not null,                -- counts, and what was not linked and why
    imported_at timestamptz not null default now(),
    unique (file_sha256, source, scale, rater)
);

-- Every mark of every import. Of several that say what one rater thought of one track, the newest import's counts.
create table imported_ratings (
    import_id  bigint not null references rating_imports on delete cascade,
    track_id   bigint not null references tracks on delete cascade,
    rater      text not null check (rater <> ''),
    occasion   smallint not null check (occasion >= 1),
    line       integer not null check (line >= 1),
    linked_by  text not null check (linked_by in ('track_id', 'genius_id', 'isrc', 'exact', 'fuzzy')),
    score      real not null check (score between 0 and 1),
    raw_value  double precision not null,
    scale      text not null check (scale <> ''),
    conversion text not null check (conversion <> ''),
    rating     real not null check (rating between 1 and 10),
    rated_at   timestamptz,
    primary key (import_id, track_id, rater, occasion)
);
create index imported_ratings_mark on imported_ratings (track_id, rater, occasion);

alter table ratings
    add column occasion   smallint not null default 1 check (occasion >= 1),  -- 2: the same rater, asked again
    add column raw_value  double precision,    -- as it was given, before conversion; null: as `rating`
    add column scale      text not null default '1-10' check (scale <> ''),
    add column conversion text not null default 'none' check (conversion <> ''),
    add column import_id  bigint references rating_imports on delete cascade,
    alter column rated_at drop not null,       -- most files don't say
    add check (conversion = 'none' or raw_value is not null),
    drop constraint ratings_pkey,
    add primary key (track_id, rater, source, occasion);
create index ratings_import on ratings (import_id) where import_id is not null;
