"""Vectors of synthetic texts without a forward pass for each: what the encoder makes of a text, learned from a few thousand real passes.

A text's vector is a linear map of its words' vectors (the encoder's own word table, smooth inverse frequency) plus what that map misses:
noise with the covariance of the map's error on held-out texts, drawn per word, so that texts that share words stay near one another.
The strength of the noise, and how much of all variance its largest directions take, are set so that the ten nearest neighbours are as
near as those of as many real vectors, and the local dimension is theirs: on these two it depends how hard a graph is to search.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tokenizers
from scipy import sparse

from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.search.sketch import WordTable

HELD_OUT = 0.25  # of the texts, that the map does not see
RIDGE = 1.0
SEED = 32_768  # of the noise of the words
STRENGTHS = (0.0, 4.0)
CONCENTRATIONS = (-1.0, 1.5)
HALVINGS = 10
NEIGHBOURS = (1, 10, 100)
EQUAL = 1e-4  # in cosine: the same text

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Likeness:
    """How near the nearest, tenth and hundredth neighbour are (mean cosines), local dimension, middle and spread of all cosines.

    `dimension` is the median over the vectors of the maximum-likelihood estimate from 100 neighbours (Levina and Bickel 2004).
    """

    nearest: float
    tenth: float
    hundredth: float
    dimension: float
    median: float
    spread: float


@dataclass(frozen=True)
class Fit:
    """How well the made vectors stand for real ones: `explained` is the share of variance of held-out texts the map explains.

    `strength` is that of the noise; variances were raised to 1 + `concentration`: above 0 large ones grew and small ones shrank.
    """

    texts: int
    explained: float
    strength: float
    concentration: float
    real: Likeness
    made: Likeness


class Surrogate:
    """Stands in for an encoder. `linear` is (385, 384), its last row the constant; `spread` (384, 384) colours the noise."""

    def __init__(self, linear: Vectors, spread: Vectors, fit: Fit) -> None:
        self.linear, self.spread, self.fit = linear, spread, fit
        self._words = _Words()
        self._noise = self._words.noise(spread)

    def __reduce__(self) -> tuple[type["Surrogate"], tuple[Vectors, Vectors, Fit]]:
        """Sent to another process as what was learned; the word table and the noise are made there again."""
        return Surrogate, (self.linear, self.spread, self.fit)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, 384): the same text has the same vector."""
        held = self._words.held(texts)
        return _unit(_meant(self._words.features(held), self.linear) + self._words.missed(held, self._noise))

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
    """The words of texts as weighted counts of word pieces, sparse (n, 30522): what is meant by them, and noise by word."""

    def __init__(self) -> None:
        folder = weights.weights_folder()
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        table = WordTable(folder / "model.safetensors")
        self._weights = sparse.diags(table.weights.astype(np.float32))
        self._table = table.weighted()

    def held(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """How often each word piece stands in each text."""
        ids = [encoding.ids[1:-1] for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        lengths = np.array([len(row) for row in ids])
        flat = np.fromiter((each for row in ids for each in row), dtype=np.int32, count=int(lengths.sum()))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        counts = sparse.csr_matrix(
            (np.ones(len(flat), np.float32), flat, starts), shape=(len(ids), self._table.shape[0])
        )
        counts.sum_duplicates()
        return counts

    def features(self, held: sparse.csr_matrix) -> Vectors:
        """The unit sum of the weighted vectors of the words, and a 1 for the constant, (n, 385)."""
        meant = _unit(np.asarray(held @ self._table, dtype=np.float32))
        return np.hstack([meant, np.ones((held.shape[0], 1), np.float32)])

    def noise(self, spread: Vectors) -> Vectors:
        """Of each word piece, (30522, 384)."""
        drawn = np.random.default_rng(SEED).standard_normal(self._table.shape, np.float32)
        return np.asarray(drawn @ spread.T, dtype=np.float32)

    def missed(self, held: sparse.csr_matrix, noise: Vectors) -> Vectors:
        """The weighted noise of the words, as strong for a long text as for a short one."""
        weighted = held @ self._weights
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)))
        return np.asarray(weighted @ noise / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def learn(texts: Sequence[str], real: Vectors, stand_in: Sequence[str]) -> Surrogate:
    """Learn from real `texts` and the encoder's unit vectors of them to make vectors of the like of `stand_in`.

    The map is fitted to three quarters of the texts and the noise to the rest; the neighbours of as many texts of `stand_in` get the
    cosines and the local dimension of the real ones. Raises ValueError for fewer than 40 texts.
    """
    if min(len(texts), len(stand_in)) < 40:
        raise ValueError(f"{min(len(texts), len(stand_in))} texts are too few to learn from: give 40 or more")
    words, told = _Words(), likeness(real)
    features = words.features(words.held(texts))
    known = int(len(texts) * (1 - HELD_OUT))
    seen = features[:known]
    ridge = RIDGE * np.eye(features.shape[1], dtype=np.float32)
    linear = np.linalg.solve(seen.T @ seen + ridge, seen.T @ real[:known]).astype(np.float32)
    missed = real[known:] - features[known:] @ linear
    around = real[known:] - real[:known].mean(axis=0)
    explained = 1 - float((missed**2).sum() / (around**2).sum())
    spread = _powered(missed, 0.5)
    held = words.held(stand_in[: len(texts)])
    meant, noise = _meant(words.features(held), linear), words.missed(held, words.noise(spread))

    def made(concentration: float, strength: float) -> Vectors:
        centre, turned = _concentrated(meant + strength * noise, concentration)
        return _unit(centre + (meant + strength * noise - centre) @ turned)

    def strength_for(concentration: float) -> float:
        return _bisected(lambda by: likeness(made(concentration, by)).tenth > told.tenth, STRENGTHS)

    concentration = _bisected(
        lambda by: likeness(made(by, strength_for(by))).dimension > told.dimension, CONCENTRATIONS
    )
    strength = strength_for(concentration)
    fit = Fit(len(texts), round(explained, 4), strength, concentration, told, likeness(made(concentration, strength)))
    centre, turned = _concentrated(meant + strength * noise, concentration)
    linear = linear @ turned
    linear[-1] += centre - centre @ turned
    return Surrogate(linear, np.asarray(strength * turned.T @ spread, dtype=np.float32), fit)


def _meant(features: Vectors, linear: Vectors) -> Vectors:
    return np.asarray(features @ linear, dtype=np.float32)


def _concentrated(vectors: Vectors, concentration: float) -> tuple[Vectors, Vectors]:
    """The centre of the vectors, and the symmetric matrix that turns each variance v around it into v ** (1 + concentration), scaled to keep their sum."""
    turned = _powered(vectors, concentration / 2)
    after = (vectors - vectors.mean(axis=0)) @ turned
    before = vectors - vectors.mean(axis=0)
    return vectors.mean(axis=0), np.asarray(turned * np.sqrt((before**2).sum() / (after**2).sum()), dtype=np.float32)


def _powered(vectors: Vectors, exponent: float) -> Vectors:
    """The covariance of the vectors to a power, (384, 384)."""
    values, axes = np.linalg.eigh(np.cov(vectors.T))
    return np.asarray((axes * np.maximum(values, 1e-12) ** exponent) @ axes.T, dtype=np.float32)


def _bisected(too_low: Callable[[float], bool], between: tuple[float, float]) -> float:
    low, high = between
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if too_low(middle) else (low, middle)
    return round((low + high) / 2, 4)


def likeness(vectors: Vectors, asked: int = 400) -> Likeness:
    """Neighbours of up to `asked` of the vectors (from the end) among all of them; itself and equal vectors do not count."""
    queries = vectors[-asked:]
    cosines = queries @ vectors.T
    others = cosines[cosines <= 1 - EQUAL]
    cosines[cosines > 1 - EQUAL] = -1.0
    most = min(NEIGHBOURS[-1], len(vectors) - 1)
    ranked = -np.sort(np.partition(-cosines, most - 1, axis=1)[:, :most], axis=1)
    near = [float(ranked[:, min(place, most) - 1].mean()) for place in NEIGHBOURS]
    distances = np.sqrt(2 - 2 * ranked)
    dimension = np.median(1 / np.log(distances[:, -1:] / distances[:, :-1]).mean(axis=1))
    told = (*near, float(dimension), float(np.median(others)), float(others.std()))
    return Likeness(*(round(value, 4) for value in told))


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1.0), dtype=np.float32)
