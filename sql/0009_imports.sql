-- What an import remembers, so that a second import of the same file reads only what changed, and rows that are no songs.
create table import_blocks (
    block_sha256 bytea primary key check (length(block_sha256) = 32),  -- of the importer's version, the mapping, the encoding and the bytes
    rows         integer not null check (rows >= 0),
    lines        integer not null check (lines >= 0),
    rejected     jsonb not null default '[]',  -- [line within the block, reason, artist, title]
    imported_at  timestamptz not null default now()
);

alter table raw_songs add column import_block bytea;  -- the block of the file that this row was last read from

-- Audio features that people have in files: Kaggle's Spotify tables and the like.
create table imported_audio_features (
    imported_id      bigint generated always as identity primary key,
    dataset          text not null check (dataset <> ''),
    row_key          text not null check (row_key <> ''),
    spotify_id       text,
    isrc             text,
    artist           text not null,
    title            text not null,
    artist_key       text not null,       -- normalised
    title_key        text not null,       -- normalised
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
