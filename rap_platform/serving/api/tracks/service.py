"""Puts together everything known about one song, and the songs like it."""

import time
from functools import partial
from typing import Any

from psycopg import Connection

from rap_platform.embeddings.search.likeness import Kind
from rap_platform.embeddings.search.question import SearchError
from rap_platform.embeddings.search.similar import NotComparable as NoVector
from rap_platform.embeddings.search.similar import Similar, UnknownTrack, similar_by_kind, similar_tracks
from rap_platform.serving import queries
from rap_platform.serving.api.database import Pool, reading
from rap_platform.serving.api.problems import BadSearch, NotComparable, TrackNotFound
from rap_platform.serving.api.rhymes import rhyme_lines
from rap_platform.serving.api.search.service import said
from rap_platform.serving.api.services import Services
from rap_platform.serving.api.standing import kept, numbers, standing
from rap_platform.serving.api.tracks.comparing import Likenesses
from rap_platform.serving.api.tracks.schemas import (
    Provenance,
    SimilarAnswer,
    SimilarQuery,
    SimilarTrack,
    SimilarTracks,
    Track,
)

SIMILAR = 6
INTERNAL = {"track_id", "input_sha256"}


def get_track(pool: Pool | None, track_id: int) -> Track:
    """A song. Raises TrackNotFound, DatabaseAway."""
    return with_neighbours(pool, track_id)[0]


def with_neighbours(pool: Pool | None, track_id: int) -> tuple[Track, dict[Kind, list[SimilarTrack]]]:
    """A song, and the songs most like it by each kind that it has a vector of. Raises TrackNotFound, DatabaseAway."""
    with reading(pool) as conn:
        row = queries.track(conn, track_id)
        if row is None:
            raise TrackNotFound(f"No track has the number {track_id}.")
        similar = _neighbours(conn, track_id)
        parts = {
            "sections": queries.sections(conn, track_id),
            "features": _without(queries.features(conn, track_id)),
            "analyses": queries.analyses(conn, track_id),
            "ratings": queries.ratings(conn, track_id),
            "spotify": queries.spotify(conn, track_id),
            "audio": queries.audio(conn, track_id),
        }
    track = Track.model_validate(
        {
            **row,
            **parts,
            "rhymes": rhyme_lines(row["lyrics"]),
            "similar": similar.get("lyrics", []),
            "provenance": Provenance.model_validate(row),
        }
    )
    return track, similar


def _without(features: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if features is None else {key: value for key, value in features.items() if key not in INTERNAL}


def _neighbours(conn: Connection[Any], track_id: int) -> dict[Kind, list[SimilarTrack]]:
    try:
        found = similar_by_kind(conn, track_id, limit=SIMILAR)
    except SearchError:  # it has no vector yet
        return {}
    return {kind: [_shown(other) for other in others] for kind, others in found.items()}


async def similar(services: Services, track_id: int, question: SimilarQuery) -> SimilarAnswer:
    """The songs most like a song. Raises TrackNotFound, NotComparable, BadSearch, DatabaseAway."""
    started = time.perf_counter()
    at = await standing(services)
    find = partial(_find_similar, services, track_id, question)
    asked = f"{track_id} {question.model_dump_json()}"
    found, cached = await kept(
        services, "similar", at, asked, SimilarTracks, find, lambda found: [track_id, *numbers(found)]
    )
    return SimilarAnswer(
        track_id=track_id,
        by=question.by,
        count=len(found.results),
        results=found.results,
        release_id=at.release_id,
        encoder=at.encoder,
        cached=cached,
        processing_time_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _find_similar(services: Services, track_id: int, question: SimilarQuery) -> SimilarTracks:
    with reading(services.pool) as conn:
        try:
            found = similar_tracks(conn, track_id, question.weights(), limit=question.limit, among=question.among())
        except UnknownTrack as error:
            raise TrackNotFound(f"No track has the number {track_id}.") from error
        except NoVector as error:
            raise NotComparable(said(error)) from error
        except SearchError as error:
            raise BadSearch(said(error)) from error
    return SimilarTracks(results=[_shown(other) for other in found])


def _shown(other: Similar) -> SimilarTrack:
    return SimilarTrack(
        track_id=other.track_id,
        artist=other.artist,
        title=other.title,
        year=other.year,
        simulated=other.simulated,
        similarity=round(other.similarity, 4),
        by=Likenesses(**{kind: round(value, 4) for kind, value in other.by.items()}),
    )
