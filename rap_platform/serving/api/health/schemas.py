"""What /health answers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Component(BaseModel):
    """One thing that the API leans on."""

    status: Literal["up", "down", "not_configured", "loading", "stale"]  # stale: an older model answers
    detail: str | None = None
    milliseconds: float | None = None


class Health(BaseModel):
    """`healthy`: everything works. `degraded`: answers go on without something. `error`: the database is down."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "healthy",
                    "version": "0.1.0",
                    "environment": "development",
                    "timestamp": "2026-11-23T07:00:00Z",
                    "components": {"database": {"status": "up", "detail": None, "milliseconds": 0.9}},
                }
            ]
        }
    )

    status: Literal["healthy", "degraded", "error"]
    version: str
    environment: str
    timestamp: datetime
    components: dict[str, Component]


class Live(BaseModel):
    """The process runs."""

    status: Literal["live"] = "live"
