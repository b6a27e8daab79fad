-- The scalers of audio features: fitted once, then frozen; the version is a digest of the quantiles, '0' for the published ranges.
create table audio_scalers (
    version    text primary key,
    quantiles  jsonb not null check (jsonb_typeof(quantiles) = 'object'),  -- feature -> values at equally spaced quantiles
    tracks     integer not null check (tracks >= 0),                       -- that it was fitted to; 0: the published ranges
    simulated  boolean not null,
    active     boolean not null default false,
    fitted_at  timestamptz not null default now()
);
create unique index audio_scalers_active on audio_scalers (active) where active;
alter table track_vectors_audio add column imputed text[] not null default '{}';  -- features that were missing: the median stands for them
