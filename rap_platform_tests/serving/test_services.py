"""What an application does before the first visitor comes."""

import gc
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from rap_platform.serving.api import services
from rap_platform.settings import Settings


@pytest.fixture
def unsettled() -> Iterator[None]:
    """The collector as it is before any application warmed up in this process, whatever earlier tests started here."""
    before = gc.get_threshold()
    services._settle.cache_clear()
    gc.unfreeze()
    gc.set_threshold(services.COLLECTED_AFTER - 1, *before[1:])
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_the_collector_leaves_alone_what_the_warm_up_loaded(
    serve: Callable[[Settings], httpx.Client], settings: Settings, unsettled: None
) -> None:
    serve(settings)
    deadline = time.monotonic() + 60
    while gc.get_threshold()[0] != services.COLLECTED_AFTER:
        assert time.monotonic() < deadline, "the warm-up never ended"
        time.sleep(0.05)
    assert gc.get_freeze_count() > 10_000
