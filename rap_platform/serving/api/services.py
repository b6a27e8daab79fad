"""What a running application holds, made once in the lifespan: pool, cache, encoder, model, metrics."""

import gc
import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, TypedDict

import anyio
from fastapi import Depends, Request

from rap_platform.embeddings.encoders.minilm import Encoder, load_encoder
from rap_platform.embeddings.encoders.registry import EncoderError, Encoders
from rap_platform.embeddings.encoders.weights import NAME
from rap_platform.embeddings.search import sound_keys
from rap_platform.serving.api.analyze.llm import LlmAnalyst
from rap_platform.serving.api.cache import ResilientCache
from rap_platform.serving.api.database import Pool
from rap_platform.serving.api.metrics import Metrics
from rap_platform.serving.api.problems import EncoderAway
from rap_platform.serving.api.quality.model import QualityModel
from rap_platform.settings import Settings

logger = logging.getLogger("rap_platform.api")

# Objects more than were freed; an answer makes a few thousand, nearly all of which are freed without the collector.
COLLECTED_AFTER = 20_000


class LazyEncoder:
    """The text encoder, loaded at the first use or by the warm-up, once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None

    @property
    def loaded(self) -> bool:
        """Whether it is in memory."""
        return self._encoder is not None

    def get(self) -> Encoder:
        """The encoder; the first caller waits while it loads. Raises EncoderAway."""
        with self._lock:
            if self._encoder is None:
                try:
                    self._encoder = load_encoder(self.settings)
                except (EncoderError, OSError) as error:
                    logger.exception("the encoder cannot be loaded")
                    raise EncoderAway(
                        "Its weights are missing or not what they should be; run `rap-platform doctor`."
                    ) from error
            return self._encoder

    def warm_up(self) -> None:
        """Load it before somebody waits for it; a failure shows at the first use and in /health."""
        with suppress(EncoderAway):
            self.get().encode(["warm"])


@dataclass(frozen=True)
class Services:
    """Everything that handlers work with."""

    settings: Settings
    pool: Pool | None
    cache: ResilientCache
    metrics: Metrics
    encoder: LazyEncoder
    encoders: Encoders
    quality_model: QualityModel
    llm: LlmAnalyst
    llm_limiter: anyio.CapacityLimiter  # slow calls get threads of their own, so that searches never wait for them

    def warm_up(self) -> None:
        """Load what the first visitor would wait for: the encoder, how words are pronounced, and the LLM's client library."""
        self.encoder.warm_up()
        sound_keys.load()
        with suppress(EncoderError, OSError):
            self.encoders.get(NAME)
        self.llm.introduce()
        _settle()


@lru_cache(maxsize=1)
def _settle() -> None:
    """Once per process: the garbage collector leaves what was loaded alone, which it would read through while everybody waits."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, *gc.get_threshold()[1:])


class State(TypedDict):
    """The typed state of the application's lifespan."""

    services: Services


def services(request: Request) -> Services:
    """The services of the application that handles this request."""
    found: Services = request.state.services
    return found


ServicesDep = Annotated[Services, Depends(services)]
