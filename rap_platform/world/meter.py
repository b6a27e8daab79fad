"""What a bar weighs and echoes: its syllables, its rhymed syllables, its runs of equal vowels. Counts sounds; picks no words.

The counts are the world's own, by the pronouncing dictionary alone: a rhyme is equal vowels from the last stress on and tails of one class.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from rap_platform.world import rhymes

LOOKBACK_WORDS = 15
# Words too small to carry a rhyme.
SMALL = frozenset(
    (
        "a an and are as at be been but by can could did do does for from got had has have he her him his how i i'd i'll i'm if in is it it's "
        "its just me my no nor not of off on or our out shall she should so some such than that that's the their them then there these they "
        "they're this those to too up us was we we're were what when where which who will with would you your you're 'em em yo ya don't can't"
    ).split()
)
_SPLIT = {
    "AA": "o", "AE": "a", "AH": "v", "AO": "o", "AW": "au", "AY": "ai", "EH": "e", "ER": "3", "EY": "ei",
    "IH": "i", "IY": "i", "OW": "ou", "OY": "oi", "UH": "u", "UW": "u",
}  # fmt: skip
_CLASS = {
    phone: members[0]
    for members in ("P T K", "B D G", "F TH S SH", "V DH Z ZH", "M N NG", "L R", "CH JH")
    for phone in members.split()
}


class Sound(NamedTuple):
    """A word as heard: its vowels one by one and as letters (diphthongs two, schwa none); its rhyme, exact and near ("" for small words).

    `rhymed` counts the vowels from the last stressed one on.
    """

    text: str
    vowels: tuple[str, ...]
    letters: str
    key: str
    near: str
    rhymed: int


def sound(word: str, phones: tuple[str, ...] | None) -> Sound:
    """The sound of a lower-case word; without phones its syllables are guessed from spelling and rhyme with nothing."""
    if not phones:
        count = max(
            1, sum(right in _AEIOUY and left not in _AEIOUY for left, right in zip(" " + word, word, strict=False))
        )
        return Sound(word, ("?",) * count, "", "", "", 0)
    vowels = rhymes.vowels(phones)
    letters = "".join(_SPLIT[phone[:-1]] for phone in phones if phone[-1].isdigit() and phone != "AH0")
    if word in SMALL:
        return Sound(word, vowels, letters, "", "", 0)
    key = rhymes.rhyme_key(phones).split()
    near = " ".join(_CLASS.get(phone, phone) for phone in key)
    return Sound(word, vowels, letters, " ".join(key), near, sum(phone in _SPLIT for phone in key))


@dataclass(frozen=True, slots=True)
class Heard:
    """A bar as heard after those before it: words with a vowel, syllables, syllables that rhyme, and the sum of its words' echoes.

    A word's echo is the longest run of equal vowels, two or more, that ends it and one of the LOOKBACK_WORDS words before.
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
    texts: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    before: tuple[Sound, ...] = ()

    def listen(self, line: str) -> Heard:
        """Weigh a bar; ad-libs in brackets count like other words."""
        say = self.say
        sounds = tuple([say(word) for word in line.casefold().replace("-", " ").split()])
        syllables = sum([len(one.vowels) for one in sounds])
        words, echo = self._echo(sounds)
        return Heard(sounds, words, syllables, self._rhymed(sounds), echo)

    def keep(self, heard: Heard) -> None:
        """The bar is sung."""
        sung = [one for one in heard.sounds if one.letters]
        self.texts = [*self.texts, *[one.text for one in sung]][-LOOKBACK_WORDS:]
        self.letters = [*self.letters, *[one.letters for one in sung]][-LOOKBACK_WORDS:]
        self.before = heard.sounds

    def _echo(self, sounds: tuple[Sound, ...]) -> tuple[int, int]:
        first = len(self.texts)
        texts = self.texts + [one.text for one in sounds if one.letters]
        chunks = self.letters + [one.letters for one in sounds if one.letters]
        stream = "".join(chunks)
        owner: list[str] = []
        ends: list[int] = []
        for text, chunk in zip(texts, chunks, strict=True):
            owner += [text] * len(chunk)
            ends.append(len(owner) - 1)
        pairs = [stream[end - 1 : end + 1] for end in ends]
        total = 0
        for at in range(first, len(texts)):
            since = max(0, at - LOOKBACK_WORDS)
            pair, end = pairs[at], ends[at]
            if pair not in pairs[since:at]:
                continue
            longest = 0
            for back in range(since, at):
                if pairs[back] == pair:
                    other, run = ends[back], 0
                    while (
                        run < min(end - other, other + 1)
                        and stream[other - run] == stream[end - run]
                        and owner[other - run] != owner[end - run]
                    ):
                        run += 1
                    longest = max(longest, run)
            total += longest if longest > 1 else 0
        return len(texts) - first, total

    def _rhymed(self, sounds: tuple[Sound, ...]) -> int:
        heard: dict[str, list[tuple[str, int]]] = {}
        vowels: list[str] = []
        for one in self.before:
            vowels += one.vowels
            if one.near:
                heard.setdefault(one.near, []).append((one.text, len(vowels)))
        total = 0
        for one in sounds:
            vowels += one.vowels
            if not one.near:
                continue
            end, longest = len(vowels), 0
            known = heard.setdefault(one.near, [])
            for text, other in known:
                if text != one.text:
                    run = one.rhymed
                    while run < end - other and run < other and vowels[other - run - 1] == vowels[end - run - 1]:
                        run += 1
                    longest = max(longest, run)
            total += longest
            known.append((one.text, end))
        return total


_AEIOUY = frozenset("aeiouy")
