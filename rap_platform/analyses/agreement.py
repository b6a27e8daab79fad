"""How far the analysts agree: rank correlation, kappa, intervals, coverage, cost. Pure: rows in, a report and figures out."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.stats import rankdata

from rap_platform.analyses.results import MOODS, SCORES, SENTIMENTS, UNREADABLE

VERSION: Final = "1"
KIND: Final = "analyzer_agreement"
RESAMPLES: Final = 400
SEED: Final = 13
LEAST_PAIRS: Final = 10  # with fewer an agreement says nothing

Row = dict[str, Any]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def report(rows: Sequence[Row], tracks: int) -> dict[str, Any]:
    """The report over the rows of one population; `tracks` is how many tracks there are to analyse in it."""
    makers = sorted({(row["analyzer"], row["model"]) for row in rows})
    return {
        "tracks": tracks,
        "analyzers": [
            maker_figures([row for row in rows if (row["analyzer"], row["model"]) == maker], tracks) for maker in makers
        ],
        "pairs": [pair_figures(_paired(rows, one, other), one, other) for one, other in combinations(makers, 2)],
    }


def maker_figures(rows: Sequence[Row], tracks: int) -> dict[str, Any]:
    """What one analyzer did: coverage, failures by kind, tokens, cost, latency; what nobody told is None."""
    ok = [row for row in rows if row["status"] == "ok"]
    failed = Counter(str(row["error"]).partition(":")[0] for row in rows if row["status"] == "failed")
    unreadable = sum(failed[kind] for kind in UNREADABLE)
    latencies = [row["latency_ms"] for row in rows if row["latency_ms"] is not None]
    costs = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    return {
        "analyzer": rows[0]["analyzer"],
        "model": rows[0]["model"],
        "rows": len(rows),
        "ok": len(ok),
        "coverage": len(ok) / tracks if tracks else None,
        "failures": dict(failed),
        "failure_share": (sum(failed.values()) - unreadable) / len(rows),
        "repaired": sum(row["repaired"] for row in rows),
        "prompt_tokens": _total(rows, "prompt_tokens"),
        "completion_tokens": _total(rows, "completion_tokens"),
        "cost_usd": sum(costs) if costs else None,
        "cost_usd_per_1000": 1000 * sum(costs) / len(costs) if costs else None,
        "latency_ms": {f"p{q}": float(np.percentile(latencies, q)) for q in (50, 95, 99)} if latencies else None,
        "mean_quality": float(np.mean([row["quality"] for row in ok])) if ok else None,
        "mean_confidence": float(np.mean([row["confidence"] for row in ok])) if ok else None,
    }


def _total(rows: Sequence[Row], name: str) -> int | None:
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None


def _paired(rows: Sequence[Row], one: tuple[str, str], other: tuple[str, str]) -> list[tuple[Row, Row]]:
    by_track: dict[int, dict[tuple[str, str], Row]] = {}
    for row in rows:
        if row["status"] == "ok":
            by_track.setdefault(row["track_id"], {})[row["analyzer"], row["model"]] = row
    return [(found[one], found[other]) for found in by_track.values() if one in found and other in found]


def pair_figures(pairs: Sequence[tuple[Row, Row]], one: tuple[str, str], other: tuple[str, str]) -> dict[str, Any]:
    """How two analyzers agree on the tracks that both analysed, each figure with a 95 % interval over tracks."""
    figures: dict[str, Any] = {"one": " ".join(one), "other": " ".join(other), "pairs": len(pairs)}
    if len(pairs) < LEAST_PAIRS:
        return {**figures, "note": f"fewer than {LEAST_PAIRS} tracks in common"}
    for name in SCORES:
        figures[f"spearman_{name}"] = _interval(
            np.array([a[name] for a, _ in pairs], dtype=np.float64),
            np.array([b[name] for _, b in pairs], dtype=np.float64),
            spearman,
        )
    for name, names in (("sentiment", SENTIMENTS), ("primary_mood", MOODS)):
        codes = [np.array([names.index(pair[side][name]) for pair in pairs], dtype=np.int64) for side in (0, 1)]
        figures[f"kappa_{name}"] = _interval(codes[0], codes[1], kappa)
        figures[f"same_{name}"] = float((codes[0] == codes[1]).mean())
    return figures


def spearman(a: Floats, b: Floats) -> float:
    """Rank correlation, ties averaged; nan when a side is constant."""
    left, right = rankdata(a), rankdata(b)
    left, right = left - left.mean(), right - right.mean()
    norm = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / norm if norm > 0 else float("nan")


def kappa(a: Codes, b: Codes) -> float:
    """Cohen's kappa; nan when chance alone explains everything (both always say the same one thing)."""
    size = int(max(a.max(), b.max())) + 1
    counts = np.bincount(a * size + b, minlength=size * size).reshape(size, size) / len(a)
    chance = float(counts.sum(axis=1) @ counts.sum(axis=0))
    return (float(np.trace(counts)) - chance) / (1 - chance) if chance < 1 else float("nan")


def _interval(a: Any, b: Any, figure: Callable[[Any, Any], float]) -> dict[str, float | None]:
    """The figure and its bootstrap interval; None where it is not defined."""
    rng = np.random.default_rng(SEED)
    drawn = (rng.integers(0, len(a), len(a)) for _ in range(RESAMPLES))
    values = np.array([figure(a[picked], b[picked]) for picked in drawn])
    values = values[np.isfinite(values)]
    estimate = figure(a, b)
    if not np.isfinite(estimate) or not len(values):
        return {"value": None, "low": None, "high": None}
    low, high = np.percentile(values, [2.5, 97.5])
    return {"value": round(estimate, 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def markdown(population: str, body: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [f"### Analysts on {population} ({body['tracks']} tracks)", ""]
    lines += [
        "| analyzer | model | ok | coverage | failures | failure share | repaired | tokens in / out | cost USD | per 1,000 | p50 / p95 ms |"
    ]
    lines += ["|---|---|---|---|---|---|---|---|---|---|---|"]
    for one in body["analyzers"]:
        kinds = ", ".join(f"{kind} {count}" for kind, count in one["failures"].items()) or "none"
        latency = one["latency_ms"]
        times = f"{latency['p50']:.0f} / {latency['p95']:.0f}" if latency else "–"
        tokens = f"{_shown(one['prompt_tokens'], ',')} / {_shown(one['completion_tokens'], ',')}"
        lines.append(
            f"| {one['analyzer']} | {one['model']} | {one['ok']} | {_shown(one['coverage'], '.1%')} | {kinds} | {one['failure_share']:.1%} "
            f"| {one['repaired']} | {tokens} | {_shown(one['cost_usd'], '.4f')} | {_shown(one['cost_usd_per_1000'], '.4f')} | {times} |"
        )
    for pair in body["pairs"]:
        lines += [
            "",
            f"**{pair['one']} against {pair['other']}**, {pair['pairs']} tracks in common. {pair.get('note', '')}".rstrip(),
            "",
        ]
        measured = {name: figure for name, figure in pair.items() if isinstance(figure, dict)}
        if measured:
            lines += ["| figure | value | 95 % interval |", "|---|---|---|"]
        for name, figure in measured.items():
            interval = "–" if figure["value"] is None else f"{figure['low']:.2f} to {figure['high']:.2f}"
            lines.append(f"| {name.replace('_', ' ', 1)} | {_shown(figure['value'], '.2f')} | {interval} |")
    return "\n".join(lines) + "\n"


def _shown(figure: float | None, form: str) -> str:
    return "–" if figure is None else format(figure, form)


def plot(rows: Sequence[Row], population: str) -> Figure | None:
    """Quality of the first pair of analyzers against each other, and the confusion of their sentiments; None without a pair."""
    makers = sorted({(row["analyzer"], row["model"]) for row in rows})
    paired = [(one, other, _paired(rows, one, other)) for one, other in combinations(makers, 2)]
    one, other, pairs = max(paired, key=lambda entry: len(entry[2]), default=(None, None, []))
    if one is None or other is None or len(pairs) < LEAST_PAIRS:
        return None
    figure = Figure(figsize=(9, 4), layout="constrained")
    scatter, confusion = figure.subplots(1, 2)
    scatter.scatter([a["quality"] for a, _ in pairs], [b["quality"] for _, b in pairs], s=10, alpha=0.4)
    scatter.set(
        xlim=(1, 10),
        ylim=(1, 10),
        xlabel=f"quality, {one[0]}",
        ylabel=f"quality, {other[0]}",
        title=f"{len(pairs)} tracks, {population}",
    )
    counts = np.zeros((len(SENTIMENTS), len(SENTIMENTS)), dtype=np.int64)
    for a, b in pairs:
        counts[SENTIMENTS.index(a["sentiment"]), SENTIMENTS.index(b["sentiment"])] += 1
    confusion.imshow(counts, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        confusion.text(
            column, row, str(count), ha="center", va="center", color="white" if count > counts.max() / 2 else "black"
        )
    confusion.set_xticks(range(len(SENTIMENTS)), SENTIMENTS)
    confusion.set_yticks(range(len(SENTIMENTS)), SENTIMENTS)
    confusion.set(xlabel=other[0], ylabel=one[0], title="sentiment")
    return figure
