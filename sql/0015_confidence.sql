-- A confidence is earned: the analyst's own number stays beside it, and labelled verses say what it is worth.
alter table analysis_results
    add column raw_confidence real check (raw_confidence between 0 and 1),  -- the analyst's own number, of no fixed meaning
    add column ambiguous boolean;                                           -- a second mood is nearly as near; null: not told
-- Until now the own number stood in confidence, which from here on is null until it is earned.
alter table analysis_results drop constraint analysis_results_check1;
update analysis_results set raw_confidence = confidence, confidence = null where status = 'ok';
alter table analysis_results add constraint ok_rows_are_whole
    check (status <> 'ok' or (primary_mood is not null and quality is not null and raw_confidence is not null));

-- What an analyst said of a labelled verse: asked once, whatever is fitted to it later.
create table calibration_answers (
    analyzer       text not null,
    model          text not null,
    prompt_version text not null,
    input_sha256   text not null check (length(input_sha256) = 64),
    moods          text[],                      -- strongest first; null with an error
    raw_confidence real check (raw_confidence between 0 and 1),
    error          text,
    cost_usd       numeric(12, 6),
    simulated      boolean not null,
    created_at     timestamptz not null default now(),
    primary key (analyzer, model, prompt_version, input_sha256),
    check ((moods is null) = (error is not null) and (moods is null) = (raw_confidence is null))
);

-- How a raw number becomes the probability that the primary mood is right, and how well that held on verses kept out.
create table calibrations (
    analyzer       text not null,
    model          text not null,
    prompt_version text not null,
    digest         text not null,               -- of the verses and the method
    method         text not null,
    intercept      float8 not null,             -- confidence = 1 / (1 + exp(-(intercept + slope * logit(raw))))
    slope          float8 not null check (slope >= 0),
    lowest         float8 not null,             -- raw numbers are cut to what was seen
    highest        float8 not null check (highest >= lowest),
    verses         integer not null,
    answered       integer not null check (answered between 1 and verses),
    right_answers  integer not null check (right_answers between 0 and answered),
    brier          float8 not null,
    base_brier     float8 not null,
    ece            float8 not null,
    reliability    jsonb not null,
    simulated      boolean not null,
    made_at        timestamptz not null default now(),
    primary key (analyzer, model, prompt_version)
);

-- Who answered a day's questions to the API that were meant for the LLM, and why where it was not the LLM.
create table analysis_answers (
    day       date not null default (now() at time zone 'utc')::date,
    answered  text not null,
    reason    text not null default '',        -- why the rules stood in; empty when they did not
    simulated boolean not null,                -- the stand-in LLM answered
    answers   bigint not null check (answers > 0),
    primary key (day, answered, reason, simulated)
);
