"""The ledger of LLM calls in the real database: written before it is sent, paid once, never above the budget by more than a call."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import redis

from rap_platform.resources.llm import LlmUnavailable
from rap_platform.resources.llm_ledger import (
    Account,
    BudgetTight,
    LedgerAway,
    LlmBudgetSpent,
    PostgresLedger,
    Question,
    Trouble,
    latency_histogram,
    lose,
    spending,
)
from rap_platform.resources.llm_modes import Mode, Reply
from rap_platform_tests.analyses.endpoint import Told, client_of, said, serving

ACCOUNT = Account("test", "m", "http://127.0.0.1:9/v1", True, None, 30, 60)
SHA = "a" * 64
REPLY = Reply("yes", "stop", 100, 10, 0.25, 1200, Mode.JSON_SCHEMA)


def question(sha: str = SHA, most_usd: float = 0.5) -> Question:
    return Question(sha, Mode.JSON_SCHEMA, most_usd)


def calls(dsn: str, columns: str = "state, attempt, cost_usd::float8, error") -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(f"select {columns} from llm_calls order by call_id").fetchall()


def test_a_call_is_in_the_table_while_it_is_in_flight(database: str) -> None:
    seen: list[tuple[Any, ...]] = []

    def behave(asked: dict[str, Any], number: int) -> Told:
        del asked, number
        seen.extend(calls(database, "state, purpose, model, mode, most_usd > 0"))
        return said()

    prices = {"prompt_usd_per_million": 1.0, "completion_usd_per_million": 1.0}
    with serving(behave) as server, client_of(server.url, dsn=database, **prices) as client:
        client.ask("s", ["u"], {}, name="n", about="x")
    assert seen == [("in_flight", "test", "qwen/qwen3-4b-fp8", "json_schema", True)]
    found = calls(
        database, "state, prompt_tokens, cost_usd::float8, http_status, finish_reason, response, latency_ms >= 0"
    )
    assert found[0][:5] == ("answered", 1000, pytest.approx(0.0011), 200, "stop")
    assert found[0][5].startswith("{")
    assert found[0][6]


def test_what_was_answered_once_is_not_paid_again(database: str, redis_url: str) -> None:
    server = redis.Redis.from_url(redis_url)
    server.flushall()
    for front in (server, None):
        ledger = PostgresLedger(database, ACCOUNT, front)
        if front is not None:
            assert ledger.recall(SHA) is None
            ledger.answered(ledger.open(question()), SHA, REPLY)
        assert ledger.recall(SHA) == replace(REPLY, cached=True)
        ledger.close()
    assert 86_000 < server.ttl(f"rap:llm:answer:{SHA}") <= 86_400
    server.set(f"rap:llm:answer:{SHA}", '{"text": "somebody else wrote this"}')
    ledger = PostgresLedger(database, ACCOUNT, server)
    assert ledger.recall(SHA) == replace(REPLY, cached=True)
    ledger.close()
    server.close()


def test_an_answer_from_the_ledger_is_asked_anew_only_on_demand(database: str) -> None:
    with serving(said(quality=6), said(quality=8)) as server, client_of(server.url, dsn=database) as client:
        texts = [
            client.ask("s", ["u"], {}, name="n", about="x", fresh=fresh).text for fresh in (False, False, True, False)
        ]
        assert len(server.requests) == 2
        assert (client.counts["requests"], client.counts["cache_hits"]) == (2, 2)
    assert [text is not None and '"quality": 8' in text for text in texts] == [False, False, True, True]
    assert calls(database, "attempt, state") == [(1, "answered"), (2, "answered")]


def test_another_model_parameter_or_text_is_another_question(database: str) -> None:
    one, other = client_of("http://127.0.0.1:9/v1", dsn=database), client_of("http://127.0.0.1:9/v1", temperature=0.9)
    real = client_of("http://127.0.0.1:9/v1", simulated=False)
    digests = {one.request_sha256("x"), one.request_sha256("y"), other.request_sha256("x"), real.request_sha256("x")}
    assert len(digests) == 4
    for client in (one, other, real):
        client.close()


@pytest.mark.parametrize(
    ("told", "state", "status"),
    [
        (Told(status=500), "failed", 500),
        (Told(status=429), "failed", 429),
        (Told(page="<p>hello"), "lost", 200),
    ],
)
def test_what_failed_is_a_row_with_its_reason(database: str, told: Told, state: str, status: int) -> None:
    with serving(told, said()) as server, client_of(server.url, dsn=database, clock_rate=50) as client:
        client.ask("s", ["u"], {}, name="n", about="x")
    found = calls(database, "state, http_status, attempt, error is not null, cost_usd::float8")
    assert found[0] == (state, status, 1, True, 0.0 if state == "failed" else None)
    assert found[1][:3] == ("answered", 200, 2)


def test_a_server_that_is_not_there_costs_nothing_and_one_that_hangs_may_have_been_paid(database: str) -> None:
    with serving(said()) as server:
        url = server.url
    with client_of(url, dsn=database, clock_rate=100) as client, pytest.raises(LlmUnavailable):
        client.ask("s", ["u"], {}, name="n", about="x")
    assert {state for (state,) in calls(database, "state")} == {"failed"}
    gate = threading.Event()

    def hang(asked: dict[str, Any], number: int) -> Told:
        del asked
        if number == 0:
            gate.wait(20)
        return said()

    with serving(hang) as server, client_of(server.url, dsn=database, timeout_s=0.3, clock_rate=100) as client:
        client.ask("s", ["u"], {}, name="n", about="z")
        gate.set()
    assert [state for (state,) in calls(database, "state")][-2:] == ["lost", "answered"]


def test_the_budget_is_passed_by_one_call_at_most_whoever_asks_at_once(database: str) -> None:
    ledgers = [PostgresLedger(database, replace(ACCOUNT, budget_usd=2.5)) for _ in range(4)]
    paid: list[int] = []

    def work(ledger: PostgresLedger) -> None:
        while True:
            try:
                call_id = ledger.open(question(most_usd=1.0))
            except BudgetTight:
                continue
            except LlmBudgetSpent:
                return
            ledger.answered(call_id, SHA, REPLY)  # 0.25, less than it might have been
            paid.append(call_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, ledgers))
    assert len(paid) == 10
    with psycopg.connect(database) as conn:
        assert spending(conn, 30, simulated=True) == (2.5, 0.0, 0)
    with pytest.raises(LlmBudgetSpent, match=r"2\.5000 of 2\.5000 USD spent in 30 days: raise RAP_LLM__BUDGET_USD"):
        ledgers[0].open(question())
    for ledger in ledgers:
        ledger.close()


def test_simulated_calls_and_those_of_long_ago_leave_the_budget_alone(database: str) -> None:
    ledger = PostgresLedger(database, replace(ACCOUNT, budget_usd=0.25))
    ledger.answered(ledger.open(question()), SHA, REPLY)
    with pytest.raises(LlmBudgetSpent):
        ledger.open(question())
    real = PostgresLedger(database, replace(ACCOUNT, budget_usd=0.25, simulated=False))
    real.withdraw(real.open(question()))
    with psycopg.connect(database) as conn:
        conn.execute("update llm_calls set started_at = now() - interval '31 days'")
    ledger.withdraw(ledger.open(question()))
    assert [state for (state,) in calls(database, "state")] == ["answered"]
    ledger.close()
    real.close()


HOLDER = """
import sys, time
from rap_platform.resources.llm_ledger import PostgresLedger, Question, Account
from rap_platform.resources.llm_modes import Mode
ledger = PostgresLedger(sys.argv[1], Account("test", "m", "u", True, None, 30, 60))
ledger.sending(ledger.open(Question("a" * 64, Mode.PROMPTED, 0.5)))
ledger.open(Question("c" * 64, Mode.PROMPTED, 0.5))
print("in flight", flush=True)
time.sleep(60)
"""


def test_what_a_killed_process_had_in_flight_is_lost_and_counts_with_the_most_it_can_cost(database: str) -> None:
    ledger = PostgresLedger(database, replace(ACCOUNT, budget_usd=1.0))
    mine = ledger.open(question("b" * 64))
    child = subprocess.Popen([sys.executable, "-c", HOLDER, database], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "in flight\n"
    with psycopg.connect(database, autocommit=True) as conn:
        assert lose(conn) == 0, "both processes live"
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        for _ in range(2000):  # PostgreSQL has yet to notice
            if conn.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (1,):
                break
            time.sleep(0.005)
        assert spending(conn, 30, simulated=True) == (0.0, 1.5, 3)
        assert lose(conn) == 1, "the one that still waited for its turn is none"
        assert spending(conn, 30, simulated=True) == (0.5, 0.5, 1)
        assert calls(database)[1] == ("lost", 1, None, "the asking process is gone")
        assert lose(conn) == 0
    ledger.answered(mine, "b" * 64, REPLY)
    assert [state for (state,) in calls(database, "state")] == ["answered", "lost"]
    ledger.close()


def test_a_call_past_its_deadline_is_lost_until_its_answer_comes_after_all(database: str) -> None:
    ledger = PostgresLedger(database, ACCOUNT)
    call_id = ledger.open(question())
    ledger.sending(call_id)
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("update llm_calls set deadline = now() - interval '1 second'")
        assert lose(conn) == 1
    assert calls(database)[0][3] == "no answer before the deadline"
    ledger.answered(call_id, SHA, REPLY)
    assert calls(database) == [("answered", 1, 0.25, None)]
    ledger.failed(call_id, Trouble("too late"))
    assert calls(database) == [("answered", 1, 0.25, None)]
    ledger.close()


def test_a_ledger_connects_again_after_its_connection_broke(database: str) -> None:
    ledger = PostgresLedger(database, ACCOUNT)
    first = ledger.open(question())
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rap_platform llm ledger'"
                     " and datname = current_database()")  # fmt: skip
    ledger.answered(first, SHA, REPLY)
    assert calls(database, "state") == [("answered",)]
    ledger.close()


def test_without_its_ledger_nothing_is_asked(database: str) -> None:
    gone = database.rpartition("/")[0] + "/nowhere"
    ledger = PostgresLedger(gone, ACCOUNT)
    with pytest.raises(LedgerAway, match="not asked"):
        ledger.open(question())
    with serving(said()) as server, client_of(server.url, dsn=gone) as client:
        with pytest.raises(LlmUnavailable, match="ledger"):
            client.ask("s", ["u"], {}, name="n", about="x")
        assert server.requests == []


def test_latencies_fall_into_buckets_a_quarter_of_a_factor_ten_wide(database: str) -> None:
    ledger = PostgresLedger(database, ACCOUNT)
    for number, latency_ms in enumerate((9, 10, 11, 100, 0)):
        sha = f"{number}" * 64
        ledger.answered(ledger.open(question(sha)), sha, replace(REPLY, latency_ms=latency_ms))
    with psycopg.connect(database) as conn:
        found = latency_histogram(conn, "m")
        assert latency_histogram(conn, "other") == []
    assert [(round(edge), count) for edge, count in found] == [
        (1, 1), (2, 0), (3, 0), (6, 0), (10, 2), (18, 1), (32, 0), (56, 0), (100, 1),
    ]  # fmt: skip
    ledger.close()
