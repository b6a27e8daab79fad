-- What an import remembers, so that a second import of the same file reads only what changed, and rows that are no songs.
create table import_blocks (
    block_sha256 bytea primary key check (length(block_sha256) = 32),  -- of the importer's version, the mapping and the bytes
    rows         integer not null check (rows >= 0),
    lines        integer not null check (lines >= 0),
    rejected     jsonb not null default '[]',  -- [line within the block, reason, artist, title]
    imported_at  timestamptz not null default now()
);

alter table raw_songs add column import_block bytea;  -- the block of the file that this row was last read from

-- A block is known only as long as every song that was read from it is stored as it was read, and names it: whoever changes
-- one, deletes one or reads one from another block makes the block be read again.
create function forget_changed_import_blocks() returns trigger language plpgsql as $$
begin
    delete from import_blocks
    where block_sha256 in (
        select b.import_block
        from before_rows b join after_rows a using (raw_song_id)
        where b.import_block is not null
          and (b.source, b.source_id, b.content_sha256, b.import_block)
              is distinct from (a.source, a.source_id, a.content_sha256, a.import_block)
    );
    return null;
end
$$;
create trigger raw_songs_changed after update on raw_songs
referencing old table as before_rows new table as after_rows
for each statement execute function forget_changed_import_blocks();

create function forget_deleted_import_blocks() returns trigger language plpgsql as $$
begin
    delete from import_blocks where block_sha256 in (select import_block from before_rows where import_block is not null);
    return null;
end
$$;
create trigger raw_songs_deleted after delete on raw_songs
referencing old table as before_rows
for each statement execute function forget_deleted_import_blocks();

create function forget_all_import_blocks() returns trigger language plpgsql as $$
begin
    delete from import_blocks;
    return null;
end
$$;
create trigger raw_songs_truncated after truncate on raw_songs
for each statement execute function forget_all_import_blocks();

-- Audio features that people have in files: Kaggle's Spotify tables and the like.
create table imported_audio_features (
    imported_id      bigint generated always as identity primary key,
    dataset          text not null check (dataset <> ''),
    row_key          text not null check (row_key <> ''),
    spotify_id       text,
    isrc             text,
    artist           text not null,
    title            text not null,
    artist_key       text not null,       -- of the first artist, normalised
    title_key        text not null,       -- normalised, without guests and version
    duration_ms      integer check (duration_ms > 0),
    danceability     real check (danceability between 0 and 1),
    energy           real check (energy between 0 and 1),
    valence          real check (valence between 0 and 1),
    acousticness     real check (acousticness between 0 and 1),
    instrumentalness real check (instrumentalness between 0 and 1),
    speechiness      real check (speechiness between 0 and 1),
    liveness         real check (liveness between 0 and 1),
    loudness_db      real,
    tempo_bpm        real check (tempo_bpm >= 0),
    imported_at      timestamptz not null default now(),
    unique (dataset, row_key)
);
create index imported_audio_features_spotify on imported_audio_features (spotify_id) where spotify_id is not null;
create index imported_audio_features_names on imported_audio_features (artist_key, title_key);
