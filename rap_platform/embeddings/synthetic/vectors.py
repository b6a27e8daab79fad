"""Vectors of synthetic texts without a forward pass for each: what the encoder makes of a text, learned from a few thousand real passes.

A text's vector is a linear map of its words' vectors (the encoder's own word table, smooth inverse frequency) plus what that map misses:
noise with the covariance of the map's error on held-out texts, drawn per line, so that texts that share lines stay near one another.
The strength of the noise is set so that the ten nearest neighbours are as near as those of real vectors among as many texts.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt
import tokenizers
from scipy import sparse

from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.search.sketch import WordTable

HELD_OUT = 0.25  # of the texts, that the map does not see
RIDGE = 1.0
NOISE_ROWS = 32_768  # lines that fall on one row share its noise
STRENGTHS = (0.0, 4.0)
HALVINGS = 12
NEIGHBOURS = (1, 10, 100)

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Likeness:
    """How near the nearest, tenth and hundredth neighbour are (mean cosines), and the middle and spread of all cosines."""

    nearest: float
    tenth: float
    hundredth: float
    median: float
    spread: float


@dataclass(frozen=True)
class Fit:
    """How well the made vectors stand for real ones, on held-out texts: `explained` is the share of variance the map explains."""

    texts: int
    explained: float
    strength: float
    real: Likeness
    made: Likeness


class Surrogate:
    """Stands in for an encoder. `linear` is (385, 384), its last row the constant; `spread` (384, 384) colours the noise."""

    def __init__(self, linear: Vectors, spread: Vectors, fit: Fit) -> None:
        self.linear, self.spread, self.fit = linear, spread, fit
        self._words = _Words()
        chance = np.random.default_rng(NOISE_ROWS)
        self._noise = chance.standard_normal((NOISE_ROWS, linear.shape[1]), np.float32) @ spread.T

    def __reduce__(self) -> tuple[type["Surrogate"], tuple[Vectors, Vectors, Fit]]:
        """Sent to another process as what was learned; the word table and the noise are made there again."""
        return Surrogate, (self.linear, self.spread, self.fit)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, 384): the same text has the same vector."""
        return _unit(self._meant(texts) + self.fit.strength * self._missed(texts))

    def _meant(self, texts: Sequence[str]) -> Vectors:
        return np.asarray(self._words.features(texts) @ self.linear[:-1] + self.linear[-1], dtype=np.float32)

    def _missed(self, texts: Sequence[str]) -> Vectors:
        lines = [[crc32(line.encode()) % NOISE_ROWS for line in text.split("\n")] for text in texts]
        return np.asarray(_counts(lines, NOISE_ROWS, roots=True) @ self._noise, dtype=np.float32)

    def save(self, path: Path, real: Vectors) -> None:
        """Keep what was learned and the real vectors it was learned from; written beside and moved there, so that a killed run leaves no half file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new.npz")
        np.savez(fresh, linear=self.linear, spread=self.spread, fit=np.array(json.dumps(asdict(self.fit))), real=real)
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path) -> tuple["Surrogate", Vectors]:
        """What `save` kept."""
        with np.load(path) as kept:
            told = json.loads(str(kept["fit"]))
            fit = Fit(**told | {name: Likeness(**told[name]) for name in ("real", "made")})
            return cls(kept["linear"], kept["spread"], fit), kept["real"]


class _Words:
    """Word-piece ids and the weighted sum of their vectors."""

    def __init__(self) -> None:
        folder = weights.weights_folder()
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._table = WordTable(folder / "model.safetensors").weighted()

    def features(self, texts: Sequence[str]) -> Vectors:
        ids = [encoding.ids[1:-1] for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        return _unit(np.asarray(_counts(ids, len(self._table)) @ self._table, dtype=np.float32))


def learn(texts: Sequence[str], real: Vectors) -> Surrogate:
    """Fit the map on three quarters of the texts and the noise on the rest. `real` are the encoder's unit vectors of the texts.

    Raises ValueError for fewer than 40 texts.
    """
    if len(texts) < 40:
        raise ValueError(f"{len(texts)} texts are too few to learn from: give 40 or more")
    features = np.c_[_Words().features(texts), np.ones(len(texts), np.float32)]
    known = int(len(texts) * (1 - HELD_OUT))
    seen = features[:known]
    ridge = RIDGE * np.eye(features.shape[1], dtype=np.float32)
    linear = np.linalg.solve(seen.T @ seen + ridge, seen.T @ real[:known]).astype(np.float32)
    missed = real[known:] - features[known:] @ linear
    values, axes = np.linalg.eigh(np.cov(missed.T))
    spread = (axes * np.sqrt(np.maximum(values, 0))).astype(np.float32)
    around = real[known:] - real[:known].mean(axis=0)
    explained = 1 - float((missed**2).sum() / (around**2).sum())
    told = likeness(real)
    rough = Surrogate(linear, spread, Fit(len(texts), explained, 1.0, told, told))
    meant, noise = rough._meant(texts), rough._missed(texts)
    strength = _strength(lambda by: likeness(_unit(meant + by * noise)).tenth, told.tenth)
    made = likeness(_unit(meant + strength * noise))
    return Surrogate(linear, spread, Fit(len(texts), round(explained, 4), strength, told, made))


def _strength(tenth: Callable[[float], float], wanted: float) -> float:
    """The strength of the noise at which the tenth neighbour is as near as wanted: more noise, less near."""
    low, high = STRENGTHS
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if tenth(middle) > wanted else (low, middle)
    return round((low + high) / 2, 4)


def likeness(vectors: Vectors, asked: int = 400) -> Likeness:
    """Neighbours of up to `asked` of the vectors (from the end) among all of them; itself and equal vectors do not count."""
    queries = vectors[-asked:]
    cosines = queries @ vectors.T
    cosines[cosines > 1 - 1e-4] = -1.0
    ranked = -np.sort(-cosines, axis=1)
    near = [float(ranked[:, min(place, len(vectors)) - 1].mean()) for place in NEIGHBOURS]
    others = cosines[cosines > -1.0]
    return Likeness(*(round(value, 4) for value in (*near, float(np.median(others)), float(others.std()))))


def _counts(ids: Sequence[Sequence[int]], columns: int, *, roots: bool = False) -> sparse.csr_matrix:
    """How often each id stands in each row, (rows, columns); with `roots` over the root of the row's length."""
    lengths = np.array([len(row) for row in ids])
    flat = np.fromiter((each for row in ids for each in row), dtype=np.int32, count=int(lengths.sum()))
    each = 1 / np.sqrt(np.maximum(lengths, 1)) if roots else np.ones(len(ids))
    values = np.repeat(each.astype(np.float32), lengths)
    return sparse.csr_matrix((values, flat, np.concatenate([[0], np.cumsum(lengths)])), shape=(len(ids), columns))


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1.0), dtype=np.float32)
