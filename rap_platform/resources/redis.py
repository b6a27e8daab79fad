"""Redis (or Valkey): a client whose callers must survive that it is away."""

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
