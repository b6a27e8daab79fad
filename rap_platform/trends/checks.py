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


CHECKS = [populations_are_apart]
