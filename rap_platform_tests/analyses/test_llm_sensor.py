"""After a long wait that the LLM asked for, what was left is taken up: not before, and once."""

import datetime as dt
import json

import dagster as dg
import psycopg
import pytest

from rap_platform.analyses.sensors import llm_after_wait
from rap_platform.orchestration.partitions import RANGE_END, RANGE_START, SHARDS
from rap_platform.resources.politeness import Hold
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.service_state import remember_hold
from rap_platform.settings import Settings, get_settings


def tick(*under_way: str) -> dg.SensorResult | dg.SkipReason:
    """Evaluate the sensor once, while runs of these jobs are under way."""
    with dg.DagsterInstance.ephemeral() as instance:
        for number, job in enumerate(under_way):
            instance.add_run(dg.DagsterRun(job_name=job, run_id=str(number) * 32, status=dg.DagsterRunStatus.STARTED))
        context = dg.build_sensor_context(instance=instance, resources={"postgres": PostgresResource()})
        found = llm_after_wait(context)
    assert isinstance(found, dg.SensorResult | dg.SkipReason)
    return found


def told(found: dg.SensorResult | dg.SkipReason) -> str:
    assert isinstance(found, dg.SkipReason)
    return found.skip_message or ""


def hold(conn: psycopg.Connection, seconds: float, service: str = "llm") -> dt.datetime:
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    remember_hold(conn, service, Hold(until, "answers 429"))
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
    assert request.job_name == "ask_llm"
    keys = SHARDS.get_partition_keys()
    assert request.run_key == f"llm until {until.isoformat()}", "the same wait is the same run"
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == (keys[0], keys[-1])


def test_the_wait_is_told_in_utc_whatever_the_clock_of_the_database(
    settings: Settings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    del settings
    until = hold(connection, 3600)
    monkeypatch.setenv("PGTZ", "America/New_York")
    assert told(tick()) == f"the LLM is asked again after {until:%Y-%m-%d %H:%M} UTC: answers 429"


def test_while_a_run_is_at_it_no_other_is_started(settings: Settings, connection: psycopg.Connection) -> None:
    del settings
    hold(connection, -1)
    assert told(tick("ask_llm")) == "the wait for the LLM is over, and a run is at it already"
    assert isinstance(tick("ask_other_llms"), dg.SensorResult)


def test_what_another_model_left_is_taken_up_after_its_own_wait(
    settings: Settings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    del settings
    entries = [{"name": name, "base_url": "http://127.0.0.1:9/v1", "model": name} for name in ("gemma", "llama")]
    monkeypatch.setenv("RAP_LLM__COMPARE", json.dumps(entries))
    get_settings.cache_clear()
    hold(connection, -1, "llm:nobody")
    assert told(tick()) == "nobody asked us to wait"
    until, later = hold(connection, -1, "llm:gemma"), hold(connection, 3600, "llm:llama")
    found = tick()
    assert isinstance(found, dg.SensorResult)
    (request,) = found.run_requests or ()
    assert (request.job_name, request.run_key) == ("ask_other_llms", f"llm:gemma until {until.isoformat()}")
    assert RANGE_START not in request.tags
    assert told(tick("ask_other_llms")) == (
        "the wait for gemma is over, and a run is at it already; "
        f"llama is asked again after {later:%Y-%m-%d %H:%M} UTC: answers 429"
    )


def test_without_a_database_the_sensor_skips(settings: Settings) -> None:
    del settings
    context = dg.build_sensor_context(resources={"postgres": PostgresResource(dsn="postgresql://127.0.0.1:9/x")})
    found = llm_after_wait(context)
    assert isinstance(found, dg.SkipReason)
    assert "could not be read" in (found.skip_message or "")
