"""Which songs there are: ids, counts, titles and look-up. Holds titles at most, never lyrics."""

import re
import threading
import unicodedata
from array import array
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate

from rap_platform.world import songwriter, truth

_MAX_SONGS = 4096
_SONG_BASE, _ARTIST_BASE, _ARTIST_STEP = 2_000_000, 40_009, 7
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MIX, _WRAP, _SHIFT = 0x9E3779B97F4A7C15F39CC0605CEDC835, 1 << 128, 0x1234_5678_9ABC_DEF0_0FED_CBA9
_UNMIX = pow(_MIX, -1, _WRAP)
_TRANSLATE = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "æ": "ae", "ß": "ss", "&": " and "}
)


def fold(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.replace("&", " and ").casefold()
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text.translate(_TRANSLATE))
        if not unicodedata.combining(letter)
    ).casefold()


def slug(text: str) -> str:
    """Words of ASCII letters and digits joined by hyphens, as in a song page's address."""
    return "-".join(re.findall(r"[a-z0-9]+", fold(text).replace("'", "")))


def tokens(text: str) -> list[str]:
    """Folded words for look-up."""
    return re.findall(r"[^\W_]+", fold(text).replace("'", ""))


@dataclass(slots=True)
class _Index:
    by_token: dict[str, "array[int]"] = field(default_factory=dict)
    by_artist_token: dict[str, "array[int]"] = field(default_factory=dict)


class Corpus:
    """All songs of a world: `songs` in total by `artists`, at least one each. A song is (artist index, song index)."""

    def __init__(self, seed: int, artists: int, songs: int) -> None:
        if songs < artists:
            raise ValueError(
                f"{songs} songs can't give each of {artists} artists one: raise world_songs or lower world_artists"
            )
        self.seed, self.artists, self.songs = seed, artists, songs
        chance = truth.stream(seed, "counts")
        weights = [chance.lognormvariate(0, 0.75) for _ in range(artists)]
        spare, total = songs - artists, sum(weights)
        shares = [weight / total * spare for weight in weights]
        counts = [1 + int(share) for share in shares]
        for index in sorted(range(artists), key=lambda place: shares[place] % 1, reverse=True)[: songs - sum(counts)]:
            counts[index] += 1
        if max(counts) > _MAX_SONGS:
            raise ValueError(f"an artist would have {max(counts)} songs, more than {_MAX_SONGS}: raise world_artists")
        self.counts = tuple(counts)
        self._offsets = (0, *accumulate(counts))
        self._index: _Index | None = None
        self._building = threading.Lock()

    # Ids are a bijection, so that no table of them is kept, and don't move when the world grows.
    def song_id(self, artist: int, song: int) -> int:
        """Genius id of a song."""
        return _SONG_BASE + artist * _MAX_SONGS + song

    def find_song(self, song_id: int) -> tuple[int, int] | None:
        """The song with this Genius id."""
        artist, song = divmod(song_id - _SONG_BASE, _MAX_SONGS)
        return (artist, song) if 0 <= artist < self.artists and song < self.counts[artist] else None

    def artist_id(self, artist: int) -> int:
        """Genius id of an artist."""
        return _ARTIST_BASE + artist * _ARTIST_STEP

    def find_artist(self, artist_id: int) -> int | None:
        """The artist with this Genius id."""
        artist, rest = divmod(artist_id - _ARTIST_BASE, _ARTIST_STEP)
        return artist if rest == 0 and 0 <= artist < self.artists else None

    def spotify_id(self, artist: int, song: int, kind: int) -> str:
        """Spotify id, 22 letters and digits; `kind` 0 is the recording, 1..6 its decoys, 7 its artist or album."""
        mixed = (((artist * _MAX_SONGS + song) * 8 + kind) * _MIX + _SHIFT) % _WRAP
        letters = []
        for _ in range(22):
            mixed, rest = divmod(mixed, 62)
            letters.append(_ALPHABET[rest])
        return "".join(letters)

    def find_spotify(self, spotify_id: str) -> tuple[int, int, int] | None:
        """(artist, song, kind) of a Spotify id."""
        if not re.fullmatch(r"[0-9A-Za-z]{22}", spotify_id):
            return None
        mixed = 0
        for letter in reversed(spotify_id):
            mixed = mixed * 62 + _ALPHABET.index(letter)
        number, kind = divmod((mixed - _SHIFT) * _UNMIX % _WRAP, 8)
        artist, song = divmod(number, _MAX_SONGS)
        return (artist, song, kind) if mixed < _WRAP and artist < self.artists and song < self.counts[artist] else None

    def isrc(self, artist: int, song: int) -> str:
        """ISRC of a recording: QZ, three signs for the artist, year, song."""
        first, rest = divmod(artist, 36 * 36)
        second, third = divmod(rest, 36)
        signs = "".join("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[sign] for sign in (first % 36, second, third))
        return f"QZ{signs}{truth.song(self.seed, artist, song).year % 100:02d}{10_000 + song:05d}"

    def find_isrc(self, isrc: str) -> tuple[int, int] | None:
        """The recording with this ISRC."""
        found = re.fullmatch(r"QZ([0-9A-Z]{3})\d\d(\d{5})", isrc.upper())
        if not found:
            return None
        artist, song = int(found[1], 36), int(found[2]) - 10_000
        known = artist < self.artists and 0 <= song < self.counts[artist]
        return (artist, song) if known and self.isrc(artist, song) == isrc.upper() else None

    def name(self, artist: int) -> str:
        """Stage name."""
        return truth.artist(self.seed, artist).name

    def title(self, artist: int, song: int) -> str:
        """Title of a song."""
        return songwriter.title(self.seed, artist, song)

    def page_path(self, artist: int, song: int) -> str:
        """Last part of the song page's address. A title an artist used twice carries its number."""
        return _page_paths(self.seed, artist, self.counts[artist])[song]

    def find_page(self, path: str) -> tuple[int, int] | None:
        """The song at this address."""
        parts = path.casefold().split("-")
        for length in range(1, len(parts)):
            for artist in self._artist_slugs.get("-".join(parts[:length]), ()):
                paths = _page_paths(self.seed, artist, self.counts[artist])
                if path.casefold() in paths:
                    return artist, paths.index(path.casefold())
        return None

    @cached_property
    def _artist_slugs(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for artist in range(self.artists):
            found.setdefault(slug(self.name(artist)), []).append(artist)
        return found

    def at(self, number: int) -> tuple[int, int]:
        """The song with this running number."""
        low, high = 0, self.artists
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offsets[middle] <= number else (low, middle)
        return low, number - self._offsets[low]

    def search(self, query: str, limit: int, *, artist: str | None = None) -> list[tuple[int, int]]:
        """Songs whose title or artist shares words with the query, best first; `artist` narrows to artists that share a word with it."""
        index = self._built()
        allowed: Counter[int] = Counter(
            who for word in set(tokens(artist or "")) for who in index.by_artist_token.get(word, ())
        )
        scores: Counter[int] = Counter()
        words = tokens(query)
        for word in set(words):
            for number in index.by_token.get(word, ()):
                scores[number] += 2
            if artist is None:
                for who in index.by_artist_token.get(word, ()):
                    for number in range(self._offsets[who], self._offsets[who + 1]):
                        scores[number] += 1
        ranked = []
        for number, score in scores.items():
            who, song = self.at(number)
            if artist is None or who in allowed:
                length = len(tokens(self.title(who, song)))
                ranked.append((-(score / (2 * len(words)) + allowed.get(who, 0)), abs(length - len(words)), who, song))
        return [(who, song) for *_, who, song in sorted(ranked)[:limit]]

    def prepare(self) -> None:
        """Build the look-up now instead of at the first search: 0.2 s for 1,200 songs, about 10 s for 57,718."""
        self._built()

    def _built(self) -> _Index:
        with self._building:
            if self._index is None:
                self._index = self._build()
            return self._index

    def _build(self) -> _Index:
        index, number = _Index(), 0
        for artist in range(self.artists):
            for word in set(tokens(self.name(artist))):
                index.by_artist_token.setdefault(word, array("L")).append(artist)
            for song in range(self.counts[artist]):
                for word in set(tokens(self.title(artist, song))):
                    index.by_token.setdefault(word, array("L")).append(number)
                number += 1
        return index


@lru_cache(maxsize=256)
def _page_paths(seed: int, artist: int, count: int) -> tuple[str, ...]:
    taken: dict[str, int] = {}
    for song in range(count):
        stem = slug(f"{truth.artist(seed, artist).name} {songwriter.title(seed, artist, song)}")
        taken[f"{stem}-{song}-lyrics" if f"{stem}-lyrics" in taken else f"{stem}-lyrics"] = song
    return tuple(taken)
