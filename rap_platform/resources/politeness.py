"""How outside services are asked: a shared limit, a breaker and what a Retry-After asked for; nothing about any one service.

The state is shared through Redis. While Redis is away each process keeps to its share of the limit and to what it knows itself.

`limits` counts the requests of the last minute and refuses what exceeds it, `pybreaker` is the breaker's state machine. Two
things are our own, because the libraries can't do them: `limits` says yes or no, so that waiting callers would have to poll and
a fresh minute would be spent in one burst (`_TURN` hands out turns, evenly spaced, by the clock of Redis), and `pybreaker` lets
every caller through while it is half-open (`_probing` lets one).
"""

import datetime as dt
import json
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, TypeVar, cast

import pybreaker
import redis
from limits.errors import StorageError
from limits.storage import RedisStorage

FAILURES: Final = 5
OPEN_S: Final = 30.0
WINDOW_S: Final = 60
LONGEST_WAIT_S: Final = 60.0  # who is asked to wait longer comes back later instead
PROBE_S: Final = 90.0  # a probe that has not come back is given up after this
LEAST_PROBE_S: Final = 5.0
LOOK_AGAIN_S: Final = 2.0  # while another probes
AWAY_S: Final = 1.0  # Redis that just failed is not asked again for this long
FRESH_S: Final = (
    0.05  # what was read of breaker and hold is believed for this long, so that a request costs few round trips
)
KEPT_S: Final = 7 * 24 * 3600
TRANSITIONS: Final = 100
SPARE: Final = 2  # turns are exact, the count of a minute is not: it may be off by one at either end

CLOSED, OPEN, HALF_OPEN = pybreaker.STATE_CLOSED, pybreaker.STATE_OPEN, pybreaker.STATE_HALF_OPEN

log = logging.getLogger("rap_platform.politeness")

T = TypeVar("T")


class Transient(Exception):
    """A failure that another try may mend: a 5xx, a broken connection, a time-out. It counts for the breaker."""


@dataclass(frozen=True)
class Hold:
    """A service wants to be left alone `until` then."""

    until: dt.datetime
    reason: str


class BreakerOpen(Exception):
    """The service failed too often in a row and is not asked before `until`; not to be tried again at once."""

    def __init__(self, service: str, until: dt.datetime) -> None:
        super().__init__(f"{service} failed {FAILURES} times in a row: it is not asked before {until:%H:%M:%S} UTC")
        self.until = until


class Held(Exception):
    """The service asked for more patience than a request waits for; `hold` says until when and why."""

    def __init__(self, service: str, hold: Hold) -> None:
        super().__init__(f"{service} wants to be left alone until {hold.until:%Y-%m-%d %H:%M} UTC: {hold.reason}")
        self.hold = hold


class Busy(Exception):
    """So many wait for their turn that the caller's comes later than it cares to wait; no turn was taken."""

    def __init__(self, service: str, wait_s: float) -> None:
        super().__init__(f"{service} is busy: the next turn comes in {wait_s:.1f} s")
        self.wait_s = wait_s


@dataclass(frozen=True)
class Transition:
    """The breaker went from one state to another."""

    at: dt.datetime
    before: str
    after: str


@dataclass(frozen=True)
class Snapshot:
    """What is known of a service: `until` is when an open breaker lets a probe through; `shared` is False without Redis.

    `openings` and `closings` count since the state was first kept; `transitions` are the newest hundred, oldest first;
    `requests` are those of the last minute, over all processes (None without Redis).
    """

    service: str
    breaker: str
    until: dt.datetime | None
    failures: int
    openings: int
    closings: int
    transitions: tuple[Transition, ...]
    hold: Hold | None
    requests: int | None
    shared: bool


# KEYS: the queues of which the caller may take the earliest turn. ARGV: milliseconds to live, the longest wait in µs, the
# interval of each queue in µs. Gives the queue (from 1) and the µs until the caller's turn, which is taken unless that is
# longer than the longest wait.
_TURN: Final = """
local clock = redis.call('time')
local now = clock[1] * 1000000 + clock[2]
local queue, turn
for number, key in ipairs(KEYS) do
  local free = math.max(now, tonumber(redis.call('get', key) or 0))
  if turn == nil or free < turn then queue, turn = number, free end
end
local wait = string.format('%.0f', turn - now)
if turn - now > tonumber(ARGV[2]) then return {queue, wait} end
local following = turn + tonumber(ARGV[2 + queue])
redis.call('set', KEYS[queue], string.format('%.0f', following), 'PX', math.ceil((following - now) / 1000) + tonumber(ARGV[1]))
return {queue, wait}
"""
# KEYS: breaker, transitions. ARGV: state, transition as JSON without its `before`, seconds to live, longest list.
# Gives the state before; a change is recorded once, whoever sees it first.
_MOVE: Final = """
local before = redis.call('hget', KEYS[1], 'state') or 'closed'
redis.call('expire', KEYS[1], ARGV[3])
if before == ARGV[1] then return before end
redis.call('hset', KEYS[1], 'state', ARGV[1])
redis.call('expire', KEYS[1], ARGV[3])
if ARGV[1] == 'open' then redis.call('hincrby', KEYS[1], 'openings', 1) end
if ARGV[1] == 'closed' then redis.call('hincrby', KEYS[1], 'closings', 1) end
local change = cjson.decode(ARGV[2])
change['before'] = before
redis.call('rpush', KEYS[2], cjson.encode(change))
redis.call('ltrim', KEYS[2], -tonumber(ARGV[4]), -1)
redis.call('expire', KEYS[2], ARGV[3])
return before
"""
# KEYS: probe. ARGV: the claim. Only who holds it gives it back.
_RELEASE: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
# KEYS: hold. ARGV: hold as JSON, its end in ms. The longer hold stays.
_HOLD: Final = """
local old = redis.call('pexpiretime', KEYS[1])
if old < tonumber(ARGV[2]) then redis.call('set', KEYS[1], ARGV[1], 'PXAT', ARGV[2]) end
return old
"""


class Politeness:
    """One service as one process asks it: `per_minute` requests, evenly spaced, over all processes that share the Redis.

    Without Redis this process keeps to `per_minute / processes`. `clock_rate` makes all our own waits shorter by that factor
    (the limit higher by it), for tests against servers whose clock runs fast; what a server asks for is never shortened. A
    share of the limit may be `reserved` for those who go first; all who ask a service say the same share. Safe to share between
    threads. `redis` is a client of resources/redis.py: bytes for answers, short time-outs, no retries.
    """

    def __init__(
        self,
        service: str,
        per_minute: float,
        *,
        redis: "redis.Redis | None",
        processes: int = 1,
        clock_rate: float = 1.0,
        reserved: float = 0.0,
    ) -> None:
        if not (per_minute > 0 and processes >= 1 and clock_rate > 0 and 0 <= reserved < 1):
            raise ValueError(
                f"{service}: a limit, a number of processes and a clock rate are above zero, a share is below one"
            )
        self.service = service
        self.clock_rate = clock_rate
        self._interval_s = 60.0 / (per_minute * clock_rate)
        self._most = math.ceil(per_minute * clock_rate) + SPARE
        self._processes = processes
        self._open_s = OPEN_S / clock_rate
        self._lock = threading.Lock()
        self._reserved = reserved
        self._next = {"turn": 0.0, "reserved": 0.0}
        self._claim = threading.Lock()
        self._shared = _Shared(redis)
        self._window = cache(_window)
        self._board = _Board(service, self._shared)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES,
            reset_timeout=self._open_s,
            exclude=[lambda error: isinstance(error, Exception) and not isinstance(error, Transient)],
            state_storage=self._board,
            name=service,
            throw_new_error_on_trip=False,
        )

    def slow_to(self, interval_s: float) -> None:
        """Keep at least `interval_s` between requests from now on, as a robots.txt may ask for."""
        self._interval_s = max(self._interval_s, interval_s / self.clock_rate)

    def wait_turn(
        self, most_s: float = LONGEST_WAIT_S, *, first: bool = False, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Block until the shared limit lets this request go; who cares to wait `most_s` at most is told at once that it is longer.

        Who goes `first` has the reserved share of the limit besides the common one. `sleep` may raise to end the wait.

        Raises Held when the service wants more patience than that (a minute by default), Busy when the queue does.
        """
        patience_s = most_s if most_s < LONGEST_WAIT_S else math.inf
        while True:
            self._wait_for_hold(most_s, sleep)
            sleep(self._turn_s(patience_s, first=first))
            if self.held() is None and self._admitted():
                return

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Put the breaker round one request: a Transient raised inside counts, five in a row open it. Raises BreakerOpen.

        When the breaker has been open long enough exactly one caller over all processes gets through, as a probe; its
        Transient opens the breaker again, anything else closes it.
        """
        with self._probing():
            entered = False
            try:
                with self._breaker.calling():
                    entered = True
                    yield
            except pybreaker.CircuitBreakerError:
                if entered:
                    raise
                raise BreakerOpen(self.service, self._until()) from None

    def is_closed(self) -> bool:
        """Say whether the breaker lets everybody through."""
        return self._board.state == CLOSED

    def hold(self, until: dt.datetime, reason: str) -> None:
        """Leave the service alone until then, in all processes; a longer hold that is already there stays."""
        self._board.keep_hold(Hold(until, reason))

    def held(self) -> Hold | None:
        """Give the hold that is in force, if any."""
        return _in_force(self._board.look().hold)

    def release(self) -> None:
        """Drop the hold: this process's own and the one in Redis."""
        self._board.drop_hold()

    def state(self) -> Snapshot:
        """Give what is known of the service now."""
        read = self._shared.ask(lambda server: _read(server, self.service), None)
        known = read or self._board.look()
        return _snapshot(self.service, known, self._open_s, shared=read is not None)

    def _wait_for_hold(self, most_s: float, sleep: Callable[[float], None]) -> None:
        while hold := self.held():
            left_s = (hold.until - _now()).total_seconds()
            if left_s > most_s:
                raise Held(self.service, hold)
            sleep(max(0.0, left_s))

    def _turn_s(self, patience_s: float, *, first: bool = False) -> float:
        intervals = {"turn": self._interval_s / (1 - self._reserved)}
        if first and self._reserved:
            intervals["reserved"] = self._interval_s / self._reserved
        keys = [_key(self.service, queue) for queue in intervals]
        most_us = str(round(min(patience_s, KEPT_S) * 1e6))
        argv = [str(WINDOW_S * 1000), most_us, *(str(round(interval_s * 1e6)) for interval_s in intervals.values())]
        told = self._shared.ask(lambda server: server.eval(_TURN, len(keys), *keys, *argv), None)
        with self._lock:
            now = time.monotonic()
            if told is None:
                queue = min(intervals, key=lambda name: max(now, self._next[name]))
                wait_s = max(0.0, self._next[queue] - now)
            else:
                queue, wait_s = list(intervals)[told[0] - 1], int(told[1]) / 1e6
            if wait_s > patience_s:
                raise Busy(self.service, wait_s)
            self._next[queue] = now + wait_s + intervals[queue] * self._processes
        return wait_s

    def _admitted(self) -> bool:
        key = _key(self.service, "window")
        return self._shared.ask(
            lambda server: self._window(server).acquire_sliding_window_entry(key, self._most, WINDOW_S), True
        )

    def _until(self) -> dt.datetime:
        opened_at = self._board.opened_at or _now()
        return opened_at + dt.timedelta(seconds=self._open_s)

    @contextmanager
    def _probing(self) -> Iterator[None]:
        """Let everybody through while the breaker is closed, and one probe at a time while it is not. Raises BreakerOpen."""
        if self._board.state == CLOSED:
            yield
            return
        until = self._until()
        if until > _now():
            raise BreakerOpen(self.service, until)
        probe_s = max(LEAST_PROBE_S, PROBE_S / self.clock_rate)
        busy = BreakerOpen(self.service, _now() + dt.timedelta(seconds=LOOK_AGAIN_S / self.clock_rate))
        if not self._claim.acquire(blocking=False):
            raise busy
        key, claim = _key(self.service, "probe"), secrets.token_hex(8)
        try:
            if not self._shared.ask(lambda server: server.set(key, claim, nx=True, px=round(probe_s * 1000)), True):
                raise busy
            try:
                self._board.look(fresh=True)  # another's probe may have ended between our look and our claim
                yield
            finally:
                self._shared.ask(lambda server: server.eval(_RELEASE, 1, key, claim), None)
        finally:
            self._claim.release()


def snapshot(server: "redis.Redis", service: str) -> Snapshot | None:
    """Read what all processes know of a service, or None when there is nothing. Raises redis.RedisError."""
    known = _read(server, service)
    return _snapshot(service, known, OPEN_S, shared=True) if known != _Known(requests=0) else None


@dataclass(frozen=True)
class _Known:
    """What is known of breaker, hold and window."""

    state: str = CLOSED
    failures: int = 0
    opened_at: float | None = None
    openings: int = 0
    closings: int = 0
    hold: Hold | None = None
    transitions: tuple[Transition, ...] = ()
    requests: int | None = None


class _Shared:
    """The Redis that may be away: its answer, or what the caller gives in its place."""

    def __init__(self, server: "redis.Redis | None") -> None:
        self._server = server
        self._away_until = 0.0

    def ask(self, question: Callable[["redis.Redis"], Any], otherwise: T) -> T:
        if self._server is None or time.monotonic() < self._away_until:
            return otherwise
        try:
            return cast(T, question(self._server))
        except (redis.RedisError, StorageError) as error:
            self._away_until = time.monotonic() + AWAY_S
            log.warning("Redis is away (%s): each process keeps to its share of the limits", type(error).__name__)
            return otherwise


class _Board(pybreaker.CircuitBreakerStorage):
    """Breaker and hold as all processes see them, mirrored in memory: what Redis forgot is put back, what it misses is kept."""

    def __init__(self, service: str, shared: _Shared) -> None:
        super().__init__("redis, else memory")
        self._service = service
        self._shared = shared
        self._known = _Known()
        self._own_hold: Hold | None = None
        self._believed_until = 0.0
        self._lock = threading.RLock()

    def look(self, *, fresh: bool = False) -> _Known:
        """Read the state, from Redis unless it was read just now or Redis is away."""
        with self._lock:
            if fresh or time.monotonic() >= self._believed_until:
                read = self._shared.ask(lambda server: _read(server, self._service, figures=False), None)
                if read is not None and read.opened_at is None and self._known.opened_at is not None:
                    self._shared.ask(self._put_back, None)
                elif read is not None:
                    self._known = read
                self._believed_until = time.monotonic() + FRESH_S
            holds = [hold for hold in (self._known.hold, self._own_hold) if hold is not None]
            return replace(self._known, hold=max(holds, key=lambda hold: hold.until, default=None))

    def keep_hold(self, hold: Hold) -> None:
        with self._lock:
            if self._own_hold is None or self._own_hold.until < hold.until:
                self._own_hold = hold
        if hold.until > _now():
            told = json.dumps({"until": hold.until.timestamp(), "reason": hold.reason})
            end_ms = str(math.ceil(hold.until.timestamp() * 1000))
            self._shared.ask(lambda server: server.eval(_HOLD, 1, _key(self._service, "hold"), told, end_ms), None)

    def drop_hold(self) -> None:
        with self._lock:
            self._own_hold = None
            self._known = replace(self._known, hold=None)
        self._shared.ask(lambda server: server.delete(_key(self._service, "hold")), None)

    @property
    def state(self) -> str:
        return self.look().state

    @state.setter
    def state(self, state: str) -> None:
        now = _now()
        change = json.dumps({"at": now.timestamp(), "after": state})
        keys = (_key(self._service, "breaker"), _key(self._service, "transitions"))
        with self._lock:
            told = self._shared.ask(
                lambda server: server.eval(_MOVE, 2, *keys, state, change, str(KEPT_S), str(TRANSITIONS)), None
            )
            before = self._known.state if told is None else told.decode()
            self._believed_until = 0.0
            if before != state:
                self._known = replace(
                    self._known,
                    state=state,
                    openings=self._known.openings + (state == OPEN),
                    closings=self._known.closings + (state == CLOSED),
                    transitions=(*self._known.transitions, Transition(now, before, state))[-TRANSITIONS:],
                )
                log.warning("breaker of %s: %s -> %s", self._service, before, state)

    @property
    def counter(self) -> int:
        return self.look().failures

    def increment_counter(self) -> None:
        self._set(failures=self._known.failures + 1)
        self._shared.ask(lambda server: server.hincrby(_key(self._service, "breaker"), "failures", 1), None)

    def reset_counter(self) -> None:
        if self.look().failures:
            self._set(failures=0)
            self._shared.ask(lambda server: server.hset(_key(self._service, "breaker"), "failures", "0"), None)

    @property
    def opened_at(self) -> dt.datetime | None:
        opened_at = self.look().opened_at
        return dt.datetime.fromtimestamp(opened_at, dt.UTC) if opened_at is not None else None

    @opened_at.setter
    def opened_at(self, moment: dt.datetime) -> None:
        told = str(moment.timestamp())
        self._set(opened_at=moment.timestamp())
        self._shared.ask(lambda server: server.hset(_key(self._service, "breaker"), "opened_at", told), None)

    @property
    def success_counter(self) -> int:
        return 1  # one probe closes the breaker

    def _set(self, **fields: Any) -> None:
        with self._lock:
            self._known = replace(self._known, **fields)
            self._believed_until = 0.0

    def _put_back(self, server: "redis.Redis") -> None:
        fields: dict[Any, Any] = {
            name: str(value) for name in _FIELDS if (value := getattr(self._known, name)) is not None
        }
        server.hset(_key(self._service, "breaker"), mapping=fields)
        server.expire(_key(self._service, "breaker"), KEPT_S)


_FIELDS: Final = ("state", "failures", "opened_at", "openings", "closings")


def _read(server: "redis.Redis", service: str, *, figures: bool = True) -> _Known:
    with server.pipeline(transaction=False) as pipe:
        pipe.hgetall(_key(service, "breaker"))
        pipe.get(_key(service, "hold"))
        pipe.lrange(_key(service, "transitions"), 0, -1)
        fields, hold, changes = pipe.execute()
    known = {name.decode(): value.decode() for name, value in fields.items()}
    return _Known(
        state=known.get("state", CLOSED),
        failures=int(known.get("failures", 0)),
        opened_at=float(known["opened_at"]) if "opened_at" in known else None,
        openings=int(known.get("openings", 0)),
        closings=int(known.get("closings", 0)),
        hold=_hold(hold),
        transitions=tuple(_transition(change) for change in changes),
        requests=_requests(server, service) if figures else None,
    )


def _requests(server: "redis.Redis", service: str) -> int:
    before, left_s, now, _ = _window(server).get_sliding_window(_key(service, "window"), WINDOW_S)
    return round(before * left_s / WINDOW_S + now)


def _hold(told: bytes | None) -> Hold | None:
    if told is None:
        return None
    hold = json.loads(told)
    return Hold(dt.datetime.fromtimestamp(hold["until"], dt.UTC), hold["reason"])


def _transition(told: bytes) -> Transition:
    change = json.loads(told)
    return Transition(dt.datetime.fromtimestamp(change["at"], dt.UTC), change["before"], change["after"])


def _in_force(hold: Hold | None) -> Hold | None:
    return hold if hold is not None and hold.until > _now() else None


def _snapshot(service: str, known: _Known, open_s: float, *, shared: bool) -> Snapshot:
    opened_at = known.opened_at if known.state == OPEN else None
    return Snapshot(
        service,
        known.state,
        dt.datetime.fromtimestamp(opened_at + open_s, dt.UTC) if opened_at is not None else None,
        known.failures,
        known.openings,
        known.closings,
        known.transitions,
        _in_force(known.hold),
        known.requests,
        shared,
    )


def _window(server: "redis.Redis") -> RedisStorage:
    pool = server.connection_pool
    return RedisStorage("redis://", connection_pool=pool, key_prefix="rap:polite", wrap_exceptions=True)


def _key(service: str, name: str) -> str:
    return f"rap:polite:{service}:{name}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
