-- Who the track is on Spotify and what Spotify (or another provider) hears in it.
create table spotify_tracks (
    track_id     bigint primary key references tracks on delete cascade,
    status       text not null check (status in ('matched', 'missing', 'review', 'failed')),
    method       text check (method in ('isrc', 'exact', 'fuzzy', 'manual')),
    score        real check (score between 0 and 1),
    spotify_id   text,
    isrc         text,
    name         text,
    artists      text[],
    album        text,
    release_date text,                         -- Spotify gives a day, a month or a year
    duration_ms  integer check (duration_ms > 0),
    popularity   smallint check (popularity between 0 and 100),
    explicit     boolean,
    payload      jsonb,
    reason       text,
    input_sha256 text not null check (length(input_sha256) = 64),
    simulated    boolean not null,
    matched_at   timestamptz not null default now(),
    expires_at   timestamptz,                  -- a miss is asked again after this
    check (status <> 'matched' or (spotify_id is not null and method is not null and score is not null))
);

create table audio_features (
    track_id         bigint primary key references tracks on delete cascade,
    status           text not null check (status in ('ok', 'unavailable')),
    reason           text,
    source           text,
    spotify_id       text,
    danceability     real check (danceability between 0 and 1),
    energy           real check (energy between 0 and 1),
    valence          real check (valence between 0 and 1),
    acousticness     real check (acousticness between 0 and 1),
    instrumentalness real check (instrumentalness between 0 and 1),
    speechiness      real check (speechiness between 0 and 1),
    liveness         real check (liveness between 0 and 1),
    loudness_db      real,
    tempo_bpm        real check (tempo_bpm >= 0),
    simulated        boolean not null,
    fetched_at       timestamptz not null default now(),
    check (status = 'ok' or reason is not null),
    check (status <> 'ok' or source is not null)
);
