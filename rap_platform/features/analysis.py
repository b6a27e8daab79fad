"""One song to one row of lyric_features. The figures themselves are computed in the modules imported here, one subject each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from rap_platform.features import devices, flow, profanity, readability, rhyme, structure, vocabulary
from rap_platform.features.bars import bars
from rap_platform.features.devices import Simile
from rap_platform.features.hearing import Sound, hear
from rap_platform.features.profanity import Profanity
from rap_platform.features.schemes import SectionScheme

VERSION = "2"
MINIMUM_BARS = 8
CONFIDENT_BARS = 30
# Where nobody named the language: a text with more unknown words than this is not taken for English.
FOREIGN_SHARE = 0.35

Status = Literal["ok", "low_confidence", "too_short", "not_english"]


@dataclass(frozen=True, slots=True)
class LyricFeatures:
    """The columns of lyric_features; a figure that can't be computed is None, status and reason say why.

    Shares are 0 to 1. `rhyme_factor` is Malmi's scale (about 1 for rap); `rhyme_density` is Hirjee and Brown's, syllables that answer a
    rhyme over all syllables (about a quarter for rap): two constructs, not to be compared. Similes and profanities are character spans of
    the lyrics, empty where there is none. Each figure is defined where it is computed; what is usual for rap is in usual.py.
    """

    status: Status
    reason: str | None
    bars: int
    words: int
    out_of_vocabulary_share: float | None = None
    # flow
    syllables: int | None = None
    syllables_per_line: float | None = None
    syllables_per_line_sd: float | None = None
    syllables_per_word: float | None = None
    syllables_per_word_sd: float | None = None
    growing_line_share: float | None = None
    shrinking_line_share: float | None = None
    even_line_share: float | None = None
    line_length_autocorrelation: float | None = None
    pauses_per_line: float | None = None
    stress_regularity: float | None = None
    # rhyme
    rhyme_factor: float | None = None
    rhyme_density: float | None = None
    end_rhyme_share: float | None = None
    rhymes_per_line: float | None = None
    internal_rhymes_per_line: float | None = None
    link_rhymes_per_line: float | None = None
    bridge_rhymes_per_line: float | None = None
    chain_rhymes_per_line: float | None = None
    multisyllabic_share: float | None = None
    perfect_rhyme_share: float | None = None
    slant_rhyme_share: float | None = None
    longest_rhyme_syllables: int | None = None
    rhyme_scheme: str | None = None
    section_schemes: tuple[SectionScheme, ...] | None = None
    # vocabulary and repetition
    distinct_words: int | None = None
    type_token_ratio: float | None = None
    mattr_50: float | None = None
    mtld: float | None = None
    rare_word_share: float | None = None
    novel_word_share: float | None = None
    hook_share: float | None = None
    repeated_line_share: float | None = None
    compression_ratio: float | None = None
    # devices
    alliteration_per_line: float | None = None
    assonance_per_line: float | None = None
    consonance_per_line: float | None = None
    anaphora_share: float | None = None
    similes_per_100_lines: float | None = None
    similes: tuple[Simile, ...] | None = None
    # structure
    sections: int | None = None
    verses: int | None = None
    hooks: int | None = None
    bars_per_verse: float | None = None
    # readability and profanity
    flesch_reading_ease_line_as_sentence: float | None = None
    flesch_kincaid_grade_line_as_sentence: float | None = None
    profanity_per_100_words: float | None = None
    profanity_rating: profanity.Rating | None = None
    profanities: tuple[Profanity, ...] | None = None


# Columns that hold a list of these, each an object by the names of its fields.
LISTS: dict[str, type[SectionScheme] | type[Simile] | type[Profanity]] = {
    "section_schemes": SectionScheme,
    "similes": Simile,
    "profanities": Profanity,
}


def restored(columns: Sequence[str], values: Sequence[Any]) -> LyricFeatures:
    """A row as the database gives it back: its columns and their values in the same order."""
    row = dict(zip(columns, values, strict=True))
    for name, kind in LISTS.items():
        if row.get(name) is not None:
            row[name] = tuple([kind(**item) for item in row[name]])
    return LyricFeatures(**row)


@dataclass(frozen=True, slots=True)
class _Heard:
    """A song that can be measured."""

    lyrics: str
    sound: Sound
    unknown: float


def analyse(lyrics: str, language: str | None = "en") -> LyricFeatures:
    """Measure one song from its lyrics with line breaks; `language` is an ISO 639-1 code, None where nobody knows.

    Below MINIMUM_BARS and for other languages every figure is None; below CONFIDENT_BARS the status is low_confidence, as rhyme figures
    of short texts are noisy (Singhi and Brown leave out songs under 30 lines). Never raises.
    """
    return analyse_all([(lyrics, language)])[0]


def analyse_all(songs: Sequence[tuple[str, str | None]]) -> list[LyricFeatures]:
    """`analyse` for many songs, given as lyrics and language: the same figures, in half of the time."""
    heard = [_hear(lyrics, language) for lyrics, language in songs]
    measurable = [song for song in heard if isinstance(song, _Heard)]
    rhymes = iter(rhyme.measure_all([song.sound for song in measurable]))
    return [_measured(song, next(rhymes)) if isinstance(song, _Heard) else song for song in heard]


def _hear(lyrics: str, language: str | None) -> _Heard | LyricFeatures:
    """The song as it sounds, or the row that says why there is nothing to measure."""
    song = bars(lyrics)
    words = sum([len(bar.words) for bar in song])
    nothing = LyricFeatures("too_short", None, len(song), words)
    if language is not None and language != "en":
        return replace(
            nothing, status="not_english", reason=f"language is {language}; sounds are known for English only"
        )
    if len(song) < MINIMUM_BARS:
        return replace(nothing, reason=f"{len(song)} bars; figures need {MINIMUM_BARS}")
    sound = hear(song)
    unknown = out_of_vocabulary_share(sound)
    if language is None and unknown > FOREIGN_SHARE:
        reason = f"language unknown and {unknown:.0%} of the words are in no English dictionary"
        return replace(nothing, status="not_english", reason=reason, out_of_vocabulary_share=unknown)
    if not sound.syllables:
        return replace(nothing, reason="no word can be spoken", out_of_vocabulary_share=unknown)
    return _Heard(lyrics, sound, unknown)


def _measured(heard: _Heard, rhymed: rhyme.RhymeFigures) -> LyricFeatures:
    lyrics, sound, unknown = heard.lyrics, heard.sound, heard.unknown
    song = sound.bars
    short = len(song) < CONFIDENT_BARS
    words = len(sound.text)
    flowing, wording = flow.measure(sound), vocabulary.measure(sound)
    speech, built, swearing = (
        devices.measure(lyrics, sound),
        structure.measure(lyrics, song),
        profanity.measure(lyrics, sound),
    )
    reading = readability.measure(len(song), words, sound.syllables)
    return LyricFeatures(
        status="low_confidence" if short else "ok",
        reason=f"{len(song)} bars; rhyme figures are noisy below {CONFIDENT_BARS}" if short else None,
        bars=len(song),
        words=words,
        out_of_vocabulary_share=unknown,
        rhyme_factor=rhymed.factor,
        rhyme_density=rhymed.density,
        end_rhyme_share=rhymed.end_share,
        rhymes_per_line=rhymed.rhymes_per_bar,
        internal_rhymes_per_line=rhymed.internal_per_bar,
        link_rhymes_per_line=rhymed.link_per_bar,
        bridge_rhymes_per_line=rhymed.bridge_per_bar,
        chain_rhymes_per_line=rhymed.chain_per_bar,
        multisyllabic_share=rhymed.multisyllabic_share,
        perfect_rhyme_share=rhymed.perfect_share,
        slant_rhyme_share=rhymed.slant_share,
        longest_rhyme_syllables=rhymed.longest,
        rhyme_scheme=rhymed.scheme,
        section_schemes=rhymed.section_schemes,
        profanity_per_100_words=swearing.per_100_words,
        profanity_rating=swearing.rating,
        profanities=swearing.spans,
        **_named(flowing),
        **_named(wording),
        **_named(speech),
        **_named(built),
        **_named(reading),
    )


def _named(figures: Any) -> dict[str, Any]:
    """The fields of figures that are columns of the same name."""
    return {name: getattr(figures, name) for name in figures.__slots__}


def out_of_vocabulary_share(sound: Sound) -> float:
    """Share of the words whose sound had to be guessed from letters, or could not be."""
    return int(np.count_nonzero(sound.guessed)) / len(sound.text)
