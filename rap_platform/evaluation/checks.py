"""What must hold of an evaluation; recomputed from the stored predictions where that is possible."""

import dagster as dg

from rap_platform.evaluation import assets, queries, report
from rap_platform.evaluation.predictors import MODEL
from rap_platform.resources.postgres import PostgresResource


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
        equal = queries.predictors_with_equal_errors(conn, latest["evaluation_id"], report.EQUAL_ERRORS)
    return dg.AssetCheckResult(
        passed=not equal,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{name}: {error:.3f} on all {tracks} tracks" for name, tracks, error in equal) or None,
        metadata={"predictors": [name for name, _, _ in equal]},
    )


@dg.asset_check(
    asset=assets.champion,
    description="The quality model beats the best baseline; the interval of the paired difference excludes zero.",
)
def champion_beats_best_baseline(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        latest = queries.latest_evaluation(conn)
    if latest is None:
        return _absent()
    body = latest["report"]
    if MODEL not in body["predictors"]:
        return dg.AssetCheckResult(passed=True, description=body["verdict"]["reason"])
    return dg.AssetCheckResult(
        passed=body["verdict"]["promote"],
        severity=dg.AssetCheckSeverity.WARN,
        description=body["verdict"]["reason"],
        metadata={"best_baseline": str(body["best_baseline"]), "evaluation_id": latest["evaluation_id"]},
    )


CHECKS = [errors_differ, champion_beats_best_baseline]
