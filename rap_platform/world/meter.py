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
_GAIN = (
    dict.fromkeys("AH AY EY IH IY".split(), 0.45)
    | {"EH": 0.75}
    | dict.fromkeys("ER OW UW".split(), 1.0)
    | dict.fromkeys("AA AE AO AW OY UH".split(), 1.6)
)
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
    if not word or not word[0].isalnum():
        return Sound(word, (), "", "")
    if not phones:
        vowels = sum(now in _AEIOUY and then not in _AEIOUY for then, now in zip(" " + word, word, strict=False))
        return Sound(word, (Syllable("", "", False, False, word),) * max(1, vowels), "", "")
    at = [place for place, phone in enumerate(phones) if phone[-1].isdigit()]
    small = word in SMALL
    syllables = []
    for here, then in zip(at, [*at[1:], len(phones)], strict=False):
        stressed = phones[here][-1] in "12" and not small
        vowel = phones[here][:-1]
        vowel = "AH" if vowel == "IH" and not stressed else vowel  # most speakers have one vowel for both
        syllables.append(Syllable(vowel, " ".join(phones[here + 1 : then]), stressed, then == len(phones), word))
    letters = "".join(_SPLIT[phones[here][:-1]] for here in at if phones[here] != "AH0")
    return Sound(word, tuple(syllables), letters, "" if small else rhymes.rhyme_key(phones))


class Heard(NamedTuple):
    """A bar as heard after those before it: words, syllables, words with a vowel, syllables that rhyme, the sum of its words' echoes.

    A word's echo is the longest run of equal vowels, two or more, that ends it and one of the LOOKBACK_WORDS words before. A syllable
    rhymes when it answers an earlier one of this bar or the one before. `echo` is None where nobody listened for it.
    """

    sounds: tuple[Sound, ...]
    beats: list[Syllable]
    sung: list[Sound]
    rhymed: int
    echo: int | None

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
    stressed: dict[str, list[int]] = field(default_factory=dict)  # vowel -> where in it, when stressed

    def listen(self, line: str) -> Heard:
        """Weigh a bar; ad-libs in brackets count like other words."""
        heard = self.glance(line)
        return heard._replace(echo=self.echo(heard.sung))

    def glance(self, line: str) -> Heard:
        """Weigh a bar all but its echo."""
        say = self.say
        sounds = tuple([say(word) for word in line.casefold().replace("-", " ").split()])
        beats = [beat for one in sounds for beat in one.syllables]
        return Heard(sounds, beats, [one for one in sounds if one.letters], len(self.answered(beats)), None)

    def keep(self, heard: Heard) -> Heard:
        """The bar is sung."""
        self.words = words = (self.words + heard.sung)[-LOOKBACK_WORDS:]
        self.stream = "".join([one.letters for one in words])
        self.owner = [one.text for one in words for _ in one.letters]
        self.pairs, end = {}, -1
        for number, one in enumerate(words):
            end += len(one.letters)
            pair = self.stream[max(0, end - 1) : end + 1]
            if pair in self.pairs:
                self.pairs[pair].append((number, end))
            else:
                self.pairs[pair] = [(number, end)]
        self.before, self.stressed = heard.beats, {}
        for place, beat in enumerate(heard.beats):
            if beat.stressed:
                self.stressed.setdefault(beat.vowel, []).append(place)
        return heard

    def echo(self, sung: list[Sound]) -> int:
        """The sum of the echoes of these words; the same word twice is no echo and ends one."""
        stream = self.stream + "".join([one.letters for one in sung])
        owner = self.owner + [one.text for one in sung for _ in one.letters]
        pairs, fresh = self.pairs, dict[str, list[tuple[int, int]]]()
        total, end = 0, len(self.owner) - 1
        for at, (text, _, letters, _) in enumerate(sung, len(self.words)):
            end += len(letters)
            pair = stream[max(0, end - 1) : end + 1]
            near, here = pairs.get(pair), fresh.get(pair)
            if here is None:
                fresh[pair] = [(at, end)]
            if near or here:
                longest, since = 1, at - LOOKBACK_WORDS
                for number, other in (near or []) + (here or []):
                    if number < since or owner[other] == text:
                        continue
                    run, limit = 1, min(end - other, other + 1)
                    while (
                        run < limit
                        and stream[other - run] == stream[end - run]
                        and owner[other - run] != owner[end - run]
                    ):
                        run += 1
                    if run > longest:
                        longest = run
                if longest > 1:
                    total += longest
                if here is not None:
                    here.append((at, end))
        return total

    def answered(self, bar: list[Syllable]) -> set[int]:
        """Which syllables answer an earlier one of the bar or of the bar before; the same word twice is no rhyme.

        Around each pair of stressed syllables of equal vowels the stretch grows to both sides as long as it gains on the whole.
        """
        every, first = self.before + bar, len(self.before)
        earlier, stressed = self.stressed, dict[str, list[int]]()
        end = len(every) - 1
        answered: set[int] = set()
        for here, (vowel, tail, strong, last, text) in enumerate(bar, first):
            if not strong:
                continue
            known = stressed.setdefault(vowel, [])
            for there in earlier.get(vowel, []) + known:
                _, other_tail, _, other_last, said = every[there]
                if said == text:
                    continue
                gain = _GAIN[vowel] + (tail == other_tail)
                ends = last or other_last
                if (gain > 0.9 and ends) or (there == first - 1 and here == end):
                    answered.add(here)
                start, stop = _stretch(every, first, there, here, gain)
                if stop - start > 1:
                    answered.update(range(start, stop))
            known.append(here)
        return answered


def _stretch(every: list[Syllable], first: int, there: int, here: int, gain: float) -> tuple[int, int]:
    """Where the rhyme around two syllables begins and ends (excluded) at the later one; `first` begins the bar. None where no word ends."""
    apart, start, total = here - there, here, gain
    while start > apart and every[start - 1].vowel == every[start - 1 - apart].vowel and here - start + 1 < apart:
        total += _gain(every[start - 1], every[start - 1 - apart])
        if total <= 0:
            total -= _gain(every[start - 1], every[start - 1 - apart])
            break
        start -= 1
    stop, place = here + 1 if every[here].last or every[there].last else start, here + 1
    while place < len(every) and every[place].vowel == every[place - apart].vowel and place - start < apart:
        total += _gain(every[place], every[place - apart])
        if total <= 0:
            break
        place += 1
        if every[place - 1].last or every[place - 1 - apart].last:
            stop = place
    if (
        stop == len(every) and stop - apart == first
    ):  # where bars end, whatever sounds alike before belongs to the rhyme
        while start > apart and every[start - 1].vowel == every[start - 1 - apart].vowel != "":
            start -= 1
    while start < here and every[start].text == every[start - apart].text:
        start += 1  # a repeated word may run on, not begin
    return start, stop


def _gain(one: Syllable, other: Syllable) -> float:
    """What a pair of equal vowels gives beyond 1.5 points."""
    if not one.vowel:
        return -9.0
    if one.text == other.text:
        return -0.3
    if one.stressed and other.stressed:
        return _GAIN[one.vowel] + (one.tail == other.tail)
    return -0.6 if one.stressed == other.stressed or one.vowel in _RARE or one.tail == other.tail else -9.0
