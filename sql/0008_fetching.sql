-- What fetching remembers: which parser judged a page, when an artist was last gone through, what a service told us.
alter table raw_songs add column parser_version text;  -- that judged the page in body; null without a page, and for imports
alter table raw_songs add column text_sha256 text check (length(text_sha256) = 64);  -- of its words; the same words, the same digest
create index raw_songs_pages on raw_songs (parser_version, raw_song_id) where source = 'genius' and body is not null;
create index raw_songs_texts on raw_songs (text_sha256) where text_sha256 is not null;

-- A song as it came, before anybody looked into its page: a crash in reading costs no request, and takes no older text away.
create table fetched_songs (
    source_id      text primary key check (source_id <> ''),
    artist_slug    text,
    artist         text not null,
    title          text not null,
    payload        jsonb not null,
    body           text not null,
    content_sha256 text not null check (length(content_sha256) = 64),
    simulated      boolean not null,
    fetched_at     timestamptz not null default now()
);

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
