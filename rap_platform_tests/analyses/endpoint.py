"""A real chat endpoint on loopback that misbehaves as told, and the answers it can be told to give."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import SecretStr

from rap_platform.resources.llm import FOR_PEOPLE, LlmClient, Patience, account_of, limit_of
from rap_platform.resources.llm_ledger import NullLedger, PostgresLedger
from rap_platform.resources.llm_trouble import OF_A_RUN
from rap_platform.resources.politeness import Politeness
from rap_platform.settings import Endpoint, Llm

LYRICS = """[Verse 1]
I count the rain on a tin roof, counting what I lost
My mother kept the lights on, never told us what it cost
The corner had a preacher and the preacher had a gun
I wrote it in a notebook till the morning and the sun

[Hook]
Hold on, hold on, the night is never long
Hold on, hold on, I put it in a song
Hold on, hold on, tomorrow will be strong
Hold on, hold on, they told us we were wrong"""

GOOD: dict[str, Any] = {
    "evidence": [
        {"quote": "never told us what it cost", "supports": "theme: family"},
        {"quote": "I own a yacht", "supports": "theme: money"},
    ],
    "summary": "A son remembers hard years and his mother's quiet courage.",
    "themes": ["struggle", "family"],
    "moods": ["reflective", "hopeful"],
    "primary_mood": "hopeful",
    "sentiment": "mixed",
    "profanity_rating": "G",
    "complexity": 5,
    "wordplay": 4.5,
    "storytelling": 7,
    "quality": 6,
    "confidence": 0.7,
}


@dataclass
class Told:
    """What the endpoint answers to one request."""

    content: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish_reason: str = "stop"
    message: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    page: str | None = None
    raw: bytes | None = None
    usage: Any = field(default_factory=lambda: {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100})
    choices: Any = None
    drips_s: float = 0.0  # for so long a blank comes every 50 ms before the body

    @property
    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.page is not None:
            return self.page.encode()
        if self.status != 200:
            return json.dumps({"error": {"message": self.error or f"status {self.status}"}}).encode()
        message = {"role": "assistant", "content": self.content, **self.message}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        answer = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice] if self.choices is None else self.choices,
            "usage": self.usage,
        }
        return json.dumps(answer).encode()


def said(answer: Mapping[str, Any] | None = None, **changes: Any) -> Told:
    """A well-formed answer, with some fields changed."""
    return Told(json.dumps({**(answer or GOOD), **changes}))


Behaviour = Callable[[dict[str, Any], int], Told]


class Server(ThreadingHTTPServer):
    """Remembers what it was asked; `behave` decides from the request and its running number (from 0)."""

    daemon_threads = False
    requests: list[dict[str, Any]]
    most_at_once = 0

    def __init__(self, behave: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behave, self.requests, self.lock, self.at_once = behave, [], threading.Lock(), 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            number = len(self.server.requests)
            self.server.requests.append(asked)
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        told = self.server.behave(asked, number)
        self.send_response(told.status)
        self.send_header("content-type", "application/json" if told.page is None else "text/html")
        for name, value in told.headers.items():
            self.send_header(name, value)
        blanks = round(told.drips_s / 0.05)
        self.send_header("content-length", str(blanks + len(told.body)))
        self.end_headers()
        try:
            for _ in range(blanks):
                self.wfile.write(b" ")
                time.sleep(0.05)
            self.wfile.write(told.body)
        except OSError:
            self.close_connection = True  # nobody listens any more
        with self.server.lock:
            self.server.at_once -= 1

    def do_GET(self) -> None:
        """The list of models."""
        body = json.dumps({"object": "list", "data": [{"id": "qwen/qwen3-4b-fp8"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        del args


@contextmanager
def serving(*told: Told | Behaviour) -> Iterator[Server]:
    """An endpoint that gives these answers in turn (the last one for ever), or behaves as a function says."""

    def in_turn(asked: dict[str, Any], number: int) -> Told:
        chosen = told[min(number, len(told) - 1)]
        return chosen(asked, number) if callable(chosen) else chosen

    server = Server(in_turn)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client_of(
    url: str,
    *,
    simulated: bool = True,
    rpm: float = 60_000,
    dsn: str | None = None,
    patience: Patience = OF_A_RUN,
    clock_rate: float = 1.0,
    key: str = "key",
    **config: Any,
) -> LlmClient:
    """A client of an endpoint at `url`, with a ledger in the database `dsn` or none."""
    endpoint = Endpoint("llm", url, None, SecretStr(key), None, simulated, rpm)
    settings = Llm(**{"timeout_s": 5, **config})
    ledger = PostgresLedger(dsn, account_of(endpoint, settings, "test")) if dsn else NullLedger()
    polite = Politeness("llm", limit_of(endpoint), redis=None, clock_rate=clock_rate, reserved=FOR_PEOPLE)
    return LlmClient(endpoint, settings, ledger=ledger, polite=polite, patience=patience)
