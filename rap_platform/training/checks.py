"""What must hold before anything learns from the ratings and the dataset."""

import math
from collections.abc import Sequence

import dagster as dg
import numpy as np

from rap_platform.resources.postgres import PostgresResource
from rap_platform.settings import get_settings
from rap_platform.training import assets, dataset_overlaps, drift_assets, drift_queries, leaks, queries, rating_queries
from rap_platform.training import features as feature_rows

NAMED = 5  # as many as are named in a sentence; the metadata have ten


def _absent() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, description="there is no dataset version yet")


def _result(version: queries.Version, what: str, found: Sequence[str], sentence: str) -> dg.AssetCheckResult:
    """Failed when something was found; the description names it."""
    named = f"{sentence}: {'; '.join(found[:NAMED])}{'; ...' if len(found) > NAMED else ''}" if found else None
    return dg.AssetCheckResult(
        passed=not found,
        description=named,
        metadata={"version": version.version, what: len(found), "first": list(found[:10])},
    )


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
    return _result(version, "artists_on_both_sides", names, "in train and in eval")


@dg.asset_check(
    asset=assets.training_dataset,
    blocking=True,
    description="No group of artists, guests and near-duplicates is torn apart by the split.",
)
def no_group_on_both_sides(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        torn = queries.groups_on_both_sides(conn, version.version)
    found = [f"group {key[:12]} of {', '.join(tracks[:NAMED])}" for key, tracks in torn.items()]
    return _result(version, "groups_on_both_sides", found, "in train and in eval")


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
    return _result(version, "duplicates_on_both_sides", titles, "in train and in eval")


@dg.asset_check(
    asset=assets.training_dataset,
    blocking=True,
    description="No held-out track says nearly what a training track says, linked or not: compared again, text against text.",
)
def no_unlinked_near_duplicate_on_both_sides(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        members = {member.track_id: member for member in queries.described(conn, version.version)}
        texts = queries.lyrics(conn, list(members))
        signatures = queries.signatures(conn, list(members))
    pairs = dataset_overlaps.near_pairs(texts, signatures, {t: member.split for t, member in members.items()})
    found = [
        f"{members[p.one].name} ({members[p.one].split}) and {members[p.other].name} ({members[p.other].split}) share {p.score:.0%}"
        for p in pairs
    ]
    return _result(version, "near_duplicates_on_both_sides", found, "nearly the same words in train and in eval")


@dg.asset_check(
    asset=assets.training_dataset, blocking=True, description="Labels lie between 1 and 10 and are numbers."
)
def labels_are_ratings(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        wrong = queries.labels_out_of_range(conn, version.version)
    found = [f"{name}: {label:g}" for name, label in wrong]
    return _result(version, "labels_out_of_range", found, "no rating from 1 to 10")


@dg.asset_check(
    asset=assets.training_dataset, blocking=True, description="Labels differ: nothing can be learned from a constant."
)
def labels_are_not_constant(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        count, low, high, distinct, deviation = queries.label_summary(conn, version.version)
    passed = distinct > 1 and deviation > 0.01
    return dg.AssetCheckResult(
        passed=passed,
        description=None
        if passed
        else f"all {count} labels lie between {low:g} and {high:g}, standard deviation {deviation:.3g}",
        metadata={"version": version.version, "distinct_labels": distinct, "label_sd": deviation},
    )


@dg.asset_check(
    asset=assets.quality_model,
    blocking=True,
    description="No column that the model learns from knows the label better than anything honest could.",
)
def no_feature_knows_the_label(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        train = [member for member in queries.members(conn, version.version) if member.split == "train"]
        ears = queries.feature_rows(conn, version.version, feature_rows.EAR)
        vectors = queries.lyric_vectors(conn, version.version)
    x = feature_rows.frame([member.track_id for member in train], ears, vectors)
    raters = version.card["raters"]
    reliability = raters.get("label_reliability") or raters["icc_mean"]
    ceiling = None if reliability is None else math.sqrt(reliability)
    suspects = leaks.suspicious(x, np.array([member.label for member in train]), ceiling=ceiling)
    found = [f"{suspect.column} ({suspect.strength:.2f})" for suspect in suspects]
    return _result(version, "suspects", found, "goes with the label more closely than an honest column can")


@dg.asset_check(
    asset=drift_assets.drift_report,
    description="What new tracks are like is what was learned from; otherwise predictions for them rest on little.",
)
def inputs_have_not_drifted(postgres: PostgresResource) -> dg.AssetCheckResult:
    with postgres.connection() as conn:
        version = queries.current_dataset(conn, get_settings().population)
        if version is None:
            return _absent()
        latest = drift_queries.latest(conn, version.version)
    if latest is None or latest["body"]["note"]:
        note = latest["body"]["note"] if latest else "nothing was compared with this version yet"
        return dg.AssetCheckResult(passed=True, description=note)
    body = latest["body"]
    moved = [f"{one['column']} (PSI {one['psi']:.2f})" for one in body["columns"] if one["drifted"]]
    return dg.AssetCheckResult(
        passed=not moved,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"drifted: {'; '.join(moved)}" if moved else None,
        metadata={"version": version.version, "compared": body["compared"], "drifted": moved},
    )


CHECKS = [
    ratings_keep_populations_apart,
    no_artist_on_both_sides,
    no_group_on_both_sides,
    no_duplicate_on_both_sides,
    no_unlinked_near_duplicate_on_both_sides,
    labels_are_ratings,
    labels_are_not_constant,
    no_feature_knows_the_label,
    inputs_have_not_drifted,
]
