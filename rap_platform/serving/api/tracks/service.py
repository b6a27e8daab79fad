"""Puts together everything known about one song."""

from typing import Any

from psycopg import Connection

from rap_platform.embeddings.search.likeness import Weights
from rap_platform.embeddings.search.question import SearchError
from rap_platform.embeddings.search.similar import similar_tracks
from rap_platform.serving import queries
from rap_platform.serving.api.database import Pool, reading
from rap_platform.serving.api.problems import TrackNotFound
from rap_platform.serving.api.rhymes import rhyme_lines
from rap_platform.serving.api.tracks.schemas import Provenance, SimilarTrack, Track

SIMILAR = 6
INTERNAL = {"track_id", "input_sha256"}


def get_track(pool: Pool | None, track_id: int) -> Track:
    """A song. Raises TrackNotFound, DatabaseAway."""
    with reading(pool) as conn:
        row = queries.track(conn, track_id)
        if row is None:
            raise TrackNotFound(f"No track has the number {track_id}.")
        similar = _similar(conn, track_id)
        parts = {
            "sections": queries.sections(conn, track_id),
            "features": _without(queries.features(conn, track_id)),
            "analyses": queries.analyses(conn, track_id),
            "ratings": queries.ratings(conn, track_id),
            "spotify": queries.spotify(conn, track_id),
            "audio": queries.audio(conn, track_id),
        }
    return Track.model_validate(
        {
            **row,
            **parts,
            "rhymes": rhyme_lines(row["lyrics"]),
            "similar": similar,
            "provenance": Provenance.model_validate(row),
        }
    )


def _without(features: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if features is None else {key: value for key, value in features.items() if key not in INTERNAL}


def _similar(conn: Connection[Any], track_id: int) -> list[SimilarTrack]:
    try:
        found = similar_tracks(conn, track_id, Weights.only("lyrics"), limit=SIMILAR)
    except SearchError:  # it has no vector yet
        return []
    return [
        SimilarTrack(
            track_id=other.track_id,
            artist=other.artist,
            title=other.title,
            year=other.year,
            simulated=other.simulated,
            similarity=round(other.similarity, 4),
        )
        for other in found
    ]
