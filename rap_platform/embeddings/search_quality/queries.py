"""SQL of the measurement of search quality: the songs of the library as the platform stored them."""

from typing import Any

import psycopg

_SONGS = """
select track_id, coalesce(duplicate_of, track_id), source_id, lyrics
from tracks
order by track_id
"""


def songs(conn: psycopg.Connection[Any]) -> list[tuple[int, int, str, str]]:
    """Every track: track_id, the track it is a copy of (else itself), source_id, lyrics as cleaned."""
    return conn.execute(_SONGS).fetchall()
