-- Near-duplicates are found through bands of MinHash signatures, what is new against what is there; sections get a language and a number.
create table track_signatures (
    track_id       bigint primary key references tracks on delete cascade,
    simulated      boolean not null,
    artist_id      bigint not null,
    title          text not null,              -- normalised, without guests and version
    version        text,                       -- what the title says the track is (a remix, live), normalised
    released       integer not null,           -- yyyymmdd as far as it is known; what is unknown is 99
    lyrics_sha256  text not null check (length(lyrics_sha256) = 64),
    facts_sha256   text not null check (length(facts_sha256) = 64),  -- of what else decides: artist, title, dates
    linker_version text not null,
    signature      bytea not null check (length(signature) = 512),   -- 128 x uint32, little endian
    decided        boolean not null default false,
    is_original    boolean,                    -- as decided last; null: never, and no bands
    original_id    bigint,                     -- as decided last; tracks.duplicate_of differs when the original was deleted
    check (not decided or is_original is not null),
    check (not (is_original is true and original_id is not null))
);
create index track_signatures_undecided on track_signatures (simulated, (version is not null), released, track_id) where not decided;
create index track_signatures_original on track_signatures (original_id) where original_id is not null;

create index track_signatures_title on track_signatures (artist_id, title, is_original);

create table track_bands (
    track_id    bigint not null references track_signatures on delete cascade,
    band        smallint not null,
    key         bigint not null,
    is_original boolean not null,
    primary key (track_id, band)
);
create index track_bands_key on track_bands (key, is_original);

alter table track_sections add column number smallint check (number >= 1);   -- the 2 of "Verse 2"
alter table track_sections add column language text;
