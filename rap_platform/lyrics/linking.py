"""Near-duplicates are linked in the database: what is new against what is there, a batch a transaction. SQL lives in link_queries."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import psycopg

from rap_platform.lyrics import link_queries
from rap_platform.lyrics.duplicates import (
    LINKER_VERSION,
    Hashes,
    Link,
    Song,
    band_keys,
    decide,
    may_be_near,
    released,
    shingles,
    signature,
    version_of,
)

BATCH: Final = 200
KEPT_TEXTS: Final = 2 * BATCH


@dataclass
class LinkReport:
    """What linking did: signatures computed, songs compared, links that changed."""

    signed: int = 0
    decided: int = 0
    links_changed: int = 0


def link_duplicates(conn: psycopg.Connection) -> LinkReport:
    """Link near-duplicates to their originals, within the real and within the simulated songs.

    The original is the song whose title names no version; of those the one released first, as far as that is known;
    of those the one that came first. Its copies follow it: a song that comes late and is older takes them over, and
    when it goes they are compared again. Songs that are neither new nor changed nor near one that is are not looked at.
    What is left to do is marked in the database, so that a run that was killed goes on where it was.
    """
    report = LinkReport()
    after = 0
    while texts := link_queries.unsigned_tracks(conn, LINKER_VERSION, after, BATCH):
        after = texts[-1].track_id
        link_queries.store_signatures(conn, [_signed(text) for text in texts])
        conn.commit()
        report.signed += len(texts)
    link_queries.reopen_freed(conn)
    conn.commit()
    for simulated in (False, True):
        while rows := link_queries.undecided_songs(conn, BATCH, simulated=simulated):
            _decide(conn, rows, report)
            conn.commit()
            report.decided += len(rows)
    conn.commit()
    return report


def _signed(text: link_queries.UnsignedTrack) -> link_queries.SignatureRow:
    return link_queries.SignatureRow(
        track_id=text.track_id, simulated=text.simulated, artist_id=text.artist_id, title=text.normalised_title, version=version_of(text.title),
        released=released(text.release_date, text.year), lyrics_sha256=text.lyrics_sha256, facts_sha256=text.facts_sha256,
        linker_version=LINKER_VERSION, signature=signature(shingles(text.lyrics)).astype("<u4").tobytes(),
    )  # fmt: skip


def _song(row: link_queries.SignedSong) -> Song:
    rank = (row.version is not None, row.released, row.track_id)
    sketch = np.frombuffer(row.signature, dtype="<u4").astype(np.uint32)
    return Song(row.track_id, row.artist_id, row.title, row.version, rank, sketch)


def _decide(conn: psycopg.Connection, rows: Sequence[link_queries.SignedSong], report: LinkReport) -> None:
    """Decide a batch, and mark those songs that have to be compared again because of it."""
    songs = {row.track_id: _song(row) for row in rows}
    keys = {track_id: band_keys(song.signature) for track_id, song in songs.items()}
    older = _with_songs(conn, link_queries.older_originals(conn, keys))
    links = decide(songs.values(), older, _reader(conn))
    report.links_changed += link_queries.store_decisions(
        conn, [_decision(row, links[row.track_id], keys) for row in rows]
    )
    risen = {row.track_id: keys[row.track_id] for row in rows if links[row.track_id] is None and not row.is_original}
    later = _with_songs(conn, link_queries.later_songs(conn, risen, list(songs)))
    link_queries.reopen(
        conn,
        sorted(
            {
                other.track_id
                for track_id, found in later.items()
                for other in found
                if may_be_near(songs[track_id], other)
            }
        ),
    )


def _decision(row: link_queries.SignedSong, link: Link | None, keys: dict[int, list[int]]) -> link_queries.Decision:
    return link_queries.Decision(
        row.track_id,
        link.original_id if link else None,
        link.score if link else None,
        was_original=row.is_original,
        keys=keys[row.track_id],
    )


def _with_songs(conn: psycopg.Connection, pairs: Sequence[tuple[int, int]]) -> dict[int, list[Song]]:
    songs = {row.track_id: _song(row) for row in link_queries.signed_songs(conn, sorted({other for _, other in pairs}))}
    found: dict[int, list[Song]] = defaultdict(list)
    for track_id, other in pairs:
        found[track_id].append(songs[other])
    return found


def _reader(conn: psycopg.Connection) -> Callable[[int], Hashes]:
    @lru_cache(maxsize=KEPT_TEXTS)
    def hashes_of(track_id: int) -> Hashes:
        return shingles(link_queries.lyrics_of(conn, track_id))

    return hashes_of
