"""Why a song was found or recommended, in words for people. Pure; pages and terminals colour them as they like."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from rap_platform.embeddings.search.likeness import Kind

BY: dict[Kind, str] = {"lyrics": "lyrics", "audio": "sound", "analysis": "mood and themes"}
HIGH = 20  # a place by meaning that says something beside words that fit
STRENGTHS = ((0.75, "very close"), (0.5, "close"), (0.25, "somewhat close"))


def found_by(
    meaning_rank: int | None,
    words: Iterable[str],
    sounds: Iterable[tuple[str, str]],
    corrected: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """What speaks for a hit, the plainest first: words it says, words that sound alike, its place by meaning where that is a reason.

    `corrected` are words as asked and as they were looked for: a song says the latter.
    """
    told = []
    if said := [f"“{corrected.get(word, word)}”" for word in words]:
        told.append(f"says {listed(said)}")
    if heard := [f"“{sung}” sounds like “{asked}”" for asked, sung in sounds if corrected.get(asked) != sung.lower()]:
        told.append(listed(heard))
    if meaning_rank is not None and (meaning_rank <= HIGH or not told):
        told.append("means it best" if meaning_rank == 1 else f"{ordinal(meaning_rank)} by meaning")
    return told


def near(similarity: float) -> str:
    """How near a similarity is, in words."""
    return next((words for least, words in STRENGTHS if similarity >= least), "distantly related")


def close_to(title: str, kind: Kind, similarity: float) -> str:
    """Why a song is recommended."""
    return f"{near(similarity)} to “{title}” in {BY[kind]}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, ..., 11th."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def listed(items: list[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1] if items else "")))
