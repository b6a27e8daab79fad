-- Keys of a section line after line, those of a line sorted, so that a search reads the best sections by line without their texts.
-- What was heard before has no ends and counts as one line until the asset section_sounds hears it again.
alter table section_sounds add column line_ends integer[] not null default '{}';  -- how many keys there are up to the end of each line
