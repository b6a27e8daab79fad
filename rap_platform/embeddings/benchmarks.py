"""Measures the encoder beside sentence-transformers, and the start of the API. Search is measured in search_benchmark.py."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import numpy as np

from rap_platform.benchmarks import Bench
from rap_platform.embeddings import start_benchmark
from rap_platform.embeddings.encoders import minilm, weights
from rap_platform.embeddings.encoders.encoding import Vectors
from rap_platform.embeddings.encoders.runtimes import OpenVino
from rap_platform.orchestration.progress import track
from rap_platform.settings import Settings
from rap_platform.world import songwriter

SEED = 2026
SECTIONS = 256
FULL_TEXTS = 48
QUESTIONS = 120
REPEATS = 3
NEIGHBOURS = 10
SETTLE_S = 0.5  # before an engine's turn: threads of the other that wait for work turn idly for a while
LAYERS, WIDTH, INNER = 6, weights.DIMENSION, 4 * weights.DIMENSION  # of the transformer
GEMM_SHAPES = ((1024, WIDTH, INNER), (1024, INNER, WIDTH), (1024, 1024, 1024))  # the model's own, and a square one

Encode = Callable[[list[str]], Vectors]


@dataclass(frozen=True)
class Texts:
    """What is encoded: sections of songs of the world, texts that fill the encoder, lines as they are asked for."""

    sections: list[str]
    full: list[str]
    questions: list[str]


def embed(settings: Settings) -> Bench:
    """Texts per second and question latency of our encoder and of SentenceTransformer.encode with its defaults, on the same texts.

    Loading is not timed; the engines take turns and the best of three counts. The ratio is that of section-length texts; the others
    are among the figures, with int8's own, the shares of the measured GEMM peaks, and the API's start until its first answer.
    """
    from sentence_transformers import SentenceTransformer

    encoder = minilm.load_encoder(settings)
    reference = SentenceTransformer(str(weights.weights_folder()), device="cpu")
    texts = read_texts(encoder)
    engines: dict[str, Encode] = {
        "ours": encoder.encode,
        "theirs": lambda asked: np.asarray(reference.encode(asked), dtype=np.float32),
    }
    ours, theirs = _speeds(engines, texts, {"sections": texts.sections, "full_texts": texts.full})
    ours |= _peaks(encoder)
    for figures in (ours, theirs):
        reached = figures["full_texts_per_s"] * flops(weights.MAX_WORD_PIECES) / 1e9
        figures["full_texts_gflops"] = reached
        for peak in ("float32_gemm_peak", "bfloat16_gemm_peak"):
            if f"{peak}_gflops" in ours:
                figures[f"share_of_{peak}_on_full_texts"] = reached / ours[f"{peak}_gflops"]
    ours |= {
        "sections_ratio": ours["sections_per_s"] / theirs["sections_per_s"],
        "full_texts_ratio": ours["full_texts_per_s"] / theirs["full_texts_per_s"],
        "question_p50_ratio": theirs["question_p50_ms"] / ours["question_p50_ms"],
    }
    ours |= _int8(settings, encoder, texts.sections)
    ours |= {f"api_start_{key}": value for key, value in start_benchmark.starts(settings).items()}
    return Bench("embed", ours, theirs, round(ours["sections_ratio"], 3))


def _speeds(
    engines: dict[str, Encode], texts: Texts, kinds: dict[str, list[str]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Figures of both engines: texts per second, agreement, question latency."""
    figures: dict[str, dict[str, float]] = {name: {} for name in engines}
    for label, asked in kinds.items():
        best = dict.fromkeys(engines, float("inf"))
        vectors: dict[str, Vectors] = {}
        for _ in track(range(REPEATS), REPEATS, label.replace("_", " ")):
            for name, encode in engines.items():
                time.sleep(SETTLE_S)
                started = time.perf_counter()
                vectors[name] = encode(asked)
                best[name] = min(best[name], time.perf_counter() - started)
        for name, seconds in best.items():
            figures[name][f"{label}_per_s"] = len(asked) / seconds
        cosines = (vectors["ours"] * vectors["theirs"]).sum(axis=1)
        figures["ours"] |= {
            f"mean_cosine_{label}": float(cosines.mean()),
            f"least_cosine_{label}": float(cosines.min()),
        }
    for name, latencies in _latencies(engines, texts.questions).items():
        p50, p95 = np.percentile(latencies, [50, 95]) * 1000
        figures[name] |= {"question_p50_ms": float(p50), "question_p95_ms": float(p95)}
    return figures["ours"], figures["theirs"]


def _latencies(engines: dict[str, Encode], questions: Sequence[str]) -> dict[str, list[float]]:
    """Seconds of each question alone; each engine answers ten in a row before the other does, as a busy server would."""
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for start in range(0, len(questions), 10):
        for name, encode in engines.items():
            time.sleep(SETTLE_S)
            encode([questions[start - 1]])  # not counted: finds its weights in the caches again
            for question in questions[start : start + 10]:
                before = time.perf_counter()
                encode([question])
                seconds[name].append(time.perf_counter() - before)
    return seconds


def _int8(settings: Settings, encoder: minilm.Encoder, sections: list[str]) -> dict[str, float]:
    """What the named trade-off gives and takes: speed, agreement, and how many of the ten nearest stay."""
    int8 = minilm.load_int8(settings)
    full = encoder.encode(sections)
    seconds = float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        found = int8.encode(sections)
        seconds = min(seconds, time.perf_counter() - started)
    cosines = (full * found).sum(axis=1)
    return {
        "int8_sections_per_s": len(sections) / seconds,
        "int8_mean_cosine": float(cosines.mean()),
        "int8_least_cosine": float(cosines.min()),
        "int8_neighbour_overlap_at_10": overlap(full, found),
    }


def overlap(one: Vectors, other: Vectors) -> float:
    """Mean share of the ten nearest rows, itself apart, that both encodings of the same texts have in common, 0 to 1."""
    nearest = []
    for vectors in (one, other):
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -np.inf)
        nearest.append(np.argsort(-cosines, axis=1)[:, :NEIGHBOURS])
    return float(np.mean([len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(*nearest, strict=True)]))


def flops(pieces: int) -> float:
    """Floating-point operations of a pass over one text: projections and feed-forward, then scores and mix of the attention."""
    return LAYERS * (2 * pieces * (4 * WIDTH**2 + 2 * WIDTH * INNER) + 4 * pieces**2 * WIDTH)


def _peaks(encoder: minilm.Encoder) -> dict[str, float]:
    """The most that matrix products reach on this machine, in GFLOP/s: in float32, and in bfloat16 where our encoder uses it."""
    import torch

    rng = np.random.default_rng(SEED)
    shapes = [
        (rng.standard_normal((rows, inner), np.float32), rng.standard_normal((inner, columns), np.float32))
        for rows, inner, columns in GEMM_SHAPES
    ]
    peaks = {"float32_gemm_peak_gflops": gemm_peak(shapes, np.matmul)}
    if isinstance(encoder.runtime, OpenVino):
        short = [(torch.from_numpy(left).bfloat16(), torch.from_numpy(right).bfloat16()) for left, right in shapes]
        peaks["bfloat16_gemm_peak_gflops"] = gemm_peak(short, torch.matmul)
    return peaks


def gemm_peak(pairs: Sequence[tuple[Any, Any]], multiply: Callable[[Any, Any], object], repeats: int = 30) -> float:
    """The most that `multiply` reaches over pairs of matrices, in GFLOP/s."""
    best = 0.0
    for left, right in pairs:
        operations = 2 * left.shape[0] * left.shape[1] * right.shape[1]
        for _ in range(repeats):
            started = time.perf_counter()
            multiply(left, right)
            best = max(best, operations / (time.perf_counter() - started))
    return best / 1e9


def read_texts(encoder: minilm.Encoder) -> Texts:
    """Texts of the world's songwriter: real words, lines and lengths, hooks that repeat left in once."""
    songs = (songwriter.write(SEED, artist, 0).lyrics for artist in count())
    blocks = (block for song in songs for block in song.split("\n\n"))
    plain = ("\n".join(line for line in block.split("\n") if not line.startswith("[")).strip() for block in blocks)
    sections = list(islice(dict.fromkeys(islice((text for text in plain if text), 4 * SECTIONS)), SECTIONS))
    lines = dict.fromkeys(line for text in sections for line in text.split("\n") if len(line.split()) > 3)
    full: list[str] = []
    for text in sections * 20:
        if not full or len(encoder.word_pieces([full[-1]])[0]) >= encoder.max_word_pieces:
            if len(full) == FULL_TEXTS:
                break
            full.append(text)
        else:
            full[-1] += "\n" + text
    return Texts(sections, full, list(islice(lines, QUESTIONS)))
