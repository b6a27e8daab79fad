"""How the rules hear the themes of the world's songs: measured on songs that are written and read, then drawn for songs that are not.

Only benchmarks use this; they alone see the hidden truth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rap_platform.analyses import rules
from rap_platform.analyses.results import Analysis
from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.orchestration.progress import track
from rap_platform.trends import panel
from rap_platform.trends.panel import Array, Panel
from rap_platform.world import songwriter, truth
from rap_platform.world.corpus import Corpus
from rap_platform.world.lexicon import THEMES

SONGS_PER_ARTIST = 5  # as in the default world
_COLUMN = {theme: k for k, theme in enumerate(THEMES)}


@dataclass(frozen=True)
class Hearsay:
    """Chances that the rules name theme k: `first` (K, K) by the song's first theme, `other` (K,) where k is another theme of it.

    `songs` were written and read to measure it.
    """

    first: Array
    other: Array
    songs: int

    def chances(self, themes: Sequence[str]) -> Array:
        """The chance (K,) of each theme to be named for a song of these hidden themes, the first one being the main one."""
        named = self.first[_COLUMN[themes[0]]].copy()
        for theme in themes[1:]:
            named[_COLUMN[theme]] = self.other[_COLUMN[theme]]
        return np.asarray(named)


def measure(encoder: Encoder, *, each: int, seed: int) -> Hearsay:
    """Write `each` songs of every first theme in the world `seed`, have the rules read them, and count."""
    return counted(list(track(_read(encoder, each, seed), each * len(THEMES), "songs written and read")))


def _read(encoder: Encoder, each: int, seed: int) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    wanted = dict.fromkeys(THEMES, each)
    artist = 0
    while any(wanted.values()):
        told = truth.song(seed, artist, 0)
        artist += 1
        if not wanted[told.themes[0]]:
            continue
        wanted[told.themes[0]] -= 1
        said = rules.analyse_text(songwriter.write(seed, told.artist, told.song).lyrics, encoder)
        yield told.themes, said.themes if isinstance(said, Analysis) else []


def counted(read: Sequence[tuple[Sequence[str], Sequence[str]]]) -> Hearsay:
    """From (hidden themes, named themes); a pair of themes counts beside two songs of the average (Laplace's rule with that prior)."""
    size = len(THEMES)
    first, songs = np.zeros((size, size)), np.zeros((size, size))
    other, others = np.zeros(size), np.zeros(size)
    for hidden, named in read:
        heard = np.isin(THEMES, list(named)).astype(float)
        beside = np.isin(THEMES, list(hidden[1:]))
        first[_COLUMN[hidden[0]], ~beside] += heard[~beside]
        songs[_COLUMN[hidden[0]], ~beside] += 1
        other[beside] += heard[beside]
        others[beside] += 1
    own = np.eye(size, dtype=bool)
    prior = np.where(own, first[own].sum() / songs[own].sum(), (first * ~own).sum(axis=0) / (songs * ~own).sum(axis=0))
    return Hearsay(
        (first + 2 * prior) / (songs + 2), (other + 2 * other.sum() / others.sum()) / (others + 2), len(read)
    )


@dataclass(frozen=True)
class Heard:
    """Songs of a world with the themes (songs, K) that the rules would name."""

    years: list[int]
    artists: list[int]
    named: Array

    @property
    def panel(self) -> Panel:
        """All of them."""
        return panel.of_songs("share", THEMES, self.years, self.artists, self.named)

    def without(self, theme: str) -> Panel:
        """Those that do not name a theme."""
        chosen = np.flatnonzero(self.named[:, _COLUMN[theme]] == 0)
        years, artists = ([values[n] for n in chosen] for values in (self.years, self.artists))
        return panel.of_songs("share", THEMES, years, artists, self.named[chosen])


def heard(hearsay: Hearsay, *, seed: int, songs: int, expected: bool = False) -> Heard:
    """The songs of a world of `songs` songs as the rules would read them, versions left out.

    `expected` gives the chances themselves instead of draws: what a reader of endlessly many songs would find.
    """
    corpus = Corpus(seed, max(1, songs // SONGS_PER_ARTIST), songs)
    chance = np.random.default_rng(seed)
    years, artists, named = [], [], []
    for artist, amount in enumerate(corpus.counts):
        for number in range(amount):
            told = truth.song(seed, artist, number)
            if told.version is None:
                years.append(told.year)
                artists.append(artist)
                named.append(hearsay.chances(told.themes))
    values = np.array(named)
    if not expected:
        values = (chance.random(values.shape) < values).astype(float)
    return Heard(years, artists, values)
