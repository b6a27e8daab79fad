"""The comparison of new tracks with the training set as a report: what is compared, its table, its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rap_platform.training import drift
from rap_platform.training.drift import Drift

INK, ACCENT, QUIET = "#1f2933", "#c2410c", "#9aa5b1"
SHOWN = 20
LABEL = "label"


def inputs(x: pd.DataFrame, ear: Sequence[str], text: Sequence[str], learned: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The compared columns of the training rows, the first `learned` of `x`, and of the new ones: the ear's and the embedding's."""
    vectors = x[list(text)].to_numpy(dtype=float)
    has_vectors = np.isfinite(vectors[:learned]).all(axis=1).any() and np.isfinite(vectors[learned:]).all(axis=1).any()
    heard = x[list(ear)].reset_index(drop=True)
    before, now = heard.iloc[:learned], heard.iloc[learned:].reset_index(drop=True)
    if not has_vectors:
        return before, now
    meant = drift.embedding_columns(vectors[:learned], vectors[learned:])
    return pd.concat([before, meant[0]], axis=1), pd.concat([now, meant[1]], axis=1)


def build(
    found: Sequence[Drift],
    labels: Drift | None,
    *,
    dataset: str,
    population: str,
    simulated: bool,
    new_tracks: int,
    compared: int,
    rated: int,
    note: str | None = None,
) -> dict[str, Any]:
    """The report as JSON; `note` says why nothing was compared."""
    drifts = [*found, *([labels] if labels else [])]
    return {
        "dataset": dataset,
        "population": population,
        "simulated": simulated,
        "new_tracks": new_tracks,
        "compared": compared,
        "rated": rated,
        "note": note,
        "drifted": [one.column for one in drifts if one.drifted],
        "columns": [asdict(one) | {"drifted": one.drifted, "size": one.size} for one in drifts],
    }


def markdown(body: Mapping[str, Any]) -> str:
    """The report for people."""
    head = f"{body['new_tracks']} {body['population']} tracks are not in dataset {body['dataset']}"
    if body["note"]:
        return f"{head}: {body['note']}.\n"
    compared = (
        "all compared" if body["compared"] == body["new_tracks"] else f"{body['compared']} drawn of them compared"
    )
    lines = [
        f"{head}, {compared}; {body['rated']} of these are rated.",
        "",
        f"Drifted: {', '.join(body['drifted']) or 'nothing'}. A column has drifted when its KS distance is no chance "
        f"(p at most {drift.LEVEL:g} over all columns together, artists as units) and its PSI is at least {drift.MODERATE:g}.",
        "",
        "| column | PSI | size | KS | p | median then | median now |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for one in body["columns"]:
        medians = " | ".join("" if one[key] is None else f"{one[key]:.3g}" for key in ("median_before", "median_now"))
        name = f"**{one['column']}**" if one["drifted"] else one["column"]
        lines.append(f"| {name} | {one['psi']:.3f} | {one['size']} | {one['ks']:.3f} | {one['p']:.3f} | {medians} |")
    return "\n".join(lines) + "\n"


def draw(body: Mapping[str, Any], before: pd.DataFrame, now: pd.DataFrame) -> dict[str, Figure]:
    """PSI by column, and how the four most moved columns lie then and now."""
    shown = body["columns"][:SHOWN][::-1]
    bars = Figure(figsize=(8, 0.8 + 0.3 * len(shown)), layout="constrained")
    axes = bars.subplots()
    axes.barh([one["column"] for one in shown], [one["psi"] for one in shown],
              color=[ACCENT if one["drifted"] else QUIET for one in shown])  # fmt: skip
    for mark, name in ((drift.MODERATE, "moderate"), (drift.MAJOR, "major")):
        axes.axvline(mark, color=INK, linewidth=1, linestyle=":")
        axes.text(mark, len(shown) - 0.4, f" {name}", fontsize=8, color=INK)
    axes.set(xlabel="PSI against the training set (red: drifted)")
    moved = [one["column"] for one in body["columns"] if one["column"] in before.columns][:4]
    hills = Figure(figsize=(9, 5.5), layout="constrained")
    for place, column in zip(np.ravel(hills.subplots(2, 2)), moved, strict=False):
        then, today = before[column].dropna(), now[column].dropna()
        edges = np.histogram_bin_edges(pd.concat([then, today]), bins=25)
        for values, colour, name in ((then, INK, "train"), (today, ACCENT, "new")):
            place.hist(
                values, bins=list(edges), density=True, alpha=0.55, color=colour, label=f"{name} ({len(values)})"
            )
        place.set(title=column)
        place.legend(fontsize=8)
    return {"psi": bars, "most_moved": hills}
