"""The round in which LLMs read the labelled verses: every answer is kept as it comes, and each endpoint's trouble is its own."""

import json
from collections.abc import Callable
from typing import Any

import dagster as dg
import psycopg
import pytest

from rap_platform.analyses.assets import analyst_calibrations, compared_analyses, qwen_analyses
from rap_platform.resources import service_state
from rap_platform.resources.llm import LlmResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform_tests.analyses.endpoint import Told, said, serving
from rap_platform_tests.analyses.test_llm_assets import count, library, llm, materialize, rivals

__all__ = ["library", "llm"]

HELD = Told(status=429, headers={"Retry-After": "3600"})
STORED = "select count(*) from calibration_answers"


def calibrate() -> None:
    """Call the asset as a function: what it raises is seen as it is."""
    with dg.build_asset_context() as context:
        analyst_calibrations(context, postgres=PostgresResource(), llm=LlmResource(clock_rate=100))


def test_others_see_each_answer_as_it_comes(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection, database: str
) -> None:
    seen: list[tuple[int, int]] = []

    def behave(asked: dict[str, Any], number: int) -> Told:
        del asked
        if number in (len(library) + 30, len(library) + 90):
            with psycopg.connect(database) as other:
                idle = count(
                    other,
                    "select count(*) from pg_stat_activity where state = 'idle in transaction' and datname = current_database()",
                )
                seen.append((count(other, STORED), idle))
        return said()

    with serving(behave) as server:
        llm(server.url)
        materialize(qwen_analyses)
        connection.rollback()
        assert materialize(analyst_calibrations)["verses_asked"] == 120
    assert seen == [(30, 0), (90, 0)]


def test_what_was_answered_before_the_endpoint_refused_is_kept(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection
) -> None:
    with serving(*[said()] * (len(library) + 25), Told(status=401), said()) as server:
        llm(server.url)
        materialize(qwen_analyses)
        with pytest.raises(dg.Failure, match="25 labelled verses read, then: qwen: .*401") as failure:
            calibrate()
        assert not failure.value.allow_retries
        assert count(connection, STORED) == 25
        assert materialize(analyst_calibrations)["verses_asked"] == 95


@pytest.mark.parametrize(("held", "free", "name"), [("llm:rival", "llm", "rival"), ("llm", "llm:rival", "qwen")])
def test_an_endpoint_that_wants_a_rest_stops_nobody_else(
    llm: Callable[..., None], library: list[int], connection: psycopg.Connection, held: str, free: str, name: str
) -> None:
    told = {free: [said()], held: [*[said()] * len(library), HELD]}
    with serving(*told["llm"]) as main, serving(*told["llm:rival"]) as other:
        llm(main.url, compare=rivals({"name": "rival", "base_url": other.url, "model": "another"}))
        materialize(qwen_analyses)
        materialize(compared_analyses)
        made = materialize(analyst_calibrations)
    assert made["verses_asked"] == 120
    assert made["status"].startswith(f"stopped: {name}: {held} wants to be left alone until ")
    assert service_state.hold_of(connection, held) is not None
    assert service_state.hold_of(connection, free) is None


def test_a_model_without_prices_under_a_budget_keeps_nobody_from_the_verses(
    llm: Callable[..., None], library: list[int]
) -> None:
    del library
    with serving(said()) as server:
        entry = {"name": "dear", "base_url": server.url, "model": "d"}
        prices = {"prompt_usd_per_million": 1, "completion_usd_per_million": 1}
        llm(server.url, compare=json.dumps([{**entry, "requests_per_minute": 60_000}]), budget_usd=5, **prices)
        materialize(qwen_analyses)
        made = materialize(analyst_calibrations)
    assert made["verses_asked"] == 120
    assert made["status"].startswith("stopped: dear: dear has no prices")


def test_the_first_model_without_prices_under_a_budget_is_told_where_they_go(llm: Callable[..., None]) -> None:
    llm("http://127.0.0.1:9/v1", budget_usd=5)
    with pytest.raises(dg.Failure, match="RAP_LLM__PROMPT_USD_PER_MILLION .*; a free endpoint has price 0$") as failure:
        calibrate()
    assert not failure.value.allow_retries
