-- Links by a Spotify id that came with the song, and candidates that a person refused.
alter table spotify_tracks drop constraint spotify_tracks_method_check;
alter table spotify_tracks add constraint spotify_tracks_method_check check (method in ('id', 'isrc', 'exact', 'fuzzy', 'manual'));
alter table spotify_tracks add column rejected_ids text[] not null default '{}';
