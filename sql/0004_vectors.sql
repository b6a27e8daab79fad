-- One table per encoder and kind, so that an update of a track never rewrites an index. The HNSW indexes are made by the
-- asset vector_index after the first bulk load: building once costs a tenth of inserting one by one.
create table section_vectors_minilm (
    section_id   bigint primary key references track_sections on delete cascade,
    track_id     bigint not null references tracks on delete cascade,
    input_sha256 text not null check (length(input_sha256) = 64),
    embedding    halfvec(384) not null,
    artist_id    bigint not null,              -- filter columns repeated for search
    year         smallint,
    language     text,
    explicit     boolean,
    simulated    boolean not null,
    embedded_at  timestamptz not null default now()
);
create index section_vectors_minilm_track on section_vectors_minilm (track_id);

create table track_vectors_minilm (
    track_id     bigint not null references tracks on delete cascade,
    kind         text not null check (kind in ('lyrics', 'analysis')),
    input_sha256 text not null check (length(input_sha256) = 64),
    embedding    halfvec(384) not null,
    simulated    boolean not null,
    embedded_at  timestamptz not null default now(),
    primary key (track_id, kind)
);

-- Nine audio features under a frozen scaler, in the order of embeddings/audio.py.
create table track_vectors_audio (
    track_id       bigint primary key references tracks on delete cascade,
    scaler_version text not null,
    input_sha256   text not null check (length(input_sha256) = 64),
    embedding      halfvec(9) not null,
    simulated      boolean not null,
    embedded_at    timestamptz not null default now()
);
