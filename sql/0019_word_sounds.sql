-- How words that no dictionary lists are said, guessed once from their letters where sections are heard: a guess takes a millisecond,
-- and a search reads the lines of ten sections again.
create table word_sounds (
    word    text primary key,                  -- in lower case, without accents
    version text not null,                     -- of the sound keys
    phones  text not null                      -- ARPAbet with stress digits, blanks between
);
