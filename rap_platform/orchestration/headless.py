"""Materialize without a daemon: plans what is stale and executes it in this process, segment by segment."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterInstance

from rap_platform.orchestration.partitions import range_tags
from rap_platform.orchestration.staleness import Segment, plan

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class AssetOutcome:
    """What a run did for one asset."""

    asset: str
    partitions: int
    status: str  # ok, failed, skipped
    seconds: float
    failed_checks: tuple[str, ...]
    error: str | None
    is_blocked: bool = False  # by a check that is to stop what lies below
    remedy: str | None = None  # what to do so that there is more to do, where the asset says it


def select(defs: dg.Definitions, selection: str | None) -> set[dg.AssetKey]:
    """The asset keys of a Dagster selection ("tracks+", "group:features"); everything when None.

    Raises ValueError that lists the assets when nothing matches.
    """
    graph = defs.resolve_asset_graph()
    everything = set(graph.materializable_asset_keys)
    if selection is None:
        return everything
    try:
        chosen = everything & set(dg.AssetSelection.from_string(selection).resolve(graph))
    except dg.DagsterError:  # no such asset, or no selection at all: Dagster keeps the class of the second to itself
        chosen = set()
    if not chosen:
        names = ", ".join(sorted(key.to_user_string() for key in everything))
        raise ValueError(f"no asset matches {selection!r}; there are: {names}")
    return chosen


def run(
    defs: dg.Definitions,
    instance: DagsterInstance,
    *,
    selection: str | None = None,
    partitions: Iterable[str] | None = None,
    everything: bool = False,
    announce: Callable[[Segment], None] = lambda segment: None,
) -> list[AssetOutcome]:
    """Materialize what is stale, or the whole selection when one is given or `everything` is asked for.

    A failure stops what lies below it, not its neighbours. Raises ValueError for an unknown asset or partition.
    """
    keys = select(defs, selection)
    segments = plan(defs, instance, keys, everything=everything or selection is not None or partitions is not None)
    if partitions is not None:
        segments = [_narrowed(segment, list(partitions)) for segment in segments]
    outcomes: list[AssetOutcome] = []
    lost: set[str] = set()
    for segment in segments:
        graph = defs.resolve_asset_graph()
        blocked = {
            key for key in segment.keys if any(parent.to_user_string() in lost for parent in graph.get(key).parent_keys)
        }
        outcomes += [
            AssetOutcome(key.to_user_string(), 0, "skipped", 0.0, (), "something above it failed") for key in blocked
        ]
        lost |= {key.to_user_string() for key in blocked}
        rest = tuple(key for key in segment.keys if key not in blocked)
        if rest:
            announce(Segment(rest, segment.partitions))
            done = _execute(defs, instance, Segment(rest, segment.partitions))
            outcomes += done
            lost |= {outcome.asset for outcome in done if outcome.status != "ok" or outcome.is_blocked}
    return outcomes


def waiting(outcomes: Iterable[AssetOutcome]) -> dict[str, list[str]]:
    """What is to be done so that there is more to do, and the assets that wait for it."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.remedy:
            found.setdefault(outcome.remedy, []).append(outcome.asset)
    return found


def _narrowed(segment: Segment, partitions: list[str]) -> Segment:
    if segment.partitions is None:
        return segment
    unknown = [partition for partition in partitions if partition not in segment.partitions]
    if unknown:
        raise ValueError(
            f"no partition {unknown[0]!r} of {segment.keys[0].to_user_string()}; the first are: {', '.join(segment.partitions[:5])}"
        )
    return Segment(segment.keys, tuple(partitions))


def _execute(defs: dg.Definitions, instance: DagsterInstance, segment: Segment) -> list[AssetOutcome]:
    tags = {"rap_platform/started_by": "headless run"}
    if segment.partitions:
        partitions_def = defs.resolve_asset_graph().get(segment.keys[0]).partitions_def
        assert partitions_def is not None
        order = list(partitions_def.get_partition_keys(dynamic_partitions_store=instance))
        places = sorted(order.index(partition) for partition in segment.partitions)
        outcomes: list[AssetOutcome] = []
        for first, last in _stretches(places):
            outcomes += _one_run(
                defs, instance, segment, tags | range_tags(order[first], order[last]), last - first + 1
            )
        return outcomes
    return _one_run(defs, instance, segment, tags, 1)


def _stretches(places: list[int]) -> list[tuple[int, int]]:
    """Consecutive stretches of sorted positions: [1, 2, 3, 7] -> [(1, 3), (7, 7)]."""
    stretches: list[tuple[int, int]] = []
    for place in places:
        if stretches and place == stretches[-1][1] + 1:
            stretches[-1] = (stretches[-1][0], place)
        else:
            stretches.append((place, place))
    return stretches


def _one_run(
    defs: dg.Definitions, instance: DagsterInstance, segment: Segment, tags: dict[str, str], partitions: int
) -> list[AssetOutcome]:
    job = defs.resolve_implicit_global_asset_job_def()
    started = time.monotonic()
    result = job.execute_in_process(
        run_config=QUIET, instance=instance, asset_selection=list(segment.keys), tags=tags, raise_on_error=False
    )
    failed_checks: dict[str, list[str]] = {}
    blocked = set()
    for evaluation in result.get_asset_check_evaluations():
        if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR:
            failed_checks.setdefault(evaluation.asset_key.to_user_string(), []).append(evaluation.check_name)
            if evaluation.blocking:
                blocked.add(evaluation.asset_key)
    seconds = {e.step_key: e.step_success_data.duration_ms / 1000 for e in result.all_events if e.is_step_success}
    errors = {e.step_key: str(e.step_failure_data.error_display_string) for e in result.all_events if e.is_step_failure}
    remedies = {
        event.asset_key: str(event.materialization.metadata["remedy"].value)
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None and "remedy" in event.materialization.metadata
    }
    outcomes = []
    for key in segment.keys:
        name = key.to_user_string()
        status = "ok" if name in seconds else "failed" if name in errors else "skipped"
        outcomes.append(
            AssetOutcome(
                name,
                partitions,
                status,
                seconds.get(name, time.monotonic() - started),
                tuple(failed_checks.get(name, ())),
                errors.get(name),
                key in blocked,
                remedies.get(key),
            )
        )
    return outcomes
