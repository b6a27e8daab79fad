"""How people mishear a line: other words that sound the same, cut elsewhere, or off by one phone. Pure.

Made from the phones of the CMU dictionary alone, never from the keys that the search hears by, so that it can fail them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Way = Literal["homophone", "recut", "near"]
WAYS: tuple[Way, ...] = ("homophone", "recut", "near")
WEIGHTS = (2, 1, 1)  # how often each way is tried first
Phones = tuple[str, ...]

MOST_MISHEARINGS = 3
WORDS_PER_MISHEARING = 4
MOST_RECUT_PHONES = 12
MOST_RECUT_WORDS = 3
SHORTEST_NEAR = 3  # phones: a shorter word off by one is another word
_ONE_LETTER = frozenset({"a", "i"})
# Phones that the ear confuses, of one class each (Miller and Nicely 1955 for consonants; neighbours in height for vowels).
_CLASSES = (
    "P B", "T D", "K G", "F V", "S Z", "SH ZH", "CH JH", "TH DH", "M N", "N NG", "L R", "F TH", "P T", "K T", "V DH",
    "IY IH", "IH EH", "EH AE", "AE AH", "AA AH", "AA AO", "AH UH", "UH UW", "EY EH", "OW AO",
)  # fmt: skip
CONFUSED: Mapping[str, tuple[str, ...]] = {
    phone: tuple(other for pair in _CLASSES if phone in pair.split() for other in pair.split() if other != phone)
    for phone in {phone for pair in _CLASSES for phone in pair.split()}
}
# Words so frequent and weak that a line is seldom remembered by them.
_WEAK = """
a about after all am an and any are as at be been before but by can could did do does don't down for from get go got had has have he her here
him his how i i'll i'm if in into is it it's its just like me more my no nor not now of off on one only or our out over own say she should
so some such than that the thee their them then there these they this those thou thy till to too under up upon us was we were what when
where which while who whom why will with would yeah you your
"""
WEAK = frozenset(_WEAK.split())


@dataclass(frozen=True)
class Sounds:
    """Which words have which phones (no stress); only words that people know are heard, any word of the dictionary may be sung."""

    of_word: Mapping[str, Phones]
    heard: Mapping[Phones, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Mishearing:
    """Words [start, end) of a line heard as other words."""

    start: int
    end: int
    words: tuple[str, ...]
    way: Way


def sounds(dictionary: Mapping[str, Sequence[Phones]], known: Iterable[str]) -> Sounds:
    """Index a pronouncing dictionary by its usual pronunciations; `known` are the words that people hear, most frequent first."""
    of_word = {word: without_stress(said[0]) for word, said in dictionary.items()}
    heard: defaultdict[Phones, list[str]] = defaultdict(list)
    for word in known:
        if word in of_word and (len(word) > 1 or word in _ONE_LETTER):
            heard[of_word[word]].append(word)
    return Sounds(of_word, {phones: tuple(words) for phones, words in heard.items()})


def without_stress(phones: Iterable[str]) -> Phones:
    """Phones without their stress digits."""
    return tuple(phone.rstrip("012") for phone in phones)


def misheard(words: Sequence[str], chance: Random, known: Sounds) -> tuple[tuple[str, ...], tuple[Way, ...]] | None:
    """The line as somebody heard it, with 1 to 3 mishearings, one for every four words at most, and their ways.

    At least one touches a word that carries meaning. None when nothing in the line sounds like anything else.
    """
    wanted = chance.randint(1, min(MOST_MISHEARINGS, max(1, len(words) // WORDS_PER_MISHEARING)))
    made: list[Mishearing] = []
    for _ in range(wanted):
        found = _one(words, chance, known, made)
        if found is None:
            break
        made.append(found)
    if not made:
        return None
    made.sort(key=lambda one: one.start)
    text: list[str] = []
    at = 0
    for one in made:
        text += [*words[at : one.start], *one.words]
        at = one.end
    return (*text, *words[at:]), tuple(one.way for one in made)


def _one(words: Sequence[str], chance: Random, known: Sounds, made: Sequence[Mishearing]) -> Mishearing | None:
    taken = {place for one in made for place in range(one.start, one.end)}
    first = chance.choices(WAYS, WEIGHTS)[0]
    for way in (first, *(way for way in WAYS if way != first)):
        options = [
            one
            for one in _OPTIONS[way](words, known)
            if taken.isdisjoint(range(one.start, one.end))
            and (made or any(word not in WEAK for word in words[one.start : one.end]))
        ]
        if options:
            places = sorted({(one.start, one.end) for one in options})
            place = chance.choice(places)
            return chance.choice([one for one in options if (one.start, one.end) == place])
    return None


def _homophones(words: Sequence[str], known: Sounds) -> Iterator[Mishearing]:
    for place, word in enumerate(words):
        for other in known.heard.get(known.of_word.get(word, ()), ()):
            if other != word:
                yield Mishearing(place, place + 1, (other,), "homophone")


def _recuts(words: Sequence[str], known: Sounds) -> Iterator[Mishearing]:
    """Two neighbours as one to three other words with the same phones and no boundary where it was."""
    for place in range(len(words) - 1):
        left, right = (known.of_word.get(word, ()) for word in words[place : place + 2])
        stream = left + right
        if left and right and len(stream) <= MOST_RECUT_PHONES:
            for cut in _cuts(stream, MOST_RECUT_WORDS, known):
                ends = [sum(map(len, cut[: count + 1])) for count in range(len(cut))]
                short = sum(len(phones) == 1 for phones in cut)
                if len(left) not in ends and short <= 1 and short < len(cut):
                    yield Mishearing(place, place + 2, tuple(known.heard[phones][0] for phones in cut), "recut")


def _cuts(stream: Phones, most: int, known: Sounds) -> Iterator[tuple[Phones, ...]]:
    if stream in known.heard:
        yield (stream,)
    if most > 1:
        for at in range(1, len(stream)):
            if stream[:at] in known.heard:
                for rest in _cuts(stream[at:], most - 1, known):
                    yield (stream[:at], *rest)


def _near(words: Sequence[str], known: Sounds) -> Iterator[Mishearing]:
    """A word whose phones differ in one, and that by one of its class."""
    for place, word in enumerate(words):
        phones = known.of_word.get(word, ())
        if len(phones) >= SHORTEST_NEAR and word not in WEAK:
            for at, phone in enumerate(phones):
                for other in CONFUSED.get(phone, ()):
                    for heard in known.heard.get((*phones[:at], other, *phones[at + 1 :]), ()):
                        yield Mishearing(place, place + 1, (heard,), "near")


_OPTIONS = {"homophone": _homophones, "recut": _recuts, "near": _near}
