"""What a bar weighs and echoes: its syllables, those that rhyme, its runs of equal vowels. Counts sounds; picks no words.

The counts are the world's own, by the pronouncing dictionary alone. Two syllables make points: stressed ones of equal vowels 2, or 3 where
the vowel is a rare one, and 1 more where the consonants after it are equal; unstressed ones of equal vowels 1. One syllable rhymes with 3
points, a stretch with half as many again as it has syllables; at the ends of two bars a stressed vowel is enough.
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
_SPLIT = {
    "AA": "o", "AE": "a", "AH": "v", "AO": "o", "AW": "au", "AY": "ai", "EH": "e", "ER": "3", "EY": "ei",
    "IH": "i", "IY": "i", "OW": "ou", "OY": "oi", "UH": "w", "UW": "u",
}  # fmt: skip
_AEIOUY = frozenset("aeiouy")


class Syllable(NamedTuple):
    """Vowel ("" when nobody knows it), the consonants after it, whether it is stressed, and whether it ends its word."""

    vowel: str
    tail: str
    stressed: bool
    last: bool


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
        return Sound(word, (Syllable("", "", False, False),) * max(1, vowels), "", "")
    at = [place for place, phone in enumerate(phones) if phone[-1].isdigit()]
    small = word in SMALL
    syllables = tuple(
        Syllable(
            phones[here][:-1],
            " ".join(phones[here + 1 : then]),
            phones[here][-1] in "12" and not small,
            then == len(phones),
        )
        for here, then in zip(at, [*at[1:], len(phones)], strict=False)
    )
    letters = "".join(_SPLIT[phones[here][:-1]] for here in at if phones[here] != "AH0")
    return Sound(word, syllables, letters, "" if small else rhymes.rhyme_key(phones))


@dataclass(frozen=True, slots=True)
class Heard:
    """A bar as heard after those before it: words with a vowel, syllables, syllables that rhyme, and the sum of its words' echoes.

    A word's echo is the longest run of equal vowels, two or more, that ends it and one of the LOOKBACK_WORDS words before. A syllable
    rhymes when it answers an earlier one of this bar or the one before.
    """

    sounds: tuple[Sound, ...]
    words: int
    syllables: int
    rhymed: int
    echo: int


@dataclass(slots=True)
class Ear:
    """Remembers the bars so far as far back as rhymes reach; `listen` weighs a bar, `keep` makes it part of the song."""

    say: Callable[[str], Sound]
    words: list[Sound] = field(default_factory=list)  # with vowels, the last LOOKBACK_WORDS
    before: list[tuple[Syllable, str]] = field(default_factory=list)

    def listen(self, line: str) -> Heard:
        """Weigh a bar; ad-libs in brackets count like other words."""
        say = self.say
        sounds = tuple([say(word) for word in line.casefold().replace("-", " ").split()])
        syllables = [(syllable, one.text) for one in sounds for syllable in one.syllables]
        sung = [one for one in sounds if one.letters]
        return Heard(sounds, len(sung), len(syllables), rhymed(self.before, syllables), echo(self.words, sung))

    def keep(self, heard: Heard) -> None:
        """The bar is sung."""
        self.words = [*self.words, *[one for one in heard.sounds if one.letters]][-LOOKBACK_WORDS:]
        self.before = [(syllable, one.text) for one in heard.sounds for syllable in one.syllables]


def echo(before: list[Sound], sung: list[Sound]) -> int:
    """The sum of the echoes of these words after those before; the same word twice is no echo and ends one."""
    texts: list[str] = []
    owner: list[str] = []
    ends: list[int] = []
    pairs: list[str] = []
    stream = ""
    first, total = len(before), 0
    for one in (*before, *sung):
        text, letters = one.text, one.letters
        stream += letters
        owner += [text] * len(letters)
        end, at = len(owner) - 1, len(texts)
        pair = stream[-2:]
        if at >= first:
            since = max(0, at - LOOKBACK_WORDS)
            longest = 1
            if pair in pairs:
                for back in range(since, at):
                    if pairs[back] == pair and texts[back] != text:
                        other = ends[back]
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
        texts.append(text)
        ends.append(end)
        pairs.append(pair)
    return total


def rhymed(before: list[tuple[Syllable, str]], bar: list[tuple[Syllable, str]]) -> int:
    """How many syllables of the bar answer an earlier one of it or of the bar before; the same word twice is no rhyme."""
    places: dict[str, list[int]] = {}
    every = before + bar
    first, end = len(before), len(every) - 1
    for place, (syllable, _) in enumerate(before):
        places.setdefault(syllable.vowel, []).append(place)
    answered: set[int] = set()
    runs: dict[
        int, tuple[int, int, bool]
    ] = {}  # where the earlier part ends: length, points, whether a stress carries it
    for here in range(first, len(every)):
        (vowel, tail, stressed, last), text = every[here]
        fresh: dict[int, tuple[int, int, bool]] = {}
        known = places.setdefault(vowel, [])
        for there in known if vowel else ():
            other, said = every[there]
            same = said == text
            carried = stressed and other.stressed and not same
            points = (2 + (vowel in _RARE) + (tail == other.tail)) if carried else 1
            length, sum_, carries = runs.get(there - 1, (0, 0, False))
            if (same and not length) or length >= here - there:
                length, sum_, carries = 0, 0, False
                if same:
                    continue
            length, sum_, carries = length + 1, sum_ + points, carries or carried
            fresh[there] = length, sum_, carries
            if last or other.last:
                if carries and length > 1 and 2 * sum_ >= 3 * length:
                    answered.update(range(here - length + 1, here + 1))
                elif carried and (points > 2 or (there == first - 1 and here == end)):
                    answered.add(here)
        runs = fresh
        known.append(here)
    return len(answered)
