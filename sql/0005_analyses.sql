-- What the analysts say. A failure is a row with its error and no scores.
create table analysis_results (
    analysis_id       bigint generated always as identity primary key,
    track_id          bigint not null references tracks on delete cascade,
    analyzer          text not null,           -- rule_based, qwen, ...
    model             text not null,
    prompt_version    text not null,
    input_sha256      text not null check (length(input_sha256) = 64),
    status            text not null check (status in ('ok', 'failed')),
    sentiment         text check (sentiment in ('negative', 'neutral', 'positive', 'mixed')),
    primary_mood      text,
    moods             text[],
    themes            text[],
    profanity_rating  text check (profanity_rating in ('G', 'PG', 'PG-13', 'R', 'NC-17')),
    quality           real check (quality between 1 and 10),
    complexity        real check (complexity between 1 and 10),
    wordplay          real check (wordplay between 1 and 10),
    storytelling      real check (storytelling between 1 and 10),
    confidence        real check (confidence between 0 and 1),
    summary           text,
    evidence          jsonb,
    explanation       jsonb,                   -- the parts that each score is made of
    raw_response      text,
    repaired          boolean not null default false,
    prompt_tokens     integer,
    completion_tokens integer,
    cost_usd          numeric(12, 6),
    latency_ms        integer,
    error             text,
    simulated         boolean not null,
    created_at        timestamptz not null default now(),
    unique (track_id, analyzer, model, prompt_version, input_sha256),
    check (status = 'ok' or error is not null),
    check (status <> 'ok' or (primary_mood is not null and quality is not null and confidence is not null))
);
create index analysis_results_analyzer on analysis_results (analyzer, track_id);
