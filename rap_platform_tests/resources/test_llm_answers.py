"""What an endpoint may answer under any status, and what becomes of it: no answer escapes, is paid again or tells a secret."""

import json
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from rap_platform.resources.llm import LlmClient, LlmRefused, LlmRejected, LlmUnavailable, Patience
from rap_platform.resources.llm_ledger import PostgresLedger
from rap_platform.resources.llm_modes import LADDER, Prices, Reply, body_of
from rap_platform_tests.analyses.endpoint import GOOD, Told, client_of, said, serving

ONCE = Patience(attempts=1, waits_out=False)
PRICES = {"prompt_usd_per_million": 1.0, "completion_usd_per_million": 1.0}


def ask(client: LlmClient, about: str = "x", **how: Any) -> Reply:
    return client.ask("s", ["u"], {}, name="n", about=about, **how)


def calls(dsn: str, columns: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(f"select {columns} from llm_calls order by call_id").fetchall()


@pytest.mark.parametrize(
    "usage",
    [
        {},
        None,
        [1],
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": "10", "completion_tokens": 1},
        {"prompt_tokens": -10, "completion_tokens": -1},
        {"prompt_tokens": 2**31, "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": 1},
    ],
)
def test_token_counts_that_can_not_be_are_unknown_and_so_is_the_cost(database: str, usage: Any) -> None:
    told = replace(said(), usage=usage)
    with serving(told) as server, client_of(server.url, dsn=database, patience=ONCE, **PRICES) as client:
        reply = ask(client)
        assert len(server.requests) == 1
    assert reply.text == told.content
    assert (reply.prompt_tokens, reply.cost_usd) == (None, None)
    assert calls(database, "state, cost_usd") == [("answered", None)]


@pytest.mark.parametrize(
    "told",
    [
        Told(choices=[{"index": 0, "finish_reason": "stop"}]),
        Told(choices=[{"index": 0, "message": None, "finish_reason": "stop"}]),
        Told(choices=[{"index": 0, "message": {"content": {"a": 1}}, "finish_reason": "stop"}]),
        Told(choices=[None]),
        Told(choices={"a": 1}),
        Told(raw=b'{"choices": "\xff"}'),
        Told(raw=b"[" * 200_000),
        Told(raw=b"[]"),
        Told(raw=b"null"),
        Told(raw=b'{"error": {"message": "upstream overloaded", "code": 502}}'),
        Told(raw=b""),
    ],
)
def test_what_is_no_chat_completion_is_trouble_of_the_endpoint_and_may_have_been_paid(
    database: str, told: Told
) -> None:
    with serving(told) as server, client_of(server.url, dsn=database, patience=ONCE, **PRICES) as client:
        with pytest.raises(LlmUnavailable, match="does not answer like a chat endpoint"):
            ask(client)
        assert len(server.requests) == 1
        assert client.polite.state().failures == 1
    assert calls(database, "state, http_status, error is not null") == [("lost", 200, True)]


def test_a_finish_reason_of_any_kind_can_be_stored(database: str) -> None:
    for about, reason in (("a", "st\0p"), ("b", "x" * 5000)):
        with serving(Told("{}", finish_reason=reason)) as server, client_of(server.url, dsn=database) as client:
            ask(client, about)
    assert calls(database, "state, length(finish_reason)") == [("answered", 4), ("answered", 50)]


def test_an_answer_that_drips_is_given_up_after_the_time_of_a_request(database: str) -> None:
    told = replace(said(), drips_s=3.0)
    with (
        serving(told) as server,
        client_of(server.url, dsn=database, patience=ONCE, timeout_s=0.4) as client,
        pytest.raises(LlmUnavailable, match="ReadTimeout"),
    ):
        ask(client)
    assert calls(database, "state, error") == [("lost", "ReadTimeout: the answer came too slowly")]


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_of_megabytes_is_not_read_to_its_end(database: str, status: int) -> None:
    huge = Told(raw=json.dumps({"choices": [], "padding": "x" * 20_000_000}).encode(), status=status)
    with (
        serving(huge) as server,
        client_of(server.url, dsn=database, patience=ONCE) as client,
        pytest.raises(LlmUnavailable, match="AnswerTooLong"),
    ):
        ask(client)
    assert calls(database, "state, length(error) < 100") == [("lost", True)]


def test_a_packed_answer_that_nobody_asked_for_is_not_unpacked() -> None:
    packed = replace(said(), headers={"content-encoding": "gzip"})
    with (
        serving(packed) as server,
        client_of(server.url, patience=ONCE) as client,
        pytest.raises(LlmUnavailable, match="AnswerTooLong"),
    ):
        ask(client)


def test_no_request_costs_more_than_the_most_that_was_reserved_for_it(database: str) -> None:
    """A model that reads each digit and each letter of the schema as a token of its own."""
    schema = {"type": "object", "properties": {name: {"type": "number"} for name in GOOD}}
    digits = "7 " * 3000

    def behave(asked: dict[str, Any], number: int) -> Told:
        del number
        read = "".join(message["content"] for message in asked["messages"]) + json.dumps(asked.get("response_format"))
        return replace(said(), usage={"prompt_tokens": len(read.encode()), "completion_tokens": asked["max_tokens"]})

    with serving(behave) as server, client_of(server.url, dsn=database, **PRICES) as client:
        client.ask("s", [digits + "é语"], schema, name="n", about="x")
    ((cost, most),) = calls(database, "cost_usd, most_usd")
    assert 0.0060 < cost <= most
    for rung in LADDER:
        body = body_of(rung, {"max_tokens": 0}, "s", ["\ud800"], {}, "n")
        assert Prices(1.0, 1.0).most(body) > 4
    assert Prices(None, None).most(body) == 0


def test_what_people_paste_is_not_stored_when_an_endpoint_repeats_it(database: str) -> None:
    def behave(asked: dict[str, Any], number: int) -> Told:
        del number
        return Told(status=400, error="rejected: " + asked["messages"][-1]["content"])

    for keeps in (True, False):
        with serving(behave) as server, client_of(server.url, dsn=database) as client:
            assert isinstance(client.ledger, PostgresLedger)
            client.ledger.account = replace(client.ledger.account, keeps=keeps)
            with pytest.raises(LlmRejected):
                client.ask("s", ["my secret verse"], {}, name="n", about="x")
    rows = calls(database, "kept, error")
    assert {error for kept, error in rows if not kept} == {"HTTP 400"}
    assert all("my secret verse" in error for kept, error in rows if kept)


def test_a_key_that_an_endpoint_repeats_is_shown_nowhere(database: str) -> None:
    told = Told(status=401, error="Incorrect API key provided: hush-hush-key.")
    with (
        serving(told) as server,
        client_of(server.url, dsn=database, key="hush-hush-key") as client,
        pytest.raises(LlmRefused, match=r"provided: \*\*\*\.") as caught,
    ):
        ask(client)
    ((error,),) = calls(database, "error")
    assert "hush" not in str(caught.value) + error
    assert "***" in error


@pytest.mark.parametrize("status", [307, 401, 404, 405, 410])
def test_an_endpoint_that_is_closed_or_elsewhere_ends_everything_at_once(status: int) -> None:
    told = Told(status=status, headers={"location": "http://127.0.0.1:9/v1/"})
    with serving(told) as server, client_of(server.url) as client:
        with pytest.raises(LlmRefused, match=str(status)):
            ask(client)
        assert len(server.requests) == 1
