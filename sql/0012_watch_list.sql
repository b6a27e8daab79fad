-- The watch list as people change it, and when an artist was last tried.
alter table artists add column unwatched_at timestamptz;    -- taken off by hand: the settings or the catalogue don't put it back
alter table artists add column fetch_tried_at timestamptz;  -- the last try, whether it got there or not
alter table artists add constraint watched_or_taken_off check (not watched or unwatched_at is null);
