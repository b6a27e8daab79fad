"""A library of synthetic songs: who sings them, when, in which language, what is said of them. Pure; rows go in through loading.py."""

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from random import Random

from rap_platform.embeddings.synthetic.verse import Book, Passage, Writer, reworded
from rap_platform.world import truth
from rap_platform.world.lexicon import MOODS, THEMES

SONGS_PER_ARTIST = 15
ARTIST_SHIFT, ARTIST_POWER = (
    10,
    0.8,
)  # of Zipf and Mandelbrot's law: the most productive of 3,850 artists has 1 % of the songs
LANGUAGES = {"en": 0.86, "es": 0.05, "fr": 0.03, "de": 0.02, "pt": 0.02, "it": 0.02}
RATINGS = {"G": 0.2, "PG": 0.2, "PG-13": 0.2, "R": 0.25, "NC-17": 0.15}
YEARS = (1985, 2025)
GUEST_SHARE = 0.16
COPY_SHARE = 0.03
REWORDED_IN_COPY = 0.05  # of its lines
UNKNOWN_YEAR = 0.05


@dataclass(frozen=True, slots=True)
class Song:
    """One synthetic song; `copy_of` is the number of the song it repeats with a few words changed, artist and all."""

    number: int
    artist: int
    guests: tuple[int, ...]
    title: str
    year: int | None
    language: str
    explicit: bool
    rating: str
    moods: tuple[str, ...]
    themes: tuple[str, ...]
    copy_of: int | None
    passages: tuple[Passage, ...]


class Library:
    """`songs` songs of a seed; a song depends on its number and the number of artists alone, so workers share them out as they like."""

    def __init__(self, seed: int, songs: int, book: Book) -> None:
        if songs < 1:
            raise ValueError(f"a library of {songs} songs: ask for at least 1")
        self.seed, self.songs = seed, songs
        self.writer = Writer(seed, book)
        self.artists = max(2, math.ceil(songs / SONGS_PER_ARTIST))
        self._popularity = list(accumulate(1 / (place + ARTIST_SHIFT) ** ARTIST_POWER for place in range(self.artists)))

    @cached_property
    def names(self) -> list[str]:
        """The artists' names, most productive first, all different."""
        return [truth.artist(self.seed, index).name for index in range(self.artists)]

    def song(self, number: int) -> Song:
        """Song `number`, from 0."""
        origin = self._origin(number)
        subject = number if origin is None else origin
        chance = self.writer.chance("facts", subject)
        artist = self._artist(chance)
        who = self.writer.chance("artist", artist)
        language = who.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
        debut, leaning = who.randint(YEARS[0], YEARS[1] - 5), who.sample(THEMES, 4)
        year = min(YEARS[1], debut + int(chance.random() ** 1.4 * 15)) if chance.random() > UNKNOWN_YEAR else None
        themes = tuple(dict.fromkeys([chance.choice(leaning), chance.choice(leaning), chance.choice(THEMES)]))
        rating = chance.choices(list(RATINGS), list(RATINGS.values()))[0]
        guests = (self._artist(chance),) if chance.random() < GUEST_SHARE else ()
        passages = tuple(self.writer.song(subject, language))
        return Song(
            number, artist, tuple(guest for guest in guests if guest != artist), title_of(passages, number, origin),
            year, language, rating in ("R", "NC-17"), rating, tuple(chance.sample(MOODS, 2)), themes, origin,
            passages if origin is None else self._copied(passages, number),
        )  # fmt: skip

    def held_out(self, count: int) -> Iterator[Song]:
        """English songs of the same statistics that are not in the library."""
        number = 1 << 40
        while count:
            song = self.song(number)
            number += 1
            if song.language == "en":
                count -= 1
                yield song

    def _origin(self, number: int) -> int | None:
        chance = self.writer.chance("copy", number)
        if number == 0 or number >= self.songs or chance.random() >= COPY_SHARE:
            return None
        origin = int(chance.random() * number)
        return origin if self._origin(origin) is None else None

    def _artist(self, chance: Random) -> int:
        return bisect(self._popularity, chance.random() * self._popularity[-1])

    def _copied(self, passages: Sequence[Passage], number: int) -> tuple[Passage, ...]:
        chance = self.writer.chance("copied", number)

        def again(line: str) -> str:
            return reworded(chance, line, 1) if chance.random() < REWORDED_IN_COPY else line

        return tuple(Passage(passage.kind, tuple(map(again, passage.lines))) for passage in passages)


def title_of(passages: Sequence[Passage], number: int, origin: int | None) -> str:
    """A title from the first line; the number keeps titles apart."""
    words = " ".join(passages[0].lines[0].split()[:4])
    return f"{words} {number}" if origin is None else f"{words} {origin} (Remix {number})"
