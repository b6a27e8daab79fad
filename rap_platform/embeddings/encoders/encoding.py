"""What every encoder is to the rest: its type, what a call gives back, its errors. No encoder is made here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class EncoderError(Exception):
    """An encoder is unknown, can't be had or gives what can't be used; the message says what to do."""


class NotConfiguredHere(EncoderError):
    """Searches ask an encoder that these settings lack or make otherwise; the message holds no address, path or secret."""


@dataclass(frozen=True)
class Encoded:
    """What one call made: vectors (n, dimension), how many texts were longer than the limit, how many word pieces were read.

    An endpoint that does not tell its tokens counts none.
    """

    vectors: Vectors
    over_limit: int
    word_pieces: int


class Encoder(Protocol):
    """Texts into unit vectors; safe to call from several threads at once.

    `name` is the suffix of its tables, `fingerprint` a sha256 of all that its vectors depend on: another fingerprint under the same
    name would mix vectors that can't be compared. `max_word_pieces` is None where the limit is not known in word pieces.
    """

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_word_pieces(self) -> int | None: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def computed_by(self) -> str:
        """What multiplies, and in which arithmetic: vectors of one fingerprint agree to a cosine of 0.9999 whatever it is."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of questions, float32 (n, dimension), in their order; what lies beyond the limit may not be read."""
        ...

    def encode_whole(self, texts: Sequence[str]) -> Encoded:
        """Unit vectors of texts that are stored; every word is read, in windows where a text is over the limit."""
        ...


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1.0), dtype=np.float32)


def mean_of_parts(vectors: Vectors, owners: Sequence[int], count: int) -> Vectors:
    """The unit mean of the parts of each of `count` texts, (count, dimension); `owners` says which text a row belongs to."""
    sums = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, np.asarray(owners, dtype=np.intp), vectors)
    return unit(sums)
