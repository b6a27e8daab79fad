"""What happens when an LLM may be asked again: the work that a long wait cut short is taken up, once per wait."""

import datetime as dt
from typing import Final

import dagster as dg
import psycopg

from rap_platform.analyses.assets import compared_analyses, qwen_analyses
from rap_platform.orchestration.jobs import ask_llm, ask_other_llms
from rap_platform.orchestration.partitions import SHARDS, range_tags
from rap_platform.orchestration.under_way import is_under_way
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.service_state import HOLD, Remembered, recall
from rap_platform.settings import ConfigurationError, NotConfigured, get_settings

LLM: Final = "llm"


@dg.sensor(
    jobs=[ask_llm, ask_other_llms],
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes up the analyses that a long wait for an LLM cut short, once the wait is over, once per wait.",
)
def llm_after_wait(context: dg.SensorEvaluationContext, postgres: PostgresResource) -> dg.SensorResult | dg.SkipReason:
    try:
        services = [LLM, *(f"{LLM}:{rival.name}" for rival in get_settings().llm.compare)]
        with postgres.connection() as conn:
            waits = {service: wait for service in services if (wait := recall(conn, service, HOLD)) and wait.until}
    except (NotConfigured, ConfigurationError, psycopg.OperationalError) as error:
        return dg.SkipReason(f"whether the LLM may be asked could not be read: {error}")
    if not waits:
        return dg.SkipReason("nobody asked us to wait")
    found = [_after(context.instance, service, wait) for service, wait in waits.items()]
    if requests := [one for one in found if isinstance(one, dg.RunRequest)]:
        return dg.SensorResult(run_requests=requests)
    return dg.SkipReason("; ".join(one for one in found if isinstance(one, str)))


def _after(instance: dg.DagsterInstance, service: str, wait: Remembered) -> dg.RunRequest | str:
    """The run that takes up what a wait cut short, or why there is none."""
    assert wait.until is not None
    whose = "the LLM" if service == LLM else service.removeprefix(f"{LLM}:")
    if wait.until > dt.datetime.now(dt.UTC):
        return f"{whose} is asked again after {wait.until.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC: {wait.reason}"
    asset, job = (qwen_analyses, ask_llm) if service == LLM else (compared_analyses, ask_other_llms)
    if is_under_way(instance, asset.key, job.name):
        return f"the wait for {whose} is over, and a run is at it already"
    keys = SHARDS.get_partition_keys()
    tags = range_tags(keys[0], keys[-1]) if service == LLM else {}
    run_key = f"{service} until {wait.until.astimezone(dt.UTC).isoformat()}"
    return dg.RunRequest(run_key=run_key, job_name=job.name, tags=tags)


SENSORS = [llm_after_wait]
