-- Near-duplicates are found through bands of MinHash signatures, a track at a time; the language of each section.
create table track_signatures (
    track_id       bigint primary key references tracks on delete cascade,
    lyrics_sha256  text not null check (length(lyrics_sha256) = 64),
    linker_version text not null,
    signature      bytea not null
);

create table track_bands (
    track_id bigint not null references tracks on delete cascade,
    band     smallint not null,
    key      bigint not null,
    primary key (track_id, band)
);
create index track_bands_key on track_bands (band, key);

alter table track_sections add column language text;
