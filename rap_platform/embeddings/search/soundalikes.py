"""Which words of a line sound like the question's but are spelled otherwise: "cents" and "sense", "ice cream" and "I scream"."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import islice

from rapidfuzz.distance import Indel

from rap_platform.embeddings.search import sound_keys
from rap_platform.embeddings.search.terms import Terms, first_words
from rap_platform.features.phonetics import tokens

# Share of equal phones from which on words with equal vowels in a row are said to sound alike: up to three vowels are soon equal.
_LIKE_SHORT = 0.76
_LIKE_LONG = 0.6
_LONG = 4
# What is compared at most, so that nobody waits for "la la la": words of a line, places of a pair in the question, vowels and runs.
_MOST_WORDS = 100
_MOST_PLACES = 4
_MOST_VOWELS = 40
_MOST_RUNS = 40


@dataclass(frozen=True)
class Alike:
    """Words asked for and words sung, spelled otherwise, that sound alike; the sung ones are the characters [start, end) of a line."""

    asked: str
    sung: str
    start: int
    end: int


class Ear:
    """What a question sounds like: its first 64 words. Remembers the lines it heard."""

    def __init__(self, terms: Terms) -> None:
        self._asked = [_Asked(line) for line in first_words(terms.text)]
        self._words: dict[int, str] = {}
        self._spelt: set[str] = set()
        for word in (word for line in reversed(self._asked) for word in reversed(line.words)):
            self._spelt.add(_bare(word))
            if not sound_keys.weak([word]):
                self._words |= dict.fromkeys(sound_keys.word_keys(word), word)
        self._meant = cache(partial(_meant, self._words, self._spelt))  # most words are sung in many lines
        self._lines: dict[str, list[Alike]] = {}

    @cached_property
    def keys(self) -> set[int]:
        """The keys of sound that a line must have one of: without any, nothing in it sounds like the question."""
        pairs = {pair for line in self._asked for pair in line.pairs}
        return {*self._words, *map(sound_keys.pair_key, pairs)}

    def alike(self, line: str) -> list[Alike]:
        """What of a line sounds like the question but is spelled otherwise: single words, and runs of words over their borders.

        In the order of the line; words without any stress ("in an", "the") are told as part of a run only. Of a line its first hundred
        words count.
        """
        if line not in self._lines:
            self._lines[line] = self._alike(_Heard(line))
        return self._lines[line]

    def _alike(self, sung: "_Heard") -> list[Alike]:
        runs = list(dict.fromkeys(run for line in self._asked for run in islice(_runs(line, sung), _MOST_RUNS)))
        covered = [run for run in runs if not any(_within(run, other) for other in runs)]
        single = [
            Alike(asked, word, *sung.span(at))
            for at, (word, asked) in enumerate(zip(sung.words, map(self._meant, sung.words), strict=True))
            if asked is not None
        ]
        alone = [pair for pair in single if not any(_within(pair, run) for run in covered)]
        return sorted({*covered, *alone}, key=lambda pair: (pair.start, pair.end, pair.asked))


def _meant(words: Mapping[int, str], spelt: Set[str], sung: str) -> str | None:
    """The asked word that a sung one sounds like, when nobody asked for the sung word itself.

    `words` are those asked for by their keys, `spelt` what nobody needs to be told.
    """
    asked = next((words[key] for key in sound_keys.word_keys(sung) if key in words), None)
    told = asked is not None and _bare(sung) not in spelt and not sound_keys.weak([sung])
    return asked if told else None


class _Heard:
    """A line as words and their pairs of vowels, each with the positions of the words it reaches over."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.words = sound_keys.line_words(line)[:_MOST_WORDS]
        self.pairs = sound_keys.pairs(line)
        if len(self.words) == _MOST_WORDS:
            self.pairs = self.pairs[: len(self.owners)]
        self._spans: list[tuple[int, int]] = []

    @cached_property
    def owners(self) -> list[tuple[int, int]]:
        """Of each pair the positions of its words; most lines are never asked."""
        return sound_keys.owners(self.words)

    def span(self, at: int) -> tuple[int, int]:
        """The characters [start, end) of a word; most lines are never asked."""
        if not self._spans:
            self._spans = [(token.start, token.end) for token in tokens(self.line)]
        return self._spans[at]


class _Asked(_Heard):
    """A line of the question, and where each of its pairs stands."""

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.places: dict[str, list[int]] = {}
        for at, pair in enumerate(self.pairs):
            self.places.setdefault(pair, []).append(at)


def _runs(asked: _Asked, sung: _Heard) -> Iterator[Alike]:
    """The longest runs of equal pairs, as the words they reach over on both sides without the equal words at their ends."""
    if asked.places.keys().isdisjoint(sung.pairs):
        return
    for there, pair in enumerate(sung.pairs):
        for here in asked.places.get(pair, ())[:_MOST_PLACES]:
            if here and there and asked.pairs[here - 1] == sung.pairs[there - 1]:
                continue  # inside a run that began earlier
            most = min(_MOST_VOWELS, len(asked.pairs) - here, len(sung.pairs) - there)
            ends = (length for length in range(1, most) if asked.pairs[here + length] != sung.pairs[there + length])
            run = _differing(asked, here, sung, there, next(ends, most))
            if run is not None:
                yield run


def _differing(asked: _Heard, here: int, sung: _Heard, there: int, length: int) -> Alike | None:
    """A run as the words that differ; None when they do not, or when the same words are cut otherwise at its ends only."""
    first, last = asked.owners[here][0], asked.owners[here + length - 1][1]
    start, stop = sung.owners[there][0], sung.owners[there + length - 1][1]
    ours, theirs = asked.words[first : last + 1], sung.words[start : stop + 1]
    while ours and theirs and _bare(ours[0]) == _bare(theirs[0]):
        ours, theirs, start = ours[1:], theirs[1:], start + 1
    while ours and theirs and _bare(ours[-1]) == _bare(theirs[-1]):
        ours, theirs, stop = ours[:-1], theirs[:-1], stop - 1
    if sound_keys.weak(ours) or sound_keys.weak(theirs) or sound_keys.vowels(ours) != sound_keys.vowels(theirs):
        return None
    cut = _cut(ours, theirs)
    if cut is None:
        return None
    before, after = cut
    begin, end = sung.span(start + before)[0], sung.span(stop - after)[1]
    return Alike(" ".join(ours[before : len(ours) - after]), sung.line[begin:end].lower(), begin, end)


def _cut(ours: Sequence[str], theirs: Sequence[str]) -> tuple[int, int] | None:
    """How many words to leave out at the beginning and the end of both: those that share a vowel with the run and no more."""
    fewest = min(len(ours), len(theirs))
    for before, after in ((0, 0), (0, 1), (1, 0), (1, 1)):
        if before + after < fewest:
            mine = sound_keys.streamed(ours[before : len(ours) - after])
            if mine == sound_keys.streamed(theirs[before : len(theirs) - after]):
                return before, after
    likeness = Indel.normalized_similarity(sound_keys.streamed(ours), sound_keys.streamed(theirs))
    return (0, 0) if likeness >= (_LIKE_LONG if sound_keys.vowels(ours) >= _LONG else _LIKE_SHORT) else None


def _bare(word: str) -> str:
    """A word without what may be the quotes around it."""
    return word.strip("'")


def _within(inner: Alike, outer: Alike) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end and inner != outer
