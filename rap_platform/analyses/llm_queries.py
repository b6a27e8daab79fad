"""The SQL by which models are compared: which tracks each of them reads."""

from typing import Any

import psycopg

from rap_platform.analyses.queries import Maker

Connection = psycopg.Connection[Any]

# Always the same tracks, whatever their number and whoever asks: so that all models read them.
SAMPLE = """
with sample as (
    select track_id, lyrics_sha256 from tracks where duplicate_of is null
    order by md5(source || ':' || source_id), track_id limit %(size)s
)
select s.track_id from sample s
where not exists (
    select from analysis_results a
    where a.track_id = s.track_id and a.analyzer = %(analyzer)s and a.model = %(model)s
      and a.prompt_version = %(prompt_version)s and a.input_sha256 = s.lyrics_sha256
)
order by s.track_id
"""


def pending_for_rival(conn: Connection, maker: Maker, size: int) -> list[int]:
    """The tracks of the sample that this model has not read yet."""
    parameters = {
        "size": size,
        "analyzer": maker.analyzer,
        "model": maker.model,
        "prompt_version": maker.prompt_version,
    }
    return [track_id for (track_id,) in conn.execute(SAMPLE, parameters)]
