"""Finds tracks whose audio features have no vector yet and scales them. The scaler is in audio.py, the asset in audio_assets.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from pgvector import HalfVector

from rap_platform.embeddings import audio, audio_queries

ROWS_PER_COMMIT = 1000


@dataclass(frozen=True)
class AudioFigures:
    """What a fill of audio vectors did; `incomplete` counts tracks by the feature they lack."""

    tracks: int
    skipped: int
    incomplete: dict[str, int]
    removed: int


def fill_audio(conn: psycopg.Connection[Any], slots: Sequence[int]) -> AudioFigures:
    """Scale the audio features of these slots into vectors; a track that lacks a feature gets none and is counted."""
    parameters = {"slots": list(slots), "scaler_version": audio.SCALER_VERSION}
    with conn.transaction():
        removed = conn.execute(audio_queries.DELETE_STALE_AUDIO, parameters).rowcount
        rows = conn.execute(audio_queries.PENDING_AUDIO, parameters).fetchall()
    incomplete: dict[str, int] = {}
    skipped = 0
    complete = []
    for track_id, simulated, *values, input_sha256 in rows:
        features = dict(zip(audio.FEATURES, values, strict=True))
        absent = audio.missing(features)
        for name in absent:
            incomplete[name] = incomplete.get(name, 0) + 1
        if absent:
            skipped += 1
            continue
        vector = HalfVector(audio.scale(features))
        complete.append(
            {"track_id": track_id, "scaler_version": audio.SCALER_VERSION, "input_sha256": input_sha256}
            | {"embedding": vector, "simulated": simulated}
        )
    for start in range(0, len(complete), ROWS_PER_COMMIT):
        with conn.transaction(), conn.cursor() as cursor:
            cursor.executemany(audio_queries.UPSERT_AUDIO_VECTOR, complete[start : start + ROWS_PER_COMMIT])
    return AudioFigures(len(complete), skipped, incomplete, removed)
