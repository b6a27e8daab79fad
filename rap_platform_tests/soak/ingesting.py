"""Ingestion as the platform does it, the real assets over the real servers that the settings name; also as a process to be killed."""

import sys
from collections.abc import Sequence
from typing import Any

import dagster as dg

from rap_platform.lyrics import assets, checks, queries
from rap_platform.orchestration.partitions import ARTISTS
from rap_platform.resources.genius import GeniusResource
from rap_platform.resources.postgres import PostgresResource, connect
from rap_platform.settings import get_settings

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
STARTED, FETCHED = "started", "fetched"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def watched() -> list[str]:
    """The artists of the simulated world that are watched."""
    with connect(get_settings().require_database_url()) as conn:
        return queries.watched_slugs(conn, simulated=True)


def run(asset: dg.AssetsDefinition, slugs: Sequence[str] = (), **genius: Any) -> dg.ExecuteInProcessResult:
    """Materialize an asset of the stage once, for these artists at a time; a failure is in the result."""
    defs = dg.Definitions(
        assets=[assets.genius_songs, assets.imported_songs, assets.tracks],
        asset_checks=dg.load_asset_checks_from_modules([checks]),
        resources={"postgres": PostgresResource(), "genius": GeniusResource(**genius)},
    )
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(ARTISTS.name), list(slugs))
        tags = {RANGE[0]: slugs[0], RANGE[1]: slugs[-1]} if slugs else {}
        return job.execute_in_process(
            run_config=QUIET, instance=instance, asset_selection=[asset.key], tags=tags, raise_on_error=False
        )


def main() -> int:
    """Fetch all watched artists and make tracks; says on standard output when it begins and when the songs are there."""
    slugs = watched()
    print(STARTED, flush=True)
    if not _succeeds(run(assets.genius_songs, slugs)):
        return 1
    print(FETCHED, flush=True)
    return 0 if _succeeds(run(assets.tracks)) else 1


def _succeeds(result: dg.ExecuteInProcessResult) -> bool:
    for event in result.all_events:
        if event.is_step_failure or event.is_run_failure:
            print(event.message, event.event_specific_data, file=sys.stderr)
    return result.success


if __name__ == "__main__":
    sys.exit(main())
