"""Tracks like a track: by lyrics, by sound, by what analysts say, or by a blend. How alike two tracks are is in likeness.py."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psycopg

from rap_platform.embeddings.search.likeness import (
    KINDS,
    Among,
    Comparing,
    Kind,
    Known,
    Reach,
    Weights,
    again_if_dropped,
    one_each,
    without_copies,
)
from rap_platform.embeddings.search.question import MAX_LIMIT, SearchError

CANDIDATES = 100  # from each index at first; more where filters and copies leave too few
WIDER = 4
READ_ALL = 1000


@dataclass(frozen=True)
class Similar:
    """A track like another: `similarity` at most 1, 0 for songs that share nothing; `by` has that of each kind compared.

    `simulated` says that the track, or a vector it was compared by, was made by the simulated world.
    """

    track_id: int
    artist: str
    title: str
    year: int | None
    similarity: float
    by: Mapping[Kind, float]
    simulated: bool


class NotComparable(SearchError):
    """A track exists and has no vector to be compared by."""


class UnknownTrack(SearchError):
    """There is no track of that number."""


@again_if_dropped
def similar_tracks(
    conn: psycopg.Connection[Any],
    track_id: int,
    weights: Weights | None = None,
    *,
    limit: int = 10,
    among: Among | None = None,
) -> list[Similar]:
    """The tracks most like `track_id` under `weights`, without itself, its copies and songs with nearly its lyrics.

    Candidates come from the index of each kind that counts and are then compared exactly; a track that lacks a kind is
    compared by those it has. Raises UnknownTrack, NotComparable, and SearchError for a wrong limit or filter.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise SearchError(f"limit is {limit}, must be 1 to {MAX_LIMIT}")
    with conn.transaction():
        comparing = Comparing(conn, weights or Weights())
        asked = comparable(comparing, [track_id])
        filters = comparing.filters(among or Among(), asked)
        found: list[Known] = []
        first = max(CANDIDATES, 2 * limit)
        for found in pools(
            comparing, asked, filters, (Reach(first), Reach(WIDER * first), Reach(READ_ALL, exactly=True))
        ):
            if len(found) >= limit:
                break
        return _ranked(comparing, asked, found)[:limit]


@again_if_dropped
def similar_by_kind(conn: psycopg.Connection[Any], track_id: int, *, limit: int = 10) -> dict[Kind, list[Similar]]:
    """The tracks most like `track_id` by each kind that it has a vector of; `similarity` is that of the kind.

    Reads candidates once for all kinds, and does not look further where copies leave fewer than `limit`. Raises as
    similar_tracks does.
    """
    with conn.transaction():
        comparing = Comparing(conn, Weights())
        asked = comparable(comparing, [track_id])
        (near,) = pools(comparing, asked, {}, (Reach(max(CANDIDATES, 2 * limit)),))
        ranked = _ranked(comparing, asked, near)
    found: dict[Kind, list[Similar]] = {}
    for kind in asked[0].vectors:
        compared = [replace(similar, similarity=similar.by[kind]) for similar in ranked if kind in similar.by]
        found[kind] = sorted(compared, key=lambda similar: (-similar.similarity, similar.track_id))[:limit]
    return found


def comparable(comparing: Comparing, track_ids: Sequence[int]) -> list[Known]:
    """The tracks asked about. Raises UnknownTrack or NotComparable that names all that cannot be compared."""
    known = comparing.known(track_ids)
    unknown = sorted(set(track_ids) - {track.track_id for track in known})
    if unknown:
        raise UnknownTrack(f"there is no track {_listed(unknown)}")
    kinds = comparing.weights.kinds()
    without = [track.track_id for track in known if not set(kinds) & track.vectors.keys()]
    if without:
        raise NotComparable(
            f"track {_listed(without)} has no vector of {' or '.join(kinds)} yet: run `rap-platform run`, or compare by another kind"
        )
    return known


def pools(
    comparing: Comparing, asked: Sequence[Known], filters: Mapping[str, Any], steps: Sequence[Reach]
) -> Iterator[list[Known]]:
    """Tracks near those asked about by any kind that counts, one for each song, without copies of those; further from step to step.

    Where every index ended in a step, the next one through them would find no more: then comes the one that reads all.
    """
    kinds = comparing.weights.kinds()
    ended = False
    for reach in steps:
        if ended and not reach.exactly:
            continue
        found = [comparing.candidates(kind, asked, filters, reach) for kind in kinds]
        ended = all(candidates.ended for candidates in found)
        known = comparing.known(list(dict.fromkeys(track_id for near in found for track_id in near.track_ids)))
        yield one_each(without_copies([track for track in known if not track.vectors.keys().isdisjoint(kinds)], asked))


def is_simulated(track: Known, kinds: Sequence[Kind]) -> bool:
    """Whether the track or a vector of these kinds is simulated."""
    return track.simulated or bool(track.simulated_kinds & set(kinds))


def _ranked(comparing: Comparing, asked: Sequence[Known], found: Sequence[Known]) -> list[Similar]:
    if not found:
        return []
    likeness = comparing.likeness(found, asked)
    ranked = []
    for row, track in enumerate(found):
        by = {kind: float(values[row, 0]) for kind, values in likeness.by.items() if not np.isnan(values[row, 0])}
        simulated = is_simulated(track, [kind for kind in KINDS if kind in by])
        ranked.append(
            Similar(track.track_id, track.artist, track.title, track.year, float(likeness.blend[row, 0]), by, simulated)
        )
    return sorted(ranked, key=lambda similar: (-similar.similarity, similar.track_id))


def _listed(track_ids: Sequence[int]) -> str:
    return ", ".join(map(str, track_ids))
