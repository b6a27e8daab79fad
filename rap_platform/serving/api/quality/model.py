"""The champion model in memory: loaded when first needed, exchanged when the alias moves, kept while MLflow is away."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from rap_platform.serving.api.problems import NoModel
from rap_platform.serving.champion import ALIAS, ChampionVersion, RegistryAway, find_champion
from rap_platform.settings import Settings
from rap_platform.training.naming import MODEL_NAME

logger = logging.getLogger("rap_platform.api")

RECHECK_S = 15.0


@dataclass(frozen=True)
class Loaded:
    """A model and the version that it is."""

    champion: ChampionVersion
    model: Any


class QualityModel:
    """The champion of MLflow's registry."""

    def __init__(self, settings: Settings) -> None:
        self.tracking_uri = settings.mlflow_tracking_uri
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._checked_at = -RECHECK_S

    def version(self) -> ChampionVersion:
        """Which version is served, without loading it. Raises NoModel."""
        if self.tracking_uri is None:
            raise NoModel(
                "No registry is configured: set RAP_MLFLOW_TRACKING_URI, or start everything with `rap-platform up`."
            )
        try:
            champion = find_champion(self.tracking_uri)
        except RegistryAway as error:
            if self._loaded is not None:
                return self._loaded.champion
            raise NoModel(f"{error}, and no model was loaded before. It is asked again at the next request.") from error
        if champion is None:
            raise NoModel(
                f"No version of {MODEL_NAME} carries the alias {ALIAS}: none is trained yet, or none beats the best baseline. "
                "`rap-platform run` trains and evaluates; `rap-platform evaluate` shows the comparison."
            )
        return champion

    def get(self) -> Loaded:
        """The champion, loaded. Raises NoModel."""
        with self._lock:
            if self._loaded is not None and time.monotonic() - self._checked_at < RECHECK_S:
                return self._loaded
            champion = self.version()
            if self._loaded is None or self._loaded.champion != champion:
                self._loaded = Loaded(champion, self._load(champion))
            self._checked_at = time.monotonic()
            return self._loaded

    def _load(self, champion: ChampionVersion) -> Any:
        from mlflow.exceptions import MlflowException

        from rap_platform.resources.mlflow import MlflowResource

        try:
            return MlflowResource(tracking_uri=self.tracking_uri).load(MODEL_NAME, champion.version)
        except (MlflowException, OSError, ValueError, ImportError) as error:
            logger.exception("version %s of %s cannot be loaded", champion.version, MODEL_NAME)
            raise NoModel(
                f"Version {champion.version} is registered but cannot be loaded; the log says why."
            ) from error
