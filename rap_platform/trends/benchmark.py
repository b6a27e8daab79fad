"""How often planted jumps are found and nothing else is, and how far forecasts are from what comes. Only this bench sees the hidden truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rap_platform.benchmarks import Bench
from rap_platform.embeddings.encoders.minilm import load_encoder
from rap_platform.orchestration.progress import track
from rap_platform.settings import Settings
from rap_platform.trends import changes, forecasts, hearsay
from rap_platform.trends.changes import Change
from rap_platform.trends.hearsay import Hearsay
from rap_platform.trends.panel import Array, Panel
from rap_platform.world import truth

TRACKS, SEEDS = 6000, 20
FIRST_SEED = 1  # the constants of changes.py were looked for on worlds from 101 on
READ_EACH, READ_SEED = 12, 4242  # songs of each theme that are written and read
SMALL = 1200  # songs of the default world
TOLERANCE = 1  # years
LAST_KNOWN = 2020  # what is forecast from here on is compared with the truth
MANY = 40_000  # songs that stand for endlessly many


@dataclass(frozen=True)
class Found:
    """Jumps of worlds: planted ones, those found within TOLERANCE, jumps told that were not planted, and years that lie in their interval."""

    worlds: int
    planted: int
    found: int
    false: int
    beside: int
    held: int

    @property
    def precision(self) -> float:
        """Share of the jumps told that were planted."""
        return self.found / max(1, self.found + self.false)

    @property
    def recall(self) -> float:
        """Share of the planted jumps that were told."""
        return self.found / max(1, self.planted)


@dataclass(frozen=True)
class Ahead:
    """Mean absolute errors of forecasts one year ahead over those of the same as last year, with what the interval held."""

    ratio: float
    low: float
    high: float
    coverage: float
    against_truth: float
    against_truth_low: float
    against_truth_high: float


def trends(settings: Settings, *, tracks: int = TRACKS, seeds: int = SEEDS) -> Bench:
    """Planted jumps and forecasts of themes in `seeds` worlds of `tracks` songs, beside as many songs as the default world has.

    Writing and reading every song would take hours: how the rules hear themes is measured on READ_EACH songs of each, and the others are
    drawn from that. The ratio is the forecast's error over that of the same as last year.
    """
    heard = hearsay.measure(load_encoder(settings), each=READ_EACH, seed=READ_SEED)
    jumping, calm = worlds(seeds)
    rows, figures = [], {}
    for songs in dict.fromkeys((tracks, SMALL)):
        found = jumps(heard, jumping, songs)
        alarms = jumps(heard, calm, songs)
        ahead = forecast(heard, [*jumping, *calm], songs)
        rows += _rows(songs, found, alarms, ahead)
        if songs == tracks:
            figures = {
                "precision": found.precision, "recall": found.recall, "false_alarms_per_calm_world": alarms.false / alarms.worlds,
                "error_over_naive": ahead.ratio, "error_over_naive_low": ahead.low, "error_over_naive_high": ahead.high,
                "coverage": ahead.coverage, "against_truth_over_naive": ahead.against_truth,
            }  # fmt: skip
            ratio = ahead.ratio
    note = (
        f"Jumps count as found within {TOLERANCE} year; {changes.NEAR} years beside a clearer one they are told as beside it. How the rules hear "
        f"themes was measured on {heard.songs} songs: {np.diag(heard.first).mean():.0%} of first themes are named, {_background(heard):.0%} of "
        f"themes that a song does not have."
    )
    reference = {"precision": 0.9, "recall": 0.9, "error_over_naive": 1.0, "coverage": forecasts.LEVEL}
    return Bench("trends", figures, reference, ratio, rows=tuple(rows), note=note)


def worlds(seeds: int) -> tuple[list[int], list[int]]:
    """Seeds of so many worlds with planted jumps, and of half as many without."""
    every = range(FIRST_SEED, FIRST_SEED + 100 * seeds)
    jumping = [seed for seed in every if truth.planted(seed)][:seeds]
    return jumping, [seed for seed in every if not truth.planted(seed)][: max(1, seeds // 2)]


def jumps(heard: Hearsay, seeds: Sequence[int], songs: int) -> Found:
    """Jumps that are told in worlds of so many songs, beside the planted ones."""
    found = Found(0, 0, 0, 0, 0, 0)
    for seed in track(seeds, len(seeds), f"worlds of {songs} songs"):
        read = hearsay.heard(heard, seed=seed, songs=songs)
        found = judged(found, changes.told_apart(changes.changes(read.panel, seed=seed), read.without), seed)
    return found


def judged(before: Found, told: Sequence[Change], seed: int) -> Found:
    """Adds the jumps of one world."""
    planted = {turn.theme: turn.year for turn in truth.planted(seed)}
    leading = [one for one in told if one.beside is None]
    right = [one for one in leading if abs(one.year - planted.get(one.name, -9999)) <= TOLERANCE]
    hit = {one.name: one for one in right}
    return Found(
        before.worlds + 1, before.planted + len(planted), before.found + len(hit), before.false + len(leading) - len(hit),
        before.beside + len(told) - len(leading),
        before.held + sum(one.year_low <= planted[name] <= one.year_high for name, one in hit.items()),
    )  # fmt: skip


def forecast(heard: Hearsay, seeds: Sequence[int], songs: int) -> Ahead:
    """Back-tests in worlds of so many songs, and forecasts of the year after LAST_KNOWN against what endlessly many songs of it would say."""
    tested, ours, naive = [], [], []
    for seed in track(seeds, len(seeds), f"forecasts of {songs} songs"):
        panel = hearsay.heard(heard, seed=seed, songs=songs).panel
        first = forecasts.best_of(forecasts.outlook(panel, seed=seed).backtests)
        if first is not None and first.ratio is not None:
            tested.append((first.ratio, first.coverage or 0.0))
        off, off_naive = _against_truth(heard, panel.until(LAST_KNOWN), seed)
        ours.append(off)
        naive.append(off_naive)
    ratio, coverage = np.array(tested).T
    low, high = _interval(ratio, np.ones_like(ratio))
    far, same = np.array(ours), np.array(naive)
    return Ahead(
        float(ratio.mean()), low, high, float(coverage.mean()), float(far.sum() / same.sum()), *_interval(far, same)
    )


def _against_truth(heard: Hearsay, known: Panel, seed: int) -> tuple[float, float]:
    """Mean absolute distance from the truth's next year: of what is forecast, and of the last year that was seen."""
    future = hearsay.heard(heard, seed=seed, songs=MANY, expected=True).panel
    at = int(np.flatnonzero(future.years == LAST_KNOWN + 1)[0])
    actual = dict(zip(future.names, future.sums[:, at].sum(axis=0) / future.by_year[at], strict=True))
    told = {one.name: one.value for one in forecasts.outlook(known, seed=seed).forecasts if one.year == LAST_KNOWN + 1}
    last = dict(zip(known.names, known.means[-1], strict=True))
    names = [name for name in told if np.isfinite(last[name])]
    return (
        float(np.mean([abs(told[name] - actual[name]) for name in names])),
        float(np.mean([abs(last[name] - actual[name]) for name in names])),
    )


def _interval(above: Array, below: Array) -> tuple[float, float]:
    """95 % bootstrap interval of the ratio of two sums over worlds."""
    drawn = np.random.default_rng(0).integers(0, len(above), (2000, len(above)))
    low, high = np.percentile(above[drawn].sum(axis=1) / below[drawn].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _background(heard: Hearsay) -> float:
    return float(heard.first[~np.eye(len(heard.first), dtype=bool)].mean())


def _rows(songs: int, found: Found, alarms: Found, ahead: Ahead) -> list[dict[str, object]]:
    def row(what: str, value: object, target: str) -> dict[str, object]:
        return {"songs": songs, "figure": what, "ours": value, "wanted": target}

    return [
        row("worlds with planted jumps", found.worlds, ""),
        row("planted jumps found", f"{found.found} of {found.planted}", ""),
        row("precision", found.precision, "0.9"),
        row("recall", found.recall, "0.9"),
        row("found, and the year lies in its 95 % interval", found.held / max(1, found.found), ""),
        row("told beside a clearer jump, per world", found.beside / max(1, found.worlds), ""),
        row("false alarms per world without a jump", alarms.false / max(1, alarms.worlds), ""),
        row("back-test: error over naive, 1 year ahead", f"{ahead.ratio:.3f} ({ahead.low:.3f} to {ahead.high:.3f})", "1.0"),
        row("back-test: share in the 90 % interval", ahead.coverage, "0.9"),
        row(
            "error against the truth's next year, over naive",
            f"{ahead.against_truth:.3f} ({ahead.against_truth_low:.3f} to {ahead.against_truth_high:.3f})", "1.0",
        ),
    ]  # fmt: skip
