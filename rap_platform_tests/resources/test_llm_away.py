"""A ledger that is slow, locked, read-only or gone, and a client that is told to stop: nobody hangs, nothing leaves in a burst."""

import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from rap_platform.analyses import qwen
from rap_platform.analyses.asking import Outcome, ask_all
from rap_platform.resources import llm as llm_module
from rap_platform.resources import llm_ledger, redis
from rap_platform.resources.llm import (
    LlmBusy,
    LlmClient,
    LlmRefused,
    LlmRejected,
    LlmStopped,
    LlmTight,
    LlmUnavailable,
    Patience,
    Reply,
)
from rap_platform.resources.llm_ledger import LedgerAway, PostgresLedger, Question
from rap_platform.resources.llm_modes import Mode
from rap_platform.resources.politeness import Busy, Politeness
from rap_platform.resources.postgres import lock_id
from rap_platform.serving.api.analyze.analysts import Unavailable
from rap_platform.serving.api.analyze.llm import LlmAnalyst
from rap_platform.settings import Llm, Settings
from rap_platform_tests.analyses.endpoint import LYRICS, Told, client_of, said, serving
from rap_platform_tests.resources.test_llm_ledger import ACCOUNT, SHA, calls, question

PERSON = Patience(attempts=3, turn_s=3.0, waits_out=False)
PRICES = {"prompt_usd_per_million": 1.0, "completion_usd_per_million": 1.0}


def ask(client: LlmClient, about: str = "x", **how: Any) -> Reply:
    return client.ask("s", ["u"], {}, name="n", about=about, **how)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("alter database {name} set default_transaction_read_only = on", "ReadOnlySqlTransaction"),
        ("alter table llm_calls rename to llm_calls_of_old", "UndefinedTable"),
    ],
)
def test_a_ledger_that_can_not_be_written_is_away(database: str, how: str, why: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(how.format(name=conn.info.dbname))  # type: ignore[call-overload]
    with serving(said()) as server, client_of(server.url, dsn=database) as client:
        with pytest.raises(LlmUnavailable, match=why):
            ask(client, fresh=True)
        assert server.requests == []


def test_a_lock_that_another_keeps_is_waited_for_only_so_long(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_ledger, "LOCK_S", 0.2)
    ledger = PostgresLedger(database, ACCOUNT)
    with psycopg.connect(database) as other:
        other.execute("select pg_advisory_xact_lock(%s)", [lock_id("llm_calls")])
        with pytest.raises(LedgerAway, match="LockNotAvailable"):
            ledger.open(question())
    assert ledger.open(question()) > 0, "over the same connection"
    ledger.close()


def test_a_statement_that_takes_too_long_is_ended(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_ledger, "STATEMENT_S", 0.3)
    monkeypatch.setattr(llm_ledger, "_SENDING", "select pg_sleep(20), %(call_id)s, %(patience_s)s")
    ledger = PostgresLedger(database, ACCOUNT)
    with pytest.raises(LedgerAway, match="QueryCanceled"):
        ledger.sending(ledger.open(question()))
    ledger.close()


def test_calls_that_the_ledger_holds_up_take_no_turns_to_leave_in_a_burst(database: str) -> None:
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with serving(said()) as server, client_of(server.url, rpm=60, dsn=database) as client:
        with (
            psycopg.connect(database) as other,
            psycopg.connect(database, autocommit=True) as conn,
            ThreadPoolExecutor(2) as pool,
        ):
            other.execute("select pg_advisory_xact_lock(%s)", [lock_id("llm_calls")])
            asked = [pool.submit(ask, client, str(number)) for number in range(2)]
            while conn.execute(waiting).fetchone() != (1,):
                time.sleep(0.01)
            assert client.polite._turn_s(60.0) == 0.0, "no turn was taken"
            other.rollback()
            for future in asked:
                future.result()
        assert len(server.requests) == 2


def test_a_turn_that_the_ledger_let_go_stale_is_not_used(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = [0.3, 0.3, 0.0]
    with serving(said()) as server, client_of(server.url, dsn=database) as client:
        monkeypatch.setattr(llm_module, "STALE_S", 0.2)
        assert isinstance(client.ledger, PostgresLedger)
        sending, turns = client.ledger.sending, []
        taken = client.polite.wait_turn

        def slowly(call_id: int) -> None:
            time.sleep(slow.pop(0))
            sending(call_id)

        monkeypatch.setattr(client.ledger, "sending", slowly)
        monkeypatch.setattr(client.polite, "wait_turn", lambda *a, **k: (turns.append(1), taken(*a, **k)))
        ask(client)
        assert (len(turns), len(server.requests)) == (3, 1)
        slow[:] = [0.3] * 3
        with pytest.raises(LlmUnavailable, match="too slow"):
            ask(client, "y")
        assert len(server.requests) == 1
    assert calls(database, "state") == [("answered",)]


def test_a_budget_that_is_tight_takes_no_turns_from_others(database: str) -> None:
    gate = threading.Event()

    def behave(asked: dict[str, Any], number: int) -> Told:
        del asked
        if number == 0:
            gate.wait(20)
        return said()

    with (
        serving(behave) as server,
        client_of(server.url, rpm=60, dsn=database, budget_usd=0.0001, **PRICES) as first,
        client_of(server.url, rpm=60, dsn=database, budget_usd=0.0001, patience=PERSON, **PRICES) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(ask, first)
        while not server.requests:
            time.sleep(0.01)
        for _ in range(3):
            with pytest.raises(LlmTight, match="what is left of the budget"):
                ask(other, "y")
        assert other.polite._turn_s(60.0) == 0.0, "no turn was taken"
        gate.set()
        asked.result()


def test_who_gives_up_waiting_for_a_turn_leaves_no_call_behind(database: str) -> None:
    with serving(said()) as server, client_of(server.url, rpm=2, dsn=database, patience=PERSON) as client:
        for number in range(2):
            ask(client, str(number))
        with pytest.raises(LlmBusy):
            ask(client, "y")
    assert calls(database, "state") == [("answered",)] * 2


def test_what_could_not_be_withdrawn_is_withdrawn_with_the_next_call(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = PostgresLedger(database, replace(ACCOUNT, budget_usd=1.0))
    left = ledger.open(question(most_usd=0.9))
    with monkeypatch.context() as away:
        away.setattr(llm_ledger, "_WITHDRAW", "select nothing")
        with pytest.raises(LedgerAway):
            ledger.withdraw(left)
    ledger.open(Question("b" * 64, Mode.PROMPTED, 0.9))
    assert calls(database, "request_sha256") == [("b" * 64,)]
    ledger.close()


def test_a_call_that_others_struck_out_meanwhile_is_not_sent(database: str) -> None:
    ledger = PostgresLedger(database, ACCOUNT)
    call_id = ledger.open(question())
    with psycopg.connect(database) as conn:
        conn.execute("delete from llm_calls where request_sha256 = %s", [SHA])
    with pytest.raises(LedgerAway, match="took this process for gone"):
        ledger.sending(call_id)
    ledger.close()


def test_a_person_has_a_turn_while_a_batch_uses_its_share_up(redis_url: str) -> None:
    server = redis.client(redis_url)
    for front in (server, None):
        service = f"test-{uuid4().hex[:8]}"
        polite = Politeness(service, 10, redis=front, reserved=0.1)
        batch = [polite._turn_s(float("inf")) for _ in range(9)]
        assert batch == [pytest.approx(number * 60 / 9, abs=1) for number in range(9)], "nine in a minute"
        polite.wait_turn(3.0, first=True)
        with pytest.raises(Busy, match=r"the next turn comes in (59|60)"):
            polite.wait_turn(3.0, first=True)
        with pytest.raises(Busy):
            polite.wait_turn(3.0)


@pytest.mark.parametrize("told", [Told(status=429), Told(status=429, headers={"retry-after": "50"})])
def test_a_client_that_is_stopped_sends_nothing_more_and_waits_for_nothing(database: str, told: Told) -> None:
    with serving(told) as server, client_of(server.url, dsn=database) as client, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, client, str(number)) for number in range(4)]
        while not server.requests:
            time.sleep(0.01)
        client.stop()
        for future in asked:
            with pytest.raises(LlmStopped):
                future.result(20)
        sent = len(server.requests)
        with pytest.raises(LlmStopped):
            ask(client, "y")
        assert len(server.requests) == sent <= 4
    assert {state for (state,) in calls(database, "state")} == {"failed"}


def test_an_interrupted_round_asks_for_nothing_more() -> None:
    gate = threading.Event()

    def behave(asked: dict[str, Any], number: int) -> Told:
        del asked
        if number:
            gate.wait(20)
        return said() if number == 0 else Told(status=429)

    with serving(behave) as server, client_of(server.url) as client:
        answers = ask_all(
            range(1000),
            lambda number: qwen.analyse_text(client, f"{LYRICS} {number}"),
            concurrency=4,
            outcome=Outcome(),
            stop=client.stop,
        )
        assert len(next(answers)) == 1
        while len(server.requests) < 4:
            time.sleep(0.01)
        threading.Timer(0.1, gate.set).start()
        with pytest.raises(KeyboardInterrupt):
            answers.throw(KeyboardInterrupt())
        assert len(server.requests) == 4, "one that was answered and three in flight"


def test_one_request_asked_by_eight_at_once_is_paid_once(database: str) -> None:
    gate = threading.Event()

    def behave(asked: dict[str, Any], number: int) -> Told:
        del asked, number
        gate.wait(20)
        return said()

    with (
        serving(behave) as server,
        client_of(server.url, dsn=database) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        asked = [pool.submit(ask, client) for _ in range(8)]
        while not server.requests:
            time.sleep(0.01)
        threading.Timer(0.1, gate.set).start()
        replies = [future.result() for future in asked]
        assert len(server.requests) == 1
        assert sorted(reply.cached for reply in replies) == [False] + [True] * 7
        assert (client.counts["requests"], client.counts["cache_hits"]) == (1, 7)
        ask(client, fresh=True)
        assert len(server.requests) == 2
    assert calls(database, "state") == [("answered",)] * 2


def test_who_waits_for_the_answer_to_anothers_request_shares_its_trouble() -> None:
    gate = threading.Event()

    def behave(asked: dict[str, Any], number: int) -> Told:
        del asked, number
        gate.wait(20)
        return Told(status=401, error="no")

    with serving(behave) as server, client_of(server.url) as client, ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask, client) for _ in range(3)]
        while not server.requests or any(not future.running() for future in asked):
            time.sleep(0.01)
        threading.Timer(0.1, gate.set).start()
        for future in asked:
            with pytest.raises(LlmRefused):
                future.result()
        assert len(client._flights) == 0


def test_an_endpoint_that_rejects_whatever_it_is_asked_first_is_one_that_refuses_us() -> None:
    with serving(Told(status=400, error="model qwen does not exist")) as server, client_of(server.url) as client:
        for number in range(2):
            with pytest.raises(LlmRejected):
                ask(client, str(number))
        with pytest.raises(LlmRefused, match="rejected the first 3 requests, whatever was asked: .*does not exist"):
            ask(client, "third")


def test_songs_that_are_rejected_after_an_answer_are_failures_of_theirs() -> None:
    with serving(said(), Told(status=413, error="too long")) as server, client_of(server.url) as client:
        ask(client)
        for number in range(4):
            with pytest.raises(LlmRejected, match="413"):
                ask(client, str(number))


def test_a_person_is_told_what_stands_in_the_way(settings: Settings, database: str) -> None:
    config = Llm(api_key=SecretStr("hush"), base_url="http://127.0.0.1:9/v1", budget_usd=0.01, **PRICES)
    analyst = LlmAnalyst(settings.model_copy(update={"llm": config}))
    real = PostgresLedger(database, replace(ACCOUNT, simulated=False))
    real.open(question(most_usd=0.0099))
    tight = analyst.ask(LYRICS)
    analyst._connected().polite.hold(dt.datetime(2099, 1, 2, 3, 4, tzinfo=dt.UTC), "answers 429")
    real.close()
    held = analyst.ask(LYRICS)
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("alter table llm_calls rename to llm_calls_of_old")
    away = analyst.ask(LYRICS)
    analyst.close()
    assert isinstance(tight, Unavailable) and isinstance(held, Unavailable) and isinstance(away, Unavailable)
    assert (tight.kind, held.kind, away.kind) == ("busy", "busy", "unavailable")
    assert "budget" in tight.reason and "per minute" not in tight.reason
    assert "until 2099-01-02 03:04 UTC" in held.reason
