"""What must hold of stored analyses, and what should."""

import dagster as dg

from rap_platform.analyses import agreement, queries, qwen, rules
from rap_platform.analyses.assets import analyst_calibrations, analyzer_agreement, qwen_analyses, rule_based_analyses
from rap_platform.analyses.results import UNREADABLE
from rap_platform.resources.postgres import PostgresResource

MOST_FAILURES = 0.10
LEAST_ROWS = 20  # below this a distribution says nothing
LEAST_SD = 0.1
MOST_SAME = 0.2
MOST_ONE_MOOD = 0.7
WORSE_BRIER = 0.01
MOST_ECE = 0.15  # of 120 verses in five bins chance alone makes some 0.07


def _in_range(postgres: PostgresResource, analyzer: str) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        rows, out_of_range, outside = queries.out_of_range(conn, analyzer)
    return dg.AssetCheckResult(
        passed=not out_of_range and not outside,
        metadata={"rows": rows, "scores_out_of_range": out_of_range, "outside_the_vocabularies": outside},
    )


def _honest(postgres: PostgresResource, analyzer: str, *, needs_response: bool) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        rows, poses, scored = queries.mislabelled(conn, analyzer, needs_response=needs_response)
    return dg.AssetCheckResult(
        passed=not poses and not scored,
        metadata={"rows": rows, "failures_stored_as_ok": poses, "failures_with_scores": scored},
    )


def _sound(postgres: PostgresResource, analyzer: str) -> dg.AssetCheckResult:
    """Few failures, scores that differ, and not one answer said over and over."""
    with postgres.connection() as conn:
        kinds = queries.failures(conn, analyzer)
        rows, deviations, same, one_mood = queries.spread(conn, analyzer)
    total = sum(kinds.values())
    failed = sum(count for kind, count in kinds.items() if kind != "ok" and kind not in UNREADABLE)
    share = failed / total if total else 0.0
    complaints = [f"{share:.1%} of the rows failed"] if share >= MOST_FAILURES else []
    if rows >= LEAST_ROWS:
        complaints += [f"{name} is all but constant" for name, deviation in deviations.items() if deviation < LEAST_SD]
        complaints += [f"{same} of {rows} rows say the very same"] if same > MOST_SAME * rows else []
        complaints += [f"{one_mood} of {rows} rows have one mood"] if one_mood > MOST_ONE_MOOD * rows else []
    return dg.AssetCheckResult(
        passed=not complaints,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(complaints) or None,
        metadata={
            "failure_share": share,
            "outcomes": dg.MetadataValue.json(kinds),
            "standard_deviations": dg.MetadataValue.json(deviations),
        },
    )


def _earned(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Every analysis has a confidence, and on verses kept out no confidence is far from the truth or worse than the base rate."""
    with postgres.connection() as conn:
        waiting, made = queries.without_confidence(conn), queries.calibrations(conn)
    complaints = [f"{analyzer} {model}: {count} analyses without a confidence" for analyzer, model, count in waiting]
    for one in made:
        name = f"{one['analyzer']} {one['model']}"
        if one["ece"] > MOST_ECE:
            complaints.append(f"{name}: confidence and truth lie {one['ece']:.2f} apart")
        if one["brier"] > one["base_brier"] + WORSE_BRIER:
            complaints.append(f"{name}: the base rate says more than its confidence")
    return dg.AssetCheckResult(
        passed=not complaints,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(complaints) or None,
        metadata={
            "analysts": len(made),
            "expected_calibration_errors": dg.MetadataValue.json(
                {f"{one['analyzer']} {one['model']} {one['prompt_version']}": round(one["ece"], 3) for one in made}
            ),
        },
    )


def _reported(postgres: PostgresResource) -> dg.AssetCheckResult:
    """Where there are analyses there is a report of them."""
    with postgres.connection() as conn:
        analyses, bodies = queries.analysis_count(conn), queries.newest_reports(conn, agreement.KIND)
    return dg.AssetCheckResult(
        passed=bool(bodies) or not analyses,
        severity=dg.AssetCheckSeverity.WARN,
        description=None if bodies or not analyses else f"{analyses} analyses and no report of their agreement",
        metadata={"analyses": analyses, "populations": dg.MetadataValue.json(bodies)},
    )


@dg.asset_check(
    asset=analyst_calibrations, description="Every analysis has a confidence, and no confidence is far from the truth."
)
def confidence_earned(postgres: PostgresResource) -> dg.AssetCheckResult:
    return _earned(postgres)


@dg.asset_check(asset=analyzer_agreement, description="Where there are analyses there is a report of their agreement.")
def agreement_reported(postgres: PostgresResource) -> dg.AssetCheckResult:
    return _reported(postgres)


@dg.asset_check(
    asset=rule_based_analyses, blocking=True, description="Scores from 1 to 10, moods and themes from the lists."
)
def rule_based_in_range(postgres: PostgresResource) -> dg.AssetCheckResult:
    return _in_range(postgres, rules.ANALYZER)


@dg.asset_check(asset=rule_based_analyses, blocking=True, description="No failure is stored as an analysis.")
def rule_based_honest(postgres: PostgresResource) -> dg.AssetCheckResult:
    return _honest(postgres, rules.ANALYZER, needs_response=False)


@dg.asset_check(
    asset=rule_based_analyses, description="Few failures, scores that differ, no answer said over and over."
)
def rule_based_sound(postgres: PostgresResource) -> dg.AssetCheckResult:
    return _sound(postgres, rules.ANALYZER)


@dg.asset_check(asset=qwen_analyses, blocking=True, description="Scores from 1 to 10, moods and themes from the lists.")
def qwen_in_range(postgres: PostgresResource) -> dg.AssetCheckResult:
    return _in_range(postgres, qwen.ANALYZER)


@dg.asset_check(asset=qwen_analyses, blocking=True, description="No failure is stored as an analysis.")
def qwen_honest(postgres: PostgresResource) -> dg.AssetCheckResult:
    return _honest(postgres, qwen.ANALYZER, needs_response=True)


@dg.asset_check(asset=qwen_analyses, description="Few failures, scores that differ, no answer said over and over.")
def qwen_sound(postgres: PostgresResource) -> dg.AssetCheckResult:
    return _sound(postgres, qwen.ANALYZER)
