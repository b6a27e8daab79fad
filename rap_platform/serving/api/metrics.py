"""Prometheus metrics: HTTP by handler, and our own under `rap_`. Labels never hold an artist, a track or a text."""

import datetime as dt
from collections.abc import Iterable

import psycopg
import redis
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
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_fastapi_instrumentator import Instrumentator, metrics
from pydantic import SecretStr

from rap_platform.resources.llm_ledger import Latencies, latencies
from rap_platform.resources.politeness import CLOSED, HALF_OPEN, OPEN, Snapshot, snapshot
from rap_platform.resources.redis import client
from rap_platform.serving.api.database import Pool, reading
from rap_platform.serving.api.problems import DatabaseAway

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


class PolitenessCollector(Collector):
    """How the outside services are asked, read from Redis when Prometheus asks; no Redis, or nothing asked yet: no samples."""

    services = ("genius", "spotify", "llm")
    states = (CLOSED, OPEN, HALF_OPEN)

    def __init__(self, server: "redis.Redis | None") -> None:
        self.server = server

    def collect(self) -> Iterable[Metric]:
        breaker = GaugeMetricFamily(
            "rap_service_breaker", "1 for the state that the breaker is in", labels=["service", "state"]
        )
        openings = CounterMetricFamily("rap_service_breaker_openings", "Times the breaker opened", labels=["service"])
        closings = CounterMetricFamily("rap_service_breaker_closings", "Times it closed again", labels=["service"])
        held = GaugeMetricFamily(
            "rap_service_hold_seconds", "Seconds for which the service wants to be left alone", labels=["service"]
        )
        requests = GaugeMetricFamily(
            "rap_service_requests_last_minute", "Requests of the last minute, over all processes", labels=["service"]
        )
        for told in self._snapshots():
            for state in self.states:
                breaker.add_metric([told.service, state], float(state == told.breaker))
            openings.add_metric([told.service], told.openings)
            closings.add_metric([told.service], told.closings)
            left_s = (told.hold.until - dt.datetime.now(dt.UTC)).total_seconds() if told.hold else 0.0
            held.add_metric([told.service], max(0.0, left_s))
            requests.add_metric([told.service], told.requests or 0)
        return [breaker, openings, closings, held, requests]

    def _snapshots(self) -> list[Snapshot]:
        if self.server is None:
            return []
        try:
            found = [snapshot(self.server, service) for service in self.services]
        except redis.RedisError:
            return []
        return [told for told in found if told is not None]


class LlmCollector(Collector):
    """How long the LLM took to answer, of all processes, read from the ledger when Prometheus asks; no database: no samples."""

    edges_ms = tuple(10 ** (bucket / 4) for bucket in range(4, 21))  # 10 ms to 100 s

    def __init__(self, pool: Pool | None) -> None:
        self.pool = pool

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily("rap_llm_call_seconds", "Time until the LLM answered", labels=["model"])
        for told in self._latencies():
            buckets = [
                (edge, sum(calls for upper, calls in told.buckets if upper <= 1.001 * edge)) for edge in self.edges_ms
            ]
            total = sum(calls for _, calls in told.buckets)
            named = [(f"{edge / 1000:.4g}", float(calls)) for edge, calls in buckets]
            family.add_metric([told.model], [*named, ("+Inf", float(total))], told.seconds)
        return [family]

    def _latencies(self) -> list[Latencies]:
        if self.pool is None or self.pool.closed:
            return []
        try:
            with reading(self.pool) as conn:
                return latencies(conn)
        except (DatabaseAway, psycopg.Error):
            return []


class Metrics:
    """All metrics of one application, in a registry of its own."""

    def __init__(self, pool: Pool | None, redis_url: SecretStr | None = None) -> None:
        registry = self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(PoolCollector(pool))
        registry.register(LlmCollector(pool))
        registry.register(PolitenessCollector(client(redis_url.get_secret_value()) if redis_url else None))
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
