"""How alike tracks are, on one scale for lyrics, sound and analysis. Who is compared with whom is decided elsewhere.

A similarity is 1 - d^2 / E[d^2], where d is the distance of two vectors and E[d^2] its mean over pairs of songs drawn at random:
1 is the same, 0 no more alike than any two songs, below 0 less. For vectors about their mean that is the cosine, so that a
cosine of lyrics and a distance of sounds can be added. E[d^2] = 2 (E|v|^2 - |E v|^2) comes from a sample of the songs.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, wraps
from typing import Any, Literal, ParamSpec, TypeVar, get_args

import numpy as np
import numpy.typing as npt
import psycopg
from pgvector import HalfVector

from rap_platform.embeddings.encoders.serving import serving
from rap_platform.embeddings.search import queries, similar_queries
from rap_platform.embeddings.search.question import SearchError
from rap_platform.lyrics.identity import normalise, slug

Kind = Literal["lyrics", "audio", "analysis"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NEAR_DUPLICATE = 0.95  # cosine of lyrics above which two songs count as one: versions in the world have 0.97 and more, others 0.81 at most
FEWEST_SAMPLED = 20
LEAST_BREADTH = 40
MOST_READ = 1000  # tracks of each kind whose vectors are compared, when few of each artist are looked for far away
SPREADS_LAST_S = 600.0
FEW_LAST_S = 10.0  # where a kind has too few songs to sample
# Until there are enough songs to sample: unit vectors at right angles, and nine independent numbers spread evenly over 0..1.
USUAL_SPREAD: Mapping[Kind, float] = {"lyrics": 2.0, "audio": 1.5, "analysis": 2.0}

Matrix = npt.NDArray[np.float64]
Copies = npt.NDArray[np.bool_]
P = ParamSpec("P")
T = TypeVar("T")

# Until when what was measured holds, by server, database and encoder: it changes with the library, not from question to question.
_SPREADS: dict[tuple[str, int, str, str], tuple[float, Mapping[Kind, float]]] = {}


@dataclass(frozen=True)
class Weights:
    """How much each kind counts when tracks are compared; only their ratios matter."""

    lyrics: float = 0.5
    audio: float = 0.25
    analysis: float = 0.25

    def __post_init__(self) -> None:
        values = [getattr(self, field.name) for field in fields(self)]
        if not all(math.isfinite(value) and value >= 0 for value in values) or sum(values) <= 0:
            raise SearchError(f"the weights are {values}: none may be below 0, and one must be above it")

    @classmethod
    def only(cls, kind: Kind) -> "Weights":
        """The weights that compare by one kind alone."""
        return cls(**{name: float(name == kind) for name in KINDS})

    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that count."""
        return tuple(kind for kind in KINDS if getattr(self, kind) > 0)


@dataclass(frozen=True)
class Among:
    """Which tracks may be an answer; `without_artists` are names, `other_artists` leaves out the artists asked about."""

    simulated: bool | None = None
    language: str | None = None
    without_artists: tuple[str, ...] = ()
    other_artists: bool = False


@dataclass(frozen=True)
class Known:
    """A track as comparing needs it; `original_id` is the track it is a copy of, else its own."""

    track_id: int
    original_id: int
    artist_id: int
    artist: str
    title: str
    year: int | None
    simulated: bool
    vectors: Mapping[Kind, npt.NDArray[np.float32]]
    simulated_kinds: frozenset[Kind]


@dataclass(frozen=True)
class Likeness:
    """Similarities of tracks (rows) to others (columns): `by` kind with NaN where a vector lacks, and `blend` of them.

    A pair is blended over the kinds that both have; a pair that shares none is as alike as any two songs, 0.
    """

    by: Mapping[Kind, Matrix]
    blend: Matrix


@dataclass(frozen=True)
class Reach:
    """How far candidates are looked for: the `each` nearest to each track asked about, at most `of_artist` by one artist.

    `exactly` reads all vectors for the `each` nearest to the mean of those asked about; with `of_artist` that many of all artists'.
    """

    each: int
    of_artist: int | None = None
    exactly: bool = False


@dataclass(frozen=True)
class Candidates:
    """Numbers of tracks, each once, about the nearest first; `ended` says that the index gave fewer than were asked of it."""

    track_ids: Sequence[int]
    ended: bool


class Comparing:
    """Reads tracks and compares them, with the vectors of the encoder that serves; for one transaction."""

    def __init__(self, conn: psycopg.Connection[Any], weights: Weights) -> None:
        self.conn = conn
        self.weights = weights
        conn.execute(queries.OPENING)
        self.serving = serving(conn)
        self.encoder = self.serving.name
        self.vectors = similar_queries.vectors(self.encoder)

    def known(self, track_ids: Sequence[int]) -> list[Known]:
        """The tracks of these numbers in their order; those that do not exist are left out."""
        with self.conn.cursor(binary=True) as cursor:
            rows = cursor.execute(similar_queries.tracks(self.encoder), {"track_ids": list(track_ids)}).fetchall()
        found = {row[0]: _known(row) for row in rows}
        return [found[track_id] for track_id in track_ids if track_id in found]

    def likeness(self, rows: Sequence[Known], columns: Sequence[Known]) -> Likeness:
        """How alike the tracks are."""
        kinds = self.weights.kinds()
        return self._likeness({kind: (_matrix(rows, kind), _matrix(columns, kind)) for kind in kinds})

    def among_themselves(self, tracks: Sequence[Known]) -> tuple[Callable[[int], Matrix], Callable[[int], Copies]]:
        """Two functions of a place in `tracks`: how alike that track is to all (n,), and which of all are copies of it (n,)."""
        matrices = {kind: _matrix(tracks, kind) for kind in {*self.weights.kinds(), "lyrics"}}
        originals = np.array([known.original_id for known in tracks])

        def alike(place: int) -> Matrix:
            kinds = self.weights.kinds()
            pairs = {kind: (matrices[kind][place : place + 1], matrices[kind]) for kind in kinds}
            return self._likeness(pairs).blend.reshape(-1)

        def copies(place: int) -> Copies:
            lyrics = matrices["lyrics"]
            own = slice(place, place + 1)
            return _copies(originals[own], originals, _squares(lyrics[own], lyrics)).reshape(-1)

        return alike, copies

    def _likeness(self, pairs: Mapping[Kind, tuple[Matrix, Matrix]]) -> Likeness:
        by = {kind: 1 - _squares(one, other) / self.spreads[kind] for kind, (one, other) in pairs.items()}
        total = weight = np.zeros(())
        for kind, found in by.items():
            total = total + np.where(np.isnan(found), 0.0, found) * getattr(self.weights, kind)
            weight = weight + np.where(np.isnan(found), 0.0, getattr(self.weights, kind))
        return Likeness(by, np.divide(total, weight, out=np.zeros_like(total), where=weight > 0))

    @cached_property
    def spreads(self) -> Mapping[Kind, float]:
        """The mean squared distance of two tracks drawn at random, by kind."""
        info = self.conn.info
        key = (info.host, info.port, info.dbname, self.encoder)
        until, spreads = _SPREADS.get(key, (-math.inf, {}))
        if time.monotonic() > until:
            rows = self.conn.execute(similar_queries.spreads(self.encoder)).fetchall()
            spreads = {
                kind: float(spread) if count >= FEWEST_SAMPLED and spread > 1e-3 else USUAL_SPREAD[kind]
                for kind, spread, count in rows
            }
            enough = all(count >= FEWEST_SAMPLED for _, _, count in rows)
            _SPREADS[key] = (time.monotonic() + (SPREADS_LAST_S if enough else FEW_LAST_S), spreads)
        return spreads

    def candidates(self, kind: Kind, asked: Sequence[Known], among: Mapping[str, Any], reach: Reach) -> Candidates:
        """The tracks near those asked about by one kind, none of them a copy of these."""
        vectors = [known.vectors[kind] for known in asked if kind in known.vectors]
        if not vectors:
            return Candidates([], ended=True)
        parameters = {**among, "originals": [known.original_id for known in asked], "candidates": reach.each}
        if reach.exactly:
            statement = similar_queries.nearest_exactly(self.vectors[kind], _names(among))
            parameters["vector"] = HalfVector(np.mean(vectors, axis=0))
        else:
            # Of many tracks' neighbours few reach an answer, so each search may be a quick one.
            breadth = self.serving.ef_search(self.vectors[kind].index) if len(vectors) == 1 else LEAST_BREADTH
            ef_search = min(1000, max(breadth, reach.each))
            self.conn.execute(similar_queries.BREADTH, {"ef_search": str(ef_search)})
            statement = similar_queries.nearest(self.vectors[kind], _names(among))
            parameters["vectors"] = [HalfVector(vector) for vector in vectors]
        if reach.of_artist is not None:
            statement = similar_queries.few_of_each(statement)
            parameters |= {"of_artist": reach.of_artist, "most": MOST_READ}
            if reach.exactly:
                parameters["candidates"] = None
        rows = self.conn.execute(statement, parameters).fetchall()
        return Candidates(list(dict.fromkeys(row[0] for row in rows)), ended=len(rows) < reach.each * len(vectors))

    def filters(self, among: Among, asked: Sequence[Known]) -> dict[str, Any]:
        """The filters as parameters. Raises SearchError that names an artist nobody knows."""
        found: dict[str, Any] = {}
        if among.simulated is not None:
            found["simulated"] = among.simulated
        if among.language is not None:
            found["language"] = among.language
        artist_ids = {known.artist_id for known in asked} if among.other_artists else set()
        names = list(among.without_artists)
        named = {
            "names": names,
            "normalised": [normalise(name) for name in names],
            "slugs": [slug(name) for name in names],
        }
        for name, ids in self.conn.execute(similar_queries.ARTISTS_NAMED, named).fetchall():
            if not ids:
                raise SearchError(f"no artist is called {name!r}, so nothing of theirs can be left out")
            artist_ids.update(ids)
        if artist_ids:
            found["without_artists"] = sorted(artist_ids)
        return found


def again_if_dropped(find: Callable[P, T]) -> Callable[P, T]:
    """`find`, once more where searches were switched to another encoder and the tables of this one dropped meanwhile."""

    @wraps(find)
    def found(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return find(*args, **kwargs)
        except psycopg.errors.UndefinedTable:
            return find(*args, **kwargs)

    return found


def without_copies(found: Sequence[Known], others: Sequence[Known]) -> list[Known]:
    """The tracks that are no copies of the others."""
    if not found or not others:
        return list(found)
    copies = near_duplicates(found, others)
    return [track for place, track in enumerate(found) if not copies[place].any()]


def near_duplicates(rows: Sequence[Known], columns: Sequence[Known]) -> Copies:
    """Which tracks (rows) are copies of which others (columns), by their original or their lyrics."""
    one, other = (np.array([known.original_id for known in tracks]) for tracks in (rows, columns))
    return _copies(one, other, _squares(_matrix(rows, "lyrics"), _matrix(columns, "lyrics")))


def one_each(found: Sequence[Known]) -> list[Known]:
    """The tracks without copies: of those that stand for one original the original itself, else the first."""
    chosen: dict[int, Known] = {}
    for known in found:
        if known.original_id not in chosen or known.track_id == known.original_id:
            chosen[known.original_id] = known
    return list(chosen.values())


def _names(among: Mapping[str, Any]) -> list[str]:
    return [name for name in similar_queries.FILTERS if name in among]


def _known(row: tuple[Any, ...]) -> Known:
    track_id, original_id, artist_id, artist, title, year, simulated, *stored = row
    found = dict(zip(KINDS, zip(stored[0::2], stored[1::2], strict=True), strict=True))
    return Known(
        track_id,
        original_id,
        artist_id,
        artist,
        title,
        year,
        simulated,
        {kind: vector.to_numpy().astype(np.float32) for kind, (vector, _) in found.items() if vector is not None},
        frozenset(kind for kind, (_, made_up) in found.items() if made_up),
    )


def _matrix(tracks: Sequence[Known], kind: Kind) -> Matrix:
    """The vectors as rows; NaN where a track has none."""
    dimension = max((known.vectors[kind].size for known in tracks if kind in known.vectors), default=1)
    absent = np.full(dimension, np.nan)
    return np.array([known.vectors.get(kind, absent) for known in tracks], dtype=np.float64).reshape(-1, dimension)


def _squares(one: Matrix, other: Matrix) -> Matrix:
    """The squared distances of rows to rows; NaN where one has no vector."""
    if one.shape[1] != other.shape[1]:  # one side has no vector of this kind at all
        return np.full((len(one), len(other)), np.nan)
    lengths = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :]
    return np.asarray(np.maximum(lengths - 2 * one @ other.T, 0.0))


def _copies(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64], squares: Matrix) -> Copies:
    """By numbers of originals, or by squared distances of lyrics, which have length 1; NaN is no copy."""
    return np.asarray(np.equal.outer(one, other) | (1 - squares / 2 > NEAR_DUPLICATE))
