"""The QWEN asset over a range of shards, the real asset over the servers that the settings name; also as a process to be killed."""

import sys

import dagster as dg

from rap_platform.analyses.assets import qwen_analyses
from rap_platform.resources.llm import LlmResource
from rap_platform.resources.mlflow import MlflowResource
from rap_platform.resources.postgres import PostgresResource
from rap_platform_tests.soak.ingesting import QUIET, RANGE, STARTED


def ask(clock_rate: float, first: str, last: str) -> dg.ExecuteInProcessResult:
    """Materialize the asset once for these shards; a failure is in the result. `clock_rate` is the world's."""
    resources = {
        "postgres": PostgresResource(),
        "llm": LlmResource(clock_rate=clock_rate),
        "mlflow": MlflowResource(),
    }
    job = dg.Definitions(assets=[qwen_analyses], resources=resources).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            run_config=QUIET, instance=instance, tags={RANGE[0]: first, RANGE[1]: last}, raise_on_error=False
        )


def main() -> int:
    """Ask for what has no row yet; says on standard output when it begins, and how the run ended."""
    clock_rate, first, last = sys.argv[1:]
    print(STARTED, flush=True)
    result = ask(float(clock_rate), first, last)
    for event in result.all_events:
        if event.is_step_failure:
            print(event.event_specific_data, file=sys.stderr)
    for event in result.get_asset_materialization_events():
        print(event.materialization.metadata["status"].value, flush=True)
        break
    return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main())
