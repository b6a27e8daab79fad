"""Texts by the million with the statistics of lyrics: lines of a book of songs, spliced and reworded. No vectors, no database.

A line is the beginning of one line of the book and the end of another that share a word, so pairs of neighbouring words are those of
the book; some words are then replaced by ones from a long tail by Zipf's law. The rates are set to what musiXmatch counted in 237,662
songs (55,163,335 words): 498,134 distinct words, the 5,000 most frequent cover 92 %.
"""

import csv
import gzip
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from random import Random

from rap_platform.embeddings.encoders import weights
from rap_platform.world import songwriter
from rap_platform.world.corpus import Corpus

SONGS = 1200  # of the world in the book
SONGS_PER_ARTIST = 10
FROM_OWN_SOURCE, FROM_SECOND_SOURCE = 0.5, 0.25  # of the lines: a song keeps to what it is about
SPLICED = 0.6  # of the lines
REWORDED = 0.15  # of the words of four letters and more
TAIL_WORDS = 600_000
TAIL_SHIFT = 3_000  # of Zipf and Mandelbrot's law: the words before are the book's own
MOST_PLACES = 64  # of a word in the book that splices choose from
LINE_WORDS = (3, 14)
STANZA_LINES = (4, 16)
# Syllables that words of other languages are made of here: such texts are as varied as English ones and share no word with them.
SYLLABLES = {
    "es": "ca so ra mi la do ver que no te lu na co ri za pa dre ma bo fue gos ci en do",
    "fr": "mou ra ce lle vi tou jeu an é lai que ré poi su bon di eau ne vou cha rié re",
    "de": "ge stern ver lich ung mo ba schla fen wie tra kei ten wo her sti mmt ler nur",
    "pt": "ção nha vi da sau de pe lo ma ni não cê bra sa go ter fei ra lu zi nho co ra",
    "it": "zio ne ma gli ca re sto del vi ta pre so fi gio rno che ra bel lo tu tto an",
}


@dataclass(frozen=True, slots=True)
class Passage:
    """A section of a song."""

    kind: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its lines, one under the other."""
        return "\n".join(self.lines)


Book = tuple[tuple[Passage, ...], ...]


def read_book(seed: int, *, songs: int = SONGS, verse: Path | None = None) -> Book:
    """Songs of the simulated world and, when `verse` is given, the stanzas of its poems (a CSV with a column `text`).

    Raises FileNotFoundError for a file that is not there and ValueError for one without that column or without a stanza.
    """
    corpus = Corpus(seed, max(1, songs // SONGS_PER_ARTIST), songs)
    written = (songwriter.write(seed, *corpus.at(number)) for number in range(songs))
    book = [tuple(Passage(section.kind, section.lines) for section in song.sections) for song in written]
    return (*book, *(_poems(verse) if verse is not None else ()))


def _poems(path: Path) -> list[tuple[Passage, ...]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        if "text" not in (rows.fieldnames or ()):
            raise ValueError(f"{path} has no column `text`: give a CSV of poems with one")
        poems = [_stanzas(row["text"] or "") for row in rows]
    found = [poem for poem in poems if poem]
    if not found:
        raise ValueError(f"{path} holds no stanza of {STANZA_LINES[0]} lines and more")
    return found


def _stanzas(text: str) -> tuple[Passage, ...]:
    low, high = STANZA_LINES
    stanzas = ([line.strip() for line in stanza.split("\n") if line.strip()] for stanza in text.split("\n\n"))
    return tuple(Passage("verse", tuple(lines[:high])) for lines in stanzas if len(lines) >= low)


class Writer:
    """Writes the songs of a seed: the same number is the same song, on every machine and in any order."""

    def __init__(self, seed: int, book: Book) -> None:
        if not book:
            raise ValueError("the book holds no song")
        self.seed = seed
        self._lines = [line.split() for song in book for passage in song for line in passage.lines]
        self._songs: list[tuple[int, int]] = []
        self._places: dict[str, list[tuple[int, int]]] = {}
        start = 0
        for song in book:
            stop = start + sum(len(passage.lines) for passage in song)
            self._songs.append((start, stop))
            start = stop
        self._shapes = [tuple((p.kind, len(p.lines)) for p in song) for song in book if _is_song(song)] or [
            (("verse", 8), ("hook", 4), ("verse", 8), ("hook", 4))
        ]
        for number, words in enumerate(self._lines):
            for place, word in enumerate(words[:-1]):
                if place:
                    self._places.setdefault(word.lower(), []).append((number, place))
        chance = self.chance("places")
        for word, places in self._places.items():
            if len(places) > MOST_PLACES:
                self._places[word] = chance.sample(places, MOST_PLACES)

    def chance(self, *parts: object) -> Random:
        """A random stream of its own for each name."""
        name = "/".join(map(str, (self.seed, *parts)))
        return Random(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big"))  # noqa: S311

    def song(self, number: int, language: str = "en") -> list[Passage]:
        """The sections of song `number`; its hook is sung alike each time."""
        chance = self.chance("song", number)
        sources = [chance.choice(self._songs) for _ in range(2)]
        hook: tuple[str, ...] | None = None
        passages = []
        for kind, count in chance.choice(self._shapes):
            if kind == "hook":
                hook = hook or self._passage(chance, sources, count, language)
                passages.append(Passage(kind, hook))
            else:
                passages.append(Passage(kind, self._passage(chance, sources, count, language)))
        return passages

    def _passage(
        self, chance: Random, sources: Sequence[tuple[int, int]], count: int, language: str
    ) -> tuple[str, ...]:
        return tuple(self._line(chance, sources, language) for _ in range(count))

    def _line(self, chance: Random, sources: Sequence[tuple[int, int]], language: str) -> str:
        roll = chance.random()
        if roll < FROM_OWN_SOURCE:
            start, stop = sources[0]
        elif roll < FROM_OWN_SOURCE + FROM_SECOND_SOURCE:
            start, stop = sources[1]
        else:
            start, stop = 0, len(self._lines)
        words = self._lines[start + int(chance.random() * (stop - start))]
        if chance.random() < SPLICED:
            words = self._spliced(chance, words)
        said = [self._reworded(chance, word) for word in words]
        return " ".join(said if language == "en" else [foreign(word, language) for word in said])

    def _spliced(self, chance: Random, words: list[str]) -> list[str]:
        place = 1 + int(chance.random() * (len(words) - 1))
        others = self._places.get(words[place].lower()) if place < len(words) else None
        if not others:
            return words
        other, at = others[int(chance.random() * len(others))]
        made = words[:place] + self._lines[other][at:]
        return made if LINE_WORDS[0] <= len(made) <= LINE_WORDS[1] else words

    def _reworded(self, chance: Random, word: str) -> str:
        if len(word) < 4 or chance.random() >= REWORDED or not word.isalpha():
            return word
        rank = int(TAIL_SHIFT * (math.exp(chance.random() * math.log(TAIL_WORDS / TAIL_SHIFT + 1)) - 1))
        found = tail_word(rank)
        return found.capitalize() if word[0].isupper() else found


def _is_song(passages: tuple[Passage, ...]) -> bool:
    return any(passage.kind == "hook" for passage in passages)


def reworded(chance: Random, line: str, words: int) -> str:
    """The line with `words` of its words replaced by others of the tail, as somebody who half remembers it would."""
    said = line.split()
    for place in chance.sample(range(len(said)), min(words, len(said) - 1)):
        said[place] = tail_word(int(chance.random() * TAIL_SHIFT))
    return " ".join(said)


@lru_cache(maxsize=1)
def _known_words() -> list[str]:
    """The words of the pronouncing dictionary, frequent ones first: those in the encoder's table by their place there."""
    with gzip.open(str(files("rap_platform.data") / "cmudict.txt.gz"), "rt", encoding="utf-8") as file:
        spelt = {line.split(" ", 1)[0].split("(")[0] for line in file}
    ranks = {
        word: rank
        for rank, word in enumerate((weights.weights_folder() / "vocab.txt").read_text(encoding="utf-8").split())
    }
    plain = [word for word in spelt if word.isascii() and word.isalpha() and len(word) > 2]
    return sorted(plain, key=lambda word: (ranks.get(word, len(ranks)), blake2b(word.encode(), digest_size=8).digest()))


_heard: dict[str, str] = {}  # what words that are in no dictionary were made of


@lru_cache(maxsize=200_000)
def tail_word(rank: int) -> str:
    """The word of this rank in the tail; behind the dictionary come its words misspelt, stretched and joined."""
    known = _known_words()
    again, place = divmod(rank, len(known))
    word = known[place]
    if again == 0:
        return word
    cut = 1 + place % (len(word) - 1)
    match again:
        case 1:
            made = word[:cut] + word[cut + 1 :] if len(word) > 3 else word + "z"
        case 2:
            made = word[:cut] + word[cut - 1] * 2 + word[cut:]
        case 3:
            made = word[: cut - 1] + word[cut] + word[cut - 1] + word[cut + 1 :]
        case _:
            second = known[(place * 7919 + again) % 5_000]
            word, made = f"{word} {second}", word + second
    _heard[made] = word
    return made


def as_heard(text: str) -> str:
    """The text with dictionary words for those that this process made up: guessing how a word sounds takes milliseconds."""
    return "\n".join(" ".join(_heard.get(word.lower(), word) for word in line.split()) for line in text.split("\n"))


def made_up(texts: Iterable[str]) -> dict[str, str]:
    """The words of these texts that this process made up, and the dictionary words that `as_heard` hears."""
    said = (word.lower() for text in texts for word in text.split())
    return {word: _heard[word] for word in said if word in _heard}


@lru_cache(maxsize=200_000)
def foreign(word: str, language: str) -> str:
    """What stands for the word in texts of another language, always the same."""
    syllables = SYLLABLES[language].split()
    number = int.from_bytes(blake2b(f"{language} {word.lower()}".encode(), digest_size=8).digest(), "big")
    made = ""
    for _ in range(1 + len(word) // 3):
        number, chosen = divmod(number, len(syllables))
        made += syllables[chosen]
    known = _known_words()
    _heard[made] = known[number % len(known)]
    return made.capitalize() if word[:1].isupper() else made
