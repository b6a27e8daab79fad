"""What happens when the LLM may be asked again: the work that a long wait cut short is taken up, once per wait."""

import datetime as dt

import dagster as dg
import psycopg

from rap_platform.analyses.assets import qwen_analyses
from rap_platform.orchestration.jobs import ask_llm
from rap_platform.orchestration.partitions import SHARDS, range_tags
from rap_platform.orchestration.under_way import is_under_way
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.service_state import HOLD, recall
from rap_platform.settings import NotConfigured


@dg.sensor(
    job=ask_llm,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes up the analyses that a long wait for the LLM cut short, once the wait is over, once per wait.",
)
def llm_after_wait(context: dg.SensorEvaluationContext, postgres: PostgresResource) -> dg.SensorResult | dg.SkipReason:
    try:
        with postgres.connection() as conn:
            wait = recall(conn, "llm", HOLD)
    except (NotConfigured, psycopg.OperationalError) as error:
        return dg.SkipReason(f"whether the LLM may be asked could not be read: {error}")
    if wait is None or wait.until is None:
        return dg.SkipReason("nobody asked us to wait")
    if wait.until > dt.datetime.now(dt.UTC):
        return dg.SkipReason(f"the LLM is asked again after {wait.until:%Y-%m-%d %H:%M} UTC: {wait.reason}")
    if is_under_way(context.instance, qwen_analyses.key, ask_llm.name):
        return dg.SkipReason("the wait is over, and a run is at it already")
    keys = SHARDS.get_partition_keys()
    request = dg.RunRequest(run_key=f"llm until {wait.until.isoformat()}", tags=range_tags(keys[0], keys[-1]))
    return dg.SensorResult(run_requests=[request])


SENSORS = [llm_after_wait]
