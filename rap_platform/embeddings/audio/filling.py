"""Keeps the frozen scaler and scales audio features that have no vector yet. The arithmetic is in scaling.py."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector
from psycopg.types.json import Jsonb

from rap_platform.embeddings.audio import queries
from rap_platform.embeddings.audio.scaling import FEATURES, FEWEST_TRACKS, MOST_MISSING, PUBLISHED, Scaler, fit, missing

ROWS_PER_COMMIT = 2000
ALL_SLOTS = range(1024)


@dataclass(frozen=True)
class AudioFigures:
    """What a fill did: `imputed` counts the medians that stand in by feature, `incomplete` what skipped tracks lack."""

    tracks: int
    imputed: dict[str, int]
    skipped: int
    incomplete: dict[str, int]
    removed: int
    scaler: Scaler


@dataclass(frozen=True)
class Population:
    """How many tracks a scaler could be fitted to."""

    real: int
    simulated: int


def active_scaler(conn: psycopg.Connection[Any]) -> Scaler | None:
    """The scaler that vectors are made with, None before the first one."""
    row = conn.execute(queries.ACTIVE_SCALER).fetchone()
    if row is None:
        return None
    version, quantiles, tracks, simulated = row
    scaler = Scaler({name: tuple(quantiles[name]) for name in FEATURES}, tracks, simulated)
    if scaler.version != version:
        raise ValueError(f"the audio scaler {version} was changed after it was fitted: run `rap-platform scaler fit`")
    return scaler


def population(conn: psycopg.Connection[Any]) -> Population:
    """The tracks that have at least seven of the nine features, copies not counted."""
    counts = dict(conn.execute(queries.POPULATION).fetchall())
    return Population(real=counts.get(False, 0), simulated=counts.get(True, 0))


def fitted(conn: psycopg.Connection[Any]) -> Scaler:
    """The scaler of the tracks as they are now: of real ones when there are 200, else of 200 simulated ones, else PUBLISHED."""
    found = population(conn)
    if max(found.real, found.simulated) < FEWEST_TRACKS:
        return PUBLISHED
    simulated = found.real < FEWEST_TRACKS
    row = conn.execute(queries.FIT, {"shares": queries.SHARES, "simulated": simulated}).fetchone()
    if row is None:
        raise RuntimeError("an aggregate returned no row")
    counts = dict(zip(FEATURES, row[0::2], strict=True))
    quantiles = dict(zip(FEATURES, row[1::2], strict=True))
    return fit(quantiles, counts, simulated=simulated)


def ensure_scaler(conn: psycopg.Connection[Any]) -> Scaler:
    """The scaler in force; the first call fits it, and from then on it is frozen."""
    with conn.transaction():
        scaler = active_scaler(conn)
        if scaler is None:
            conn.execute(queries.LOCK_FITTING)
            scaler = active_scaler(conn) or _put_in_force(conn, fitted(conn))
        return scaler


def fill_audio(conn: psycopg.Connection[Any], slots: Sequence[int]) -> AudioFigures:
    """Scale the audio features of these slots into vectors, a batch a transaction.

    Up to two missing features are filled with the scaler's medians and named in `imputed`; a track that lacks more gets no
    vector and is counted by what it lacks.
    """
    with conn.transaction():
        removed = conn.execute(queries.DELETE_STALE, {"slots": list(slots)}).rowcount
    while (found := _fill(conn, ensure_scaler(conn), slots)) is None:
        pass  # the scaler was replaced meanwhile: begin anew with the one in force
    return found.figures(removed)


def refit(conn: psycopg.Connection[Any]) -> AudioFigures:
    """Fit the scaler to the tracks as they are now and make every vector again, in one transaction.

    Readers see the old vectors until all new ones are there; distances are never taken between two scalers. When the tracks
    give the scaler that is in force, no vector is written.
    """
    with conn.transaction():
        conn.execute(queries.LOCK_FITTING)
        scaler = fitted(conn)
        conn.execute(queries.RETIRE_SCALER)
        _put_in_force(conn, scaler)
        removed = conn.execute(queries.DELETE_STALE, {"slots": list(ALL_SLOTS)}).rowcount
        counted = _Counted(scaler)
        after: int | None = -1
        while after is not None:
            after = _fill_page(conn, ALL_SLOTS, after, counted)
        return counted.figures(removed)


class _Counted:
    def __init__(self, scaler: Scaler) -> None:
        self.scaler = scaler
        self.tracks = 0
        self.skipped = 0
        self.imputed: dict[str, int] = {}
        self.incomplete: dict[str, int] = {}

    def figures(self, removed: int) -> AudioFigures:
        return AudioFigures(self.tracks, self.imputed, self.skipped, self.incomplete, removed, self.scaler)


def _fill(conn: psycopg.Connection[Any], scaler: Scaler, slots: Sequence[int]) -> _Counted | None:
    """What was filled under this scaler; None when another one came into force before the end."""
    counted = _Counted(scaler)
    after: int | None = -1
    while after is not None:
        with conn.transaction():
            if conn.execute(queries.HOLD_SCALER).fetchone() != (scaler.version,):
                return None
            after = _fill_page(conn, slots, after, counted)
    return counted


def _put_in_force(conn: psycopg.Connection[Any], scaler: Scaler) -> Scaler:
    parameters = {
        "version": scaler.version,
        "quantiles": Jsonb(dict(scaler.quantiles)),
        "tracks": scaler.tracks,
        "simulated": scaler.simulated,
    }
    conn.execute(queries.STORE_SCALER, parameters)
    return scaler


def _fill_page(conn: psycopg.Connection[Any], slots: Sequence[int], after: int, counted: _Counted) -> int | None:
    """Scale the next tracks after number `after`; the last of them, None when there are no more."""
    scaler = counted.scaler
    parameters = {
        "version": scaler.version,
        "scaler_simulated": scaler.simulated,
        "slots": list(slots),
        "after": after,
        "limit": ROWS_PER_COMMIT,
    }
    rows = conn.execute(queries.PENDING, parameters).fetchall()
    if not rows:
        return None
    with conn.cursor() as cursor:
        cursor.executemany(queries.UPSERT, list(_scaled(rows, counted)))
    return int(rows[-1][0]) if len(rows) == ROWS_PER_COMMIT else None


def _scaled(rows: Sequence[tuple[Any, ...]], counted: _Counted) -> Iterator[dict[str, Any]]:
    scaler = counted.scaler
    values = np.array([row[2:-1] for row in rows], dtype=np.float64)
    for row, absent, vector in zip(rows, missing(values), scaler.scale(values), strict=True):
        seen = counted.imputed if len(absent) <= MOST_MISSING else counted.incomplete
        for name in absent:
            seen[name] = seen.get(name, 0) + 1
        if len(absent) > MOST_MISSING:
            counted.skipped += 1
            continue
        counted.tracks += 1
        yield {
            "track_id": row[0],
            "version": scaler.version,
            "input_sha256": row[-1],
            "embedding": HalfVector(vector),
            "imputed": list(absent),
            "simulated": row[1],
        }
