"""What must hold before anything learns from the ratings and the dataset."""

import math

import dagster as dg

from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import get_settings
from rap_platform.training import assets, queries, rating_queries


def _absent() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, description="there is no dataset version yet")


@dg.asset_check(
    asset=assets.ratings,
    blocking=True,
    description="No simulated rater marked a real track, and nobody else a simulated one.",
)
def ratings_keep_populations_apart(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        wrong = rating_queries.misplaced(conn)
    return dg.AssetCheckResult(passed=wrong == 0, metadata={"ratings_of_the_other_population": wrong})


@dg.asset_check(asset=assets.training_dataset, blocking=True, description="No artist stands in train and in eval.")
def no_artist_on_both_sides(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        names = queries.artists_on_both_sides(conn, version.version)
    return dg.AssetCheckResult(
        passed=not names,
        description=f"in train and in eval: {', '.join(names[:5])}" if names else None,
        metadata={"version": version.version, "artists_on_both_sides": len(names), "first": names[:10]},
    )


@dg.asset_check(
    asset=assets.training_dataset,
    blocking=True,
    description="No near-duplicate or copy of a track stands on the other side of the split.",
)
def no_duplicate_on_both_sides(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        titles = queries.duplicates_on_both_sides(conn, version.version)
    return dg.AssetCheckResult(
        passed=not titles,
        description=f"in train and in eval: {', '.join(titles[:5])}" if titles else None,
        metadata={"version": version.version, "duplicates_on_both_sides": len(titles), "first": titles[:10]},
    )


@dg.asset_check(
    asset=assets.training_dataset, blocking=True, description="Labels lie between 1 and 10 and are numbers."
)
def labels_are_ratings(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        count, low, high, _, _ = queries.label_summary(conn, version.version)
    passed = not (math.isnan(low) or math.isnan(high)) and low >= 1 and high <= 10
    return dg.AssetCheckResult(
        passed=passed, metadata={"version": version.version, "labels": count, "lowest": low, "highest": high}
    )


@dg.asset_check(
    asset=assets.training_dataset, blocking=True, description="Labels differ: nothing can be learned from a constant."
)
def labels_are_not_constant(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        _, _, _, distinct, deviation = queries.label_summary(conn, version.version)
    return dg.AssetCheckResult(
        passed=distinct > 1 and deviation > 0.01,
        metadata={"version": version.version, "distinct_labels": distinct, "label_sd": deviation},
    )


CHECKS = [
    ratings_keep_populations_apart,
    no_artist_on_both_sides,
    no_duplicate_on_both_sides,
    labels_are_ratings,
    labels_are_not_constant,
]
