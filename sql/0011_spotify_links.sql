-- Links by a Spotify id that came with the song, and candidates that a person refused.
alter table spotify_tracks drop constraint spotify_tracks_method_check;
alter table spotify_tracks add constraint spotify_tracks_method_check check (method in ('id', 'isrc', 'exact', 'fuzzy', 'manual'));
alter table spotify_tracks add column rejected_ids text[] not null default '{}';

-- A file's row finds its track by ISRC too.
create index imported_audio_features_isrc on imported_audio_features (isrc) where isrc is not null;
