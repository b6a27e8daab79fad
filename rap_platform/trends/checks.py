"""What must hold of trend reports."""

import dagster as dg

from rap_platform.resources.postgres import PostgresResource
from rap_platform.trends import assets, queries


@dg.asset_check(
    asset=assets.trend_report,
    blocking=True,
    description="Real and simulated songs stand in reports of their own; every song is counted once.",
)
def populations_are_apart(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        mislabelled = queries.mislabelled(conn)
        differences = {}
        for simulated in queries.populations(conn):
            stored = queries.latest(conn, simulated)
            if stored is not None:
                counts = queries.counts(conn, simulated)
                counted = stored["body"]["songs"] + stored["body"]["songs_without_year"]
                differences["simulated" if simulated else "real"] = counted - counts.with_year - counts.without_year
    return dg.AssetCheckResult(
        passed=mislabelled == 0 and not any(differences.values()),
        metadata={"mislabelled_reports": mislabelled, "songs_more_than_in_tracks": dg.MetadataValue.json(differences)},
    )


@dg.asset_check(
    asset=assets.trend_report,
    blocking=True,
    description="No forecast without its back-test; one of the model only where that shows it to be better than the same as last year.",
)
def forecasts_are_backtested(postgres: PostgresResource) -> dg.AssetCheckResult:
    untested, unearned = [], []
    with postgres.connection() as conn:
        for simulated in queries.populations(conn):
            stored = queries.latest(conn, simulated)
            for name, part in (stored["body"]["parts"] if stored else {}).items():
                first = next((test for test in part["outlook"]["backtests"] if test["forecasts"]), None)
                if part["outlook"]["forecasts"] and first is None:
                    untested.append(name)
                if part["outlook"]["method"] == "model" and (first is None or not first["ratio_high"] < 1):
                    unearned.append(name)
    return dg.AssetCheckResult(
        passed=not untested and not unearned,
        metadata={"untested": dg.MetadataValue.json(untested), "unearned": dg.MetadataValue.json(unearned)},
    )


CHECKS = [populations_are_apart, forecasts_are_backtested]
