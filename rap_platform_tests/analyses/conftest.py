"""The encoder and the library of songs of the embeddings' tests, and the settings of an LLM that a test plays."""

from collections.abc import Iterator

import pytest

from rap_platform.settings import Settings, get_settings
from rap_platform_tests.embeddings.conftest import add_track, embedder_settings, encoder, shared_models

__all__ = ["add_track", "embedder_settings", "encoder", "shared_models"]


@pytest.fixture
def llm_url(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[pytest.MonkeyPatch]:
    """Lets a test set RAP_LLM__ variables; `get_settings.cache_clear()` after each change."""
    del settings
    yield monkeypatch
    get_settings.cache_clear()
