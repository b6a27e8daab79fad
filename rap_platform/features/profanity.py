"""How strong the language is, from a small list of word stems, as a film board might rate it. No judgement of what is meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rap_platform.features.bars import Bar

Rating = Literal["G", "PG", "PG-13", "R", "NC-17"]
Strength = Literal["mild", "strong", "severe"]

# Stems match the beginning of a word; whole words match only themselves.
_STEMS: dict[Strength, tuple[str, ...]] = {
    "severe": ("motherfuck", "muthafuck", "cunt", "nigga", "nigger", "faggot", "cocksuck"),
    "strong": (
        "fuck",
        "fuk",
        "bullshit",
        "shit",
        "bitch",
        "pussy",
        "pussies",
        "dickhead",
        "asshole",
        "slut",
        "whore",
        "goddam",
    ),
    "mild": ("damn", "dammit", "crap", "bastard", "pissed", "hellhole", "badass", "dumbass"),
}
_WHOLE: dict[Strength, frozenset[str]] = {
    "severe": frozenset({"fag", "fags", "niggaz", "nigguh"}),
    "strong": frozenset({"dick", "dicks", "cock", "tits", "hoe", "hoes", "hos", "fck", "fckn"}),
    "mild": frozenset({"ass", "asses", "hell", "piss", "butt", "boobs", "thot", "thots"}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProfanityFigures:
    """Words of any strength per 100 words, and the rating."""

    per_100_words: float
    rating: Rating


@lru_cache(maxsize=100_000)
def strength(word: str) -> Strength | None:
    """How strong a lower-case word is; None for an ordinary one."""
    for level in ("severe", "strong", "mild"):
        if word in _WHOLE[level] or word.startswith(_STEMS[level]):
            return level
    return None


def measure(song: Sequence[Bar]) -> ProfanityFigures:
    """Profanity of a song of at least one bar.

    G has none; PG mild words only, fewer than 1 in 100; PG-13 more mild words or a single strong one; NC-17 3 or more severe or
    strong words in 100 with at least one severe; R everything between.
    """
    counts: dict[Strength, int] = {"mild": 0, "strong": 0, "severe": 0}
    words = 0
    for bar in song:
        for word in bar.words:
            words += 1
            level = strength(word)
            if level is not None:
                counts[level] += 1
    heavy = counts["strong"] + counts["severe"]
    rating: Rating
    if heavy == 0:
        rating = "G" if not counts["mild"] else "PG" if counts["mild"] < words / 100 else "PG-13"
    elif heavy == 1 and not counts["severe"]:
        rating = "PG-13"
    else:
        rating = "NC-17" if counts["severe"] and heavy >= 3 * words / 100 else "R"
    return ProfanityFigures((heavy + counts["mild"]) * 100 / words, rating)
