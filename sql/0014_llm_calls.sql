-- One row per request to an LLM that may cost money, written before it is sent: what was spent is known after any crash.
create table llm_calls (
    call_id           bigint generated always as identity primary key,
    request_sha256    text not null check (length(request_sha256) = 64),  -- of model, prompt version, parameters and text
    attempt           integer not null check (attempt >= 1),              -- how often this very request was sent, this one included
    purpose           text not null,           -- qwen_analyses, compared_analyses, analyze, doctor
    model             text not null,
    endpoint          text not null,
    mode              text not null,           -- how it was asked to answer in JSON
    simulated         boolean not null,
    owner             bigint not null,         -- of the asking process, which holds the advisory lock of this number
    state             text not null default 'in_flight' check (state in ('in_flight', 'answered', 'failed', 'lost')),
    most_usd          numeric(14, 8) not null check (most_usd >= 0),
    cost_usd          numeric(14, 8) check (cost_usd >= 0),               -- null: unknown, most_usd counts
    prompt_tokens     integer,
    completion_tokens integer,
    http_status       integer,
    finish_reason     text,
    response          text,
    kept              boolean not null,        -- false: what people pasted, and what was said of it, is not stored
    error             text,
    latency_ms        integer,
    started_at        timestamptz not null default clock_timestamp(),
    deadline          timestamptz,             -- after this nobody waits for the answer; null: not sent yet, it waits for its turn
    ended_at          timestamptz,
    check ((state = 'in_flight') = (ended_at is null)),
    check (state not in ('failed', 'lost') or error is not null),
    unique (request_sha256, attempt)
);
create index llm_calls_spent on llm_calls (started_at) include (simulated, state, most_usd, cost_usd);
create index llm_calls_open on llm_calls (owner) where state = 'in_flight';
create index llm_calls_latency on llm_calls (model, started_at) include (latency_ms) where state = 'answered';
