"""How fast the ear is, and how its cost grows; how well it hears rhymes is measured in rhyme_benchmark.py."""

import gc
import time
import tracemalloc
from itertools import count

import psutil

from rap_platform.benchmarks import Bench
from rap_platform.features.analysis import analyse, analyse_all
from rap_platform.orchestration.progress import track
from rap_platform.settings import Settings
from rap_platform.world import songwriter

SEED = 2026
WORDS = 400  # of a song of the bench
SONGS = 500
BATCH = 100  # songs, as in assets.py
ROUNDS = 5
LINES = (10, 100, 1_000, 10_000)
# The analyzer that this project replaces, with its line breaks kept: the mean of 17 ms over 200 texts of 416 words, one process.
ORIGINAL_SONGS_PER_S = 58.0


def features(settings: Settings) -> Bench:
    """Songs of 400 words per second of one core (the best of five rounds), cost per line from 10 to 10,000 lines, memory.

    Every figure of `lyric_features` is computed, for songs in batches as the asset takes them. Times are processor time of this process,
    so that a busy machine counts less. The ratio is over the 58 songs per second of the original, which can't be run here: that one
    figure is of another day.
    """
    songs = [_of_words(number) for number in range(SONGS)]
    process = psutil.Process()
    first = _seconds(songs)
    gc.collect()
    before = process.memory_info().rss
    best = min(_seconds(songs) for _ in track(range(ROUNDS), ROUNDS, "rounds"))
    speed = len(songs) / best
    figures = {
        "songs_per_s_per_core": speed,
        "ms_per_song": 1000 / speed,
        "songs_per_s_of_the_first_pass": len(songs) / first,
        "memory_grown_mb": max(0, process.memory_info().rss - before) / 2**20,
        **_by_lines(),
    }
    return Bench("features", figures, {"songs_per_s_per_core": ORIGINAL_SONGS_PER_S}, speed / ORIGINAL_SONGS_PER_S)


def _seconds(texts: list[str]) -> float:
    started = time.process_time()
    for start in range(0, len(texts), BATCH):
        analyse_all([(lyrics, "en") for lyrics in texts[start : start + BATCH]])
    return time.process_time() - started


def _lines(start: int, most: int) -> list[str]:
    """Lines of songs of the world, headers included, from one song on."""
    found: list[str] = []
    for artist in count(start):
        found += [*songwriter.write(SEED, artist, 0).lyrics.split("\n"), ""]
        if len(found) >= most:
            return found[:most]
    raise AssertionError("the world has no end")


def _of_words(number: int) -> str:
    """A text of about WORDS words: lines of a song, and of the next where it is short."""
    kept: list[str] = []
    words = 0
    for line in _lines(number, 200):
        words += len(line.split())
        kept.append(line)
        if words >= WORDS:
            break
    return "\n".join(kept)


def _by_lines() -> dict[str, float]:
    """Microseconds per line and peak memory of one text of so many lines."""
    figures: dict[str, float] = {}
    for lines in LINES:
        sung = [line for line in _lines(1_000, 2 * lines + 20) if line and not line.startswith("[")]
        text = "\n".join(sung[:lines])
        analyse(text)
        repeats = max(1, 2_000 // lines)
        figures[f"us_per_line_of_{lines}"] = 1e6 * min(_seconds([text] * repeats) for _ in range(3)) / (lines * repeats)
        tracemalloc.start()
        analyse(text)
        figures[f"peak_mb_of_{lines}_lines"] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
    return figures
