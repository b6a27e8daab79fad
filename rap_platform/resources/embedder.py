"""The sentence encoders as a resource; what they are made of is in embeddings/encoders/."""

from functools import lru_cache

import dagster as dg

from rap_platform.embeddings.encoders.minilm import Encoder, load_encoder
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.settings import get_settings


class EmbedderResource(dg.ConfigurableResource):
    """The encoders of the settings, each loaded once per process. `threads` 0 takes every core."""

    threads: int = 0

    def encoder(self) -> Encoder:
        """MiniLM without torch; the first call on a machine exports it. Raises WeightsError or ExportError."""
        return load_encoder(get_settings(), threads=self.threads)

    def encoders(self, *, batch: bool = True) -> Encoders:
        """All of them. For filling, MiniLM runs through torch where a GPU is, or where RAP_EMBEDDINGS__RUNTIME says so; else never."""
        return _encoders(get_settings().model_dump_json(), self.threads, batch)


@lru_cache(maxsize=4)
def _encoders(settings: str, threads: int, batch: bool) -> Encoders:
    del settings  # the key: settings hold lists, so they have no hash
    return Encoders(get_settings(), threads=threads, batch=batch)
