"""Songs for somebody who named songs they like. How alike tracks are is in likeness.py, how a list is chosen in diversity.py."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from rap_platform.embeddings.search.diversity import choose
from rap_platform.embeddings.search.likeness import (
    Among,
    Comparing,
    Kind,
    Known,
    Likeness,
    Matrix,
    Reach,
    Weights,
    again_if_dropped,
    without_copies,
)
from rap_platform.embeddings.search.question import MAX_LIMIT, SearchError
from rap_platform.embeddings.search.similar import comparable, is_simulated, pools

MOST_LIKED = 50
MOST_DISLIKED = 50
DIVERSITY = 0.3
PER_ARTIST = 2
SECOND_LIKED = 0.5  # a song is worth its likeness to the nearest liked song and half of that to the next, over 1.5
DISLIKED_SHARE = (
    0.5  # of the likeness to a disliked song that is taken off: as in Rocchio's formula, less than likes add
)
CANDIDATES = 200  # of all liked songs together, from each index
FEWEST_EACH = 10
FAR = 2000  # of all liked songs together, from each index, where those are of too few artists
OF_ARTIST = 5  # times the songs that one artist may have: so many are looked at far away, some may be copies of others
CHOSEN_FROM = 20  # times the songs wanted: the nearest ones, among which variety is looked for
SECOND_REASON = 0.8  # of the first one's strength


@dataclass(frozen=True)
class Taste:
    """What somebody likes and how the list should be; track numbers, `diversity` from 0 (alike) to 1 (varied)."""

    liked: tuple[int, ...]
    disliked: tuple[int, ...] = ()
    diversity: float = DIVERSITY
    per_artist: int = PER_ARTIST
    limit: int = 10


@dataclass(frozen=True)
class Reason:
    """Why a song is recommended: `similarity` to a liked song by one kind of comparing."""

    track_id: int
    artist: str
    title: str
    kind: Kind
    similarity: float


@dataclass(frozen=True)
class Recommendation:
    """A song, with how near it is to what is liked (at most 1) and to which liked songs by what.

    `simulated` says that the song, or a vector it was compared by, was made by the simulated world.
    """

    track_id: int
    artist: str
    title: str
    year: int | None
    score: float
    reasons: tuple[Reason, ...]
    simulated: bool


@again_if_dropped
def recommend(
    conn: psycopg.Connection[Any], taste: Taste, weights: Weights | None = None, *, among: Among | None = None
) -> list[Recommendation]:
    """Songs near the liked ones, varied, none nearly the same as a liked, disliked or recommended one.

    Candidates are the nearest neighbours of every liked song by each kind that counts; where the limit per artist leaves too few
    of them, a few of each artist from farther away. Fewer than `limit` come only where no more pass the filters and that limit, or
    where what is nearest of the artists left are copies.
    Raises UnknownTrack and NotComparable that name the tracks, SearchError for numbers out of range.
    """
    _check(taste)
    with conn.transaction():
        comparing = Comparing(conn, weights or Weights())
        liked = comparable(comparing, list(dict.fromkeys(taste.liked)))
        disliked = comparable(comparing, list(dict.fromkeys(taste.disliked)))
        filters = comparing.filters(among or Among(), liked)
        each = max(FEWEST_EACH, math.ceil(max(CANDIDATES, 4 * taste.limit) / len(liked)))
        found: list[Recommendation] = []
        of_artist = OF_ARTIST * taste.per_artist
        far = Reach(max(each, math.ceil(FAR / len(liked))), of_artist)
        for near in pools(comparing, liked, filters, (Reach(each), far, Reach(far.each, of_artist, exactly=True))):
            found = _chosen(comparing, taste, without_copies(near, disliked), liked, disliked)
            if len(found) == taste.limit:
                break
        return found


def _check(taste: Taste) -> None:
    if not 1 <= len(taste.liked) <= MOST_LIKED:
        raise SearchError(f"{len(taste.liked)} liked songs are named, must be 1 to {MOST_LIKED}")
    if len(taste.disliked) > MOST_DISLIKED:
        raise SearchError(f"{len(taste.disliked)} disliked songs are named, at most {MOST_DISLIKED} count")
    both = sorted(set(taste.liked) & set(taste.disliked))
    if both:
        raise SearchError(f"track {', '.join(map(str, both))} is both liked and disliked: name it once")
    if not 0 <= taste.diversity <= 1:
        raise SearchError(f"diversity is {taste.diversity}, must be 0 to 1")
    if not 1 <= taste.limit <= MAX_LIMIT:
        raise SearchError(f"limit is {taste.limit}, must be 1 to {MAX_LIMIT}")
    if taste.per_artist < 1:
        raise SearchError(f"per_artist is {taste.per_artist}, must be at least 1")


def _chosen(
    comparing: Comparing, taste: Taste, found: Sequence[Known], liked: Sequence[Known], disliked: Sequence[Known]
) -> list[Recommendation]:
    if not found:
        return []
    likeness = comparing.likeness(found, liked)
    relevance = _nearness(likeness.blend)
    if disliked:
        near = comparing.likeness(found, disliked).blend.max(axis=1)
        relevance = relevance - DISLIKED_SHARE * np.maximum(near, 0.0)
    order = np.argsort(-relevance, kind="stable")
    places = _varied(comparing, taste, found, relevance, order[: CHOSEN_FROM * taste.limit])
    if len(places) < taste.limit:
        places = _varied(comparing, taste, found, relevance, order)
    return [
        _told(found[place], float(relevance[place]), likeness, place, _reasons(comparing, likeness, liked, place))
        for place in places
    ]


def _varied(
    comparing: Comparing, taste: Taste, found: Sequence[Known], relevance: Matrix, among: npt.NDArray[np.intp]
) -> list[int]:
    """The places of the songs chosen among those at the places given."""
    tracks = [found[place] for place in among]
    alike, copies = comparing.among_themselves(tracks)
    chosen = choose(
        relevance[among],
        alike,
        copies,
        np.array([track.artist_id for track in tracks]),
        diversity=taste.diversity,
        limit=taste.limit,
        per_group=taste.per_artist,
    )
    return [int(among[place]) for place in chosen]


def _nearness(alike: Matrix) -> Matrix:
    """What a candidate is worth: near one liked song is enough, near two is more; the others may be of another taste."""
    nearest = -np.sort(-alike, axis=1)[:, :2]
    if nearest.shape[1] == 1:
        return np.asarray(nearest[:, 0])
    return np.asarray((nearest[:, 0] + SECOND_LIKED * nearest[:, 1]) / (1 + SECOND_LIKED))


def _told(track: Known, score: float, likeness: Likeness, row: int, reasons: tuple[Reason, ...]) -> Recommendation:
    simulated = is_simulated(track, [kind for kind, values in likeness.by.items() if not np.isnan(values[row]).all()])
    return Recommendation(track.track_id, track.artist, track.title, track.year, score, reasons, simulated)


def _reasons(comparing: Comparing, likeness: Likeness, liked: Sequence[Known], row: int) -> tuple[Reason, ...]:
    """The liked song and the kind that say most for a candidate, and a second song that says nearly as much."""
    pairs = [
        (float(getattr(comparing.weights, kind) * values[row, column]), kind, column)
        for kind, values in likeness.by.items()
        for column in range(len(liked))
        if not np.isnan(values[row, column])
    ]
    if not pairs:
        return ()
    pairs.sort(key=lambda pair: -pair[0])
    strength, _, first = pairs[0]
    second = [pair for pair in pairs if pair[2] != first and pair[0] >= SECOND_REASON * strength > 0][:1]
    return tuple(
        Reason(liked[at].track_id, liked[at].artist, liked[at].title, kind, float(likeness.by[kind][row, at]))
        for _, kind, at in [pairs[0], *second]
    )
