"""What a release consists of and when two are the same. Storing it is the asset's business."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from rap_platform.embeddings.encoders.serving import serving
from rap_platform.serving import queries
from rap_platform.serving.champion import ChampionVersion, find_champion
from rap_platform.settings import Settings
from rap_platform.training.naming import MODEL_NAME

VERSION = "1"


@dataclass(frozen=True)
class ServedModel:
    """The champion, or why none is served."""

    champion: ChampionVersion | None
    reason: str | None

    def describe(self) -> str:
        """The model in words."""
        return f"{MODEL_NAME} version {self.champion.version}" if self.champion else f"none: {self.reason}"


@dataclass(frozen=True)
class Draft:
    """A release before it is stored."""

    content_digest: str
    encoder: str
    champion: ChampionVersion | None
    evaluation_id: int | None
    counts: dict[str, Any]
    simulated: bool

    def row(self) -> dict[str, Any]:
        """The columns of serving_releases."""
        return {
            "content_digest": self.content_digest,
            "encoder": self.encoder,
            "model_name": MODEL_NAME if self.champion else None,
            "model_version": self.champion.version if self.champion else None,
            "model_uri": self.champion.uri if self.champion else None,
            "evaluation_id": self.evaluation_id,
            "counts": self.counts,
            "simulated": self.simulated,
        }


def served_model(settings: Settings) -> ServedModel:
    """Ask MLflow for the champion. A registry that does not answer raises RegistryAway: the asset is retried."""
    if settings.mlflow_tracking_uri is None:
        return ServedModel(None, "no registry is configured: set RAP_MLFLOW_TRACKING_URI")
    champion = find_champion(settings.mlflow_tracking_uri, timeout_s=10)
    return ServedModel(champion, None if champion else "no version of the quality model is champion yet")


def draft(conn: Connection[Any], model: ServedModel) -> Draft:
    """The release that is due now. It is simulated when anything in it is."""
    encoder = serving(conn).name
    counts = {**queries.counts(conn, encoder), "model_absent_because": model.reason}
    evaluation = queries.latest_evaluation(conn)
    champion = model.champion
    content = {
        "version": VERSION,
        "encoder": encoder,
        "model": champion.uri if champion else None,
        "evaluation": evaluation["input_digest"] if evaluation else None,
        "counts": counts,
        "fingerprint": queries.fingerprint(conn, encoder),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    simulated = (
        bool(counts["simulated_tracks"])
        or bool(evaluation and evaluation["simulated"])
        or bool(champion and champion.simulated)
    )
    return Draft(digest, encoder, champion, evaluation["evaluation_id"] if evaluation else None, counts, simulated)
