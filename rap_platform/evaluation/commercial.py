"""The second table: commercial potential, by the same report on the same split, where labels of it exist."""

from collections.abc import Mapping
from typing import Any

from rap_platform.evaluation import report
from rap_platform.evaluation.contestants import CommercialInputs, commercial
from rap_platform.evaluation.predictors import COMMERCIAL, MODEL


def table(inputs: CommercialInputs, *, resamples: int, header: Mapping[str, Any]) -> dict[str, Any]:
    """The report on commercial potential; nothing is promoted by it, its verdict only says whether the model beats the baselines."""
    labels, entered = commercial(inputs)
    body = report.build(
        entered,
        labels,
        resamples=resamples,
        seed=inputs.seed,
        noise_floor=None,
        header={**header, "target": inputs.target},
    )
    entries = {MODEL if name == COMMERCIAL else name: entry for name, entry in body["predictors"].items()}
    return body | {"verdict": report.judge(entries, body["best_baseline"]) | {"promote": False}}


def markdown(body: Mapping[str, Any]) -> str:
    """The table under a heading that says what is predicted."""
    lines = [f"### Commercial potential: {body['target']}, {body['train_tracks']} + {body['eval_tracks']} tracks", "",
             "| predictor | MAE | Spearman | MAE against best baseline |", "|---|---|---|---|"]  # fmt: skip
    ordered = sorted(body["predictors"].items(), key=lambda item: item[1]["mae"]["value"])
    for name, entry in ordered:
        gap = entry.get("vs_best_baseline")
        lines.append(
            f"| {f'**{name}**' if name == COMMERCIAL else name} | {_shown(entry['mae'])} | {_shown(entry['spearman'])} | "
            f"{'-' if gap is None else _shown(gap)} |"
        )
    return "\n".join([*lines, "", f"{body['verdict']['reason']}.".capitalize()])


def _shown(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None or figure["low"] is None:
        return "undefined"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
