"""A song as arrays of syllables, one pronunciation per distinct word. What rhymes is decided in rhyme.py, how words sound in phonetics.py.

A `Lexicon` keeps the words that this process has met, so that a word is pronounced once and a song is gathered, not built.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from rap_platform.features import likeness
from rap_platform.features.bars import Bar
from rap_platform.features.phonetics import Phones, Token, pronounce
from rap_platform.features.syllables import Tail, syllabify

VOWELS = likeness.VOWELS
CONSONANTS = likeness.CONSONANTS
MOST_WORDS = 50_000  # of a lexicon; a fuller one is put aside and a new one begun
MOST_TAILS = 2_000
MOST_IN_TAIL = 5  # consonants; no English word has more between its vowels
# Rap rhymes on vowels more than the annotated poetry does: in this share of its rhymes the consonants are as free as by chance.
FREE_CODAS = 0.8

Ints = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
Small = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

# Words that carry no beat but where a line ends without another.
SMALL_WORDS = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have he her him his i i'm if in is it it's its just
    me my no nor not of on or our shall she should so some such than that that's the their them then there these they they're
    this those to too us was we were what when where which who will with would you your you're 'em em yo ya
    """.split()  # noqa: SIM905
)

_CONSONANT_NUMBERS = {consonant: number for number, consonant in enumerate(CONSONANTS)}
# Vowels as Malmi et al. count them: diphthongs are two, near vowels one, the unstressed AH none.
_PURE = {
    "AA": "o", "AE": "a", "AH": "V", "AO": "o", "AW": "au", "AY": "ai", "EH": "e", "ER": "3", "EY": "ei",
    "IH": "i", "IY": "i", "OW": "ou", "OY": "oi", "UH": "U", "UW": "u",
}  # fmt: skip


class Lexicon:
    """Words of one process by number, their syllables in growing arrays; safe to use from several threads.

    Numbers are good for the lexicon that gave them: two songs are compared only through sounds of the same lexicon.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._words: dict[str, int] = {}
        self._tails: dict[Tail, int] = {}
        self.tails: list[Tail] = []
        self.texts: list[str] = []
        self._syllables = self._pure_vowels = 0
        self._pure = np.empty(4096, np.int8)
        self._pure_start, self._pure_count = np.empty(1024, np.int32), np.empty(1024, np.int32)
        self._likeness = np.empty((0, 0), np.float32)
        self._vowel, self._tail, self._stress = (
            np.empty(4096, np.int8),
            np.empty(4096, np.int32),
            np.empty(4096, np.int8),
        )
        self._start, self._count = np.empty(1024, np.int32), np.empty(1024, np.int32)
        self._initial, self._small = np.empty(1024, np.int8), np.empty(1024, np.bool_)
        self._guessed = np.empty(1024, np.bool_)

    @property
    def is_full(self) -> bool:
        """Whether a new song should begin a new lexicon."""
        return len(self.texts) >= MOST_WORDS or len(self.tails) >= MOST_TAILS

    def numbers(self, words: Sequence[str]) -> Ints:
        """The number of each word, equal for equal spellings; new words are pronounced and added."""
        found = list(map(self._words.get, words))
        if None in found:
            with self._lock:
                found = [
                    self._add(word) if number is None else number for word, number in zip(words, found, strict=True)
                ]
        return np.array(found, dtype=np.int32)

    def _add(self, word: str) -> int:
        if (known := self._words.get(word)) is not None:
            return known
        said = pronounce(word)
        bare = word.strip("'")
        quoted = bare and bare != word and not word.endswith("in'")
        if quoted and pronounce(bare).phones == said.phones:  # 'go' in quotes is go
            self._words[word] = number = self._add(bare)
            return number
        syllables = [syllable._replace(tail=syllable.tail[:MOST_IN_TAIL]) for syllable in syllabify(said.phones)]
        number, begin, end = len(self.texts), self._syllables, self._syllables + len(syllables)
        pure = np.frombuffer(_pure_vowels(said.phones), np.int8)
        self._grow(end, number + 1, self._pure_vowels + len(pure))
        for at, syllable in enumerate(syllables, begin):
            tail = self._tails.setdefault(syllable.tail, len(self.tails))
            if tail == len(self.tails):
                self.tails.append(syllable.tail)
            self._vowel[at], self._tail[at], self._stress[at] = (
                likeness.vowel_number(syllable.vowel),
                tail,
                syllable.stress > 0,
            )
        self._start[number], self._count[number] = begin, len(syllables)
        self._small[number] = word in SMALL_WORDS
        first = said.phones[0] if said.phones else ""
        self._initial[number] = -1 if word in SMALL_WORDS else _CONSONANT_NUMBERS.get(first, -1)
        self._guessed[number] = said.source in ("letters", "none")
        self._pure_start[number], self._pure_count[number] = self._pure_vowels, len(pure)
        self._pure[self._pure_vowels : self._pure_vowels + len(pure)] = pure
        self._pure_vowels += len(pure)
        self.texts.append(word)
        self._syllables = end
        self._words[word] = number  # last: a number that can be seen is complete
        return number

    def tail_scores(self) -> Floats:
        """(t, t) log-odds of every tail against every other in a rap rhyme, in the order of `tails`; computed once for each pair."""
        known = self._likeness
        if len(known) < len(self.tails):
            with self._lock:
                known, tails = self._likeness, self.tails[:]
                fresh = _with_free_codas(likeness.coda_scores(tails[len(known) :], tails))
                larger = np.empty((len(tails), len(tails)), np.float32)
                larger[: len(known), : len(known)] = known
                larger[len(known) :], larger[:, len(known) :] = fresh, fresh.T
                self._likeness = known = larger
        return known

    def _grow(self, syllables: int, words: int, pure_vowels: int) -> None:
        for name in ("_vowel", "_tail", "_stress"):
            setattr(self, name, _enlarged(getattr(self, name), syllables))
        self._pure = _enlarged(self._pure, pure_vowels)
        for name in ("_start", "_count", "_initial", "_small", "_guessed", "_pure_start", "_pure_count"):
            setattr(self, name, _enlarged(getattr(self, name), words))


def _enlarged(array: npt.NDArray, needed: int) -> npt.NDArray:
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)), array.dtype)
    larger[: len(array)] = array
    return larger


def _with_free_codas(odds: Floats) -> Floats:
    """ln of the mixture: a share FREE_CODAS of rhymes takes any consonants (odds of 1), the others those of poetry."""
    mixed: Floats = np.log((1 - FREE_CODAS) * np.exp(odds) + FREE_CODAS).astype(np.float32)
    return mixed


def _pure_vowels(phones: Phones) -> bytes:
    return "".join(_PURE[phone[:2]] for phone in phones if phone[-1].isdigit() and phone != "AH0").encode()


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A song of n syllables, w words and b bars, in order.

    Per syllable: `vowel` (place in VOWELS), `tail` (number of the consonants after it, in `lexicon.tails`), `stressed`, `word` (0 to
    w - 1), `bar` (0 to b - 1), `final` (it ends its word). Small words lose their stress inside a line, and at its end after a beat
    ("know it"). Per word: `text` (number of its spelling: equal for equal words), `word_bar`, `initial` (place of its first consonant in
    CONSONANTS, -1 for vowels and small words), `guessed` (its sound comes from its letters alone, or it has none).
    Per bar: its syllables are `begin` to `end` (excluded); `close` is one past the last before its closing ad-lib; `song` counts from 0 where
    several songs were joined.
    """

    bars: tuple[Bar, ...]
    lexicon: Lexicon
    vowel: Small
    tail: Ints
    stressed: Bools
    word: Ints
    bar: Ints
    final: Bools
    text: Ints
    word_bar: Ints
    initial: Small
    guessed: Bools
    begin: Ints
    end: Ints
    close: Ints
    song: Ints

    @property
    def syllables(self) -> int:
        """How many syllables there are."""
        return len(self.vowel)

    def spelling(self, syllable: int) -> str:
        """The word that a syllable belongs to, as written in lower case."""
        return self.lexicon.texts[int(self.text[self.word[syllable]])]

    def span(self, word: int) -> tuple[int, int, int]:
        """(line from 0, first, last + 1 character) of a word in the lyrics."""
        return next(self.spans([word]))

    def spans(self, words: Iterable[int]) -> Iterator[tuple[int, int, int]]:
        """The same of several words; a line is read once."""
        begins = np.searchsorted(self.word_bar, np.arange(len(self.bars))).tolist()
        read: dict[int, list[Token]] = {}
        for word in words:
            number = int(self.word_bar[word])
            if number not in read:
                read[number] = self.bars[number].tokens
            token = read[number][word - begins[number]]
            yield self.bars[number].line_no, token.start, token.end

    def pure_vowels(self, words: Ints) -> tuple[Ints, Small]:
        """How many vowels each of these words has as Malmi et al. count them, and all those vowels one after the other."""
        lexicon, text = self.lexicon, self.text[words]
        count = lexicon._pure_count[text]
        return count, lexicon._pure[gathered(lexicon._pure_start[text], count)]


def gathered(start: Ints | Places, count: Ints | Places) -> Places:
    """The places of stretches one after the other: start, start + 1, ... for each, `count` of them."""
    until: Places = count.cumsum()
    places: Places = np.arange(until[-1] if len(until) else 0) + (start - until + count).repeat(count)
    return places


_current = Lexicon()


def hear(song: Sequence[Bar]) -> Sound:
    """Turn bars into syllables; one pronunciation per distinct word, the usual one."""
    global _current
    if _current.is_full:
        _current = Lexicon()
    lexicon = _current
    text = lexicon.numbers([word for bar in song for word in bar.words])
    words = np.array([len(bar.words) for bar in song], dtype=np.int32)
    word_bar = np.repeat(np.arange(len(song), dtype=np.int32), words)
    count, start = lexicon._count[text], lexicon._start[text]
    until = np.cumsum(count, dtype=np.int32)
    word = np.repeat(np.arange(len(text), dtype=np.int32), count)
    place = gathered(start, count)
    first_word = np.cumsum(words) - words
    last_word = first_word + np.array([bar.main for bar in song], dtype=np.int32) - 1
    weak = lexicon._small[text]
    before = np.maximum(last_word - 1, 0)
    beat = (
        (lexicon._stress[start[before] + count[before] - 1] > 0) & (count[before] > 0) & ~lexicon._small[text[before]]
    )
    weak[last_word] &= beat & (last_word > first_word)
    bounds = np.concatenate((np.zeros(1, np.int32), until))
    final = np.zeros(len(word), np.bool_)
    final[until[count > 0] - 1] = True
    return Sound(
        bars=tuple(song),
        lexicon=lexicon,
        vowel=lexicon._vowel[place],
        tail=lexicon._tail[place],
        stressed=(lexicon._stress[place] > 0) & ~weak[word],
        word=word,
        bar=word_bar[word],
        final=final,
        text=text,
        word_bar=word_bar,
        initial=lexicon._initial[text],
        guessed=lexicon._guessed[text],
        begin=bounds[first_word],
        end=bounds[first_word + words],
        close=bounds[last_word + 1],
        song=np.zeros(len(song), np.int32),
    )


def joined(sounds: Sequence[Sound]) -> Sound:
    """Several songs of one lexicon as one, so that arrays are long enough to be worth their calls; `song` tells them apart."""
    if len(sounds) == 1:
        return sounds[0]
    syllables = _offsets([sound.syllables for sound in sounds])
    words, lines = _offsets([len(sound.text) for sound in sounds]), _offsets([len(sound.bars) for sound in sounds])

    def together(name: str, offsets: Sequence[int] | None = None) -> npt.NDArray:
        parts = [getattr(sound, name) for sound in sounds]
        return np.concatenate(
            parts if offsets is None else [part + offset for part, offset in zip(parts, offsets, strict=True)]
        )

    return Sound(
        bars=tuple([bar for sound in sounds for bar in sound.bars]),
        lexicon=sounds[0].lexicon,
        **{name: together(name) for name in ("vowel", "tail", "stressed", "final", "text", "initial", "guessed")},
        word=together("word", words),
        **{name: together(name, lines) for name in ("bar", "word_bar")},
        **{name: together(name, syllables) for name in ("begin", "end", "close")},
        song=together("song", range(len(sounds))),
    )


def _offsets(sizes: Sequence[int]) -> list[int]:
    return [0, *accumulate(sizes)][:-1]
