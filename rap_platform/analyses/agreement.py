"""How far the analysts agree, what they cover, cost and are worth. Pure: rows in, a report out; the statistics are in concordance.py."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any, Final

import numpy as np

from rap_platform.analyses import concordance
from rap_platform.analyses.results import MOODS, SCORES, SENTIMENTS, THEMES, UNREADABLE

VERSION: Final = "2"
KIND: Final = "analyzer_agreement"
LEAST_PAIRS: Final = 10  # with fewer an agreement says nothing
UNPARSED: Final = frozenset({"invalid_answer", "cut_off", "no_answer", "wrong_language"})
LABELS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (("sentiment", SENTIMENTS), ("primary_mood", MOODS))

Row = dict[str, Any]
Maker = tuple[str, str]
Pair = tuple[Row, Row]

MEANINGS: Final = (
    ("Spearman", "do two analysts put the songs in the same order by this score; 1 the same order, 0 no relation"),
    ("Cohen's kappa", "how often two give the same label, beyond what their habits would give by chance; 1 always, 0 chance"),
    ("Jaccard", "themes that two share over themes that either names, mean over songs; 1 the same themes, 0 none in common"),
    (
        "Krippendorff's alpha",
        "how far all analysts together agree, disagreement weighed by its size (scores: squared difference; sentiment and mood: same or "
        "not; themes: MASI); 1 full agreement, 0 chance, below 0 they contradict",
    ),
    ("interval", "95 % of 1,000 bootstrap reports in which artists, not songs, are drawn anew: songs of one artist are alike"),
    ("coverage", "songs with an analysis over all songs that are no near-duplicates"),
    ("failure share", "rows that failed for the analyst's sake over all its rows; texts that nobody can read are not counted"),
    ("confidence", "the probability that the primary mood is right, calibrated on labelled verses; – until it is earned"),
    ("ECE", "expected calibration error: how far confidence and truth lie apart on verses kept out; 0 is best"),
    ("Brier", "mean squared error of that probability; the base rate's is what saying the same each time would get"),
)  # fmt: skip


def report(
    rows: Sequence[Row],
    tracks: int,
    calibrations: Sequence[Row] = (),
    answers: Mapping[tuple[str, str], int] | None = None,
) -> dict[str, Any]:
    """The report over the rows of one population.

    `tracks` is how many tracks there are to analyse in it; `calibrations` are the stored ones, newest first; `answers` are the counts of
    what /analyze answered when the LLM was asked for, by who answered and why.
    """
    makers = makers_of(rows)
    return {
        "tracks": tracks,
        "analyzers": [
            maker_figures([row for row in rows if _maker(row) == maker], tracks)
            | {"calibration": calibration_of(maker, calibrations)}
            for maker in makers
        ],
        "pairs": [pair_figures(paired(rows, one, other), one, other) for one, other in combinations(makers, 2)],
        "together": together(rows, makers),
        "serving": fallbacks(answers or {}),
    }


def makers_of(rows: Sequence[Row]) -> list[Maker]:
    """Analyzers and their models, by name."""
    return sorted({_maker(row) for row in rows})


def _maker(row: Row) -> Maker:
    return row["analyzer"], row["model"]


def calibration_of(maker: Maker, calibrations: Sequence[Row]) -> Row | None:
    """The newest calibration of an analyzer and model, without its names; None when there is none."""
    found = next((one for one in calibrations if _maker(one) == maker), None)
    return found and {name: value for name, value in found.items() if name not in ("analyzer", "model")}


def maker_figures(rows: Sequence[Row], tracks: int) -> dict[str, Any]:
    """What one analyzer did: coverage, failures by kind, tokens, cost, latency; what nobody told is None."""
    ok = [row for row in rows if row["status"] == "ok"]
    failed = Counter(str(row["error"]).partition(":")[0] for row in rows if row["status"] == "failed")
    unreadable = sum(failed[kind] for kind in UNREADABLE)
    latencies = _known(rows, "latency_ms")
    costs = _known(rows, "cost_usd")
    confidences = _known(ok, "confidence")
    return {
        "analyzer": rows[0]["analyzer"],
        "model": rows[0]["model"],
        "rows": len(rows),
        "ok": len(ok),
        "coverage": len(ok) / tracks if tracks else None,
        "failures": dict(failed),
        "failure_share": (sum(failed.values()) - unreadable) / len(rows),
        "parse_failure_share": sum(failed[kind] for kind in UNPARSED) / len(rows),
        "repaired": sum(row["repaired"] for row in rows),
        "prompt_tokens": _total(rows, "prompt_tokens"),
        "completion_tokens": _total(rows, "completion_tokens"),
        "cost_usd": sum(costs) if costs else None,
        "cost_usd_per_1000": 1000 * sum(costs) / len(costs) if costs else None,
        "latency_ms": {f"p{q}": float(np.percentile(latencies, q)) for q in (50, 95, 99)} if latencies else None,
        "mean_quality": float(np.mean([row["quality"] for row in ok])) if ok else None,
        "mean_confidence": float(np.mean(confidences)) if confidences else None,
    }


def _known(rows: Sequence[Row], name: str) -> list[Any]:
    return [row[name] for row in rows if row[name] is not None]


def _total(rows: Sequence[Row], name: str) -> int | None:
    known = _known(rows, name)
    return sum(known) if known else None


def paired(rows: Sequence[Row], one: Maker, other: Maker) -> list[Pair]:
    """The analyses of the tracks that both made, by track."""
    by_track = _by_track(rows)
    return [(found[one], found[other]) for _, found in sorted(by_track.items()) if one in found and other in found]


def _by_track(rows: Sequence[Row]) -> dict[int, dict[Maker, Row]]:
    by_track: dict[int, dict[Maker, Row]] = {}
    for row in rows:
        if row["status"] == "ok":
            by_track.setdefault(row["track_id"], {})[_maker(row)] = row
    return by_track


def pair_figures(pairs: Sequence[Pair], one: Maker, other: Maker) -> dict[str, Any]:
    """How two analyzers agree on the tracks that both analysed, each figure with a 95 % interval over artists."""
    figures: dict[str, Any] = {"one": " ".join(one), "other": " ".join(other), "pairs": len(pairs)}
    if len(pairs) < LEAST_PAIRS:
        return {**figures, "note": f"fewer than {LEAST_PAIRS} tracks in common"}
    artists = concordance.codes([a["artist_id"] for a, _ in pairs])
    for name in SCORES:
        numbers = [np.array([pair[side][name] for pair in pairs], dtype=np.float64) for side in (0, 1)]
        figures[f"spearman_{name}"] = concordance.interval(partial(concordance.spearman, *numbers), artists)
    for name, names in LABELS:
        left, right = (np.array([names.index(pair[side][name]) for pair in pairs], dtype=np.int64) for side in (0, 1))
        figures[f"kappa_{name}"] = concordance.interval(partial(concordance.kappa, left, right, len(names)), artists)
        figures[f"same_{name}"] = float((left == right).mean())
    shared = concordance.jaccard(
        *(concordance.members([pair[side]["themes"] for pair in pairs], THEMES) for side in (0, 1))
    )
    figures["jaccard_themes"] = concordance.interval(lambda w: (w @ shared) / w.sum(axis=1), artists)
    return figures


def together(rows: Sequence[Row], makers: Sequence[Maker]) -> dict[str, Any]:
    """Krippendorff's alpha of all analyzers, over the tracks that at least two analysed."""
    units = [found for _, found in sorted(_by_track(rows).items()) if len(found) > 1]
    figures: dict[str, Any] = {"analyzers": len(makers), "tracks": len(units)}
    if len(units) < LEAST_PAIRS:
        return {**figures, "note": f"fewer than {LEAST_PAIRS} tracks that two analysed"}
    artists = concordance.codes([next(iter(found.values()))["artist_id"] for found in units])
    for name in SCORES:
        values = np.array(
            [[found[maker][name] if maker in found else np.nan for maker in makers] for found in units],
            dtype=np.float64,
        )
        figures[f"alpha_{name}"] = concordance.interval(partial(concordance.alpha_interval, values), artists)
    for name, names in LABELS:
        counts = np.zeros((len(units), len(names)))
        for place, found in enumerate(units):
            for row in found.values():
                counts[place, names.index(row[name])] += 1
        figures[f"alpha_{name}"] = concordance.interval(partial(concordance.alpha_nominal, counts), artists)
    some = np.sort(np.random.default_rng(concordance.SEED).permutation(len(units))[: concordance.MOST_SETS])
    sets = concordance.SetUnits.of([[row["themes"] for row in units[place].values()] for place in some], THEMES)
    figures["alpha_themes"] = concordance.interval(partial(concordance.alpha_sets, sets), artists[some])
    return figures


def fallbacks(answers: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """How often /analyze let the rules answer in place of the LLM, and why; None where it was never asked."""
    total = sum(answers.values())
    reasons = Counter({reason: count for (_, reason), count in answers.items() if reason})
    return {
        "asked": total,
        "fell_back": reasons.total(),
        "fallback_share": reasons.total() / total if total else None,
        "reasons": dict(reasons),
    }


def markdown(population: str, body: Mapping[str, Any]) -> str:
    """The report as Markdown, with a line on what each figure means."""
    lines = [f"### Analysts on {population} ({body['tracks']} tracks)", ""]
    lines += _maker_table(body["analyzers"])
    lines += _calibration_table(body["analyzers"])
    for pair in body["pairs"]:
        title = f"**{pair['one']} against {pair['other']}**, {pair['pairs']} tracks in common. {pair.get('note', '')}"
        lines += ["", title.rstrip(), "", *_figure_table(pair)]
    whole = body["together"]
    if whole["analyzers"] > 1:
        title = f"**All {whole['analyzers']} together**, {whole['tracks']} tracks that at least two analysed. {whole.get('note', '')}"
        lines += ["", title.rstrip(), "", *_figure_table(whole)]
    served = body["serving"]
    if served["asked"]:
        why = ", ".join(f"{reason} {count}" for reason, count in served["reasons"].items()) or "none"
        lines += [
            "",
            f"Of {served['asked']} pasted lyrics that the LLM was asked for, the rules answered {served['fallback_share']:.1%} ({why}).",
        ]
    lines += ["", "What the figures mean:", "", *(f"- {name}: {meaning}." for name, meaning in MEANINGS)]
    return "\n".join(lines) + "\n"


def _maker_table(makers: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = _head(
        "analyzer", "model", "ok", "coverage", "failures", "failure share", "parse failures", "repaired", "tokens in / out", "cost USD",
        "per 1,000", "p50 / p95 ms", "confidence",
    )  # fmt: skip
    for one in makers:
        kinds = ", ".join(f"{kind} {count}" for kind, count in one["failures"].items()) or "none"
        latency = one["latency_ms"]
        times = f"{latency['p50']:.0f} / {latency['p95']:.0f}" if latency else "–"
        tokens = f"{_shown(one['prompt_tokens'], ',')} / {_shown(one['completion_tokens'], ',')}"
        lines.append(
            f"| {one['analyzer']} | {one['model']} | {one['ok']} | {_shown(one['coverage'], '.1%')} | {kinds} | {one['failure_share']:.1%} "
            f"| {one['parse_failure_share']:.1%} | {one['repaired']} | {tokens} | {_shown(one['cost_usd'], '.4f')} "
            f"| {_shown(one['cost_usd_per_1000'], '.4f')} | {times} | {_shown(one['mean_confidence'], '.2f')} |"
        )
    return lines


def _calibration_table(makers: Sequence[Mapping[str, Any]]) -> list[str]:
    earned = [(one, one["calibration"]) for one in makers if one["calibration"]]
    if not earned:
        return ["", "No analyst has earned a confidence yet."]
    lines = ["", *_head("analyzer", "model", "verses read", "mood right", "chance", "Brier", "of the base rate", "ECE")]
    for one, found in earned:
        lines.append(
            f"| {one['analyzer']} | {one['model']} | {found['answered']} of {found['verses']} | {found['right_answers'] / found['answered']:.1%} "
            f"| {1 / len(MOODS):.1%} | {found['brier']:.3f} | {found['base_brier']:.3f} | {found['ece']:.3f} |"
        )
    return lines


def _figure_table(body: Mapping[str, Any]) -> list[str]:
    measured = {name: figure for name, figure in body.items() if isinstance(figure, dict)}
    lines = _head("figure", "value", "95 % interval") if measured else []
    for name, figure in measured.items():
        interval = "–" if figure["low"] is None else f"{figure['low']:.2f} to {figure['high']:.2f}"
        lines.append(f"| {name.replace('_', ' ', 1)} | {_shown(figure['value'], '.2f')} | {interval} |")
    return lines


def _head(*names: str) -> list[str]:
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def _shown(figure: float | None, form: str) -> str:
    return "–" if figure is None else format(figure, form)
