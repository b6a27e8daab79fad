-- What is served, to whom, and what was asked.
create table serving_releases (
    release_id      bigint generated always as identity primary key,
    content_digest  text not null unique check (length(content_digest) = 64),
    encoder         text not null,
    model_name      text,
    model_version   text,
    model_uri       text,
    evaluation_id   bigint references evaluations on delete set null,
    counts          jsonb not null,
    simulated       boolean not null,
    released_at     timestamptz not null default now()
);

create table api_keys (
    api_key_id  bigint generated always as identity primary key,
    prefix      text not null unique,
    key_hmac    bytea not null,
    client      text not null,
    scopes      text[] not null,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    revoked_at  timestamptz,
    last_used_at timestamptz
);

create table batches (
    batch_id            uuid primary key default gen_random_uuid(),
    api_key_id          bigint references api_keys,
    idempotency_key     text,
    request_fingerprint text not null,
    operation           text not null,
    status              text not null check (status in ('queued', 'processing', 'completed', 'failed')),
    created_at          timestamptz not null default now(),
    finished_at         timestamptz,
    unique (api_key_id, idempotency_key)
);

create table batch_items (
    batch_id uuid not null references batches on delete cascade,
    item_no  integer not null,
    input    jsonb not null,
    status   text not null check (status in ('queued', 'processing', 'completed', 'failed')),
    result   jsonb,
    error    text,
    primary key (batch_id, item_no)
);

create table audit_log (
    audit_id bigint generated always as identity primary key,
    at       timestamptz not null default now(),
    actor    text not null,
    action   text not null,
    object   text not null,
    detail   jsonb not null default '{}'
);
create function audit_log_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_log is append-only';
end $$;
create trigger audit_log_append_only before update or delete on audit_log
    for each row execute function audit_log_is_append_only();

create table request_log (
    request_id  bigint generated always as identity primary key,
    at          timestamptz not null default now(),
    method      text not null,
    path        text not null,
    status      smallint not null,
    duration_ms real not null,
    client      text
);
create index request_log_at on request_log (at);
