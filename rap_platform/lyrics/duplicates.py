"""Which tracks say nearly the same: MinHash over word 3-shingles with LSH bands; what follows from it is decided elsewhere."""

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

LINKER_VERSION: Final = "1"
THRESHOLD: Final = 0.8
PERMUTATIONS: Final = 128
BANDS: Final = 32  # of 4 rows: a pair at 0.8 is missed once in ten million
SURELY_BELOW: Final = 0.62  # an estimate is off by more than 0.18 once in a hundred thousand

Hashes = NDArray[np.uint64]
Signature = NDArray[np.uint32]

_random = np.random.Generator(np.random.PCG64(20260214))
_FACTORS: Final[Hashes] = _random.integers(1, 2**63, PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS: Final[Hashes] = _random.integers(0, 2**63, PERMUTATIONS, dtype=np.uint64)
_MIX: Final = tuple(np.uint64(factor) for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
_WORD = re.compile(r"[^\W_]+")
_HEADER = re.compile(r"^\[[^\]\n]*\]$", re.MULTILINE)
_CHUNK: Final = 4096


@dataclass(frozen=True)
class Text:
    """A text to compare; the one of a pair with the lower `rank` is the original."""

    track_id: int
    rank: tuple[bool, int]
    lyrics: str


@dataclass(frozen=True)
class Link:
    """Track `track_id` says nearly what the original says; `score` is the Jaccard similarity of their 3-shingles, 0..1."""

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
    """Give the MinHash signature (128 × uint32) of a set of shingles."""
    least = np.full(PERMUTATIONS, np.iinfo(np.uint32).max, dtype=np.uint32)
    reduced = hashes >> np.uint64(32)
    for start in range(0, len(reduced), _CHUNK):
        spread = (_FACTORS[:, None] * reduced[None, start : start + _CHUNK] + _OFFSETS[:, None]) >> np.uint64(32)
        least = np.minimum(least, spread.min(axis=1).astype(np.uint32))
    return least


def jaccard(one: Hashes, other: Hashes) -> float:
    """Give the share of distinct shingles that two texts have in common, 0..1."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def find_links(texts: Iterable[Text], lyrics_of: Callable[[Sequence[int]], dict[int, str]]) -> list[Link]:
    """Link every text that is nearly the same as an earlier-ranked one to it, in one pass over `texts`.

    Memory holds 512 bytes a text. An original is never itself linked, whatever the order of `texts`. `lyrics_of` reads
    the few candidates again for the exact score.
    """
    ids: list[int] = []
    ranks: list[tuple[bool, int]] = []
    rows: list[Signature] = []
    for text in texts:
        ids.append(text.track_id)
        ranks.append(text.rank)
        rows.append(signature(shingles(text.lyrics)))
    if len(ids) < 2:
        return []
    order = sorted(range(len(ids)), key=ranks.__getitem__)
    signatures = np.stack([rows[at] for at in order])
    ordered_ids = [ids[at] for at in order]
    return _resolve(_candidates(signatures), ordered_ids, lyrics_of)


def _candidates(signatures: NDArray[np.uint32]) -> list[tuple[int, int]]:
    """Give pairs (earlier, later) that share a band and whose signatures agree enough, sorted by the later."""
    found: set[tuple[int, int]] = set()
    width = PERMUTATIONS // BANDS
    for band in range(BANDS):
        part = signatures[:, band * width : (band + 1) * width].astype(np.uint64)
        keys = (part * np.array([*_MIX, _FACTORS[0]], dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
        by_key = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[by_key])) + 1
        for bucket in np.split(by_key, starts):
            if len(bucket) > 1:
                found.update((int(bucket[0]), int(later)) for later in bucket[1:])
                found.update((int(a), int(b)) for a, b in pairwise(bucket))
    close = [pair for pair in found if float(np.mean(signatures[pair[0]] == signatures[pair[1]])) >= SURELY_BELOW]
    return sorted(close, key=lambda pair: (pair[1], pair[0]))


def _resolve(
    pairs: list[tuple[int, int]], ids: list[int], lyrics_of: Callable[[Sequence[int]], dict[int, str]]
) -> list[Link]:
    links: dict[int, Link] = {}
    for place in range(0, len(pairs), 200):
        part = pairs[place : place + 200]
        roots = {links[ids[a]].original_id for a, _ in part if ids[a] in links}
        wanted = sorted({ids[at] for pair in part for at in pair} | roots)
        hashes = {track_id: shingles(lyrics) for track_id, lyrics in lyrics_of(wanted).items()}
        for earlier, later in part:
            track_id, original_id = ids[later], ids[earlier]
            if original_id in links:
                original_id = links[original_id].original_id
            if track_id not in hashes:
                continue
            if original_id not in hashes:
                hashes |= {root: shingles(lyrics) for root, lyrics in lyrics_of([original_id]).items()}
            score = jaccard(hashes[track_id], hashes[original_id])
            if score >= THRESHOLD and (track_id not in links or score > links[track_id].score):
                links[track_id] = Link(track_id, original_id, score)
    return list(links.values())
