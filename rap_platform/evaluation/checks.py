"""What must hold of an evaluation; computed again from the stored predictions where that is possible. Each check names what it found."""

import dagster as dg

from rap_platform.evaluation import assets, promotion, queries
from rap_platform.evaluation.metrics import Measure
from rap_platform.evaluation.predictors import MODEL
from rap_platform.resources.postgres import PostgresResource

# Labels and predictions are stored in single precision: 1e-6 at 10.
TOLERANCE = 1e-4
EQUAL = 1e-5


def _absent() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, description="nothing was evaluated yet")


@dg.asset_check(
    asset=assets.evaluation_report,
    description="No predictor makes the same absolute error on every track: then labels or predictions are constant.",
)
def errors_differ(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        latest = queries.latest_evaluation(conn)
        if latest is None:
            return _absent()
        equal = queries.predictors_with_equal_errors(conn, latest["evaluation_id"], EQUAL)
    return dg.AssetCheckResult(
        passed=not equal,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(
            f"{name}: MAE = RMSE = {error:.3f}, the same error on all {tracks} tracks" for name, tracks, error in equal
        )
        or None,
        metadata={"predictors": [name for name, _, _ in equal]},
    )


@dg.asset_check(
    asset=assets.evaluation_report,
    description="Held-out labels differ: every predictor is as good as a constant on a constant.",
)
def held_out_labels_differ(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        latest = queries.latest_evaluation(conn)
        if latest is None:
            return _absent()
        count, distinct, deviation, low, high = queries.evaluated_labels(conn, latest["dataset_version"])
    passed = distinct > 1 and deviation > 0.01
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=None if passed else f"all {count} held-out labels lie between {low:g} and {high:g}",
        metadata={"labels": count, "distinct": distinct, "label_sd": deviation},
    )


@dg.asset_check(
    asset=assets.evaluation_report,
    description="No group of artists and near-duplicates stands on both sides of the split that was evaluated.",
)
def groups_stand_on_one_side(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        latest = queries.latest_evaluation(conn)
        if latest is None:
            return _absent()
        both = queries.groups_on_both_sides(conn, latest["dataset_version"])
    return dg.AssetCheckResult(
        passed=not both,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"in train and in eval: {', '.join(both[:5])}" if both else None,
        metadata={"groups_on_both_sides": len(both), "first": both[:10]},
    )


@dg.asset_check(
    asset=assets.evaluation_report,
    description="The MAE of each predictor, computed again from the table predictions, is the one in the report.",
)
def report_is_what_was_predicted(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        latest = queries.latest_evaluation(conn)
        if latest is None:
            return _absent()
        stored = queries.stored_mae(conn, latest["evaluation_id"])
    body = latest["report"]
    wrong = [
        problem
        for name, entry in body["predictors"].items()
        if (problem := _difference(name, entry, stored.get(name), body["eval_tracks"])) is not None
    ]
    wrong += [f"{name} has predictions and is not in the report" for name in stored.keys() - body["predictors"].keys()]
    return dg.AssetCheckResult(
        passed=not wrong,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(wrong) or None,
        metadata={"predictors": len(body["predictors"]), "wrong": wrong},
    )


def _difference(
    name: str, entry: dict[str, object], stored: tuple[int, int, float | None] | None, tracks: int
) -> str | None:
    """What is wrong between the report and the predictions of one predictor."""
    if stored is None:
        return f"{name} has no predictions"
    predicted, asked, mae = stored
    if asked != tracks or tracks - predicted != entry["failed"]:
        return f"{name}: {predicted} of {asked} tracks are predicted, the report says {tracks} tracks, {entry['failed']} failed"
    told = entry.get("mae")
    if isinstance(told, dict) and (mae is None or abs(mae - told["value"]) > TOLERANCE):
        return f"{name}: MAE {told['value']:.4f} in the report, {'none' if mae is None else format(mae, '.4f')} from its predictions"
    return None


@dg.asset_check(
    asset=assets.champion,
    description="The champion beats the best baseline on the newest held-out tracks; the interval of the paired difference excludes zero.",
)
def champion_beats_best_baseline(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        latest = queries.latest_evaluation(conn)
        history = queries.decisions(conn)
    if latest is None:
        return _absent()
    body = latest["report"]
    if MODEL not in body["predictors"]:
        return dg.AssetCheckResult(passed=True, description=body["verdict"]["reason"])
    holder = history[-1]["version"] if history else None
    passed, told = bool(body["verdict"]["promote"]), body["verdict"]["reason"]
    if holder is not None and holder != body["model_version"]:
        passed, told = _incumbent(history[-1], holder)
    elif holder is None:
        passed, told = False, f"nobody is champion; of version {body['model_version']}: {told}"
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=told,
        metadata={
            "champion": holder or "none",
            "best_baseline": str(body["best_baseline"]),
            "evaluation_id": latest["evaluation_id"],
        },
    )


def _incumbent(decision: dict[str, object], holder: str) -> tuple[bool, str]:
    """Whether a champion that the newest evaluation did not judge was still worth its title when it was last compared."""
    evidence = decision["evidence"]
    duel = evidence.get("duel") if isinstance(evidence, dict) else None
    gap = duel.get("against_baseline") if duel else None
    if not gap or decision["action"] in promotion.BY_HAND:
        return True, f"version {holder} is champion, {decision['action']}: {decision['reason']}"
    measure = Measure(**gap)
    return (
        measure.high is not None and measure.high < 0
    ), f"version {holder} differs from the best baseline by {promotion.figure(measure)}"


CHECKS = [
    errors_differ,
    champion_beats_best_baseline,
    held_out_labels_differ,
    groups_stand_on_one_side,
    report_is_what_was_predicted,
]
