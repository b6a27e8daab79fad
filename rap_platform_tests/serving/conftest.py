"""A real API: uvicorn on a free port in a thread, asked over HTTP."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from rap_platform.embeddings.encoders.minilm import Encoder, load_encoder
from rap_platform.serving.api.app import create_app
from rap_platform.settings import Settings
from rap_platform_tests.conftest import SHARED

HOST = "127.0.0.1"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of the test's servers, with the encoder that is exported once."""
    SHARED.mkdir(exist_ok=True)
    return settings.model_copy(update={"data_dir": SHARED})


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The encoder that the API uses."""
    SHARED.mkdir(exist_ok=True)
    return load_encoder(Settings(data_dir=SHARED))


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the application, which runs until the block ends."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server ended while it was starting"
            time.sleep(0.01)
        try:
            with httpx.Client(base_url=f"http://{HOST}:{listener.getsockname()[1]}", timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(15)
            assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[[Settings], httpx.Client]]:
    """Start an API with given settings; it ends with the test."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(served(create_app(settings)))


@pytest.fixture
def api(serve: Callable[[Settings], httpx.Client], settings: Settings) -> httpx.Client:
    """The API over an empty, migrated database."""
    return serve(settings)
