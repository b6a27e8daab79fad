-- Ratings, datasets, predictions: every number of a report can be computed again from these.
create table ratings (
    track_id  bigint not null references tracks on delete cascade,
    rater     text not null,
    source    text not null check (source in ('human', 'panel', 'critic')),
    rating    real not null check (rating between 1 and 10),
    simulated boolean not null,
    rated_at  timestamptz not null default now(),
    primary key (track_id, rater, source)
);

create table dataset_versions (
    version        text primary key,
    content_digest text not null unique check (length(content_digest) = 64),
    seed           integer not null,
    train_count    integer not null check (train_count > 0),
    eval_count     integer not null check (eval_count > 0),
    simulated      boolean not null,
    card           jsonb not null,
    created_at     timestamptz not null default now()
);

create table dataset_members (
    version       text not null references dataset_versions on delete cascade,
    track_id      bigint not null references tracks on delete cascade,
    split         text not null check (split in ('train', 'eval')),
    label         real not null check (label between 1 and 10),
    group_key     text not null,               -- artists and near-duplicates that must stay together
    lyrics_sha256 text not null,
    primary key (version, track_id)
);

create table evaluations (
    evaluation_id   bigint generated always as identity primary key,
    dataset_version text not null references dataset_versions on delete cascade,
    input_digest    text not null unique check (length(input_digest) = 64),
    report          jsonb not null,
    markdown        text not null,
    mlflow_run_id   text,
    simulated       boolean not null,
    created_at      timestamptz not null default now()
);

create table predictions (
    evaluation_id bigint not null references evaluations on delete cascade,
    track_id      bigint not null references tracks on delete cascade,
    predictor     text not null,
    predicted     real,
    failure       text,
    primary key (evaluation_id, track_id, predictor),
    check ((predicted is null) = (failure is not null))
);

-- Reports that are recomputed only when their input changes: agreement, trends, index.
create table reports (
    kind         text not null,
    input_digest text not null check (length(input_digest) = 64),
    body         jsonb not null,
    markdown     text not null,
    simulated    boolean not null,
    created_at   timestamptz not null default now(),
    primary key (kind, input_digest)
);
