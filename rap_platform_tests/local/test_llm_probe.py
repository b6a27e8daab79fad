"""What the doctor finds out of an LLM endpoint: of one on loopback that a test plays, and of the world's."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from rap_platform.local.doctor import Finding, examine
from rap_platform.local.llm_probe import probe
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


def test_the_stand_in_of_the_world_is_simulated_and_asked_as_well(world: str, settings: Settings) -> None:
    finding = found(settings)
    assert finding.state == "simulated"
    assert f"{world}/llm/v1" in finding.detail
    assert "2 models listed; takes json_schema" in finding.detail
    other = found(settings.model_copy(update={"llm": Llm(base_url=f"{world}/llm/v1", model="nobody")}))
    assert other.detail.endswith(f"({world}/llm/v1)")
    wrong = probe(settings.model_copy(update={"llm": Llm(model="nobody")}), settings.llm_endpoint())
    assert (wrong.works, "qwen/qwen3-4b-fp8" in wrong.remedy) == (False, True)
