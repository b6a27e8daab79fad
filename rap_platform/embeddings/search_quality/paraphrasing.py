"""What a song is about in other words: questions by theme for the world's songs, lines with their key words replaced for verse. Pure.

The wordings are ours (data/paraphrases.toml); none is copied from the banks that the world writes with.
"""

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random

from rap_platform.embeddings.search_quality.mishearing import WEAK

LEAST_REPLACED = 2
LEAST_SHARE = 0.5  # of the words that carry meaning


@dataclass(frozen=True)
class Wordings:
    """Two halves of templates and of phrases per theme and mood, one to fit with and one to report on; words that stand for each other."""

    templates: tuple[tuple[str, ...], tuple[str, ...]]
    themes: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    moods: Mapping[str, tuple[str, str]]
    stand_ins: Mapping[str, tuple[str, ...]]
    modern: Mapping[str, str]


@lru_cache(maxsize=1)
def wordings() -> Wordings:
    """Read the wordings that ship with the project."""
    text = resources.files("rap_platform").joinpath("data", "paraphrases.toml").read_text("utf-8")
    told = tomllib.loads(text)
    stand_ins: defaultdict[str, list[str]] = defaultdict(list)
    for words in (line.split() for line in told["stand_ins"]["words"].strip().splitlines()):
        for word in words:
            stand_ins[word] += [other for other in words if other != word]
    return Wordings(
        templates=_halves(told["templates"]["templates"]),
        themes={theme: _halves(phrases) for theme, phrases in told["themes"].items()},
        moods={mood: (words[0], words[1]) for mood, words in told["moods"].items()},
        stand_ins={word: tuple(others) for word, others in stand_ins.items()},
        modern=told["modern"],
    )


def _halves(items: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(items[0::2]), tuple(items[1::2])


def about(theme: str, mood: str | None, half: int, chance: Random) -> str:
    """A question for songs of a theme, in the wordings of one half; it names the mood where its template has room for it."""
    told = wordings()
    template = chance.choice(told.templates[half])
    phrase = chance.choice(told.themes[theme][half])
    feeling = told.moods[mood][half] if mood else ""
    return " ".join(template.format(theme=phrase, mood=feeling).split())


def reworded(words: Sequence[str], chance: Random) -> tuple[str, ...] | None:
    """A line with its key words replaced by others of like meaning and its old forms by modern ones.

    None where fewer than two, or less than half, of the words that carry meaning have a stand-in.
    """
    told = wordings()
    said: list[str] = []
    replaced = weighty = 0
    for word in words:
        modern = told.modern.get(word, word)
        if modern in WEAK:
            said.append(modern)
            continue
        weighty += 1
        others = told.stand_ins.get(word) or told.stand_ins.get(modern, ())
        replaced += bool(others)
        said.append(chance.choice(others) if others else modern)
    if replaced < LEAST_REPLACED or replaced < LEAST_SHARE * weighty:
        return None
    return tuple(word.replace("_", " ") for word in said)
