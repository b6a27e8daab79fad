"""Measures the encoder against sentence-transformers, both in one run."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rap_platform.benchmarks import Bench
from rap_platform.embeddings.encoders import weights
from rap_platform.embeddings.encoders.onnx import load_encoder
from rap_platform.settings import Settings

SEED = 2026
SECTIONS = 256
FULL_TEXTS = 32
QUERIES = 40
REPEATS = 2
SECTION_WORDS = 45  # median of the lognormal lengths below

Vectors = npt.NDArray[np.float32]


def embed(settings: Settings) -> Bench:
    """Texts per second of our encoder and of SentenceTransformer.encode with its defaults, on the same generated texts.

    The ratio is that of section-length texts. Loading is not timed; the two take turns and the best of two counts.
    """
    from sentence_transformers import SentenceTransformer

    encoder = load_encoder(settings)
    reference = SentenceTransformer(str(weights.weights_folder()), device="cpu")
    sections, full, asked = _texts()

    def theirs(texts: list[str]) -> Vectors:
        return np.asarray(reference.encode(texts), dtype=np.float32)

    engines: dict[str, Callable[[list[str]], Vectors]] = {"ours": encoder.encode, "theirs": theirs}
    figures: dict[str, dict[str, float]] = {name: {} for name in engines}
    vectors: dict[str, Vectors] = {}
    for label, texts in (("sections_per_s", sections), ("full_texts_per_s", full)):
        best = dict.fromkeys(engines, float("inf"))
        for _ in range(REPEATS):
            for name, encode in engines.items():
                started = time.perf_counter()
                vectors[name] = encode(texts)
                best[name] = min(best[name], time.perf_counter() - started)
        for name, seconds in best.items():
            figures[name][label] = round(len(texts) / seconds, 2)
        cosines = (vectors["ours"] * vectors["theirs"]).sum(axis=1)
        figures["ours"][f"mean_cosine_{label.removesuffix('_per_s')}"] = float(cosines.mean())
    for name, encode in engines.items():
        figures[name]["query_p50_ms"], figures[name]["query_p95_ms"] = _percentiles(encode, [[text] for text in asked])
    ratio = figures["ours"]["sections_per_s"] / figures["theirs"]["sections_per_s"]
    return Bench("embed", figures["ours"], figures["theirs"], round(ratio, 3))


def _percentiles(call: Callable[[Any], object], arguments: list[Any]) -> tuple[float, float]:
    """The median and the 95th percentile in milliseconds, after one call that is not counted."""
    call(arguments[0])
    seconds = []
    for argument in arguments:
        started = time.perf_counter()
        call(argument)
        seconds.append(time.perf_counter() - started)
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    return round(float(p50), 3), round(float(p95), 3)


def _texts() -> tuple[list[str], list[str], list[str]]:
    """Section-length texts (lognormal), texts that fill the encoder, and short queries, of words by Zipf's law."""
    words = (weights.weights_folder() / "vocab.txt").read_text(encoding="utf-8").splitlines()
    plain = [word for word in words if word.isascii() and word.isalpha() and len(word) > 1]
    chance = 1.0 / np.arange(1, len(plain) + 1)
    rng = np.random.default_rng(SEED)

    def text(length: int) -> str:
        chosen = rng.choice(len(plain), size=length, p=chance / chance.sum())
        return "\n".join(" ".join(plain[index] for index in chosen[start : start + 8]) for start in range(0, length, 8))

    lengths = np.clip(rng.lognormal(np.log(SECTION_WORDS), 0.5, SECTIONS), 6, 240).astype(int)
    full = [text(weights.MAX_WORD_PIECES) for _ in range(FULL_TEXTS)]
    return [text(int(length)) for length in lengths], full, [text(6) for _ in range(QUERIES)]
