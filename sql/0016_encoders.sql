-- Encoders side by side, each with tables of its own; one of them answers searches.
create table encoders (
    name          text primary key check (name ~ '^[a-z][a-z0-9_]{0,30}$'),  -- suffix of its tables
    model         text not null,
    dimension     integer not null check (dimension between 1 and 4000),
    fingerprint   text not null,               -- of the weights and of how texts are read: it never changes under a name
    registered_at timestamptz not null default now()
);

-- Vectors that are there already are MiniLM's: it stays known, though there may be nothing new for it to encode.
insert into encoders (name, model, dimension, fingerprint)
select 'minilm', 'sentence-transformers/all-MiniLM-L6-v2', 384, 'f515166bd48274031410ee5e511a79fb05da66f31658b44f900d0196d7246b0a'
where exists (select from section_vectors_minilm);

create table serving_encoder (
    one         boolean primary key default true check (one),
    name        text not null references encoders,
    switched_at timestamptz not null default now()
);

-- Where the emptied tables of a dropped encoder wait until nobody reads what their foreign keys refer to.
create schema if not exists dropped;

-- The tables of an encoder that is filled beside the others; its HNSW indexes are made by the asset vector_index.
create function create_vector_tables(encoder text, dimension integer) returns void language plpgsql as $$
declare
    sections text := quote_ident('section_vectors_' || encoder);
    tracks   text := quote_ident('track_vectors_' || encoder);
begin
    execute 'create table if not exists ' || sections || ' (
        section_id   bigint primary key references track_sections on delete cascade,
        track_id     bigint not null references tracks on delete cascade,
        input_sha256 text not null check (length(input_sha256) = 64),
        embedding    halfvec(' || dimension || ') not null,
        simulated    boolean not null,
        embedded_at  timestamptz not null default now())';
    execute 'create index if not exists ' || quote_ident('section_vectors_' || encoder || '_track') || ' on ' || sections || ' (track_id)';
    -- When vectors were made, without reading them: what vector_index compares to see that nothing changed.
    execute 'create index if not exists ' || quote_ident('section_vectors_' || encoder || '_embedded') || ' on ' || sections || ' (embedded_at) include (simulated)';
    execute 'create table if not exists ' || tracks || ' (
        track_id     bigint not null references tracks on delete cascade,
        kind         text not null check (kind in (''lyrics'', ''analysis'')),
        input_sha256 text not null check (length(input_sha256) = 64),
        embedding    halfvec(' || dimension || ') not null,
        simulated    boolean not null,
        embedded_at  timestamptz not null default now(),
        primary key (track_id, kind))';
end
$$;

-- What searches filter by stands in track_facts from now on, so that a changed year touches no vector.
alter table section_vectors_minilm drop column artist_id, drop column year, drop column language, drop column explicit;
create index section_vectors_minilm_embedded on section_vectors_minilm (embedded_at) include (simulated);
