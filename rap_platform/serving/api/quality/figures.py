"""Which version of the quality model answers, for Prometheus."""

from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rap_platform.serving.api.quality.model import QualityModel


class ModelCollector(Collector):
    """Read from memory when Prometheus asks; the registry is not asked."""

    def __init__(self, model: QualityModel) -> None:
        self.model = model

    def collect(self) -> Iterable[Metric]:
        """The version in memory, whether it is behind the champion, and how loading went."""
        version = GaugeMetricFamily(
            "rap_model_version", "1 for the version of the quality model that answers", labels=["version"]
        )
        if (loaded := self.model.loaded) is not None:
            version.add_metric([loaded.champion.version], 1.0)
        loads = CounterMetricFamily("rap_model_loads", "Versions that were loaded, by how it ended", labels=["result"])
        loads.add_metric(["loaded"], self.model.loads)
        loads.add_metric(["failed"], self.model.failed_loads)
        behind = float(self.model.trouble is not None)
        return [
            version,
            loads,
            GaugeMetricFamily("rap_model_behind", "1 while the champion cannot be loaded", value=behind),
        ]
