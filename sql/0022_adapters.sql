-- Fine-tuned adapters and what they said of the held-out tracks. An adapter belongs to one dataset version: of another version's
-- held-out tracks it may have learned some.
create table adapters (
    adapter         text primary key check (length(adapter) = 64),    -- base weights, rows, parameters and code, as one hash
    name            text not null unique,
    dataset_version text not null references dataset_versions on delete cascade,
    base_sha256     text not null check (length(base_sha256) = 64),
    params          jsonb not null,
    made_at         timestamptz not null default now()
);
create index adapters_dataset on adapters (dataset_version, made_at);

create table adapter_answers (
    adapter           text not null references adapters on delete cascade,
    track_id          bigint not null references tracks on delete cascade,
    quality           real check (quality between 1 and 10),
    error             text,
    raw_response      text,
    lyrics_cut        boolean not null,        -- the model saw the lyrics without their middle
    prompt_tokens     integer,
    completion_tokens integer,
    latency_ms        integer,
    answered_at       timestamptz not null default now(),
    primary key (adapter, track_id),
    check ((quality is null) = (error is not null))
);
create index adapter_answers_track on adapter_answers (track_id);
