"""What a bar weighs and echoes: its syllables, those that rhyme, its runs of equal vowels. Counts sounds; picks no words.

The counts are the world's own, by the pronouncing dictionary alone. Two syllables make points: stressed ones of equal vowels 2, or 3 where
the vowel is a rare one, and 1 more where the consonants after it are equal; unstressed ones 1, a stressed and an unstressed one half a
point. One syllable rhymes with 3 points, a stretch with more than 1.5 for each; at the ends of two bars a stressed vowel is enough.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from rap_platform.world import rhymes

LOOKBACK_WORDS = 15
# Words too small to carry a rhyme.
SMALL = frozenset(
    (
        "a an and are as at be been but by can could did do does for from had has have he her him his i i'm if in is it it's its just me my no "
        "nor not of off on or our shall she should so some such than that that's the their them then there these they they're this those to "
        "too us was we were what when where which who will with would you your you're 'em em yo ya"
    ).split()
)
_RARE = frozenset("AA AE AO AW ER OW OY UH UW".split())
# What a pair of stressed syllables gives beyond the 1.5 points that it needs, by vowel.
_GAIN = dict.fromkeys("AH AY EY IH IY".split(), 0.5) | {"EH": 0.7} | dict.fromkeys(_RARE, 1.5)
_SPLIT = {
    "AA": "o", "AE": "a", "AH": "v", "AO": "o", "AW": "au", "AY": "ai", "EH": "e", "ER": "3", "EY": "ei",
    "IH": "i", "IY": "i", "OW": "ou", "OY": "oi", "UH": "w", "UW": "u",
}  # fmt: skip
_AEIOUY = frozenset("aeiouy")


class Syllable(NamedTuple):
    """Vowel ("" when nobody knows it), the consonants after it, whether it is stressed, whether it ends its word, and its word."""

    vowel: str
    tail: str
    stressed: bool
    last: bool
    text: str


class Sound(NamedTuple):
    """A word as heard: syllables, vowels as letters (diphthongs two, schwa none), and the rhyme key ("" for small words)."""

    text: str
    syllables: tuple[Syllable, ...]
    letters: str
    key: str


def sound(word: str, phones: tuple[str, ...] | None) -> Sound:
    """The sound of a lower-case word; without phones its syllables are guessed from spelling and rhyme with nothing."""
    if not phones:
        vowels = sum(now in _AEIOUY and then not in _AEIOUY for then, now in zip(" " + word, word, strict=False))
        return Sound(word, (Syllable("", "", False, False, word),) * max(1, vowels), "", "")
    at = [place for place, phone in enumerate(phones) if phone[-1].isdigit()]
    small = word in SMALL
    syllables = tuple(
        Syllable(
            phones[here][:-1],
            " ".join(phones[here + 1 : then]),
            phones[here][-1] in "12" and not small,
            then == len(phones),
            word,
        )
        for here, then in zip(at, [*at[1:], len(phones)], strict=False)
    )
    letters = "".join(_SPLIT[phones[here][:-1]] for here in at if phones[here] != "AH0")
    return Sound(word, syllables, letters, "" if small else rhymes.rhyme_key(phones))


@dataclass(frozen=True, slots=True)
class Heard:
    """A bar as heard after those before it: words, syllables, words with a vowel, syllables that rhyme, the sum of its words' echoes.

    A word's echo is the longest run of equal vowels, two or more, that ends it and one of the LOOKBACK_WORDS words before. A syllable
    rhymes when it answers an earlier one of this bar or the one before.
    """

    sounds: tuple[Sound, ...]
    beats: list[Syllable]
    sung: list[Sound]
    rhymed: int
    echo: int

    @property
    def words(self) -> int:
        """Words with a vowel that can echo."""
        return len(self.sung)

    @property
    def syllables(self) -> int:
        """All syllables."""
        return len(self.beats)


@dataclass(slots=True)
class Ear:
    """Remembers the bars so far as far back as rhymes reach; `listen` weighs a bar, `keep` makes it part of the song."""

    say: Callable[[str], Sound]
    words: list[Sound] = field(default_factory=list)  # with vowels, the last LOOKBACK_WORDS
    stream: str = ""  # their letters
    owner: list[str] = field(default_factory=list)  # whose letter that is
    pairs: dict[str, list[tuple[int, int]]] = field(
        default_factory=dict
    )  # last two letters at a word's end -> number of word, place
    before: list[Syllable] = field(default_factory=list)  # the last bar
    places: dict[str, list[int]] = field(default_factory=dict)  # vowel -> where in it

    def listen(self, line: str) -> Heard:
        """Weigh a bar; ad-libs in brackets count like other words."""
        say = self.say
        sounds = tuple([say(word) for word in line.casefold().replace("-", " ").split()])
        beats = [beat for one in sounds for beat in one.syllables]
        sung = [one for one in sounds if one.letters]
        return Heard(sounds, beats, sung, len(self.answered(beats)), self._echo(sung))

    def keep(self, heard: Heard) -> None:
        """The bar is sung."""
        self.words = [*self.words, *heard.sung][-LOOKBACK_WORDS:]
        self.stream, self.owner, self.pairs = "", [], {}
        for number, one in enumerate(self.words):
            self.stream += one.letters
            self.owner += [one.text] * len(one.letters)
            self.pairs.setdefault(self.stream[-2:], []).append((number, len(self.stream) - 1))
        self.before, self.places = heard.beats, {}
        for place, beat in enumerate(heard.beats):
            if beat.vowel:
                self.places.setdefault(beat.vowel, []).append(place)

    def _echo(self, sung: list[Sound]) -> int:
        """The sum of the echoes of these words; the same word twice is no echo and ends one."""
        stream = self.stream + "".join([one.letters for one in sung])
        owner = self.owner.copy()
        pairs, fresh = self.pairs, dict[str, list[tuple[int, int]]]()
        total = 0
        for at, (text, _, letters, _) in enumerate(sung, len(self.words)):
            owner += [text] * len(letters)
            end, longest, since = len(owner) - 1, 1, at - LOOKBACK_WORDS
            pair = stream[end - 1 : end + 1]
            here = fresh.setdefault(pair, [])
            for number, other in (*pairs.get(pair, ()), *here):
                if number < since or owner[other] == text:
                    continue
                run, limit = 1, min(end - other, other + 1)
                while (
                    run < limit and stream[other - run] == stream[end - run] and owner[other - run] != owner[end - run]
                ):
                    run += 1
                if run > longest:
                    longest = run
            if longest > 1:
                total += longest
            here.append((at, end))
        return total

    def answered(self, bar: list[Syllable]) -> set[int]:
        """Which syllables answer an earlier one of the bar or of the bar before; the same word twice is no rhyme."""
        places, fresh = self.places, dict[str, list[int]]()
        every, first = self.before + bar, len(self.before)
        end = len(every) - 1
        answered: set[int] = set()
        runs: dict[int, tuple[float, ...]] = {}  # where the earlier part ends -> the gain of each pair of syllables
        for here, (vowel, tail, stressed, last, text) in enumerate(bar, first):
            reached: dict[int, tuple[float, ...]] = {}
            known = fresh.setdefault(vowel, [])
            rare = vowel in _RARE
            for there in (*places.get(vowel, ()), *known) if vowel else ():
                _, other_tail, other_stressed, other_last, said = every[there]
                run = runs.get(there - 1, ())
                if len(run) >= here - there:
                    run = ()
                if said == text:
                    if not run:
                        continue
                    gain = -0.5
                elif stressed and other_stressed:
                    gain = _GAIN[vowel] + (tail == other_tail)
                else:
                    gain = -0.5 if stressed == other_stressed or rare or tail == other_tail else -1.0
                reached[there] = run = (*run, gain)
                if (gain > 1 and (last or other_last)) or (gain > 0 and there == first - 1 and here == end):
                    answered.add(here)
                if (last or other_last) and len(run) > 1:
                    for start in range(len(run) - 1):
                        if sum(run[start:]) > 0:
                            answered.update(range(here - len(run) + start + 1, here + 1))
                            break
            runs = reached
            known.append(here)
        return answered
