"""The Valkey launcher."""

from pathlib import Path

import psutil
import pytest
import redis

from rap_platform.local import process, valkey


def test_it_is_a_cache_that_wants_its_password_and_shows_it_to_no_process_list(data_dir: Path) -> None:
    with valkey.running(data_dir / "with a space", process.free_port()) as cache:
        with redis.Redis.from_url(cache.url) as client:
            client.set("song", "verse")
            assert client.get("song") == b"verse"
            assert client.config_get("maxmemory*")["maxmemory"] == str(256 * 2**20)
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
            assert client.config_get("save") == {"save": ""}
            pid = client.info()["process_id"]
        assert cache.password not in " ".join(psutil.Process(pid).cmdline())
        with redis.Redis(port=cache.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    assert not valkey.answers(cache)
