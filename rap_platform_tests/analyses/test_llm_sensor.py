"""After a long wait that the LLM asked for, what was left is taken up: not before, and once."""

import datetime as dt

import dagster as dg
import psycopg

from rap_platform.analyses.sensors import llm_after_wait
from rap_platform.orchestration.partitions import RANGE_END, RANGE_START, SHARDS
from rap_platform.resources.politeness import Hold
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.service_state import remember_hold
from rap_platform.settings import Settings


def tick() -> dg.SensorResult | dg.SkipReason:
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, resources={"postgres": PostgresResource()})
        found = llm_after_wait(context)
    assert isinstance(found, dg.SensorResult | dg.SkipReason)
    return found


def told(found: dg.SensorResult | dg.SkipReason) -> str:
    assert isinstance(found, dg.SkipReason)
    return found.skip_message or ""


def hold(conn: psycopg.Connection, seconds: float) -> dt.datetime:
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    remember_hold(conn, "llm", Hold(until, "answers 429"))
    conn.commit()
    return until


def test_while_nobody_asked_to_wait_and_while_the_wait_lasts_nothing_is_started(
    settings: Settings, connection: psycopg.Connection
) -> None:
    del settings
    assert told(tick()) == "nobody asked us to wait"
    until = hold(connection, 3600)
    assert told(tick()) == f"the LLM is asked again after {until:%Y-%m-%d %H:%M} UTC: answers 429"


def test_when_the_wait_is_over_one_run_over_all_shards_is_asked_for(
    settings: Settings, connection: psycopg.Connection
) -> None:
    del settings
    until = hold(connection, -1)
    found = tick()
    assert isinstance(found, dg.SensorResult)
    (request,) = found.run_requests or ()
    keys = SHARDS.get_partition_keys()
    assert request.run_key == f"llm until {until.isoformat()}", "the same wait is the same run"
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == (keys[0], keys[-1])


def test_without_a_database_the_sensor_skips(settings: Settings) -> None:
    del settings
    context = dg.build_sensor_context(resources={"postgres": PostgresResource(dsn="postgresql://127.0.0.1:9/x")})
    found = llm_after_wait(context)
    assert isinstance(found, dg.SkipReason)
    assert "could not be read" in (found.skip_message or "")
