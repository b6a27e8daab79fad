"""The SQL of asking LLMs beyond the first time: samples for comparison, what failed before a run, what a run answered and lost."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
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


FAILED = """
select track_id from analysis_results
where track_id = any(%(track_ids)s) and analyzer = %(analyzer)s and model = %(model)s and prompt_version = %(prompt_version)s
  and status = 'failed' and created_at < %(since)s
"""

ANSWERED = """
select request_sha256 from llm_calls where state = 'answered' and purpose = %(purpose)s and started_at >= %(since)s
"""

LOST = "select coalesce(sum(most_usd), 0)::float8 from llm_calls where owner = %(owner)s and state = 'lost'"


@dataclass(frozen=True)
class Retry:
    """The tracks that failed before a run that asks them anew, and the digests of what it answered: that is not asked again."""

    failed: frozenset[int]
    answered: set[str]


def retry(conn: Connection, maker: Maker, track_ids: Sequence[int], since: dt.datetime, purpose: str) -> Retry:
    """Of these tracks those that failed before `since`, and what was answered for `purpose` from then on."""
    parameters = {
        "track_ids": list(track_ids),
        "analyzer": maker.analyzer,
        "model": maker.model,
        "prompt_version": maker.prompt_version,
        "since": since,
    }
    failed = frozenset(track_id for (track_id,) in conn.execute(FAILED, parameters))
    answered = {sha256 for (sha256,) in conn.execute(ANSWERED, {"purpose": purpose, "since": since})}
    return Retry(failed, answered)


def lost_usd(conn: Connection, owner: int) -> float:
    """The most that the lost calls of one client can have cost."""
    row = conn.execute(LOST, {"owner": owner}).fetchone()
    return float(row[0]) if row else 0.0
