"""The champion model in memory. A new champion is loaded beside the old one and then takes its place; no request waits for that.

The first request for a rating loads the model. After that the registry is asked in the background, at most every `RECHECK_S`
seconds and only while somebody asks. A version that can't be loaded leaves the old one in service and shows as `trouble`.
"""

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

    def is_version(self, other: ChampionVersion) -> bool:
        """Whether it is this version; its tags may have changed since."""
        return (self.champion.version, self.champion.run_id) == (other.version, other.run_id)


class CannotLoad(Exception):
    """A registered version that can't be loaded or does not rate; the log has the reason."""


class QualityModel:
    """The champion of MLflow's registry."""

    def __init__(self, settings: Settings) -> None:
        self.tracking_uri = settings.mlflow_tracking_uri
        self.loads = 0
        self.failed_loads = 0
        self._first = threading.Lock()
        self._refreshing = threading.Lock()
        self._loaded: Loaded | None = None
        self._trouble: str | None = None
        self._checked_at = -RECHECK_S

    @property
    def loaded(self) -> Loaded | None:
        """What answers now; None before the first request and after the title was lost."""
        return self._loaded

    @property
    def trouble(self) -> str | None:
        """Why the champion is not what answers; None when it is."""
        return self._trouble

    def version(self) -> ChampionVersion:
        """Which version is champion, without loading it. Raises NoModel."""
        if self.tracking_uri is None:
            raise NoModel(
                "No registry is configured: set RAP_MLFLOW_TRACKING_URI, or start everything with `rap-platform up`."
            )
        try:
            champion = find_champion(self.tracking_uri)
        except RegistryAway as error:
            if (loaded := self._loaded) is not None:
                return loaded.champion
            raise NoModel(f"{error}, and no model was loaded before. It is asked again at the next request.") from error
        if champion is None:
            raise NoModel(
                f"No version of {MODEL_NAME} carries the alias {ALIAS}: none is trained yet, or none beats the best baseline. "
                "`rap-platform run` trains and evaluates; `rap-platform evaluate` shows the comparison."
            )
        return champion

    def get(self) -> Loaded:
        """The model that answers now: at once when one is loaded, else the champion, which the first callers wait for. Raises NoModel."""
        if (loaded := self._loaded) is not None:
            if time.monotonic() - self._checked_at >= RECHECK_S:
                self._refresh()
            return loaded
        with self._first:
            if (loaded := self._loaded) is not None:
                return loaded
            if self._trouble is not None and time.monotonic() - self._checked_at < RECHECK_S:
                raise NoModel(self._trouble)
            champion = self.version()
            try:
                loaded = self._load(champion)
            except CannotLoad as error:
                self._checked_at = time.monotonic()
                self._trouble = f"Version {champion.version} is registered but cannot be loaded; the log says why."
                raise NoModel(self._trouble) from error
            self._loaded, self._trouble, self._checked_at = loaded, None, time.monotonic()
            return loaded

    def _refresh(self) -> None:
        """Look for another champion in the background, once at a time."""
        if self._refreshing.acquire(blocking=False):
            try:
                threading.Thread(target=self._exchange, name="champion", daemon=True).start()
            except RuntimeError:  # no more threads: the next request tries again
                self._refreshing.release()

    def _exchange(self) -> None:
        try:
            champion = self.version()
            if self._loaded is None or not self._loaded.is_version(champion):
                self._loaded = self._load(champion)
            self._trouble = None
        except NoModel:  # the title was lost: the next request says so
            self._loaded = self._trouble = None
        except CannotLoad:
            old = "nothing" if self._loaded is None else f"version {self._loaded.champion.version}"
            self._trouble = f"Version {champion.version} is champion but cannot be loaded; {old} answers in its place, the log says why."
        finally:
            self._checked_at = time.monotonic()
            self._refreshing.release()

    def _load(self, champion: ChampionVersion) -> Loaded:
        """Load a version and let it rate once, so that its first request is no slower than the others. Raises CannotLoad."""
        try:
            # pandas and scikit-learn, MLflow: most of a start, for what few ask
            from rap_platform.resources.mlflow import MlflowResource
            from rap_platform.training.features import frame
            from rap_platform.training.quality import predict

            model = MlflowResource(tracking_uri=self.tracking_uri).load(MODEL_NAME, champion.version)
            predict(model, frame([0], {}, {}).fillna(0.0))
        except Exception as error:  # a file made elsewhere may break in any way, and the old version must go on
            self.failed_loads += 1
            logger.exception("version %s of %s cannot be loaded", champion.version, MODEL_NAME)
            raise CannotLoad from error
        self.loads += 1
        return Loaded(champion, model)
