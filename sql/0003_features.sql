-- What the ear hears. A figure that can't be computed is null; status and reason say why.
create table lyric_features (
    track_id                bigint not null references tracks on delete cascade,
    version                 text not null,
    input_sha256            text not null check (length(input_sha256) = 64),
    status                  text not null check (status in ('ok', 'low_confidence', 'too_short', 'not_english')),
    reason                  text,
    bars                    integer not null,  -- lines that are sung or spoken
    words                   integer not null,
    syllables               integer,
    out_of_vocabulary_share real check (out_of_vocabulary_share between 0 and 1),
    syllables_per_line      real,
    syllables_per_line_sd   real,
    syllables_per_word      real,
    rhyme_factor            real,              -- Malmi et al.: mean length of matching vowel runs
    rhyme_density           real check (rhyme_density between 0 and 1), -- Hirjee and Brown: rhymed syllables per syllable
    end_rhyme_share         real check (end_rhyme_share between 0 and 1),
    internal_rhymes_per_line real,
    multisyllabic_share     real check (multisyllabic_share between 0 and 1),
    longest_rhyme_syllables smallint,
    rhyme_scheme            text,              -- of the first section with four or more lines
    stress_regularity       real check (stress_regularity between 0 and 1),
    type_token_ratio        real check (type_token_ratio between 0 and 1),
    mattr_50                real check (mattr_50 between 0 and 1),
    novel_word_share        real check (novel_word_share between 0 and 1),
    hook_share              real check (hook_share between 0 and 1),
    compression_ratio       real,
    alliteration_per_line   real,
    assonance_per_line      real,
    profanity_per_100_words real,
    profanity_rating        text check (profanity_rating in ('G', 'PG', 'PG-13', 'R', 'NC-17')),
    computed_at             timestamptz not null default now(),
    primary key (track_id, version)
);
