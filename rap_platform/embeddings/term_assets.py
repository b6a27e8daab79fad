"""The asset section_sounds: how sections sound, which words there are, how common terms are; what the lexical searches read."""

import time

import dagster as dg

from rap_platform.embeddings import hearing
from rap_platform.embeddings.search import sound_keys, spelling, terms
from rap_platform.lyrics import assets as lyrics
from rap_platform.orchestration import failures, metadata
from rap_platform.orchestration.automation import on_new_data
from rap_platform.orchestration.partitions import SHARDS, slots
from rap_platform.resources.postgres import PostgresResource

# Checked inside the asset, because only there it is known which shards the run was for.
HEARD = dg.AssetCheckSpec(
    "every_section_was_heard",
    asset="section_sounds",
    blocking=True,
    description="No section of the shards of this run is without the sound keys of its present text.",
)


@dg.asset(
    partitions_def=SHARDS,
    backfill_policy=dg.BackfillPolicy.multi_run(len(SHARDS.get_partition_keys())),
    deps=[lyrics.tracks],
    code_version=sound_keys.STORED,
    automation_condition=on_new_data(),
    kinds={"python", "postgres"},
    owners=[metadata.TEAM],
    retry_policy=failures.RETRY,
    check_specs=[HEARD],
    description="How every section sounds, as keys that an index compares; the distinct words and the common terms of all sections.",
)
def section_sounds(context: dg.AssetExecutionContext, postgres: PostgresResource) -> dg.MaterializeResult:
    """Hear what is new or reworded, by the rules of English whatever the language; sum up words; sample terms when much has changed."""
    started = time.monotonic()
    keys = [f"section_sounds/{key}" for key in context.partition_keys]
    with postgres.exclusively(*keys), postgres.connection() as conn:
        heard = hearing.fill(conn, slots(context))
        summed = spelling.sum_up(conn)
        if heard.sections or summed:
            hearing.tidy(conn)
        sampled = terms.sample(conn)
        sections, missing = hearing.missing(conn, slots(context))
        seconds = time.monotonic() - started
        return dg.MaterializeResult(
            check_results=[
                dg.AssetCheckResult(
                    check_name=HEARD.name, passed=missing == 0, metadata={"sections": sections, "missing": missing}
                ),
            ],
            metadata=metadata.report(
                conn,
                table="section_sounds",
                rows_new=heard.sections,
                texts_heard=heard.texts,
                keys_per_section=round(heard.keys / heard.sections, 1) if heard.sections else None,
                sections_per_s=round(heard.sections / seconds, 1) if heard.sections else None,
                changes_summed=summed,
                distinct_words=hearing.distinct_words(conn),
                terms_sampled={one.kind: one.terms for one in sampled} or None,
                seconds=round(seconds, 2),
                version=sound_keys.STORED,
            ),
        )
