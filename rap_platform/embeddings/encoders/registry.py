"""The encoders there are, by name, and the one that searches ask. What an encoder is made of stands in a module of its own."""

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from rap_platform.embeddings.encoders import endpoint, minilm, reference, weights, wordpieces
from rap_platform.embeddings.encoders.encoding import Encoded, Encoder, EncoderError, NotConfiguredHere, Vectors
from rap_platform.embeddings.encoders.serving import Serving, serving
from rap_platform.settings import Settings

__all__ = ["Encoded", "Encoder", "EncoderError", "Encoders", "NotConfiguredHere", "Vectors"]


class Encoders:
    """The encoders of these settings, each loaded at its first use and kept; safe to use from several threads at once."""

    def __init__(self, settings: Settings, *, threads: int = 0, batch: bool = False) -> None:
        """`threads` is the number of forward passes at a time of a local encoder, 0 for as many as there are cores.

        With `batch` MiniLM may run through torch, on a GPU or where the settings say so; a process that answers searches never
        imports torch.
        """
        self._batch = batch
        self._settings = settings
        self._threads = threads
        self._loading = threading.Lock()
        self._loaded: dict[str, Encoder] = {}

    def names(self) -> tuple[str, ...]:
        """The names that `get` knows; minilm is the first."""
        named = self._settings.embeddings_api.name
        return (weights.NAME, minilm.INT8, *([named] if named else []))

    def filled(self) -> tuple[str, ...]:
        """The names of the encoders that assets fill: minilm and those of RAP_EMBEDDINGS__BESIDE."""
        return tuple(dict.fromkeys((weights.NAME, *self._settings.embeddings.beside)))

    def due(self, conn: psycopg.Connection[Any]) -> tuple[str, ...]:
        """The names of the encoders that a run fills: those of `filled`, and the one that searches ask."""
        return tuple(dict.fromkeys((*self.filled(), self.serving(conn).name)))

    def get(self, name: str) -> Encoder:
        """The encoder `name`; the first caller waits while it loads. Raises EncoderError that says what to do.

        NotConfiguredHere is the one of a name that is not in `names`.
        """
        found = self._loaded.get(name)
        if found is not None:
            return found
        if name not in self.names():
            raise NotConfiguredHere(
                f"no encoder {name!r} is configured; there are: {', '.join(self.names())}. An endpoint's is set by RAP_EMBEDDINGS_API__NAME"
            )
        with self._loading:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def _load(self, name: str) -> Encoder:
        if name == minilm.INT8:
            return minilm.load_int8(self._settings, threads=self._threads)
        if name != weights.NAME:
            return endpoint.Encoder(self._settings.embeddings_api)
        runtime = self._settings.embeddings.runtime
        if self._batch and (runtime == "torch" or (runtime == "auto" and reference.gpu_is_there())):
            return reference.load_reference(self._settings)
        return minilm.load_encoder(self._settings, threads=self._threads)

    def loaded(self, name: str) -> bool:
        """Whether `get(name)` answers at once."""
        return name in self._loaded

    def serving(self, conn: psycopg.Connection[Any]) -> Serving:
        """The encoder whose vectors searches ask, read anew each time.

        Raises NotConfiguredHere when these settings make another encoder of that name: its questions would be compared with vectors that
        are not its own.
        """
        found = serving(conn)
        if found.fingerprint is not None and self.fingerprint(found.name) != found.fingerprint:
            raise NotConfiguredHere(
                f"the encoder {found.name} of these settings is not the one whose vectors are stored: set what it was, or give it another name"
            )
        return found

    def fingerprint(self, name: str) -> str:
        """The fingerprint of the encoder `name` as these settings make it; MiniLM's without loading it. Raises as `get` does."""
        return wordpieces.fingerprint() if name == weights.NAME else self.get(name).fingerprint

    def sketch(self, text: str, lines: Sequence[str]) -> npt.NDArray[np.float64]:
        """How alike each line and `text` are by MiniLM's word vectors, float64 (len(lines),), about 0..1: quick and rough."""
        return self._word_reader.sketch(text, lines)

    @cached_property
    def _word_reader(self) -> minilm.Encoder:
        return minilm.load_encoder(self._settings, threads=self._threads)
