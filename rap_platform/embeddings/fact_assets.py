"""The asset track_facts: what searches filter by. It reads what the analysts said, so it looks one stage ahead."""

import time

import dagster as dg

from rap_platform.analyses import assets as analyses
from rap_platform.embeddings.search import facts
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources.postgres import PostgresResource

# Checked inside the asset, because only there it is known which shards the run was for.
COVERAGE = dg.AssetCheckSpec(
    "every_track_has_its_facts",
    asset="track_facts",
    blocking=True,
    description="No track of the shards of this run is without the facts that searches filter by.",
)


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(len(SHARDS.get_partition_keys())),
    deps=[lyrics.tracks, analyses.rule_based_analyses, analyses.qwen_analyses],
    code_version=facts.VERSION,
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    check_specs=[COVERAGE],
    description="What searches filter by: artist, guests, year, language, explicit, and mood, themes and rating as analysed.",
)
def track_facts(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """State the facts of tracks that are new or changed, or of which another analysis speaks now."""
    started = time.monotonic()
    keys = [f"track_facts/{key}" for key in context.partition_keys]
    with postgres.exclusively(*keys), postgres.connection() as conn:
        found = facts.state_facts(conn, slots(context))
        tracks, missing = facts.coverage(conn, slots(context))
        return dg.MaterializeResult(
            check_results=[
                dg.AssetCheckResult(
                    check_name=COVERAGE.name, passed=missing == 0, metadata={"tracks": tracks, "missing": missing}
                )
            ],
            metadata=metadata.report(
                conn,
                table="track_facts",
                rows_new=found.tracks,
                analysed_new=found.analysed,
                seconds=round(time.monotonic() - started, 2),
            ),
        )
