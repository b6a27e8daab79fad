-- Who was champion when and why, and the pictures of an evaluation for the page that shows it.
alter table evaluations add column pictures jsonb not null default '{}' check (jsonb_typeof(pictures) = 'object');  -- name -> SVG

create table title_decisions (
    decision_id     bigint generated always as identity primary key,
    action          text not null
        check (action in ('promoted', 'kept', 'lost', 'vacant', 'rolled back', 'promoted by hand', 'moved in MLflow')),
    version         text,                     -- of the quality model that holds the title from now on; null: nobody
    previous        text,                     -- who held it before
    judged          text,                     -- the version that the evaluation judged
    reason          text not null,
    actor           text not null,
    evaluation_id   bigint references evaluations on delete set null,
    dataset_version text,
    simulated       boolean not null,
    evidence        jsonb not null default '{}',  -- the differences that decided
    links           jsonb not null default '{}',  -- to runs and versions
    decided_at      timestamptz not null default clock_timestamp(),
    applied_at      timestamptz               -- when MLflow's aliases said so; null after a crash in between
);
create index title_decisions_version on title_decisions (version);
create index title_decisions_evaluation on title_decisions (evaluation_id);
