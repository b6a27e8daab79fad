-- What fetching remembers: which parser judged a page, when an artist was last gone through, what a service told us.
alter table raw_songs add column parser_version text;  -- null: fetched, not looked into yet; always null for imports

alter table artists add column fetched_at timestamptz;  -- when the whole list of songs was last gone through
alter table artists add column fetch_error text;        -- why the last try did not get there; null after a good one

-- What an outside service told us and a restart must not forget: until when it wants to be left alone, what it allows.
create table service_state (
    service    text not null check (service <> ''),
    key        text not null check (key <> ''),
    value      jsonb not null,
    reason     text,
    until      timestamptz,                -- for a hold: when to ask again; for a capability: when to probe again
    updated_at timestamptz not null default now(),
    primary key (service, key)
);
