"""The ledger of LLM calls (table llm_calls): each is written down before it is sent, so that what was spent survives any crash.

It keeps the budget over all processes and remembers answers: in Redis for a day, in PostgreSQL for ever.
"""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

import psycopg
import redis
from psycopg.conninfo import make_conninfo

from rap_platform.resources import redis as shared
from rap_platform.resources.connecting import connect, lock_id
from rap_platform.resources.llm_modes import Mode, Reply

CACHED_S: Final = 24 * 3600
MOST_ERROR: Final = 500
LOCK_S: Final = 5.0  # nobody waits for longer for another's lock,
STATEMENT_S: Final = 10.0  # nor for one statement, nor for a server that has gone silent
_KEPT_ALIVE: Final = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
_GRACE_S: Final = 30.0  # after the time-out of a request, for a process that is slow to say so
_OWNERS: Final = 0x11C  # the class of the advisory locks by which a process shows that it lives

T = TypeVar("T")

# One at a time over all processes, so that nobody reserves what another is reserving.
_LOCK: Final = "select pg_advisory_xact_lock(%(lock)s)"

# A row whose process is gone, or for which nobody waits any more: whether it was paid for is unknown, unless it still waited
# for its turn. The locks taken by trying end with the statement.
_LOSE: Final = """
with gone as materialized (
    select owner from (select distinct owner from llm_calls where state = 'in_flight' and owner <> %(owner)s) o
    where pg_try_advisory_xact_lock(%(class)s, owner::integer)
), never_sent as (
    delete from llm_calls where state = 'in_flight' and deadline is null and owner in (select owner from gone)
)
update llm_calls set state = 'lost', ended_at = clock_timestamp(),
    error = case when deadline < now() then 'no answer before the deadline' else 'the asking process is gone' end
where state = 'in_flight' and deadline is not null and (deadline < now() or owner in (select owner from gone))
"""

# What may have been paid counts as paid: in flight, lost, or of unknown cost with the most it can be.
_SPENT: Final = """
select coalesce(sum(coalesce(cost_usd, most_usd)) filter (where state <> 'in_flight'), 0)::float8,
       coalesce(sum(most_usd) filter (where state = 'in_flight'), 0)::float8,
       count(*) filter (where state = 'in_flight' and most_usd > 0)
from llm_calls
where started_at > now() - make_interval(secs => %(window_s)s) and simulated = %(simulated)s
"""

_OPEN: Final = """
insert into llm_calls (request_sha256, attempt, purpose, model, endpoint, mode, simulated, kept, owner, most_usd)
select %(request_sha256)s, coalesce(max(attempt), 0) + 1, %(purpose)s, %(model)s, %(endpoint)s, %(mode)s, %(simulated)s, %(keeps)s, %(owner)s, %(most_usd)s
from llm_calls where request_sha256 = %(request_sha256)s
returning call_id
"""

_SENDING: Final = """
update llm_calls set deadline = clock_timestamp() + make_interval(secs => %(patience_s)s)
where call_id = %(call_id)s and state = 'in_flight'
"""

# An answer that comes after its row was given up is worth more than the guess that it is lost.
_CLOSE: Final = """
update llm_calls set state = %(state)s, cost_usd = %(cost_usd)s, prompt_tokens = %(prompt_tokens)s, completion_tokens = %(completion_tokens)s,
    http_status = %(http_status)s, finish_reason = %(finish_reason)s, response = %(response)s, error = %(error)s,
    latency_ms = %(latency_ms)s, ended_at = clock_timestamp()
where call_id = %(call_id)s and state in ('in_flight', 'lost')
"""

_WITHDRAW: Final = "delete from llm_calls where call_id = any(%(call_ids)s) and state = 'in_flight'"

_RECALL: Final = """
select response, finish_reason, prompt_tokens, completion_tokens, cost_usd::float8, latency_ms, mode
from llm_calls where request_sha256 = %(request_sha256)s and state = 'answered' and kept
order by call_id desc limit 1
"""

# Four buckets to the factor ten: the k-th ends at 10 ** (k / 4) ms.
_HISTOGRAM: Final = """
select model, ceil(4 * log(greatest(latency_ms, 1)))::integer as bucket, count(*), sum(latency_ms) / 1000.0
from llm_calls where state = 'answered' and model = coalesce(%(model)s, model) and latency_ms is not null
group by model, bucket order by model, bucket
"""


class LlmBudgetSpent(Exception):
    """What is left of the budget is less than nothing, or less than the next request may cost while others are in flight."""


class LedgerAway(Exception):
    """PostgreSQL is away, too slow or does not let us write: what can't be written down is not asked."""


class BudgetTight(Exception):
    """Others in flight may use up what is left: ask again when they are done."""


@dataclass(frozen=True)
class Question:
    """A request about to be sent; `request_sha256` names what its answer depends on, the way of asking for JSON excepted."""

    request_sha256: str
    mode: Mode
    most_usd: float


@dataclass(frozen=True)
class Trouble:
    """How a request failed: for certain and free of charge, or `lost`, when it may have been paid for.

    `detail` is what came from outside: it may repeat what was sent, and is stored where answers are.
    """

    error: str
    detail: str = ""
    http_status: int | None = None
    lost: bool = False


class Ledger(Protocol):
    """Where a client writes its calls down."""

    @property
    def owner(self) -> int:
        """The number under which its calls stand."""

    def open(self, question: Question) -> int:
        """Write down and reserve. Raises LlmBudgetSpent, BudgetTight, LedgerAway."""

    def sending(self, call_id: int) -> None:
        """Note that a call is sent now: until then it is certain to cost nothing. Raises LedgerAway."""

    def answered(self, call_id: int, request_sha256: str, reply: Reply) -> None:
        """Close a call with its answer."""

    def failed(self, call_id: int, trouble: Trouble) -> None:
        """Close a call without one."""

    def withdraw(self, call_id: int) -> None:
        """Strike out a call that was never sent."""

    def recall(self, request_sha256: str) -> Reply | None:
        """The newest answer to this request, if there ever was one."""

    def close(self) -> None:
        """Let go of connections."""


class NullLedger:
    """Writes nothing down: for asking an endpoint what it can do where no database is."""

    @property
    def owner(self) -> int:
        """Nobody's."""
        return -1

    def open(self, question: Question) -> int:
        """Nothing is reserved."""
        del question
        return 0

    def sending(self, call_id: int) -> None:
        """Nothing is written."""

    def answered(self, call_id: int, request_sha256: str, reply: Reply) -> None:
        """Nothing is kept."""

    def failed(self, call_id: int, trouble: Trouble) -> None:
        """Nothing is kept."""

    def withdraw(self, call_id: int) -> None:
        """Nothing was written."""

    def recall(self, request_sha256: str) -> Reply | None:
        """Nothing is remembered."""
        del request_sha256
        return None

    def close(self) -> None:
        """There is no connection."""


@dataclass(frozen=True)
class Account:
    """What all calls of a client have in common; `budget_usd` None: no cap. `timeout_s` is that of a request.

    `keeps` False: answers are kept in Redis for a day and not in the table, as their subject is none of ours.
    """

    purpose: str
    model: str
    endpoint: str
    simulated: bool
    budget_usd: float | None
    budget_days: float
    timeout_s: float
    keeps: bool = True


class PostgresLedger:
    """The ledger in PostgreSQL, with Redis in front of the answers. Safe to share between threads; connects on first use.

    The process shows that it lives by an advisory lock on its connection, so that others can tell which rows are orphans.
    """

    def __init__(self, dsn: str, account: Account, server: "redis.Redis | None" = None) -> None:
        self._dsn, self.account, self._server = dsn, account, server
        self._owner = secrets.randbelow(2**31)
        self._conn: psycopg.Connection | None = None
        self._to_withdraw: set[int] = set()
        self._lock = threading.Lock()

    @property
    def owner(self) -> int:
        """The number under which the calls of this ledger stand."""
        return self._owner

    def open(self, question: Question) -> int:
        """Write a call down, committed when this returns. Raises LlmBudgetSpent, BudgetTight, LedgerAway."""
        return self._with(lambda conn: self._open(conn, question))

    def sending(self, call_id: int) -> None:
        """Note that a call is sent now: its answer is waited for from now on, and it may have been paid for. Raises LedgerAway."""
        row = {"call_id": call_id, "patience_s": self.account.timeout_s + _GRACE_S}
        if self._with(lambda conn: conn.execute(_SENDING, row).rowcount) != 1:
            raise _away("others took this process for gone")

    def answered(self, call_id: int, request_sha256: str, reply: Reply) -> None:
        """Close a call with its answer, also one that was given up meanwhile."""
        row = {
            "state": "answered",
            "cost_usd": reply.cost_usd,
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "http_status": 200,
            "finish_reason": storable(reply.finish_reason) if reply.finish_reason is not None else None,
            "response": storable(reply.text) if reply.text is not None and self.account.keeps else None,
            "latency_ms": reply.latency_ms,
        }
        self._close(call_id, row)
        shared.keep(self._server, _key(request_sha256), _kept(reply), CACHED_S)

    def failed(self, call_id: int, trouble: Trouble) -> None:
        """Close a call that brought no answer: free of charge, or lost and counted with the most it can have cost."""
        state, cost = ("lost", None) if trouble.lost else ("failed", 0.0)
        detail = f": {trouble.detail}" if trouble.detail and self.account.keeps else ""
        error = storable(trouble.error + detail)[:MOST_ERROR]
        self._close(call_id, {"state": state, "cost_usd": cost, "http_status": trouble.http_status, "error": error})

    def withdraw(self, call_id: int) -> None:
        """Strike out a call that was never sent: now, or with the next call where that can't be done. Raises LedgerAway."""
        self._to_withdraw.add(call_id)
        self._with(self._withdraw)

    def recall(self, request_sha256: str) -> Reply | None:
        """The newest answer to this request: from Redis, else from the table. Raises LedgerAway."""
        told = shared.recall(self._server, _key(request_sha256))
        if isinstance(told, dict) and (known := _unkept(told)):
            return known
        row = self._with(lambda conn: conn.execute(_RECALL, {"request_sha256": request_sha256}).fetchone())
        if row is None:
            return None
        text, finish_reason, prompt_tokens, completion_tokens, cost_usd, latency_ms, mode = row
        reply = Reply(
            text, finish_reason, prompt_tokens, completion_tokens, cost_usd, latency_ms or 0, Mode(mode), cached=True
        )
        shared.keep(self._server, _key(request_sha256), _kept(reply), CACHED_S)
        return reply

    def close(self) -> None:
        """Close the connection; what is still in flight shows as lost from then on."""
        with self._lock:
            if self._conn is not None:
                self._conn.close()
                self._conn = None

    def _withdraw(self, conn: psycopg.Connection) -> None:
        call_ids = list(self._to_withdraw)
        conn.execute(_WITHDRAW, {"call_ids": call_ids})
        self._to_withdraw.difference_update(call_ids)

    def _open(self, conn: psycopg.Connection, question: Question) -> int:
        account = self.account
        if self._to_withdraw:
            self._withdraw(conn)
        with conn.transaction():
            conn.execute(_LOCK, {"lock": lock_id("llm_calls")})
            if account.budget_usd is not None:
                lose(conn, self._owner)
                self._check_budget(conn, account.budget_usd, question.most_usd)
            row = {
                **{name: getattr(account, name) for name in ("purpose", "model", "endpoint", "simulated", "keeps")},
                "request_sha256": question.request_sha256,
                "mode": question.mode.value,
                "owner": self._owner,
                "most_usd": question.most_usd,
            }
            opened = conn.execute(_OPEN, row).fetchone()
        assert opened is not None
        return int(opened[0])

    def _check_budget(self, conn: psycopg.Connection, budget_usd: float, most_usd: float) -> None:
        """Let a request through whose most fits, or a single one that may pass the cap when nothing else is in flight."""
        spent, in_flight, calls = spending(conn, self.account.budget_days, simulated=self.account.simulated)
        if spent >= budget_usd:
            raise LlmBudgetSpent(
                f"{spent:.4f} of {budget_usd:.4f} USD spent in {self.account.budget_days:g} days: "
                "raise RAP_LLM__BUDGET_USD to go on"
            )
        if calls and spent + in_flight + most_usd > budget_usd:
            raise BudgetTight

    def _close(self, call_id: int, fields: Mapping[str, Any]) -> None:
        blank = dict.fromkeys(
            (
                "cost_usd",
                "prompt_tokens",
                "completion_tokens",
                "http_status",
                "finish_reason",
                "response",
                "error",
                "latency_ms",
            )
        )
        self._with(lambda conn: conn.execute(_CLOSE, {**blank, **fields, "call_id": call_id}))

    def _with(self, work: Callable[[psycopg.Connection], T]) -> T:
        """Do the work on the one connection, over a new one where the old one broke. Raises LedgerAway."""
        if not self._lock.acquire(timeout=STATEMENT_S):
            raise _away("others wait for it")
        try:
            for again in (True, False):
                try:
                    if self._conn is None or self._conn.closed:
                        self._conn = self._connected()
                    return work(self._conn)
                except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled) as error:
                    raise _away(type(error).__name__) from error  # it took long enough for once
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    if self._conn is not None:
                        self._conn.close()
                        self._conn = None
                    if not again:
                        raise _away(type(error).__name__) from error
                except psycopg.Error as error:
                    raise _away(type(error).__name__) from error
            raise AssertionError("the second try returns or raises")
        finally:
            self._lock.release()

    def _connected(self) -> psycopg.Connection:
        dsn = make_conninfo(self._dsn, **_KEPT_ALIVE, tcp_user_timeout=round(STATEMENT_S * 1000))
        conn = connect(dsn, autocommit=True, application_name="rap_platform llm ledger")
        try:
            for name, seconds in (("lock_timeout", LOCK_S), ("statement_timeout", STATEMENT_S)):
                conn.execute("select set_config(%s, %s, false)", [name, f"{round(seconds * 1000)}ms"])
            conn.execute("select pg_advisory_lock(%s, %s)", [_OWNERS, self._owner])
            lose(conn, self._owner)
        except BaseException:
            conn.close()
            raise
        return conn


def _away(why: str) -> LedgerAway:
    return LedgerAway(f"the ledger of LLM calls can't be written ({why}), and what can't be written down is not asked")


def lose(conn: psycopg.Connection, owner: int = -1) -> int:
    """Mark as lost what nobody waits for any more; gives how many. `owner` is the caller's own, whose calls are alive."""
    return conn.execute(_LOSE, {"owner": owner, "class": _OWNERS}).rowcount


def spending(conn: psycopg.Connection, days: float, *, simulated: bool) -> tuple[float, float, int]:
    """USD spent in the last `days`, the most that is in flight, and how many calls with a price are."""
    row = conn.execute(_SPENT, {"window_s": days * 86_400, "simulated": simulated}).fetchone()
    assert row is not None
    return float(row[0]), float(row[1]), int(row[2])


@dataclass(frozen=True)
class Latencies:
    """How long a model's answered calls took: buckets as (upper edge in ms, calls), and the seconds of all together.

    Edges lie a quarter of a factor ten apart; buckets between the first and the last that hold none are there, with zero.
    """

    model: str
    buckets: list[tuple[float, int]]
    seconds: float


def latencies(conn: psycopg.Connection, model: str | None = None) -> list[Latencies]:
    """The latencies of each model that ever answered, or of one."""
    found: dict[str, dict[int, tuple[int, float]]] = {}
    for name, bucket, calls, seconds in conn.execute(_HISTOGRAM, {"model": model}):
        found.setdefault(name, {})[int(bucket)] = (int(calls), float(seconds))
    return [
        Latencies(
            name,
            [
                (10 ** (bucket / 4), of_bucket.get(bucket, (0, 0.0))[0])
                for bucket in range(min(of_bucket), max(of_bucket) + 1)
            ],
            sum(seconds for _, seconds in of_bucket.values()),
        )
        for name, of_bucket in found.items()
    ]


def latency_histogram(conn: psycopg.Connection, model: str) -> list[tuple[float, int]]:
    """The buckets of one model; none when it never answered."""
    return next((found.buckets for found in latencies(conn, model)), [])


def storable(text: str) -> str:
    """The text without what PostgreSQL can't hold: NUL characters and halves of surrogate pairs are replaced."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _key(request_sha256: str) -> str:
    return f"rap:llm:answer:{request_sha256}"


def _kept(reply: Reply) -> dict[str, Any]:
    return {**vars(reply), "mode": reply.mode.value, "cached": True}


def _unkept(told: Mapping[str, Any]) -> Reply | None:
    """The reply as it was kept, or None for what somebody else wrote there."""
    try:
        return replace(Reply(**told), mode=Mode(told["mode"]), cached=True)
    except (TypeError, ValueError, KeyError):
        return None
