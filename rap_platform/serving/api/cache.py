"""The cache: Redis, and the process's memory while Redis is away. Values are JSON, so a foreign writer cannot run code here."""

import sys
import time
import warnings
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from rap_platform.serving.api.metrics import Metrics
from rap_platform.settings import Settings

# cashews takes a pickler from SQLAlchemy when that is installed: half a second of a start, for values that are JSON here.
_absent = "sqlalchemy" not in sys.modules
if _absent:
    sys.modules["sqlalchemy"] = None  # type: ignore[assignment]  # importing it raises ImportError
try:
    from cashews import Cache
    from cashews.backends.interface import Backend
    from cashews.commands import Command
    from cashews.exceptions import CacheBackendInteractionError
finally:
    if _absent:
        del sys.modules["sqlalchemy"]

TIMEOUT_S = 0.25
PAUSE_S = 2.0  # Redis that just failed is not asked again for this long, so that an outage costs one timeout and not one per request
MEMORY_ENTRIES = 2_000
MEMORY_TTL_S = 300.0  # what was kept during an outage does not outlive it for long


def cache_key(purpose: str, *parts: object) -> str:
    """A key of fixed length from everything that the value depends on."""
    return f"rap:{purpose}:{sha256(repr(parts).encode('utf-8', 'surrogatepass')).hexdigest()}"


class ResilientCache:
    """A JSON cache that answers whether Redis lives or not, and goes back to Redis by itself."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.metrics = metrics
        self.paused_until = 0.0
        self.memory = Cache()
        self.memory.setup(f"mem://?size={MEMORY_ENTRIES}")
        self.shared: Cache | None = None
        if settings.redis_url is not None:
            self.shared = Cache()
            self.shared.setup(
                settings.redis_url.get_secret_value(),
                middlewares=(self._or_memory,),
                suppress=False,
                pickle_type="json",
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                wait_for_connection_timeout=TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
                max_connections=20,
            )

    async def get(self, key: str) -> Any:
        """The value, or None."""
        value = await (self.shared or self.memory).get(key)
        self.metrics.cache_requests.labels(cache=key.split(":")[1], result="miss" if value is None else "hit").inc()
        return value

    async def set(self, key: str, value: Any, seconds: float) -> None:
        """Keep a JSON-compatible value."""
        if self.shared is None:
            await self.memory.set(key, value, expire=min(seconds, MEMORY_TTL_S))
        else:
            await self.shared.set(key, value, expire=seconds)

    async def ping(self) -> bool:
        """Whether Redis itself answers, memory not counted. False when none is configured."""
        if self.shared is None:
            return False
        try:
            await self.shared.ping()
        except CacheBackendInteractionError:
            return False
        return True

    async def close(self) -> None:
        """Close the connections."""
        with warnings.catch_warnings():  # cashews 7.6 closes redis-py by a name that redis-py 8 deprecates
            warnings.simplefilter("ignore", DeprecationWarning)
            for cache in (self.shared, self.memory):
                if cache is not None:
                    await cache.close()

    async def _or_memory(
        self, call: Callable[..., Awaitable[Any]], cmd: Command, backend: Backend, *args: Any, **kwargs: Any
    ) -> Any:
        if cmd is Command.PING or time.monotonic() >= self.paused_until:
            try:
                result = await call(*args, **kwargs)
            except CacheBackendInteractionError:
                self._pause()
                if cmd is Command.PING:
                    raise
            else:
                await self._resume()
                return result
        self.metrics.cache_fallbacks.inc()
        if cmd is Command.SET:
            kwargs["expire"] = min(kwargs.get("expire") or MEMORY_TTL_S, MEMORY_TTL_S)
        return await getattr(self.memory, cmd.value)(*args, **kwargs)

    def _pause(self) -> None:
        self.paused_until = time.monotonic() + PAUSE_S
        self.metrics.up.labels(component="redis").set(0)

    async def _resume(self) -> None:
        if self.paused_until:
            self.paused_until = 0.0
            await self.memory.clear()
        self.metrics.up.labels(component="redis").set(1)
