"""Prometheus metrics: HTTP by handler, and our own under `rap_`. Labels never hold an artist, a track or a text."""

from collections.abc import Iterable

from fastapi import FastAPI
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_fastapi_instrumentator import Instrumentator, metrics

from rap_platform.serving.api.database import Pool

# The library's own buckets end at 1 s, so that a p95 above 1 s could never be seen.
LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
UNMEASURED = ["/metrics", "/health", "/static"]


class PoolCollector(Collector):
    """The figures of the connection pool, read when Prometheus asks."""

    def __init__(self, pool: Pool | None) -> None:
        self.pool = pool

    def collect(self) -> Iterable[Metric]:
        stats = self.pool.get_stats() if self.pool is not None else {}
        for key, name, text in (
            ("pool_size", "rap_database_pool_size", "Connections in the pool"),
            ("pool_available", "rap_database_pool_available", "Connections that are idle"),
            ("requests_waiting", "rap_database_pool_waiting", "Requests that wait for a connection"),
        ):
            yield GaugeMetricFamily(name, text, value=stats.get(key, 0))


class Metrics:
    """All metrics of one application, in a registry of its own."""

    def __init__(self, pool: Pool | None) -> None:
        registry = self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(PoolCollector(pool))
        self.cache_requests = Counter(
            "rap_cache_requests_total",
            "Look-ups in the cache by what they are for and how they end",
            ["cache", "result"],
            registry=registry,
        )
        self.cache_fallbacks = Counter(
            "rap_cache_fallbacks_total", "Cache commands that went to memory because Redis was away", registry=registry
        )
        self.analysis_fallbacks = Counter(
            "rap_analysis_fallbacks_total",
            "Analyses by rules in place of the LLM, by reason",
            ["reason"],
            registry=registry,
        )
        self.analysis_seconds = Histogram(
            "rap_analysis_seconds",
            "Time that an analysis took",
            ["analyzer"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.search_seconds = Histogram(
            "rap_search_seconds",
            "Time that a search took in the database",
            buckets=(0.005, 0.01, 0.025, *LATENCY_BUCKETS),
            registry=registry,
        )
        self.up = Gauge(
            "rap_component_up", "1 when the component answered last time it was asked", ["component"], registry=registry
        )

    def watch(self, app: FastAPI) -> None:
        """Measure every request of the application by its route template."""
        instrumentator = Instrumentator(excluded_handlers=UNMEASURED, registry=self.registry)
        instrumentator.add(
            metrics.default(
                latency_lowr_buckets=LATENCY_BUCKETS, should_exclude_streaming_duration=True, registry=self.registry
            )
        )
        instrumentator.instrument(app)
