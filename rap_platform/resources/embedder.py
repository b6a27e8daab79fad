"""The sentence encoder as a resource; what it is made of is in embeddings/encoder.py."""

import dagster as dg

from rap_platform.embeddings.encoders.onnx import Encoder, load_encoder
from rap_platform.settings import get_settings


class EmbedderResource(dg.ConfigurableResource):
    """MiniLM through ONNX Runtime, loaded once per process. `threads` 0 takes every core."""

    threads: int = 0

    def encoder(self) -> Encoder:
        """The encoder; the first call on a machine exports it. Raises WeightsError or ExportError."""
        return load_encoder(get_settings(), threads=self.threads)
