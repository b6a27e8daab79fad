"""The rule-based analyst: figures of the ear and nearness to prototype sentences, weighed by weights.py. No LLM, no database."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import numpy.typing as npt

from rap_platform.analyses import calibration, prototypes, weights
from rap_platform.analyses.results import (
    MOODS,
    MOST_MOODS,
    MOST_THEMES,
    SCORES,
    THEMES,
    Analysis,
    AnalysisFailure,
    Evidence,
    Mood,
    Sentiment,
    Theme,
    ordered,
)
from rap_platform.analyses.weights import Part
from rap_platform.features import analysis as ear
from rap_platform.features.analysis import LyricFeatures
from rap_platform.lyrics.languages import language_of
from rap_platform.lyrics.sections import split_sections

if TYPE_CHECKING:
    from rap_platform.embeddings.encoders.minilm import Encoder

ANALYZER: Final = "rule_based"
MODEL: Final = "rules"
LOGIC: Final = "2"  # of this module; raise it when the same weights come to other results

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)*")
# Too common to tell which line a label rests on.
_COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be but by do for from has have i i'm in is it me my no not of on or so that the this to up was we who will with you your"
    )
)


# The ear's figures that some score is made of.
_HEARD: Final = sorted(
    {part.figure for parts in weights.SCORES.values() for part in parts}
    & {field.name for field in fields(LyricFeatures)}
)


@dataclass(frozen=True)
class SectionText:
    """A section: lines `first_line` to `last_line` of the lyrics, counted from 1, and their text."""

    first_line: int
    last_line: int
    text: str


@dataclass(frozen=True)
class Landmarks:
    """The prototypes as unit vectors around their common `centre`: moods (20, d), themes (24, d), story (d,)."""

    centre: Floats
    moods: Floats
    themes: Floats
    story: Floats


def _digest(*modules: ModuleType) -> str:
    """Eight hex digits over every constant of the modules."""
    values = [
        f"{module.__name__}.{name}={sorted(value) if isinstance(value, frozenset) else value!r}"
        for module in modules
        for name, value in sorted(vars(module).items())
        if name.isupper()
    ]
    return hashlib.sha256("\n".join(values).encode()).hexdigest()[:8]


RULES_VERSION: Final = f"{weights.VERSION}.{LOGIC}-ear{ear.VERSION}-{_digest(weights, prototypes)}"


@lru_cache(maxsize=4)
def landmarks(encoder: "Encoder") -> Landmarks:
    """The prototypes in this encoder's space; encoded once per encoder."""
    groups = [*prototypes.MOODS.values(), *prototypes.THEMES.values(), prototypes.STORY, prototypes.NOT_STORY]
    vectors = encoder.encode([sentence for group in groups for sentence in group]).astype(np.float64)
    ends = np.cumsum([len(group) for group in groups])
    means = np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])])
    moods, themes = means[: len(MOODS)], means[len(MOODS) : len(MOODS) + len(THEMES)]
    centre = np.concatenate([moods, themes]).mean(axis=0)
    by_name = dict(zip(prototypes.MOODS, _unit(moods - centre), strict=True))
    themes_by_name = dict(zip(prototypes.THEMES, _unit(themes - centre), strict=True))
    return Landmarks(
        centre,
        np.stack([by_name[name] for name in MOODS]),
        np.stack([themes_by_name[name] for name in THEMES]),
        _unit(means[-2] - means[-1]),
    )


def analyse_text(lyrics: str, encoder: "Encoder") -> Analysis | AnalysisFailure:
    """Analyse lyrics with line breaks; a failure says why there is nothing to score (too short, not English)."""
    features = ear.analyse(lyrics, language_of(lyrics))
    sections = [SectionText(s.first_line, s.last_line, s.text) for s in split_sections(lyrics)]
    vectors = encoder.encode_whole([section.text for section in sections]).vectors
    return analyse_song(lyrics, features, sections, vectors, landmarks(encoder))


def analyse_song(
    lyrics: str, features: LyricFeatures, sections: Sequence[SectionText], vectors: Vectors, marks: Landmarks
) -> Analysis | AnalysisFailure:
    """Analyse a song from what is known of it already: its features and the vectors (n, d) of its n sections."""
    if features.status in ("too_short", "not_english"):
        return AnalysisFailure(kind=features.status, reason=features.reason or "nothing could be heard")
    if not sections or features.profanity_rating is None:
        return AnalysisFailure(kind="too_short", reason="no section with words")
    shares = _shares(sections)
    near = _unit(vectors.astype(np.float64) - marks.centre)
    mood_by_section, theme_by_section = near @ marks.moods.T, near @ marks.themes.T
    logits, by_profanity = _mood_logits(shares @ mood_by_section, features)
    moods, probabilities = _named_moods(logits)
    theme_scores = shares @ theme_by_section
    themes = _named_themes(theme_scores)
    sentiment, valence = _sentiment(probabilities, mood_by_section, shares)
    raw_confidence, clarity = _raw_confidence(logits, features)
    figures = _figures(lyrics, features, near, vectors, marks, shares)
    scores, explained = _scores(figures)
    unknown = [name for name in SCORES if scores[name] is None]
    if unknown:
        return AnalysisFailure(
            kind="too_short", reason=f"too few figures for {', '.join(unknown)}: {features.reason or 'unknown why'}"
        )
    evidence = _evidence(lyrics, sections, moods[0], mood_by_section, themes, theme_by_section)
    return Analysis(
        sentiment=sentiment,
        primary_mood=cast(Mood, moods[0]),
        moods=cast(list[Mood], moods),
        themes=cast(list[Theme], themes),
        profanity_rating=features.profanity_rating,
        **{name: cast(float, scores[name]) for name in SCORES},
        raw_confidence=raw_confidence,
        confidence=round(calibration.shipped().calibrator.confidence(raw_confidence), 4),
        ambiguous=clarity["first_against_second"] < weights.AMBIGUOUS_BELOW,
        summary=_summary(moods, themes, features),
        evidence=evidence,
        explanation={
            "scores": explained,
            "nearest_moods": {
                MOODS[i]: round(float(probabilities[i]), 3) for i in np.argsort(-probabilities)[:MOST_MOODS]
            },
            "mood_from_profanity": by_profanity,
            "themes": {name: round(float(theme_scores[THEMES.index(name)]), 3) for name in themes},
            "valence": valence,
            "confidence": clarity,
        },
    )


def _unit(vectors: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1.0))


def _shares(sections: Sequence[SectionText]) -> Floats:
    """Each section's share of the words; they add to one."""
    words = np.array([max(1, len(section.text.split())) for section in sections], dtype=np.float64)
    return np.asarray(words / words.sum())


def _mood_logits(nearness: Floats, features: LyricFeatures) -> tuple[Floats, dict[str, float]]:
    profane = min(features.profanity_per_100_words or 0.0, weights.PROFANITY_CEILING)
    shifts = {mood: round(profane * per_word, 3) for mood, per_word in weights.MOOD_FROM_PROFANITY.items() if profane}
    shift = np.array([shifts.get(mood, 0.0) for mood in MOODS])
    logits = np.asarray((nearness - nearness.mean()) / weights.MOOD_TEMPERATURE + shift, dtype=np.float64)
    return logits, shifts


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _named_moods(logits: Floats) -> tuple[list[str], Floats]:
    probabilities = _softmax(logits)
    order = np.argsort(-probabilities, kind="stable")
    named = [MOODS[i] for i in order if probabilities[i] >= weights.MOOD_RATIO * probabilities[order[0]]]
    return ordered(named[0], named[1:], MOST_MOODS), probabilities


def _named_themes(scores: Floats) -> list[str]:
    floor = scores.mean() + weights.THEME_DEVIATIONS * scores.std()
    order = np.argsort(-scores, kind="stable")
    return [THEMES[i] for i in order if scores[i] >= floor][:MOST_THEMES] or [THEMES[order[0]]]


def _sentiment(probabilities: Floats, mood_by_section: Floats, shares: Floats) -> tuple[Sentiment, dict[str, float]]:
    """Mean valence of the moods, and how much it differs between the sections."""
    valence = np.array([weights.VALENCE[mood] for mood in MOODS])
    whole = float(probabilities @ valence)
    centred = mood_by_section - mood_by_section.mean(axis=1, keepdims=True)
    by_section = _softmax(centred / weights.MOOD_TEMPERATURE) @ valence
    spread = float(np.sqrt(shares @ (by_section - shares @ by_section) ** 2))
    parts = {"mean": round(whole, 3), "spread": round(spread, 3)}
    if spread >= weights.MIXED_FROM and abs(whole) < weights.CLEAR_FROM:
        return "mixed", parts
    if whole >= weights.POSITIVE_FROM:
        return "positive", parts
    return ("negative" if whole <= weights.NEGATIVE_FROM else "neutral"), parts


def _raw_confidence(logits: Floats, features: LyricFeatures) -> tuple[float, dict[str, float]]:
    """The odds of the first mood against the second, lowered where there is little to read."""
    second, first = np.sort(logits)[-2:]
    odds = float(1 / (1 + np.exp(second - first)))
    reliability = features.words / (features.words + weights.WORDS_HALF)
    if features.status == "low_confidence":
        reliability *= weights.LOW_CONFIDENCE_FACTOR
    return round(odds * reliability, 4), {"first_against_second": round(odds, 3), "reliability": round(reliability, 3)}


def _figures(
    lyrics: str, features: LyricFeatures, near: Floats, vectors: Vectors, marks: Landmarks, shares: Floats
) -> dict[str, float | None]:
    """The ear's figures by name, and those that only this analyst needs."""
    words = _WORD.findall(lyrics.lower())
    sd, mean = features.syllables_per_line_sd, features.syllables_per_line
    steps = (near[1:] * near[:-1]).sum(axis=1)
    own = {
        "narrative_words_per_line": sum(word in prototypes.NARRATIVE_WORDS for word in words) / features.bars
        if features.bars
        else None,
        "story_likeness": float(shares @ (vectors.astype(np.float64) @ marks.story)),
        "section_movement": float(1 - steps.mean()) if len(steps) else None,
        "flow_evenness": max(0.0, 1 - sd / mean) if sd is not None and mean else None,
    }
    return {**{name: getattr(features, name) for name in _HEARD}, **own}


def _scores(figures: Mapping[str, float | None]) -> tuple[dict[str, float | None], dict[str, Any]]:
    """Every score and the parts it is made of; a score may be a part of a later one."""
    known: dict[str, float | None] = dict(figures)
    scores: dict[str, float | None] = {}
    explained: dict[str, Any] = {}
    for name in sorted(
        weights.SCORES, key=lambda name: any(part.figure in weights.SCORES for part in weights.SCORES[name])
    ):
        scores[name], explained[name] = score(known, weights.SCORES[name])
        known[name] = scores[name]
    return scores, explained


def score(figures: Mapping[str, float | None], parts: Sequence[Part]) -> tuple[float | None, dict[str, Any]]:
    """One score from 1 to 10 and its parts; a figure that is missing takes its weight with it.

    None when less than LEAST_WEIGHT of the weight is left: a score never rests on what is not there.
    """
    there = [(part, value) for part in parts if (value := figures.get(part.figure)) is not None]
    weight = sum(part.weight for part, _ in there)
    missing = [part.figure for part in parts if figures.get(part.figure) is None]
    if weight < weights.LEAST_WEIGHT * sum(part.weight for part in parts):
        return None, {"missing": missing}
    stands = [min(1.0, max(0.0, (value - part.low) / (part.high - part.low))) for part, value in there]
    total = 1 + 9 * sum(stand * part.weight for stand, (part, _) in zip(stands, there, strict=True)) / weight
    rows = [
        {
            "figure": part.figure,
            "value": round(value, 3),
            "low": part.low,
            "high": part.high,
            "points": round(9 * stand * part.weight / weight, 2),
            "of": round(9 * part.weight / weight, 2),
        }
        for stand, (part, value) in zip(stands, there, strict=True)
    ]
    return round(total, 2), {"base": 1, "parts": rows, "missing": missing}


def _evidence(
    lyrics: str, sections: Sequence[SectionText], mood: str, moods: Floats, themes: Sequence[str], by_theme: Floats
) -> list[Evidence]:
    """For the first mood and each theme the line that speaks most of it, in the section nearest to it."""
    wanted = [("mood", mood, moods[:, MOODS.index(mood)], prototypes.MOODS[mood])]
    wanted += [("theme", theme, by_theme[:, THEMES.index(theme)], prototypes.THEMES[theme]) for theme in themes]
    lines = lyrics.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])
    found = []
    for kind, name, nearness, sentences in wanted:
        section = sections[int(np.argmax(nearness))]
        number = _speaking_line(lines, section, sentences)
        quote = lines[number].strip()
        start = int(starts[number]) + lines[number].index(quote)
        found.append(Evidence(quote=quote, start=start, end=start + len(quote), supports=f"{kind}: {name}"))
    return found


def _speaking_line(lines: Sequence[str], section: SectionText, sentences: Sequence[str]) -> int:
    """The line (from 0) of a section that shares most words with the sentences, else its longest."""
    vocabulary = _vocabulary(tuple(sentences))
    numbers = [n for n in range(section.first_line - 1, section.last_line) if lines[n].strip()]
    return max(numbers, key=lambda n: (len(vocabulary & set(_WORD.findall(lines[n].lower()))), len(lines[n]), -n))


@lru_cache(maxsize=len(MOODS) + len(THEMES))
def _vocabulary(sentences: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_WORD.findall(" ".join(sentences).lower())) - _COMMON


def _summary(moods: Sequence[str], themes: Sequence[str], features: LyricFeatures) -> str:
    named = [theme.replace("_", " ") for theme in themes]
    about = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    rhymes = f"; {features.rhyme_density:.0%} of its syllables rhyme" if features.rhyme_density is not None else ""
    return f"{' and '.join(moods[:2]).capitalize()}, about {about}, in {features.bars} lines{rhymes}."
