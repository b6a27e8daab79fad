"""What happens when people rate tracks."""

import dagster as dg
import psycopg

from rap_platform.orchestration.jobs import retrain
from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import NotConfigured
from rap_platform.training import rating_queries


@dg.sensor(
    job=retrain,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Learns again when marks were added, corrected or removed.",
)
def new_ratings(context: dg.SensorEvaluationContext, postgres: PostgresResource) -> dg.SensorResult | dg.SkipReason:
    try:
        with postgres.connection() as conn:
            state = rating_queries.state(conn)
    except (NotConfigured, psycopg.OperationalError) as error:
        return dg.SkipReason(f"the ratings could not be read: {error}")
    known, fired = _cursor(context.cursor)
    if known is None or known == state:
        return dg.SensorResult(skip_reason="no mark was added, corrected or removed", cursor=f"{fired} {state}")
    # Marks that come back to what they were are a change too: the number keeps their run key from being an old one.
    cursor = f"{fired + 1} {state}"
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=cursor)], cursor=cursor)


def _cursor(cursor: str | None) -> tuple[str | None, int]:
    """The state that was seen last and how many runs were asked for; a cursor of an older release says neither."""
    fired, _, state = (cursor or "").partition(" ")
    return (state, int(fired)) if state and fired.isdecimal() else (None, 0)


SENSORS = [new_ratings]
