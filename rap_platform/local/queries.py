"""The SQL of the embedded stack: what the platform holds, and what dead processes left in Dagster's storage."""

import psycopg

COUNTS = {
    "artists": "select count(*) from artists",
    "songs fetched": "select count(*) from raw_songs where status = 'ok'",
    "songs without lyrics": "select count(*) from raw_songs where status <> 'ok'",
    "songs set aside": "select count(*) from set_aside",
    "tracks": "select count(*) from tracks",
    "of which duplicates": "select count(*) from tracks where duplicate_of is not null",
    "sections": "select count(*) from track_sections",
    "section vectors": "select count(*) from section_vectors_minilm",
    "track vectors": "select count(*) from track_vectors_minilm",
    "tracks with lyric features": "select count(distinct track_id) from lyric_features",
    "tracks found on Spotify": "select count(*) from spotify_tracks where spotify_id is not null",
    "analyses": "select count(*) from analysis_results where status = 'ok'",
    "analyses failed": "select count(*) from analysis_results where status = 'failed'",
    "ratings": "select count(*) from ratings",
    "datasets": "select count(*) from dataset_versions",
    "evaluations": "select count(*) from evaluations",
    "serving releases": "select count(*) from serving_releases",
}

LEFT_RUNNING = """
    select count(*) from runs where status in ('STARTING', 'STARTED', 'CANCELING')
"""
LEFT_HOLDING = """
    select distinct slots.run_id
    from concurrency_slots slots left join runs on runs.run_id = slots.run_id
    where slots.run_id is not null and not slots.deleted
      and (runs.status is null or runs.status in ('SUCCESS', 'FAILURE', 'CANCELED'))
    union
    select distinct steps.run_id
    from pending_steps steps left join runs on runs.run_id = steps.run_id
    where runs.status is null or runs.status in ('SUCCESS', 'FAILURE', 'CANCELED')
"""


def counts(dsn: str) -> dict[str, int]:
    """How many rows of each kind the platform holds."""
    with psycopg.connect(dsn, connect_timeout=5) as conn:
        return {name: int(conn.execute(statement).fetchone()[0]) for name, statement in COUNTS.items()}  # type: ignore[index]


def left_running(dagster_dsn: str) -> int:
    """Runs that Dagster's storage calls running; 0 when the storage has no tables yet."""
    with psycopg.connect(dagster_dsn, connect_timeout=5) as conn:
        if conn.execute("select to_regclass('runs')").fetchone() == (None,):
            return 0
        row = conn.execute(LEFT_RUNNING).fetchone()
        return int(row[0]) if row else 0


def left_holding(dagster_dsn: str) -> list[str]:
    """Runs that are over or gone and still hold or await a pool's slot."""
    with psycopg.connect(dagster_dsn, connect_timeout=5) as conn:
        if conn.execute("select to_regclass('concurrency_slots')").fetchone() == (None,):
            return []
        return [str(run_id) for (run_id,) in conn.execute(LEFT_HOLDING)]
