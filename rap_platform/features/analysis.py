"""One song to one row of lyric_features. The figures themselves are computed in bars, rhyme, flow, vocabulary and profanity."""

from dataclasses import dataclass, replace
from typing import Literal

from rap_platform.features import flow, profanity, rhyme, vocabulary
from rap_platform.features.bars import Bar, bars
from rap_platform.features.hearing import Sound, hear
from rap_platform.features.phonetics import pronounce

VERSION = "1"
MINIMUM_BARS = 8
CONFIDENT_BARS = 30
# Where nobody named the language: a text with more unknown words than this is not taken for English.
FOREIGN_SHARE = 0.35

Status = Literal["ok", "low_confidence", "too_short", "not_english"]


@dataclass(frozen=True, slots=True)
class LyricFeatures:
    """The columns of lyric_features; a figure that can't be computed is None, status and reason say why.

    Shares are 0 to 1. `rhyme_factor` is Malmi's scale (about 1 for rap); `rhyme_density` is the share of syllables that take part in
    a rhyme (about a quarter for rap): two constructs, not to be compared.
    """

    status: Status
    reason: str | None
    bars: int
    words: int
    syllables: int | None = None
    out_of_vocabulary_share: float | None = None
    syllables_per_line: float | None = None
    syllables_per_line_sd: float | None = None
    syllables_per_word: float | None = None
    rhyme_factor: float | None = None
    rhyme_density: float | None = None
    end_rhyme_share: float | None = None
    internal_rhymes_per_line: float | None = None
    multisyllabic_share: float | None = None
    longest_rhyme_syllables: int | None = None
    rhyme_scheme: str | None = None
    stress_regularity: float | None = None
    type_token_ratio: float | None = None
    mattr_50: float | None = None
    novel_word_share: float | None = None
    hook_share: float | None = None
    compression_ratio: float | None = None
    alliteration_per_line: float | None = None
    assonance_per_line: float | None = None
    profanity_per_100_words: float | None = None
    profanity_rating: profanity.Rating | None = None


def analyse(lyrics: str, language: str | None = "en") -> LyricFeatures:
    """Measure one song from its lyrics with line breaks; `language` is an ISO 639-1 code, None where nobody knows.

    Below MINIMUM_BARS and for other languages every figure is None; below CONFIDENT_BARS the status is low_confidence, as rhyme figures
    of short texts are noisy (Singhi and Brown leave out songs under 30 lines). Never raises.
    """
    song = bars(lyrics)
    words = sum(len(bar.words) for bar in song)
    nothing = LyricFeatures("too_short", None, len(song), words)
    if language is not None and language != "en":
        return replace(
            nothing, status="not_english", reason=f"language is {language}; sounds are known for English only"
        )
    if len(song) < MINIMUM_BARS:
        return replace(nothing, reason=f"{len(song)} bars; figures need {MINIMUM_BARS}")
    unknown = out_of_vocabulary_share(song)
    if language is None and unknown > FOREIGN_SHARE:
        reason = f"language unknown and {unknown:.0%} of the words are in no English dictionary"
        return replace(nothing, status="not_english", reason=reason, out_of_vocabulary_share=unknown)
    sound = hear(song)
    if not sound.syllables:
        return replace(nothing, reason="no word can be spoken", out_of_vocabulary_share=unknown)
    return _measured(song, sound, words, unknown)


def _measured(song: list[Bar], sound: Sound, words: int, unknown: float) -> LyricFeatures:
    short = len(song) < CONFIDENT_BARS
    rhymed, flowing, wording = rhyme.measure(sound), flow.measure(sound), vocabulary.measure(song)
    swearing = profanity.measure(song)
    return LyricFeatures(
        status="low_confidence" if short else "ok",
        reason=f"{len(song)} bars; rhyme figures are noisy below {CONFIDENT_BARS}" if short else None,
        bars=len(song),
        words=words,
        syllables=flowing.syllables,
        out_of_vocabulary_share=unknown,
        syllables_per_line=flowing.syllables_per_line,
        syllables_per_line_sd=flowing.syllables_per_line_sd,
        syllables_per_word=flowing.syllables_per_word,
        rhyme_factor=rhymed.factor,
        rhyme_density=rhymed.density,
        end_rhyme_share=rhymed.end_share,
        internal_rhymes_per_line=rhymed.internal_per_bar,
        multisyllabic_share=rhymed.multisyllabic_share,
        longest_rhyme_syllables=rhymed.longest,
        rhyme_scheme=rhymed.scheme,
        stress_regularity=flowing.stress_regularity,
        type_token_ratio=wording.type_token_ratio,
        mattr_50=wording.mattr_50,
        novel_word_share=wording.novel_word_share,
        hook_share=wording.hook_share,
        compression_ratio=wording.compression_ratio,
        alliteration_per_line=flowing.alliteration_per_line,
        assonance_per_line=flowing.assonance_per_line,
        profanity_per_100_words=swearing.per_100_words,
        profanity_rating=swearing.rating,
    )


def out_of_vocabulary_share(song: list[Bar]) -> float:
    """Share of the words whose sound had to be guessed from letters, or could not be."""
    words = [word for bar in song for word in bar.words]
    return sum(pronounce(word).source in ("letters", "none") for word in words) / len(words)
