"""SQL of the measurement of search quality: the songs of the library as the platform stored them."""

from typing import Any

import psycopg

_SONGS = """
select t.track_id, coalesce(t.duplicate_of, t.track_id), t.source_id, array_agg(s.text order by s.section_no)
from tracks t
join track_sections s using (track_id)
group by t.track_id
order by t.track_id
"""


def songs(conn: psycopg.Connection[Any]) -> list[tuple[int, int, str, list[str]]]:
    """Every track: track_id, the track it is a copy of (else itself), source_id, the texts of its sections."""
    return conn.execute(_SONGS).fetchall()
