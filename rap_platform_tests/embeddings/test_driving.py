"""Clients that ask at once: every item once, the slow ones seen, refusals counted, errors raised."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rap_platform.embeddings.driving import Refused, driven, http_client, timings


@contextmanager
def plainly(ask: Callable[[int], object]) -> Iterator[Callable[[int], object]]:
    yield ask


def test_every_item_is_asked_once_and_warm_ones_are_not_timed() -> None:
    asked: list[int] = []
    found = driven(lambda: plainly(asked.append), range(50), clients=4, warm=8)
    assert sorted(asked) == list(range(50))
    assert found.refused == 0
    assert found.per_s > 42  # the others took less than a second


def test_the_slowest_answers_show_in_the_tail() -> None:
    found = driven(lambda: plainly(lambda item: time.sleep(0.5 if item == 7 else 0.001)), range(20), clients=1)
    assert found.p50 < 200 < 400 < found.p99  # the slow one is one of twenty: the tail holds four fifths of it


def test_clients_ask_at_the_same_time() -> None:
    together = threading.Barrier(4)
    driven(lambda: plainly(lambda _: together.wait(timeout=5)), range(4), clients=4)


def test_refusals_are_counted_and_other_errors_raised() -> None:
    def ask(item: int) -> None:
        if item % 2:
            raise Refused

    assert driven(lambda: plainly(ask), range(10), clients=2).refused == 5
    with pytest.raises(ZeroDivisionError):
        driven(lambda: plainly(lambda item: 1 // (item - 3)), range(6), clients=2)
    with pytest.raises(RuntimeError, match="nothing was answered, 3 times refused"):
        timings([], 1.0, 3)


def test_figures_are_named_by_what_and_how_many() -> None:
    found = timings([0.001] * 99 + [0.1], 2.0)
    assert found.figures("search", 16) == {
        "search_p50_ms_16_clients": 1.0, "search_p95_ms_16_clients": 1.0, "search_p99_ms_16_clients": pytest.approx(1.99, abs=0.1),
        "search_per_s_16_clients": 50.0,
    }  # fmt: skip


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status = {"/search?q=busy": 503, "/search?q=broken": 500}.get(self.path, 200)
        self.send_response(status)
        self.send_header("content-length", str(len(self.path)))
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *args: object) -> None: ...


def test_an_endpoint_is_asked_over_one_connection() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with http_client(f"http://127.0.0.1:{server.server_port}") as ask:
            assert ask("a & b") == b"/search?q=a+%26+b"
            with pytest.raises(Refused):
                ask("busy")
            with pytest.raises(RuntimeError, match="answered 500 to 'broken'"):
                ask("broken")
        server.shutdown()
