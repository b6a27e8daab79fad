"""Figures of speech and sound that need no rhyme: alliteration, assonance, consonance, anaphora, similes.

Names of people and places are not looked for: no model that finds them runs offline from the pinned packages under a free licence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from rap_platform.features.bars import Bar
from rap_platform.features.hearing import SMALL_WORDS, Ints, Places, Small, Sound

_ANAPHORA_WORDS = 3
_MOST_SOUNDS = 1 << 32  # more than there are vowels or tails
_WISHING = frozenset("would i'd you'd he'd she'd we'd they'd don't didn't doesn't wouldn't won't never".split())  # noqa: SIM905
_LIKING = _WISHING | frozenset("i you we they who really to".split())  # noqa: SIM905
_END = r"(?![\w'’-])"
_DETERMINER = rf"(?:an?|the|my|your|his|her|our|their|its|this|that|these|those|some){_END}"
_WORD = r"[^\W_][\w'’-]*"
_CONTENT = rf"(?!(?:like|{'|'.join(sorted(SMALL_WORDS))}){_END}){_WORD}"
_MEASURE = rf"(?:long|soon|far|much|many|well|often|little|few){_END}"
_SIMILE = re.compile(
    rf"\b(?<!['’-])(?:like\s+(?P<article>{_DETERMINER})|as\s+(?!{_MEASURE}){_WORD}\s+as{_END}(?:\s+{_DETERMINER})?)"
    rf"\s+{_CONTENT}(?:\s+{_CONTENT}){{0,2}}",
    re.IGNORECASE,
)


class Simile(NamedTuple):
    """A comparison in the lyrics: its first and last + 1 character."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DeviceFigures:
    """Counts per line (0 up), `anaphora_share` 0 to 1, and where the similes are."""

    alliteration_per_line: float
    assonance_per_line: float
    consonance_per_line: float
    anaphora_share: float
    similes_per_100_lines: float
    similes: tuple[Simile, ...]


def measure(lyrics: str, sound: Sound) -> DeviceFigures:
    """Devices of a song of at least one bar."""
    count = len(sound.bars)
    found = similes(lyrics, sound)
    return DeviceFigures(
        alliteration_per_line=alliterations(sound) / count,
        assonance_per_line=assonances(sound) / count,
        consonance_per_line=consonances(sound) / count,
        anaphora_share=anaphora_share(sound.bars),
        similes_per_100_lines=100 * len(found) / count,
        similes=found,
    )


def alliterations(sound: Sound) -> int:
    """Neighbouring different words of a line, small words skipped, that begin with the same consonant sound."""
    strong = sound.initial >= 0
    initial, text, bar = sound.initial[strong], sound.text[strong], sound.word_bar[strong]
    alike = (initial[1:] == initial[:-1]) & (text[1:] != text[:-1]) & (bar[1:] == bar[:-1])
    return int(np.count_nonzero(alike))


def assonances(sound: Sound) -> int:
    """Stressed vowels whose last time in the same line was in another word."""
    at = np.flatnonzero(sound.stressed)
    before, here = _heard_before(sound, at, sound.vowel[at])
    text = sound.text[sound.word]
    return int(np.count_nonzero(text[before] != text[here]))


def consonances(sound: Sound) -> int:
    """Stressed syllables that close with the same consonants as one before in the line, after another vowel ("blank", "think")."""
    at = np.flatnonzero(sound.stressed & (sound.tail != _open(sound)))
    before, here = _heard_before(sound, at, sound.tail[at])
    return int(np.count_nonzero(sound.vowel[before] != sound.vowel[here]))


def _heard_before(sound: Sound, at: Places, heard: Small | Ints) -> tuple[Places, Places]:
    """Pairs of syllables (of `at`) that sound alike in one line: each with the last before it."""
    key = sound.bar[at].astype(np.int64) * _MOST_SOUNDS + heard
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    return at[order[again]], at[order[again + 1]]


def _open(sound: Sound) -> int:
    """The number of the tail without consonants, -1 where no word of the lexicon has it."""
    return next((number for number, tail in enumerate(sound.lexicon.tails) if not tail), -1)


def anaphora_share(song: Sequence[Bar]) -> float:
    """Share of lines that begin with the same words as a neighbouring line of their section, up to three; small words alone don't
    count, nor does the whole line said again, which is repetition."""
    with_it: set[int] = set()
    for later in range(1, len(song)):
        one, other = song[later - 1], song[later]
        if one.words[0] == other.words[0] and one.section == other.section and _begin_alike(one, other):
            with_it.update((later - 1, later))
    return len(with_it) / len(song)


def _begin_alike(one: Bar, other: Bar) -> bool:
    if one.words == other.words:
        return False
    for first, second in zip(one.words[:_ANAPHORA_WORDS], other.words, strict=False):
        if first != second:
            return False
        if first not in SMALL_WORDS:
            return True
    return False


def similes(lyrics: str, sound: Sound) -> tuple[Simile, ...]:
    """Comparisons that show themselves by their form, in order: "like a thief", "as cold as the ice".

    "I like the", "would like a" and "as long as" are none. "like" without an article or the like after it may be a comparison or not and
    isn't counted, so the figure is a lower bound.
    """
    like, as_ = sound.lexicon.numbers(("like", "as")).tolist()
    places = np.flatnonzero((sound.text == like) | (sound.text == as_))
    if not len(places):
        return ()
    starts = list(accumulate([len(line) + 1 for line in lyrics.split("\n")], initial=0))
    return tuple(
        Simile(starts[bar.line_no] + match.start(), starts[bar.line_no] + match.end())
        for bar in [sound.bars[number] for number in dict.fromkeys(sound.word_bar[places].tolist())]
        for match in _SIMILE.finditer(bar.text)
        if not _is_verb(match)
    )


def _is_verb(match: re.Match[str]) -> bool:
    """Whether "like" is what somebody does: "I like the", "would like a"; "I, like a thief," and "we like an army" are comparisons."""
    before = match.string[: match.start()].rstrip(" ").rsplit(" ", 1)[-1].lower().replace("’", "'")
    article = match["article"]
    return article is not None and before in (_WISHING if article.lower() in ("a", "an") else _LIKING)
