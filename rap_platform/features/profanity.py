"""How strong the language is and where, from a list of word stems, as a film board might rate it. No judgement of what is meant.

What is in no list is not found, so the rating is a lower bound; a name such as "Dick" is not told from the word.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Literal, NamedTuple

import numpy as np

from rap_platform.features.bars import Bar
from rap_platform.features.hearing import Sound
from rap_platform.features.wordwise import of_words

Rating = Literal["G", "PG", "PG-13", "R", "NC-17"]
Strength = Literal["mild", "strong", "severe"]

_LEVELS: tuple[Strength, ...] = ("mild", "strong", "severe")

# Stems match the beginning of a word; whole words match only themselves.
_STEMS: dict[Strength, tuple[str, ...]] = {
    "severe": (
        "motherfuck",
        "muthafuck",
        "mothafuck",
        "mutherfuck",
        "cunt",
        "nigga",
        "nigger",
        "faggot",
        "cocksuck",
        "kike",
        "retard",
    ),
    "strong": (
        "bullshit",
        "shit",
        "bitch",
        "biatch",
        "beyotch",
        "pussy",
        "pussies",
        "dickhead",
        "asshole",
        "slut",
        "whore",
        "goddam",
        "blowjob",
        "jizz",
    ),
    "mild": ("damn", "dammit", "bastard", "pissed", "pissing", "hellhole", "badass", "dumbass", "jackass", "smartass"),
}
_WHOLE: dict[Strength, frozenset[str]] = {
    "severe": frozenset("fag fags niggaz nigguh niggah nig nigs spic spics chink chinks coon coons".split()),  # noqa: SIM905
    "strong": frozenset(
        """
        dick dicks cock cocks tits titties hoe hoes hos fck fckn fuk
        fuks fukin fuking fuked fucc phuck phuk mf mfs wtf stfu cum
        """.split()  # noqa: SIM905
    ),
    "mild": frozenset("ass asses hell piss crap crappy butt boobs thot thots fatass asshat".split()),  # noqa: SIM905
}
_INNOCENT = ("niggard", "shitake", "shittim", "pussycat", "pussyfoot", "pussywillow", "mishit")

# What a word with letters masked may be: the first that fits, so the commoner before the rarer.
_MASKED_WORDS = """
    fuck fucks fucked fucker fuckers fuckin fucking motherfuck motherfucker motherfuckers motherfuckin motherfucking muthafucka
    shit shits shitty bullshit bitch bitches ass asses asshole assholes damn goddamn nigga niggas niggaz nigger niggers dick dicks
    dickhead pussy pussies hell whore whores hoe hoes cunt cunts cock cocks tits slut sluts faggot faggots fag fags crap bastard bastards piss
    """.split()  # noqa: SIM905
_MASKS = "*@$#!"
_MASKED = re.compile(r"(?<![\w'*@$#!])[^\W\d_]?[@$]?[\w']*(?:[*@$#!]+[\w']*)+", re.IGNORECASE)
_LETTERS = str.maketrans({"@": "a", "$": "s", "!": "i", "#": "*"})
_DIGITS = str.maketrans("013457", "oieast")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")


class Profanity(NamedTuple):
    """A profane word in the lyrics: its first and last + 1 character and its strength."""

    start: int
    end: int
    strength: Strength


@dataclass(frozen=True, slots=True)
class ProfanityFigures:
    """Words of any strength per 100 words, the rating, and where the words are."""

    per_100_words: float
    rating: Rating
    spans: tuple[Profanity, ...]


@lru_cache(maxsize=100_000)
def strength(word: str) -> Strength | None:
    """How strong a lower-case word is; None for an ordinary one. Hyphens, digits for letters and drawn-out letters are seen through."""
    found = [level for spelling in _spellings(word) if (level := _plain(spelling)) is not None]
    if not found and "-" in word and len(word) > 3:
        return _unhidden(word.replace("-", "*"))
    return max(found, key=_LEVELS.index, default=None)


def _spellings(word: str) -> set[str]:
    word = word.removesuffix("'s").strip("'")
    parts = word.split("-")
    spelt = {word, *parts, word.replace(".", "")}
    if all(len(part) < 3 for part in parts):
        spelt.add("".join(parts))  # spelt out letter by letter
    spelt |= {part.translate(_DIGITS) for part in spelt if not part.isdigit()}
    return spelt | {_DRAWN_OUT.sub(kept, part) for part in spelt for kept in (r"\1", r"\1\1")}


def _plain(word: str) -> Strength | None:
    if word.startswith(_INNOCENT):
        return None
    for level in reversed(_LEVELS):
        if word in _WHOLE[level] or word.startswith(_STEMS[level]):
            return level
    return "strong" if "fuck" in word or word.endswith("shit") else None


@lru_cache(maxsize=10_000)
def masked_strength(text: str) -> Strength | None:
    """How strong a word with masked letters is ("f**k", "sh*t", "b!tch", "a$$"); None where it masks nothing we know."""
    core = text.lower().strip("'").rstrip("!")
    if core.endswith("*") and core.count("*") == 1:
        core = core[:-1]  # a footnote's star
    if not any(mark in core for mark in _MASKS):
        return None
    plain = core.translate(_LETTERS)
    return _unhidden(plain) if "*" in plain else strength(plain)


@lru_cache(maxsize=10_000)
def _unhidden(pattern: str) -> Strength | None:
    """The strength of the first known word that fits; stars stand for one letter each, the first letter must be there."""
    if pattern[0] == "*" or not pattern.replace("*", "").isalpha():
        return None
    fits = re.compile(pattern.replace("*", "."))
    word = next((word for word in _MASKED_WORDS if fits.fullmatch(word)), None)
    return _plain(word) if word else None


def measure(lyrics: str, sound: Sound) -> ProfanityFigures:
    """Profanity of a song of at least one bar.

    G has none; PG mild words only, fewer than 1 in 100; PG-13 more mild words or a single strong one; NC-17 3 or more severe or
    strong words in 100 with at least one severe; R everything between.
    """
    places = np.flatnonzero(of_words(sound, _level)).tolist()
    masks = any(mark in lyrics for mark in _MASKS)
    spans = _spans(lyrics, sound, places, masks=masks) if places or masks else ()
    words = len(sound.text)
    counts = {level: sum(span.strength == level for span in spans) for level in _LEVELS}
    return ProfanityFigures(len(spans) * 100 / words, _rating(counts, words), spans)


def _level(word: str) -> int:
    found = strength(word)
    return 0 if found is None else 1 + _LEVELS.index(found)


def _rating(counts: dict[Strength, int], words: int) -> Rating:
    heavy = counts["strong"] + counts["severe"]
    if heavy == 0:
        return "G" if not counts["mild"] else "PG" if counts["mild"] < words / 100 else "PG-13"
    if heavy == 1 and not counts["severe"]:
        return "PG-13"
    return "NC-17" if counts["severe"] and heavy >= 3 * words / 100 else "R"


def _spans(lyrics: str, sound: Sound, places: Sequence[int], *, masks: bool) -> tuple[Profanity, ...]:
    """Profane words in order; `places` are those that are spelt out."""
    starts = list(accumulate((len(line) + 1 for line in lyrics.split("\n")), initial=0))
    by_bar: dict[int, list[int]] = {}
    first_words = np.searchsorted(sound.word_bar, np.arange(len(sound.bars))).tolist()
    for place in places:
        number = int(sound.word_bar[place])
        by_bar.setdefault(number, []).append(place - first_words[number])
    if masks:
        for number, bar in enumerate(sound.bars):
            if any(mark in bar.text for mark in _MASKS):
                by_bar.setdefault(number, [])
    return tuple(
        Profanity(starts[bar.line_no] + start, starts[bar.line_no] + end, level)
        for number, at in sorted(by_bar.items())
        for bar in (sound.bars[number],)
        for start, end, level in _in_line(bar, at)
    )


def _in_line(bar: Bar, at: Sequence[int]) -> list[Profanity]:
    found = [
        Profanity(match.start(), match.start() + len(text), level)
        for match in _MASKED.finditer(bar.text)
        for text in (match.group().rstrip("!'"),)
        if text and (level := masked_strength(text)) is not None
    ]
    hidden = found[:]
    tokens = bar.tokens if at else []
    for place in at:
        word = tokens[place]
        level = strength(word.text)
        if level is not None and not any(span.start < word.end and word.start < span.end for span in hidden):
            found.append(Profanity(word.start, word.end, level))
    return sorted(found)
