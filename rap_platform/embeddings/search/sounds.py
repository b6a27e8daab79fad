"""The side of the sounds: sections that sound like the question, and which words of a line do."""

import sys
from collections.abc import Generator, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import islice

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Indel

from rap_platform.embeddings.search import planning, rereading, sound_keys, term_queries
from rap_platform.embeddings.search.filtering import Filtering
from rap_platform.embeddings.search.looking import Look, Looking, Rows
from rap_platform.embeddings.search.question import Found
from rap_platform.embeddings.search.terms import Terms, coverage, first_words, shares
from rap_platform.features.phonetics import tokens

_LOW = 0 if sys.byteorder == "little" else 1  # of the two halves of a 32-bit number
_HEADER = 4  # bytes before the numbers of a vector as `vector_send` writes it

_COST = planning.Cost(posting_us=0.07, section_us=2.5)
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


def by_sound(terms: Terms, filtering: Filtering, wanted: int) -> Looking:
    """Up to `wanted` sections by the summed weight of the question's sounds they hold, those of the best tracks by that of a line.

    The rarest combinations of sounds are looked for; more common ones when filters leave fewer than wanted. A phrase in quotes is
    spelled as it is meant, so its sound is not looked for, unless all its words are stop words: then all its sounds must be held.
    """
    if not terms.sounds or any(phrase.query for phrase in terms.phrases):
        return []
    keys = list(terms.sounds)
    if terms.phrases:
        required = {key for phrase in terms.phrases for key in sound_keys.keys(phrase.text)}
        together = tuple(at for at, key in enumerate(keys) if key in required)
        plans = [planning.Plan((together,) if together else (), 0.0, whole=True)]
    else:
        plans = planning.plans(
            shares(terms.sounds.values()),
            terms.sections,
            wanted,
            listed=filtering.track_ids is not None,
            passing=filtering.passing,
        )
    found: Rows = []
    for plan in plans:
        if not plan.combinations:
            return []
        found = yield from _ask(plan, keys, terms, filtering, wanted)
        if not planning.look_again(len(found), wanted, filtered=bool(filtering.where)):
            break
    return _ranked(found, terms, wanted)


def alike(terms: Terms, lines: Sequence[str]) -> list[list[Alike]]:
    """For each line what sounds like the question but is spelled otherwise: single words, and runs of words over their borders.

    In the order of the line; words without any stress ("in an", "the") are told as part of a run only. At most the question's first
    64 words and a line's first hundred count. Pure.
    """
    ear = _Ear(terms)
    found = {line: ear.alike(_Heard(line)) for line in dict.fromkeys(lines)}
    return [found[line] for line in lines]


class _Ear:
    """What the question sounds like."""

    def __init__(self, terms: Terms) -> None:
        self.asked = [_Asked(line) for line in first_words(terms.text)]
        self.words: dict[int, str] = {}
        self.spelt: set[str] = set()
        for word in (word for line in reversed(self.asked) for word in reversed(line.words)):
            self.spelt.add(_bare(word))
            if not sound_keys.weak([word]):
                self.words |= dict.fromkeys(sound_keys.word_keys(word), word)
        self.meant = cache(partial(_meant, self.words, self.spelt))  # most words are sung in many lines

    def alike(self, sung: "_Heard") -> list[Alike]:
        """What of a line sounds like the question."""
        runs = list(dict.fromkeys(run for line in self.asked for run in islice(_runs(line, sung), _MOST_RUNS)))
        covered = [run for run in runs if not any(_within(run, other) for other in runs)]
        single = [
            Alike(asked, word, *sung.span(at))
            for at, (word, asked) in enumerate(zip(sung.words, map(self.meant, sung.words), strict=True))
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


def _ask(
    plan: planning.Plan, keys: Sequence[int], terms: Terms, filtering: Filtering, wanted: int
) -> Generator[Look, Rows, Rows]:
    alone = [keys[positions[0]] for positions in plan.combinations if len(positions) == 1]
    together = [[keys[term] for term in positions] for positions in plan.combinations if len(positions) > 1]
    most = planning.most_read(plan, len(keys), wanted)
    reach = planning.walk(plan, terms.sections, most, filtering.passing, _COST)
    parameters = {
        **filtering.parameters,
        **{f"combination_{number}": combination for number, combination in enumerate(together)},
        "alone": alone,
        "track_ids": filtering.track_ids,
        "most": most,
        "reach": reach,
    }
    if reach is not None:
        walk = term_queries.by_sound(len(together), filtering.where, alone=bool(alone), walk=True)
        found = yield Look(walk, parameters, binary=True)
        if len(found) >= wanted:
            return found
    listed = filtering.track_ids is not None
    statement = term_queries.by_sound(len(together), filtering.where, alone=bool(alone), tracks=listed)
    return (yield Look(statement, parameters, binary=True))


def _ranked(rows: Rows, terms: Terms, wanted: int) -> list[Found]:
    """The best sections by what they hold of the weights, the first of them by line: the keys of all are looked up at once."""
    if not rows:
        return []
    asked = np.array(sorted(terms.sounds), dtype=np.int32)
    worth = np.array([terms.sounds[key] for key in asked.tolist()])
    places, held = _held(b"".join([row[3][_HEADER:] for row in rows]), asked)
    sizes = np.array([(len(row[3]) - _HEADER) // 4 for row in rows])
    ends = np.cumsum(sizes)
    owners = np.searchsorted(ends, places, side="right")
    once = np.unique(owners * len(asked) + held)  # a key may stand in several lines
    sums = np.bincount(once // len(asked), weights=worth[once % len(asked)], minlength=len(rows)).astype(np.float64)
    order = np.lexsort((np.array([row[0] for row in rows]), -sums))[:wanted]
    scores, coverages = sums[order].tolist(), coverage(terms.sounds, sums[order]).tolist()
    found = [
        Found(rows[at][0], rows[at][1], rows[at][2], score, share)
        for at, score, share in zip(order.tolist(), scores, coverages, strict=True)
    ]
    row_of = {section.section_id: at for section, at in zip(found, order.tolist(), strict=True)}

    def lines(section_id: int) -> list[set[int]]:
        at = row_of[section_id]
        stop = _numbers(rows[at][4][_HEADER:])
        if stop[-1] != sizes[at]:  # keys of a release that leaves the ends of lines as they were
            stop = sizes[at : at + 1]
        first, last = np.searchsorted(owners, (at, at + 1))
        where = np.searchsorted(stop, places[first:last] - (ends[at - 1] if at else 0), side="right")
        by_line: list[set[int]] = [set() for _ in stop]
        for line, key in zip(where.tolist(), asked[held[first:last]].tolist(), strict=True):
            by_line[line].add(key)
        return by_line

    return rereading.by_line(terms, found, lines)


def _held(sent: bytes, asked: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The positions of the keys that are asked for, and which of these they are. Half of a number's bits tell most others apart."""
    likely = np.zeros(1 << 16, dtype=bool)
    likely[asked & 0xFFFF] = True
    numbers = _numbers(sent)
    places = np.flatnonzero(likely[numbers.view(np.uint16)[_LOW::2]])
    found = np.minimum(np.searchsorted(asked, numbers[places]), len(asked) - 1)
    right = asked[found] == numbers[places]
    return places[right], found[right]


def _numbers(sent: bytes) -> npt.NDArray[np.int32]:
    return np.frombuffer(sent, dtype=">f4").astype(np.int32)
