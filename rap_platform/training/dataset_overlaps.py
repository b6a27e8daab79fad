"""Tracks of a dataset whose lyrics say nearly the same, whether or not anybody linked them. Bands of MinHash, never all pairs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rap_platform.lyrics.duplicates import DOUBT, THRESHOLD, Hashes, Signature, band_keys, jaccard, shingles, signature

# More tracks than this in one band share an empty phrase, not a song; there each is compared with so many next ones.
CROWD = 200


@dataclass(frozen=True)
class NearPair:
    """Two tracks that share the share `score` (0..1) of their word triples."""

    one: int
    other: int
    score: float


def near_pairs(
    texts: Mapping[int, str],
    signatures: Mapping[int, Signature] | None = None,
    sides: Mapping[int, str] | None = None,
    threshold: float = THRESHOLD,
) -> list[NearPair]:
    """Pairs of tracks whose Jaccard similarity over word triples is at least `threshold`, the most alike first.

    `texts` are lyrics by track id; `signatures` those MinHash signatures of them that are known, the others are computed.
    With `sides` only pairs across the sides are looked for. Tracks that share one of 32 bands of four rows are compared
    (a pair at 0.8 is missed once in ten million), so that the work grows with the tracks and the copies, not with all pairs.
    Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3.
    """
    hashes: dict[int, Hashes] = {}

    def hashed(track_id: int) -> Hashes:
        if track_id not in hashes:
            hashes[track_id] = shingles(texts[track_id])
        return hashes[track_id]

    known = signatures or {}
    sketches = {t: known[t] if t in known else signature(hashed(t)) for t in sorted(texts)}
    found = []
    for one, other in sorted(meetings(sketches, sides)):
        if float(np.mean(sketches[one] == sketches[other])) >= threshold - DOUBT:
            score = jaccard(hashed(one), hashed(other))
            if score >= threshold:
                found.append(NearPair(one, other, score))
    return sorted(found, key=lambda pair: (-pair.score, pair.one, pair.other))


def meetings(sketches: Mapping[int, Signature], sides: Mapping[int, str] | None = None) -> set[tuple[int, int]]:
    """Pairs (smaller id first) that share a band of their signatures, with `sides` only those across the sides: what is compared."""
    bands: dict[int, list[int]] = defaultdict(list)
    for track_id, sketch in sketches.items():
        for key in band_keys(sketch):
            bands[key].append(track_id)
    met: set[tuple[int, int]] = set()
    for sharing in bands.values():
        met.update(p for p in _pairs(sharing) if sides is None or sides[p[0]] != sides[p[1]])
    return met


def _pairs(sharing: list[int]) -> Iterable[tuple[int, int]]:
    if len(sharing) <= CROWD:
        return combinations(sharing, 2)
    return ((one, other) for place, one in enumerate(sharing) for other in sharing[place + 1 : place + CROWD])
