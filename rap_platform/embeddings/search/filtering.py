"""Filters as SQL over track_facts, and the few tracks that pass when they are few."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from rap_platform.embeddings.search import queries
from rap_platform.embeddings.search.question import RATINGS, Filters
from rap_platform.lyrics.identity import normalise, slug

# Reading all vectors of p tracks grows with p, finding 100 of them among T through the index with T / p: so up to a multiple of
# the square root of T. At 57,718 tracks 1,459 cost 0.66 of a search without filters when read and 9 times that through the index;
# the two meet at about 24 roots, but the sides by words and sound want the tracks to be few.
FEW_PER_ROOT = 12.0
LEAST_FEW = 1500
LOOKED_AT = 500  # newest tracks that tell which share of all passes


@dataclass(frozen=True)
class Filtering:
    """What every side adds to its statement, over the alias `f` of track_facts.

    `where` is "" or " and f.year >= %(year_from)s ...", with its `parameters`. `track_ids` are all tracks that pass when they
    are so few that a side does better to read their sections and no others; None when they are many or when nothing filters.
    `passing` is about the share of tracks that pass where they are many, above 0 and up to 1.
    """

    where: str
    parameters: Mapping[str, Any]
    track_ids: list[int] | None
    passing: float = 1.0


UNFILTERED = Filtering("", {}, None)


def filtering(conn: psycopg.Connection[Any], filters: Filters) -> Filtering:
    """The filters as SQL, with the tracks that pass when these are few; an artist who is not there leaves no track."""
    if not filters.set_names():
        return UNFILTERED
    conditions = dict(_conditions(filters, _artist_ids(conn, filters)))
    where = "".join(f" and {queries.CONDITIONS[name]}" for name in conditions)
    parameters = {name: value for values in conditions.values() for name, value in values.items()}
    if not where:
        return UNFILTERED
    few = _few(conn)
    rows = conn.execute(queries.passing(where), {**parameters, "most": few + 1}).fetchall()
    if len(rows) <= few:
        return Filtering(where, parameters, [row[0] for row in rows])
    newest = conn.execute(queries.passing_of_newest(where), {**parameters, "looked_at": LOOKED_AT}).fetchone()
    passed, seen = newest or (0, 0)
    return Filtering(where, parameters, None, (passed + 1) / (seen + 1))


def _few(conn: psycopg.Connection[Any]) -> int:
    """Up to how many tracks are few, by the planner's estimate of all."""
    row = conn.execute(queries.TRACKS_ABOUT).fetchone()
    return max(LEAST_FEW, round(FEW_PER_ROOT * math.sqrt(row[0] if row else 0)))


def _artist_ids(conn: psycopg.Connection[Any], filters: Filters) -> list[int]:
    if filters.artist is None:
        return []
    named = {"name": normalise(filters.artist), "slugs": [filters.artist.strip().lower(), slug(filters.artist)]}
    return [row[0] for row in conn.execute(queries.ARTISTS_NAMED, named).fetchall()]


def _conditions(filters: Filters, artist_ids: list[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The conditions that the filters set, by their name in queries.CONDITIONS, each with its parameters."""
    if filters.artist is not None:
        whose = {"artist_ids": artist_ids}
        if filters.include_features:
            yield "artist_or_guest", whose | {"artist_names": [normalise(filters.artist)]}
        else:
            yield "artist", whose
    for name in ("featuring", "not_featuring"):
        guest = getattr(filters, name)
        if guest is not None:
            yield name, {name: [normalise(guest)]}
    if filters.rating is not None:
        yield "rating", {"ratings": list(RATINGS[: RATINGS.index(filters.rating) + 1])}
    for name in ("mood", "theme"):
        if getattr(filters, name) is not None:
            yield name, {name: [getattr(filters, name).strip()]}
    for name in ("year_from", "year_to", "language", "explicit", "simulated"):
        if getattr(filters, name) is not None:
            yield name, {name: getattr(filters, name)}
