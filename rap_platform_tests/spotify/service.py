"""A real HTTP server that answers as a test tells it to: token, search, audio features of Spotify and of ReccoBeats."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from rap_platform.settings import Endpoint

Answer = tuple[int, dict[str, str], Any]


@dataclass
class Service:
    """What was asked, and what is answered: queued answers per path first, then the standing one."""

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    queued: dict[str, list[Answer]] = field(default_factory=dict)
    standing: dict[str, Answer] = field(default_factory=dict)

    def endpoint(self, *, simulated: bool = False) -> Endpoint:
        key = SecretStr("key")
        return Endpoint("spotify", f"{self.url}/v1", f"{self.url}/api/token", key, key, simulated, 60_000)

    def times(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)


TOKEN: Answer = (200, {}, {"access_token": "t", "token_type": "Bearer", "expires_in": 3600})


@contextmanager
def serving() -> Iterator[Service]:
    service = Service(standing={"/api/token": TOKEN})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            service.asked.append((parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}))
            queue = service.queued.get(parts.path)
            status, headers, body = (
                queue.pop(0) if queue else service.standing.get(parts.path, (404, {}, {"error": {"message": "no"}}))
            )
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {
                "Content-Length": str(len(content)),
                "Content-Type": "application/json",
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def track(spotify_id: str, name: str, *artists: str, **more: Any) -> dict[str, Any]:
    """A track object of the Web API."""
    isrc = more.pop("isrc", None)
    return {
        "id": spotify_id,
        "name": name,
        "artists": [{"name": artist} for artist in artists],
        "album": {"name": "An Album", "release_date": more.pop("release_date", "2001-02-03")},
        "external_ids": {"isrc": isrc} if isrc else {},
        "duration_ms": more.pop("duration_ms", 200_000),
        "explicit": False,
        "available_markets": ["US"],
        **more,
    }


def found(*tracks: dict[str, Any]) -> Answer:
    """An answer of the search."""
    return 200, {}, {"tracks": {"items": list(tracks)}}
