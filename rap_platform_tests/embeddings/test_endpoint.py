"""An embeddings endpoint over real HTTP: what it answers is checked, what it refuses is said with the setting to change."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from rap_platform.embeddings.encoders.endpoint import Encoder, EndpointError, estimated_tokens, text_windows
from rap_platform.embeddings.encoders.registry import EncoderError, Encoders
from rap_platform.settings import ConfigurationError, EmbeddingsApi, Settings, load

DIMENSION = 4
Answer = tuple[int, dict[str, str], bytes]
Server = Callable[..., Encoder]


def vector(text: str) -> list[float]:
    return [float(len(text)), 1.0, float(text.count("a")), 2.0]


def good(request: dict[str, Any], **changes: Any) -> Answer:
    data = [
        {"object": "embedding", "index": index, "embedding": vector(text)}
        for index, text in enumerate(request["input"])
    ]
    return (
        200,
        {},
        json.dumps({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 7}} | changes).encode(),
    )


class Endpoint(ThreadingHTTPServer):
    """Answers by a function of the request; keeps what it was asked."""

    daemon_threads = True

    def __init__(self, answer: Callable[[dict[str, Any], int], Answer]) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.asked.append(request)
                endpoint.keys.append(self.headers["Authorization"])
                status, headers, body = answer(request, len(endpoint.asked))
                self.send_response(status)
                for name, value in (
                    {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
                ).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Encoder, Endpoint]]]:
    """Start an endpoint with an answer; gives an encoder that asks it."""
    started: list[Endpoint] = []

    def start(answer: Callable[[dict[str, Any], int], Answer], **config: Any) -> tuple[Encoder, Endpoint]:
        server = Endpoint(answer)
        started.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        values: dict[str, Any] = {"name": "e5", "base_url": url, "model": "m", "dimension": DIMENSION, "retries": 0}
        return Encoder(EmbeddingsApi(**values | config)), server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def test_vectors_come_in_the_order_of_the_texts_and_unit(serve: Callable[..., tuple[Encoder, Endpoint]]) -> None:
    def shuffled(request: dict[str, Any], _: int) -> Answer:
        data = json.loads(good(request)[2])
        data["data"].reverse()
        return 200, {}, json.dumps(data).encode()

    encoder, server = serve(
        shuffled, api_key=SecretStr("key"), query_prefix="query: ", text_prefix="passage: ", batch=2
    )
    texts = ["banana", "a", "the rain came down"]
    found = encoder.encode(texts)
    expected = np.array([vector("query: " + text) for text in texts])
    assert found == pytest.approx(expected / np.linalg.norm(expected, axis=1, keepdims=True), abs=1e-6)
    assert found.dtype == np.float32
    assert sorted(len(request["input"]) for request in server.asked) == [1, 2]
    assert server.keys[0] == "Bearer key"
    assert encoder.encode_whole(texts).word_pieces == 14
    assert server.asked[-1]["input"] == ["passage: the rain came down"]


def test_a_busy_endpoint_is_asked_again_when_it_says(serve: Callable[..., tuple[Encoder, Endpoint]]) -> None:
    def busy(request: dict[str, Any], number: int) -> Answer:
        return ([(429, {"Retry-After": "0.2"}, b"{}"), (500, {"Retry-After": "0.1"}, b"{}"), good(request)])[
            min(number, 3) - 1
        ]

    encoder, server = serve(busy, retries=2)
    started = time.monotonic()
    assert encoder.encode_whole(["love"]).vectors.shape == (1, DIMENSION)
    assert len(server.asked) == 3
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda r, _: good(r, data=[{"index": i, "embedding": [1.0, 2.0]} for i in range(2)]), "RAP_EMBEDDINGS_API__DIMENSION=2"),
        (lambda r, _: good(r, data=[{"index": 0, "embedding": vector("a")}]), "1 vectors for 2 texts"),
        (lambda r, _: good(r, data=[{"index": 0, "embedding": vector("a")}] * 2), "or the same twice"),
        (lambda r, _: good(r, data=[{"index": i, "embedding": [1.0, None, 2.0, 3.0]} for i in range(2)]), "no list of numbers|not finite"),
        (lambda r, _: good(r, data=[{"index": i, "embedding": [float("nan")] * 4} for i in range(2)]), "not finite or all zero"),
        (lambda r, _: good(r, data=[{"index": i, "embedding": [0.0] * 4} for i in range(2)]), "not finite or all zero"),
        (lambda r, _: good(r, data=[{"index": i} for i in range(2)]), "no list of numbers"),
        (lambda r, _: good(r, data=[{"index": i, "embedding": [[1.0, 2.0, 3.0, 4.0]]} for i in range(2)]), "no list of numbers"),
        (lambda r, _: good(r, data=[{"index": i, "embedding": "AACAPw=="} for i in range(2)]), "no list of numbers"),
        (lambda r, _: good(r, data=None), "answers no list of vectors"),
        (lambda r, _: (200, {"Content-Type": "text/html"}, b"<html>hello</html>"), "RAP_EMBEDDINGS_API__BASE_URL"),
        (lambda r, _: (200, {}, b"{ not json"), "RAP_EMBEDDINGS_API__BASE_URL"),
        (lambda r, _: (429, {}, b"{}"), "answers 429 for m: its limit is reached"),
        (lambda r, _: (500, {}, b"oops"), "answers 500 for m: try again later"),
        (lambda r, _: (400, {}, b"{}"), "RAP_EMBEDDINGS_API__MAX_TOKENS under 512"),
        (lambda r, _: (401, {}, b"{}"), "check RAP_EMBEDDINGS_API__API_KEY"),
        (lambda r, _: (404, {}, b"{}"), "RAP_EMBEDDINGS_API__MODEL"),
    ],
)  # fmt: skip
def test_what_is_no_vector_for_each_text_is_refused_with_the_remedy(
    serve: Callable[..., tuple[Encoder, Endpoint]], answer: Callable[[dict[str, Any], int], Answer], message: str
) -> None:
    encoder, _ = serve(answer, api_key=SecretStr("hidden-key"))
    with pytest.raises(EndpointError, match=message) as refused:
        encoder.encode(["love", "hate"])
    assert "hidden-key" not in str(refused.value)


def test_an_endpoint_that_hangs_is_given_up(serve: Callable[..., tuple[Encoder, Endpoint]]) -> None:
    def hang(request: dict[str, Any], _: int) -> Answer:
        time.sleep(1.0)
        return good(request)

    encoder, server = serve(hang, timeout_s=0.2, query_timeout_s=0.1, retries=1)
    with pytest.raises(EndpointError, match="did not answer in 0.2 s: set RAP_EMBEDDINGS_API__TIMEOUT_S"):
        encoder.encode_whole(["love"])
    assert len(server.asked) == 2
    with pytest.raises(EndpointError, match="did not answer in 0.1 s: set RAP_EMBEDDINGS_API__QUERY_TIMEOUT_S"):
        encoder.encode(["love"])
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("status", "headers", "times"),
    [(429, {}, 2), (429, {"Retry-After": "60"}, 1), (429, {"Retry-After": "Sat, 28 Nov 2026 10:00:00 GMT"}, 1), (503, {}, 2), (400, {}, 1)],
)  # fmt: skip
def test_a_question_is_asked_once_again_at_most_and_never_waits_long(
    serve: Callable[..., tuple[Encoder, Endpoint]], status: int, headers: dict[str, str], times: int
) -> None:
    encoder, server = serve(lambda *_: (status, headers, b"{}"), timeout_s=600, retries=10)
    started = time.monotonic()
    with pytest.raises(EndpointError, match=f"answers {status} for m"):
        encoder.encode(["love"])
    assert time.monotonic() - started < 2.0
    assert len(server.asked) == times


def test_a_question_is_answered_at_the_second_try(serve: Callable[..., tuple[Encoder, Endpoint]]) -> None:
    encoder, server = serve(lambda request, number: good(request) if number == 2 else (500, {}, b"{}"))
    assert encoder.encode(["love"]).shape == (1, DIMENSION)
    assert len(server.asked) == 2


def test_an_endpoint_that_is_not_there_is_named() -> None:
    config = EmbeddingsApi(name="e5", base_url="http://127.0.0.1:9/v1", model="m", dimension=DIMENSION, retries=0)
    with pytest.raises(EndpointError, match="127.0.0.1:9/v1 can't be reached"):
        Encoder(config).encode(["love"])


def test_a_long_text_goes_through_windows_and_no_character_is_lost(
    serve: Callable[..., tuple[Encoder, Endpoint]],
) -> None:
    encoder, server = serve(lambda request, _: good(request), max_tokens=32, text_prefix="t: ")
    text = "\n".join(f"line {number} of a song that goes on" for number in range(20))
    found = encoder.encode_whole([text, "short", ""])
    assert found.over_limit == 1
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(1.0, abs=1e-6)
    sent = [text for request in server.asked for text in request["input"]]
    assert all(estimated_tokens(text) <= 32 for text in sent)
    assert sum(len(text) - 3 for text in sent) == len(text) + len("short") + len("")


@pytest.mark.parametrize("text", ["word " * 900, "夜の街 " * 300, "naïve café\n" * 200, "x" * 5000])
def test_windows_hold_every_character_once_and_keep_to_the_limit(text: str) -> None:
    found = text_windows(text, 100)
    assert "".join(found) == text
    assert all(estimated_tokens(window) <= 100 for window in found)


def test_another_model_or_reading_is_another_fingerprint() -> None:
    def of(**config: Any) -> str:
        return Encoder(
            EmbeddingsApi(**{"name": "e5", "base_url": "http://127.0.0.1:9/v1", "model": "m"} | config)
        ).fingerprint

    assert of() == of(name="other", api_key=SecretStr("k"), batch=3)
    assert len({of(), of(model="n"), of(dimension=8), of(max_tokens=99), of(text_prefix="p")}) == 5


def test_settings_name_the_whole_endpoint_and_only_known_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="embeddings_api: an encoder needs base_url, model too"):
        load({"embeddings_api": {"name": "e5"}})
    with pytest.raises(ConfigurationError, match=r"embeddings.beside: no encoder e6; there are: minilm_int8"):
        load({"embeddings": {"beside": ["e6"]}})
    api = {"name": "e5", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
    settings = load({"embeddings_api": api, "embeddings": {"beside": ["e5"]}})
    assert Encoders(settings).names() == ("minilm", "minilm_int8", "e5")
    assert Encoders(settings).filled() == ("minilm", "e5")
    assert Encoders(settings).get("e5").dimension == 1024
    with pytest.raises(EncoderError, match="RAP_EMBEDDINGS_API__NAME"):
        Encoders(Settings()).get("e5")
