"""The code location: the stages in flow order and what runs them.

`build_defs(resources)` lets tests and tools build the real graph over other resources.
"""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

import dagster as dg

from rap_platform.analyses import sensors as analyses_sensors
from rap_platform.lyrics import sensors as lyrics_sensors
from rap_platform.orchestration.jobs import JOBS
from rap_platform.orchestration.schedules import SCHEDULES
from rap_platform.orchestration.sensors import automation
from rap_platform.resources.embedder import EmbedderResource
from rap_platform.resources.genius import GeniusResource
from rap_platform.resources.llm import LlmResource
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform.resources.spotify import SpotifyResource
from rap_platform.spotify import sensors as spotify_sensors
from rap_platform.training import sensors as training_sensors

# Stage -> its modules that define assets. The order is the flow.
PIPELINE: dict[str, tuple[str, ...]] = {
    "lyrics": ("assets",),
    "spotify": ("assets",),
    "features": ("assets",),
    "embeddings": ("assets", "audio.assets", "term_assets", "analysis_assets", "fact_assets"),
    "analyses": ("assets",),
    "training": ("assets", "commercial_assets", "drift_assets", "finetuning.assets"),
    "evaluation": ("assets",),
    "trends": ("assets",),
    "serving": ("assets",),
}


def stage_modules(stage: str) -> list[ModuleType]:
    """The asset modules of a stage."""
    return [import_module(f"rap_platform.{stage}.{name}") for name in PIPELINE[stage]]


def build_resources() -> dict[str, object]:
    """One resource per outside system, configured by the settings."""
    return {
        "postgres": PostgresResource(),
        "genius": GeniusResource(),
        "spotify": SpotifyResource(),
        "embedder": EmbedderResource(),
        "llm": LlmResource(),
        "mlflow": MlflowResource(),
    }


def build_defs(resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """The whole code location; `resources` replace those of the same key."""
    assets = [
        asset
        for stage in PIPELINE
        for asset in dg.load_assets_from_modules(stage_modules(stage), group_name=stage, include_specs=True)
    ]
    checks = [
        check
        for stage in PIPELINE
        for check in dg.load_asset_checks_from_modules([import_module(f"rap_platform.{stage}.checks")])
    ]
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        resources={**build_resources(), **(resources or {})},
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=[
            automation,
            *lyrics_sensors.SENSORS,
            *spotify_sensors.SENSORS,
            *analyses_sensors.SENSORS,
            *training_sensors.SENSORS,
        ],
        executor=dg.in_process_executor,
    )


defs = build_defs()
