"""The second table: commercial potential, by the same report on the same split, where labels of it exist."""

from collections.abc import Mapping
from typing import Any

from rap_platform.evaluation import promotion, report
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
        best_possible=report.Ceiling(None, None),
        header={**header, "target": inputs.target},
    )
    entries = {MODEL if name == COMMERCIAL else name: entry for name, entry in body["predictors"].items()}
    return body | {"verdict": promotion.judge(entries, body["best_baseline"], body["eval_groups"]) | {"promote": False}}
