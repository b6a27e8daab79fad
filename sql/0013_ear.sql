-- The ear's second version: kinds of rhyme, the shape of lines, diversity and rarity of words, devices, structure, readability.
alter table lyric_features
    add column syllables_per_word_sd         real check (syllables_per_word_sd >= 0),
    add column growing_line_share            real check (growing_line_share between 0 and 1),   -- longer than the line before by more than 15 %
    add column shrinking_line_share          real check (shrinking_line_share between 0 and 1),
    add column even_line_share               real check (even_line_share between 0 and 1),
    add column line_length_autocorrelation   real check (line_length_autocorrelation between -1 and 1),
    add column pauses_per_line               real check (pauses_per_line >= 0),
    add column rhymes_per_line               real check (rhymes_per_line >= 0),
    add column link_rhymes_per_line          real check (link_rhymes_per_line >= 0),
    add column bridge_rhymes_per_line        real check (bridge_rhymes_per_line >= 0),
    add column chain_rhymes_per_line         real check (chain_rhymes_per_line >= 0),           -- syllables of chained rhymes
    add column perfect_rhyme_share           real check (perfect_rhyme_share between 0 and 1),
    add column slant_rhyme_share             real check (slant_rhyme_share between 0 and 1),
    add column section_schemes               jsonb check (jsonb_typeof(section_schemes) = 'array'),  -- [{line_no from 0, bars, scheme}]
    add column distinct_words                integer check (distinct_words > 0),
    add column mtld                          real check (mtld > 0),                              -- words
    add column rare_word_share               real check (rare_word_share between 0 and 1),
    add column repeated_line_share           real check (repeated_line_share between 0 and 1),
    add column consonance_per_line           real check (consonance_per_line >= 0),
    add column anaphora_share                real check (anaphora_share between 0 and 1),        -- of the lines
    add column similes_per_100_lines         real check (similes_per_100_lines >= 0),
    add column similes                       jsonb check (jsonb_typeof(similes) = 'array'),      -- [{start, end}], characters of the lyrics
    add column sections                      integer check (sections > 0),
    add column verses                        integer check (verses >= 0),
    add column hooks                         integer check (hooks >= 0),
    add column bars_per_verse                real check (bars_per_verse > 0),
    add column flesch_reading_ease_line_as_sentence  real,
    add column flesch_kincaid_grade_line_as_sentence real,
    add column profanities                   jsonb check (jsonb_typeof(profanities) = 'array');  -- [{start, end, strength}]
