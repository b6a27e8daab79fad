"""What the doctor finds out of an LLM endpoint: of one on loopback that a test plays, and of the world's."""

import datetime as dt
import json
import re
from typing import Any

import pytest
from pydantic import SecretStr

from rap_platform.local.doctor import Finding, examine
from rap_platform.local.llm_probe import probe
from rap_platform.resources.llm import LlmClient
from rap_platform.resources.politeness import FAILURES, Transient
from rap_platform.resources.postgres import connect
from rap_platform.settings import Llm, Settings
from rap_platform_tests.analyses.endpoint import Told, serving

READY = Told(json.dumps({"ready": True}))
PRICES = {"prompt_usd_per_million": 1.0, "completion_usd_per_million": 10.0}


def with_llm(settings: Settings, url: str, **llm: Any) -> Settings:
    return settings.model_copy(update={"llm": Llm(base_url=url, api_key=SecretStr("hush"), **llm)})


def found(settings: Settings) -> Finding:
    (finding,) = [finding for finding in examine(settings) if finding.system == "LLM"]
    return finding


def test_the_doctor_says_what_an_endpoint_takes_how_long_it_took_and_what_it_cost(settings: Settings) -> None:
    def behave(asked: dict[str, Any], number: int) -> Told:
        del number
        if asked.get("response_format", {}).get("type") == "json_schema":
            return Told(status=400, error="response_format json_schema is not supported")
        return READY

    with serving(behave) as server:
        finding = found(with_llm(settings, server.url, **PRICES))
        assert [asked["max_tokens"] for asked in server.requests] == [64, 64]
    assert (finding.state, finding.remedy) == ("ok", "")
    for part in (
        "takes json_object",
        "thinking off by chat_template_kwargs and reasoning_effort",
        "1000+100 tokens",
        "0.002000 USD",
    ):
        assert part in finding.detail
    with connect(settings.require_database_url()) as conn:
        rows = conn.execute("select purpose, state, cost_usd::float8 from llm_calls order by call_id").fetchall()
    assert rows == [("doctor", "failed", 0.0), ("doctor", "answered", 0.002)]


@pytest.mark.parametrize(
    ("told", "part"),
    [
        (Told("<think>hm, am I"), "thinks aloud all the same"),
        (Told('{"ready"', finish_reason="length"), "thinks aloud all the same"),
        (READY, "of unknown price"),
    ],
)
def test_thinking_and_unknown_prices_are_said(settings: Settings, told: Told, part: str) -> None:
    with serving(told) as server:
        assert part in found(with_llm(settings, server.url)).detail


@pytest.mark.parametrize(
    ("told", "part"),
    [
        (Told(status=401, error="bad key"), "answers 401"),
        (Told(status=500), "answers 500"),
        (Told(page="<p>hello"), "does not answer like a chat endpoint"),
        (Told(status=400, error="no"), "no"),
    ],
)
def test_an_endpoint_that_can_not_be_used_is_broken_and_no_key_is_shown(
    settings: Settings, told: Told, part: str
) -> None:
    with serving(told) as server:
        finding = found(with_llm(settings, server.url))
    assert finding.state == "broken"
    assert part in finding.detail
    assert finding.remedy.startswith("check RAP_LLM__")
    assert "hush" not in str(finding)


def test_without_a_database_the_endpoint_can_be_asked_all_the_same(settings: Settings) -> None:
    with serving(READY) as server:
        alone = with_llm(settings.model_copy(update={"database_url": None}), server.url)
        assert probe(alone, alone.llm_endpoint()).works


@pytest.mark.parametrize("database_url", [None, SecretStr("postgresql://nobody@127.0.0.1:9/nowhere")])
def test_a_budget_that_can_not_be_kept_is_not_spent(settings: Settings, database_url: SecretStr | None) -> None:
    with serving(READY) as server:
        alone = with_llm(settings.model_copy(update={"database_url": database_url}), server.url, budget_usd=1, **PRICES)
        found = probe(alone, alone.llm_endpoint())
        assert server.requests == []
    assert found.works
    assert "without PostgreSQL the budget can't be kept" in found.detail
    assert "RAP_DATABASE_URL" in found.remedy


def test_an_endpoint_that_others_use_is_busy_and_nothing_to_mend(settings: Settings) -> None:
    with serving(READY) as server:
        used = with_llm(settings, server.url, requests_per_minute=2)
        client = LlmClient.of(used, purpose="test")
        for _ in range(3):
            client.polite._turn_s(600.0, first=True)
        finding = found(used)
        assert server.requests == []
        client.close()
    assert finding.state == "busy"
    assert "the next turn comes in" in finding.detail
    assert re.search(r"nothing is wrong with the settings: ask again after \d\d:\d\d:\d\d UTC", finding.remedy)


def test_an_endpoint_that_wants_to_be_left_alone_or_is_down_is_busy_until_then(settings: Settings) -> None:
    until = dt.datetime(2099, 1, 2, 3, 4, tzinfo=dt.UTC)
    with serving(Told(status=500)) as server:
        used = with_llm(settings, server.url)
        client = LlmClient.of(used, purpose="test")
        client.polite.hold(until, "answers 429")
        held = found(used)
        client.polite.release()
        for _ in range(FAILURES):
            with pytest.raises(Transient), client.polite.calling():
                raise Transient
        down = found(used)
        client.close()
        assert server.requests == []
    assert (held.state, held.remedy[-26:]) == ("busy", "after 2099-01-02 03:04 UTC")
    assert down.state == "busy"
    assert re.search(r"ask again after \d\d:\d\d:\d\d UTC", down.remedy)


def test_a_key_that_the_endpoint_repeats_is_not_shown(settings: Settings) -> None:
    with serving(Told(status=401, error="Incorrect API key provided: hush")) as server:
        finding = found(with_llm(settings, server.url))
    assert finding.state == "broken"
    assert "provided: ***" in finding.detail
    assert "hush" not in str(finding)


def test_the_stand_in_of_the_world_is_simulated_and_asked_as_well(world: str, settings: Settings) -> None:
    finding = found(settings)
    assert finding.state == "simulated"
    assert f"{world}/llm/v1" in finding.detail
    assert "2 models listed; takes json_schema" in finding.detail
    other = found(settings.model_copy(update={"llm": Llm(base_url=f"{world}/llm/v1", model="nobody")}))
    assert other.detail.endswith(f"({world}/llm/v1)")
    wrong = probe(settings.model_copy(update={"llm": Llm(model="nobody")}), settings.llm_endpoint())
    assert (wrong.works, "qwen/qwen3-4b-fp8" in wrong.remedy) == (False, True)
