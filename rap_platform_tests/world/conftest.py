"""A world of the tests' own, so that fault plans don't disturb the shared one: 60 artists, 300 songs, under real uvicorn."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rap_platform.world.corpus import Corpus
from rap_platform_tests import worlds

SEED, ARTISTS, SONGS = 2026, 60, 300


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """The songs that the test world serves."""
    return Corpus(SEED, ARTISTS, SONGS)


@pytest.fixture(scope="session")
def world_root(servers_dir: Path) -> Iterator[str]:
    """Root URL of the test world."""
    with worlds.running(servers_dir, songs=SONGS, artists=ARTISTS) as root:
        yield root


@pytest.fixture
def http(world_root: str) -> Iterator[httpx.Client]:
    """A client of a world in which nothing fails and every song has its page."""
    quiet = {
        "genius_api": {},
        "spotify": {},
        "reccobeats": {},
        "llm": {"http_429": 0, "think": 0, "fence": 0, "broken_json": 0, "misquote": 0},
        "genius_web": {"missing": 0, "unreleased": 0, "instrumental": 0, "non_lyrics": 0},
    }
    with httpx.Client(base_url=world_root, timeout=20, trust_env=False) as client:
        client.put("/faults", json=quiet).raise_for_status()
        yield client
        client.delete("/faults").raise_for_status()
