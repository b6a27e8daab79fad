"""Which tracks say nearly the same, and which of them is the original: MinHash over word triples; what is stored is decided elsewhere."""

import datetime as dt
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

from rap_platform.lyrics.identity import normalise, parse_title

LINKER_VERSION: Final = "2"
THRESHOLD: Final = 0.8
VERSION_THRESHOLD: Final = 0.6  # for versions of one title by one artist: a remix with a new verse
PERMUTATIONS: Final = 128
BANDS: Final = 32  # of 4 rows: a pair at 0.8 is missed once in ten million
DOUBT: Final = 0.18  # an estimate from 128 values is off by more once in a hundred thousand

Hashes = NDArray[np.uint64]
Signature = NDArray[np.uint32]
Rank = tuple[bool, int, int]

_MIX: Final = tuple(np.uint64(factor) for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
_ROW_MIX: Final = np.array([*_MIX, 0xD6E8FEB86659FD93], dtype=np.uint64)
_BAND_MIX: Final = np.arange(1, BANDS + 1, dtype=np.uint64) * np.uint64(0xA0761D6478BD642F)
_PERMUTATIONS: Final = MinHash(PERMUTATIONS, seed=1).permutations
_WORD = re.compile(r"[^\W_]+")
_HEADER = re.compile(r"^\[[^\]\n]*\]$", re.MULTILINE)
_CHUNK: Final = 4096


@dataclass(frozen=True)
class Song:
    """A track as the linker sees it; of two that are near each other the one with the lower `rank` is the original."""

    track_id: int
    artist_id: int
    title: str
    version: str | None
    rank: Rank
    signature: Signature


@dataclass(frozen=True)
class Link:
    """Track `track_id` says nearly what the original says; `score` is the Jaccard similarity of their triples, 0..1."""

    track_id: int
    original_id: int
    score: float


def shingles(lyrics: str) -> Hashes:
    """Give the sorted, distinct hashes of a text's word triples; headers, case and punctuation don't count."""
    words = _WORD.findall(_HEADER.sub("", lyrics).casefold().replace("'", "").replace("’", ""))
    values = np.fromiter((zlib.crc32(word.encode()) for word in words), dtype=np.uint64, count=len(words))
    if len(values) < 3:
        values = np.concatenate([values, np.zeros(3 - len(values), dtype=np.uint64)])
    mixed = values[:-2] * _MIX[0] + values[1:-1] * _MIX[1] + values[2:] * _MIX[2]
    mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed * _MIX[1])


def signature(hashes: Hashes) -> Signature:
    """Give datasketch's MinHash (128 × uint32) of a set of shingles, hashed already and taken a batch at a time."""
    sketch = MinHash(PERMUTATIONS, hashfunc=_as_it_is, permutations=_PERMUTATIONS, scheme="affine32")
    values = hashes >> np.uint64(32)
    for start in range(0, len(values), _CHUNK):
        sketch.update_batch(values[start : start + _CHUNK].tolist())
    return np.asarray(sketch.hashvalues, dtype=np.uint32)


def band_keys(sketch: Signature) -> list[int]:
    """Give the 32 keys (64 bits, signed) of a signature; texts that share one are worth a look."""
    rows = sketch.reshape(BANDS, PERMUTATIONS // BANDS).astype(np.uint64)
    keys = (rows * _ROW_MIX).sum(axis=1, dtype=np.uint64) + _BAND_MIX
    keys ^= keys >> np.uint64(31)
    return [int(key) for key in (keys * _MIX[0]).view(np.int64)]


def jaccard(one: Hashes, other: Hashes) -> float:
    """Give the share of distinct shingles that two texts have in common, 0..1, to the precision it is stored with."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return float(np.float32(common / (len(one) + len(other) - common)))


def version_of(title: str) -> str | None:
    """Give what a title says its track is ("live", "midnight remix"), normalised; None for the song itself."""
    version = parse_title(title).version
    return normalise(version) if version else None


def released(date: dt.date | None, year: int | None) -> int:
    """Give a release date as yyyymmdd; an unknown part is 99, so that what is known better comes first."""
    if date is not None:
        return date.year * 10_000 + date.month * 100 + date.day
    return (year if year is not None else 9999) * 10_000 + 9999


def may_be_near(song: Song, other: Song) -> bool:
    """Say whether the signatures leave it possible that two songs are near each other."""
    alike = float(np.mean(song.signature == other.signature))
    return alike >= _threshold(song, other) - DOUBT


def decide(
    songs: Iterable[Song], nearby: Mapping[int, Collection[Song]], hashes_of: Callable[[int], Hashes]
) -> dict[int, Link | None]:
    """Decide of each song, oldest first, whether it is an original (None) or near an older original, the nearest of all.

    `nearby` holds the older originals that share a band or a title with a song, apart from `songs` themselves;
    `hashes_of` reads the shingles of the few pairs that need the exact score. An original is never itself linked, and
    the outcome depends on the texts and ranks alone, never on the order in which they came.
    """
    decisions: dict[int, Link | None] = {}
    originals: dict[Hashable, list[Song]] = defaultdict(list)
    for song in sorted(songs, key=lambda song: song.rank):
        places: list[Hashable] = [*band_keys(song.signature), (song.artist_id, song.title)]
        met = {other.track_id: other for place in places for other in originals[place] if _meet(song, other, place)}
        met |= {other.track_id: other for other in nearby.get(song.track_id, ())}
        decisions[song.track_id] = link = _nearest(song, sorted(met.values(), key=lambda one: one.rank), hashes_of)
        if link is None:
            for place in places:
                originals[place].append(song)
    return decisions


def _nearest(song: Song, older: Sequence[Song], hashes_of: Callable[[int], Hashes]) -> Link | None:
    nearest: Link | None = None
    for other in older:
        if other.rank < song.rank and may_be_near(song, other):
            score = jaccard(hashes_of(song.track_id), hashes_of(other.track_id))
            if score >= _threshold(song, other) and (nearest is None or score > nearest.score):
                nearest = Link(song.track_id, other.track_id, score)
    return nearest


def _threshold(song: Song, other: Song) -> float:
    return VERSION_THRESHOLD if _versions_of_one(song, other) else THRESHOLD


def _versions_of_one(song: Song, other: Song) -> bool:
    return (song.artist_id, song.title) == (other.artist_id, other.title) and song.version != other.version


def _meet(song: Song, other: Song, place: Hashable) -> bool:
    return isinstance(place, int) or _versions_of_one(song, other)


def _as_it_is(value: int) -> int:
    return value
