"""Redis (or Valkey): a client whose callers must survive that it is away."""

import json
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rap_platform.settings import get_settings

TIMEOUT_S = 0.25


def client(url: str | None = None) -> redis.Redis | None:
    """A client with short time-outs and no retries, or None when no Redis is configured. Connects on first use."""
    if url is None:
        configured = get_settings().redis_url
        if configured is None:
            return None
        url = configured.get_secret_value()
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )


def recall(server: redis.Redis | None, key: str) -> Any:
    """Give the JSON value kept under a key; None when there is none, when it is no JSON and while Redis is away."""
    try:
        told = server.get(key) if server is not None else None
        return json.loads(told) if isinstance(told, bytes | str) else None
    except (redis.RedisError, ValueError):
        return None


def keep(server: redis.Redis | None, key: str, value: Any, seconds: int | None) -> None:
    """Keep a JSON-compatible value for so long (None: for ever); while Redis is away nothing is kept."""
    try:
        if server is not None:
            server.set(key, json.dumps(value), ex=seconds)
    except redis.RedisError:
        return
