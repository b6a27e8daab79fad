"""Asks from one or many clients at once and tells how long each answer took. What is asked is the caller's business."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import numpy as np

T = TypeVar("T")


class Refused(Exception):
    """The one that was asked did not answer this time; others may be answered."""


@dataclass(frozen=True)
class Timings:
    """Milliseconds per answer at the 50th, 95th and 99th percentile, answers per second of all clients together, refusals."""

    p50: float
    p95: float
    p99: float
    per_s: float
    refused: int = 0

    def figures(self, what: str, clients: int) -> dict[str, float]:
        """As named figures of a bench."""
        of = f"{clients}_client{'s' if clients > 1 else ''}"
        times = {f"{what}_p{place}_ms_{of}": getattr(self, f"p{place}") for place in (50, 95, 99)}
        refused = {f"{what}_refused_{of}": float(self.refused)} if self.refused else {}
        return times | {f"{what}_per_s_{of}": self.per_s} | refused


def timings(seconds: Sequence[float], wall_s: float, refused: int = 0) -> Timings:
    """Percentiles of the seconds that answers took, `wall_s` seconds in all. Raises RuntimeError when there was no answer."""
    if not seconds:
        raise RuntimeError(f"nothing was answered, {refused} times refused")
    p50, p95, p99 = (round(float(value) * 1000, 3) for value in np.percentile(seconds, [50, 95, 99]))
    return Timings(p50, p95, p99, round(len(seconds) / wall_s, 1), refused)


def driven(
    client: Callable[[], AbstractContextManager[Callable[[T], object]]], items: Sequence[T], clients: int, warm: int = 0
) -> Timings:
    """Ask every item once, each client one after another; the first `warm` items are asked before, and not counted.

    `client` makes what a client asks with, in the client's own thread. Refusals are counted and not timed; what else a client
    raises is raised here.
    """
    waiting = iter(items)
    lock = threading.Lock()
    ready = threading.Barrier(clients + 1)
    seconds: list[float] = []
    failed: list[BaseException] = []
    refused: list[T] = []

    def take() -> T | None:
        with lock:
            return next(waiting, None)

    def work() -> None:
        try:
            with client() as ask:
                for _ in range(-(-warm // clients)):
                    if (item := take()) is not None:
                        with suppress(Refused):
                            ask(item)
                ready.wait()
                while not failed and (item := take()) is not None:
                    started = time.perf_counter()
                    try:
                        ask(item)
                    except Refused:
                        refused.append(item)
                    else:
                        seconds.append(time.perf_counter() - started)
        except BaseException as error:  # noqa: BLE001 -- told to the caller below
            failed.append(error)
            ready.abort()

    threads = [threading.Thread(target=work, name=f"client {number}") for number in range(clients)]
    for thread in threads:
        thread.start()
    with suppress(threading.BrokenBarrierError):
        ready.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - started
    for error in failed:
        if not isinstance(error, threading.BrokenBarrierError):
            raise error
    return timings(seconds, wall_s, len(refused))


@contextmanager
def http_client(root: str) -> Iterator[Callable[[str], bytes]]:
    """Asks GET /search over one kept connection. Raises Refused for 503 and RuntimeError for another answer than 200."""
    parts = urlsplit(root)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=30)

    def ask(text: str) -> bytes:
        connection.request("GET", f"/search?{urlencode({'q': text})}")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            raise Refused(text)
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the API answered {answer.status} to {text!r}: {body[:300]!r}")
        return body

    try:
        yield ask
    finally:
        connection.close()
