"""The query set: what people ask who half remember a line, or know only what a song is about, and which songs answer it. Pure.

For a line (exact, changed, misheard) every song that holds it is right; for words scattered over a section every song that has them
in one section; for a theme every song that was written to it; for verse in other words every song that holds the line that was
reworded. A copy counts as its original.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal, get_args

from rap_platform.embeddings.search_quality import changing, mishearing, paraphrasing
from rap_platform.embeddings.search_quality.ground import MOST_SONGS, SHORTEST, Ground, Line
from rap_platform.embeddings.search_quality.library import Song, Source
from rap_platform.embeddings.search_quality.mishearing import Sounds
from rap_platform.features import phonetics

Kind = Literal["exact", "changed", "misheard", "scattered", "paraphrase"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Half = Literal["fit", "report"]
HALVES: tuple[Half, ...] = get_args(Half)
SEED = 2026
PER_KIND = 200
SCATTERED = (3, 5)  # words
SHORTEST_SCATTERED = 4  # letters


@dataclass(frozen=True, slots=True)
class Query:
    """A question with its right answers (originals); `made_from` is the line it was made from, or the theme."""

    text: str
    kind: Kind
    source: Source
    half: Half
    right: frozenset[int]
    made_from: str
    ways: tuple[str, ...] = ()


@dataclass
class QuerySet:
    """The queries, and how many drafts were passed over as unfair: too many songs hold the words, or another line is as near."""

    queries: list[Query]
    unfair: Counter[Kind] = field(default_factory=Counter)

    def of(self, half: Half) -> list[Query]:
        """The queries of one half."""
        return [query for query in self.queries if query.half == half]


def known_words(weights: Path) -> list[str]:
    """The words that people know, most frequent first: the whole words among the encoder's pieces, which are sorted by frequency."""
    pieces = (weights / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [piece for piece in pieces if piece.isascii() and piece.isalpha()]


def half_of(original_id: int) -> Half:
    """Which half a song's lines belong to; copies go with their original, so no line is in both halves."""
    return HALVES[hashlib.sha256(str(original_id).encode()).digest()[0] % 2]


def make(
    songs: Sequence[Song],
    sounds: Sounds,
    *,
    per_kind: int = PER_KIND,
    halves: Sequence[Half] = HALVES,
    seed: int = SEED,
) -> QuerySet:
    """Up to `per_kind` queries of each kind from each source and half; fewer where the library has no more fair ones."""
    ground = Ground(songs, sounds.of_word)
    made = QuerySet([])
    for source in dict.fromkeys(song.source for song in songs):
        lines = list(ground.of(source))
        vocabulary = [word for line in lines for word in line.words]
        for half in halves:
            own = [line for line in lines if {half_of(song) for song in line.songs} == {half}]
            for kind in KINDS:
                chance = Random(f"{seed}/{source}/{half}/{kind}")  # noqa: S311 -- seeded chance is the point
                means = _Means(ground, sounds, vocabulary, chance)
                drafts = _drafts(kind, source, half, [song for song in songs if song.source == source], own, means)
                made.queries += _take(drafts, per_kind, kind, made.unfair)
    return made


def _take(drafts: Iterable[Query | None], count: int, kind: Kind, unfair: Counter[Kind]) -> list[Query]:
    taken: dict[str, Query] = {}
    for draft in drafts:
        if draft is None:
            unfair[kind] += 1
        else:
            taken.setdefault(draft.text, draft)
        if len(taken) == count:
            break
    return list(taken.values())


@dataclass(frozen=True)
class _Means:
    ground: Ground
    sounds: Sounds
    vocabulary: Sequence[str]
    chance: Random


def _drafts(
    kind: Kind, source: Source, half: Half, songs: Sequence[Song], lines: Sequence[Line], means: _Means
) -> Iterator[Query | None]:
    """Queries in random order, None for each that was unfair."""
    if kind == "paraphrase" and source == "world":
        yield from _by_theme(songs, half, means.chance)
        return
    if kind == "scattered":
        yield from _scattered(songs, source, half, means)
        return
    make_one = _MAKERS[kind]
    for line in means.chance.sample(lines, len(lines)):
        made = make_one(line, means)
        if made is not None:
            text, right, ways = made
            yield Query(" ".join(text), kind, source, half, right, " ".join(line.words), ways) if right else None


_Made = tuple[tuple[str, ...], frozenset[int], tuple[str, ...]]
_NOBODY: frozenset[int] = frozenset()


def _exact(line: Line, means: _Means) -> _Made | None:
    """The line as it stands, or a run of at least four of its words."""
    words, chance = line.words, means.chance
    length = len(words) if chance.random() < 0.5 else chance.randint(SHORTEST, len(words))
    start = chance.randint(0, len(words) - length)
    run = words[start : start + length]
    right = means.ground.holding(run)
    return run, right if len(right) <= MOST_SONGS else _NOBODY, ("line" if length == len(words) else "run",)


def _changed(line: Line, means: _Means) -> _Made | None:
    asked = changing.changed(line.words, means.chance, means.vocabulary)
    fair = asked != line.words and not means.ground.rivals_by_words(asked, line)
    return asked, line.songs if fair else _NOBODY, ()


def _misheard(line: Line, means: _Means) -> _Made | None:
    heard = mishearing.misheard(line.words, means.chance, means.sounds)
    if heard is None:
        return None
    fair = not means.ground.rivals_by_phones(heard[0], line)
    return heard[0], line.songs if fair else _NOBODY, heard[1]


def _reworded(line: Line, means: _Means) -> _Made | None:
    asked = paraphrasing.reworded(line.words, means.chance)
    return None if asked is None else (asked, line.songs, ())


_MAKERS: Mapping[Kind, Callable[[Line, _Means], _Made | None]] = {
    "exact": _exact,
    "changed": _changed,
    "misheard": _misheard,
    "paraphrase": _reworded,
}


def _scattered(songs: Sequence[Song], source: Source, half: Half, means: _Means) -> Iterator[Query | None]:
    """Three to five words that carry meaning, from as many lines of a section and in any order."""
    chance = means.chance
    sections = [
        section for song in songs if song.original_id == song.track_id and half_of(song.track_id) == half
        for section in song.sections
    ]  # fmt: skip
    for section in chance.sample(sections, len(sections)):
        lines = [[word for word in phonetics.words(line) if _weighty(word)] for line in section]
        lines = [words for words in lines if words]
        count = chance.randint(*SCATTERED)
        if len(lines) >= count:
            asked = tuple(dict.fromkeys(chance.choice(words) for words in chance.sample(lines, count)))
            right = means.ground.having(asked)
            fair = len(asked) == count and len(right) <= MOST_SONGS
            yield Query(" ".join(asked), "scattered", source, half, right, section[0]) if fair else None


def _weighty(word: str) -> bool:
    return len(word) >= SHORTEST_SCATTERED and word.isascii() and word.isalpha() and word not in mishearing.WEAK


def _by_theme(songs: Sequence[Song], half: Half, chance: Random) -> Iterator[Query]:
    """Questions for the main themes of songs of this half, without end; every song written to the theme is right."""
    of_theme: defaultdict[str, set[int]] = defaultdict(set)
    for song in songs:
        for theme in song.themes:
            of_theme[theme].add(song.original_id)
    asked_for = [song for song in songs if half_of(song.original_id) == half]
    drawn = 0
    while asked_for and drawn < 100 * PER_KIND:  # wordings may run out
        drawn += 1
        song = chance.choice(asked_for)
        theme = song.themes[0]
        text = paraphrasing.about(theme, song.mood, HALVES.index(half), chance)
        yield Query(text, "paraphrase", "world", half, frozenset(of_theme[theme]), theme)
