"""A real HTTP server that answers as a test tells it to; used by the tests of the Genius client."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis
from pydantic import SecretStr

from rap_platform.resources.genius import GeniusClient
from rap_platform.settings import Endpoint


@dataclass
class Reply:
    """One answer; `cut` promises more bytes than come."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Server:
    """The server's address and the requests that it got, as (path, headers); those for robots.txt are counted apart."""

    url: str
    requests: list[tuple[str, dict[str, str]]]
    robots_asked: int = 0

    def paths(self) -> list[str]:
        """The paths asked for, without queries."""
        return [path.partition("?")[0] for path, _ in self.requests]


def api(response: object) -> Reply:
    """An answer of the API."""
    return Reply(
        200, json.dumps({"meta": {"status": 200}, "response": response}).encode(), {"content-type": "application/json"}
    )


def page(body: str) -> Reply:
    """A whole HTML page."""
    return Reply(
        200, f"<!doctype html><html><body>{body}</body></html>".encode(), {"content-type": "text/html; charset=utf-8"}
    )


def lyrics_page(lyrics: str) -> Reply:
    """A song page with these lyrics."""
    return page(f'<div data-lyrics-container="true">{lyrics.replace(chr(10), "<br/>")}</div>')


@contextmanager
def serving(answer: Callable[[str], Reply], robots: Callable[[], Reply] = lambda: Reply(404)) -> Iterator[Server]:
    """Run a server on a free port of 127.0.0.1 that answers a path as `answer` says, and robots.txt as `robots` does."""
    told = Server("", [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/robots.txt":
                told.robots_asked += 1
                reply = robots()
            else:
                told.requests.append((self.path, {name.casefold(): value for name, value in self.headers.items()}))
                reply = answer(self.path)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body) + 100 * reply.cut))
            self.end_headers()
            self.wfile.write(reply.body)
            if reply.cut:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def client(
    server: Server,
    *,
    scrape: bool = True,
    simulated: bool = True,
    longest_wait_s: float = 2.0,
    per_minute: float = 60_000,
    redis: "redis.Redis | None" = None,
    clock_rate: float = 100.0,
) -> GeniusClient:
    """A client of the server that waits little between tries."""
    endpoint = Endpoint(
        "genius",
        f"{server.url}/api",
        f"{server.url}/web",
        SecretStr("a-token"),
        None,
        simulated,
        per_minute / clock_rate,
    )
    return GeniusClient(
        endpoint,
        scrape=scrape,
        contact="tests@example.org",
        timeout_s=2.0,
        longest_wait_s=longest_wait_s,
        redis=redis,
        clock_rate=clock_rate,
    )
