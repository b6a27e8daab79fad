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
    description="Learns again when marks were added, changed or taken back.",
)
def new_ratings(context: dg.SensorEvaluationContext, postgres: PostgresResource) -> dg.SensorResult | dg.SkipReason:
    try:
        with postgres.connection() as conn:
            state = rating_queries.state(conn)
    except (NotConfigured, psycopg.OperationalError) as error:
        return dg.SkipReason(f"the ratings could not be read: {error}")
    if context.cursor is None or context.cursor == state:
        return dg.SensorResult(skip_reason="no new ratings", cursor=state)
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=state)], cursor=state)


SENSORS = [new_ratings]
