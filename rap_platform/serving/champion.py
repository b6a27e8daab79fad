"""Which quality model is the champion, asked from MLflow's registry over HTTP. Loading the model is the API's business."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from rap_platform.training.naming import MODEL_NAME

ALIAS = "champion"


class RegistryAway(Exception):
    """MLflow does not answer, or answers with something else than a model version."""


@dataclass(frozen=True)
class ChampionVersion:
    """A registered version of the quality model that carries the alias `champion`."""

    version: str
    run_id: str | None
    tags: dict[str, str]

    @property
    def uri(self) -> str:
        """The exact version, so that what was loaded stays known when the alias moves."""
        return f"models:/{MODEL_NAME}/{self.version}"

    @property
    def simulated(self) -> bool:
        """Whether it learned from simulated ratings."""
        return self.tags.get("simulated", "").lower() == "true"


def find_champion(tracking_uri: str, timeout_s: float = 1.0) -> ChampionVersion | None:
    """The champion, or None when no version has the alias yet. Raises RegistryAway.

    Source: MLflow REST API, `GET 2.0/mlflow/registered-models/alias`.
    """
    if urlsplit(tracking_uri).scheme not in {"http", "https"}:
        from rap_platform.resources.mlflow import MlflowResource  # brings Dagster along: no start waits for it

        found = MlflowResource(tracking_uri=tracking_uri).alias(MODEL_NAME, ALIAS)
        return None if found is None else ChampionVersion(str(found.version), found.run_id, dict(found.tags))
    try:
        answer = httpx.get(
            f"{tracking_uri.rstrip('/')}/api/2.0/mlflow/registered-models/alias",
            params={"name": MODEL_NAME, "alias": ALIAS},
            timeout=timeout_s,
        )
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise RegistryAway("MLflow does not answer") from error
    if answer.status_code == httpx.codes.OK:
        version = body["model_version"]
        tags = {tag["key"]: tag.get("value", "") for tag in version.get("tags", [])}
        return ChampionVersion(str(version["version"]), version.get("run_id") or None, tags)
    if answer.status_code in {400, 404} and "not found" in str(body.get("message", "")).lower():
        return None
    raise RegistryAway(f"MLflow answers {answer.status_code} {body.get('error_code', '')}".rstrip())
