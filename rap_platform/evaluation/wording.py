"""The report in words and cells: one table for Dagster, MLflow, the terminal, the HTML file and the web page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rap_platform.training.naming import MODEL_NAME as MODEL

Figure = Mapping[str, float | None]
COLUMNS = (
    ("MAE", "mae"),
    ("RMSE", "rmse"),
    ("R²", "r2"),
    ("Spearman", "spearman"),
    ("calibration slope", "calibration_slope"),
    ("calibration intercept", "calibration_intercept"),
    ("bias", "bias"),
    ("skill", "skill"),
)
ERRORS = (
    "predictor", "MAE", "MAE against best baseline", "RMSE", "R²", "Spearman", "skill", "× rules as is", "× random", "× floor",
)  # fmt: skip
CALIBRATION = (
    "predictor",
    "calibration slope",
    "calibration intercept",
    "bias",
    "sd of predictions",
    "90 % interval holds",
    "its width",
)
FAILURES = ("predictor", "covered", "unreadable answers", "other failures", "MAE", "MAE, failures charged")
# What fits a note; the whole table is in the HTML report and the JSON.
SHORT = (
    "predictor", "MAE", "RMSE", "R²", "Spearman", "calibration slope", "skill", "MAE against best baseline", "× rules as is",
    "× random", "× floor", "covered", "unreadable answers", "90 % interval holds",
)  # fmt: skip
# Of the second table, on commercial potential.
SECOND = ("predictor", "MAE", "MAE against best baseline", "RMSE", "R²", "Spearman", "skill", "covered")
# The same in two tables that fit a terminal.
NARROW = (
    ("predictor", "MAE", "MAE against best baseline", "RMSE", "R²", "Spearman", "skill"),
    ("predictor", "calibration slope", "× rules as is", "× random", "× floor", "covered", "unreadable answers", "90 % interval holds"),
)  # fmt: skip
MEANINGS = (
    "MAE, RMSE: errors on ratings from 1 to 10, lower is better. Intervals in brackets: 95 %, from resampling groups of artists.",
    "skill: 1 - MAE / MAE of the median rating; 0 is no better than always saying the median.",
    "best baseline: that of lowest MAE on these held-out tracks, among those that rate all of them; chosen here, it is flattered.",
    "MAE against best baseline: paired on the same tracks; an interval below zero is better beyond doubt.",
    "× rules as is, × random, × floor: MAE divided by that of the rule-based quality as stored, of random ratings, of the noise floor.",
    "MAE, failures charged: a track without an answer costs the largest error that its rating allows.",
)


def ordered(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The predictors, smallest MAE first; those without one last."""
    return sorted(report["predictors"].items(), key=lambda item: _mae(item[1]))


def _mae(entry: Mapping[str, Any]) -> float:
    value = entry.get("mae", {}).get("value")
    return float("inf") if value is None else float(value)


def rows(report: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """One row per predictor, smallest MAE first: the text of each column; "-" where a figure does not exist."""
    for name, entry in ordered(report):
        title = f"{name} (best baseline)" if name == report["best_baseline"] else name
        intervals = entry.get("intervals") or {}
        yield {
            "predictor": title,
            **{heading: shown(entry.get(key), signed=key == "bias") for heading, key in COLUMNS},
            "MAE against best baseline": shown(entry.get("vs_best_baseline"), signed=True),
            "× rules as is": number(entry.get("times_rule_based"), 2),
            "× random": number(entry.get("times_random"), 2),
            "× floor": number(entry.get("times_floor"), 2),
            "sd of predictions": number(entry.get("prediction_sd"), 3),
            "covered": f"{entry['coverage']:.1%}",
            "unreadable answers": _share(entry.get("parse_failures"), report["eval_tracks"]),
            "other failures": _share(entry.get("other_failures"), report["eval_tracks"]),
            "MAE, failures charged": shown(entry.get("mae_charged")),
            "90 % interval holds": shown(intervals.get("coverage")),
            "its width": number(intervals.get("mean_width"), 2),
        }


def slice_rows(report: Mapping[str, Any], name: str = MODEL) -> Iterator[dict[str, str]]:
    """One row per slice: tracks, groups, MAE and difference to the best baseline of one predictor, or why there is none."""
    for one in report.get("slices", []):
        figures = one["predictors"].get(name, {})
        baseline = one["predictors"].get(report["best_baseline"], {})
        yield {
            "by": one["by"],
            "slice": one["slice"],
            "tracks": str(one["n"]),
            "groups": str(one["groups"]),
            "MAE": shown(figures.get("mae")),
            "MAE of best baseline": shown(baseline.get("mae")),
            "MAE against best baseline": shown(figures.get("vs_best_baseline"), signed=True),
            "note": f"too small: {one['too_small']}" if one["too_small"] else "",
        }


def shown(figure: Figure | None, *, signed: bool = False) -> str:
    """A figure with its interval; "-" when it was not measured, "undefined" when it can't be."""
    if figure is None:
        return "-"
    if figure["value"] is None:
        return "undefined"
    style = "+.3f" if signed else ".3f"
    value, low, high = (None if part is None else format(_unsigned_zero(part), style) for part in _parts(figure))
    return str(value) if low is None or high is None else f"{value} ({low} to {high})"


def _parts(figure: Figure) -> tuple[float | None, float | None, float | None]:
    return figure["value"], figure["low"], figure["high"]


def _unsigned_zero(value: float) -> float:
    """A figure that rounds to nothing has no sign."""
    return round(value, 3) + 0.0


def number(value: float | None, digits: int) -> str:
    """A plain figure, "-" when there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _share(count: int | None, tracks: int) -> str:
    return "-" if not count else f"{count} ({count / tracks:.1%})"


def summary(report: Mapping[str, Any]) -> list[str]:
    """What the report rests on, in sentences."""
    floor = report["noise_floor"]
    correlation = floor.get("correlation")
    sentences = [
        f"Dataset {report['dataset']}: {report['train_tracks']} tracks to learn from, {report['eval_tracks']} held out "
        f"({report['eval_groups']} groups of artists).",
        f"Ratings from 1 to 10, sd {report['label_sd']:.3f}. Noise floor (MAE of somebody who knows the truth): "
        f"{'unknown' if floor['mae'] is None else format(floor['mae'], '.3f')}; highest possible correlation: "
        f"{'unknown' if correlation is None else format(correlation, '.3f')}.",
        f"Intervals: 95 %, {report['resamples']} resamples over groups.",
    ]
    return [*sentences, "Everything here is simulated."] if report["simulated"] else sentences


def verdict(report: Mapping[str, Any]) -> str:
    """The verdict against the best baseline in one line."""
    said = report["verdict"]
    return f"{'better than the best baseline' if said['promote'] else 'no promotion'}; {said['reason']}"


def markdown(report: Mapping[str, Any]) -> str:
    """The report as a person reads it in Dagster and MLflow: sentences, table, slices, verdict, what each predictor is."""
    parts = [
        " ".join(summary(report)).replace("simulated.", "**simulated**."),
        table(SHORT, list(rows(report))),
        f"Verdict: {verdict(report)}.",
    ]
    if sliced := list(slice_rows(report, subject(report))):
        parts.append(f"Slices of {subject(report)}:\n\n{table(tuple(sliced[0]), sliced)}")
    if second := report.get("commercial"):
        parts.append(f"{second_title(second)}\n\n{table(SECOND, list(rows(second)))}\n\n{second_verdict(second)}")
    parts.append("\n".join(f"- {line}" for line in MEANINGS))
    parts.append("\n".join(f"- {name}: {entry['note']}" for name, entry in ordered(report)))
    return "\n\n".join(parts)


def second_title(second: Mapping[str, Any]) -> str:
    """What the second table is about; `second` is a report of commercial potential."""
    return f"Commercial potential ({second['target']}): {second['train_tracks']} tracks to learn from, {second['eval_tracks']} held out"


def second_verdict(second: Mapping[str, Any]) -> str:
    """Whether the commercial model beats the baselines; nothing is promoted by it."""
    return f"Nothing is promoted by this table: {second['verdict']['reason']}."


def subject(report: Mapping[str, Any]) -> str:
    """Whom slices and pictures are about: the quality model, without one the best baseline."""
    return MODEL if "mae" in report["predictors"].get(MODEL, {}) else str(report["best_baseline"])


def table(headings: Sequence[str], cells: Sequence[Mapping[str, str]]) -> str:
    """Rows as a Markdown table, the quality model in bold."""
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    for row in cells:
        texts = [row[heading].replace("|", "\\|") for heading in headings]
        if row.get("predictor") == MODEL:
            texts[0] = f"**{texts[0]}**"
        lines.append(f"| {' | '.join(texts)} |")
    return "\n".join(lines)


def note(report: Mapping[str, Any], title: str | None = None) -> str:
    """The description of the MLflow run: which model, from which run, on which data, from which Dagster run, verdict, table.

    `title` is the sentence about who is champion, which is known only after the champion was chosen.
    """
    links = report.get("links", {})
    if report["model_version"] is None:
        judged = "No quality model was judged."
    else:
        model = _link(f"{MODEL} version {report['model_version']}", links.get("mlflow_model"))
        trained = _link(f"run {links.get('training_run_id') or 'unknown'}", links.get("training_run"))
        judged = f"Judged: {model}, trained in {trained}."
    told = [
        *([f"**{title}**"] if title else []),
        judged,
        f"Data: dataset `{report['dataset']}`, digest `{report['dataset_digest'][:12]}`"
        f"{', **simulated**' if report['simulated'] else ''}; it is this run's dataset input.",
        f"Made by {_link('Dagster run ' + str(links.get('dagster_run_id') or 'unknown')[:8], links.get('dagster_run'))}.",
        f"Verdict: {verdict(report)}.",
        "The errors of each predictor are in the child runs; slices, pictures and `report.html` under Artifacts.",
    ]
    return "  \n".join(told) + "\n\n" + table(SHORT, list(rows(report)))


def links(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(text, address) of the runs and versions behind the report, those that have a page."""
    known = report.get("links", {})
    named = {
        "MLflow run of this evaluation": "mlflow_run",
        f"{MODEL} version {report['model_version']}": "mlflow_model",
        "the run it was trained in": "training_run",
        "Dagster run": "dagster_run",
    }
    return [(text, known[name]) for text, name in named.items() if known.get(name)]


def _link(text: str, address: str | None) -> str:
    return text if address is None else f"[{text}]({address})"
