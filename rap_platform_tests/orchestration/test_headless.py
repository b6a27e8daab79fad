"""Headless runs: only what is stale, in order, and a failure stops what lies below it."""

from collections.abc import Iterator

import dagster as dg
import pytest

from rap_platform.orchestration import headless

SHARDS = dg.StaticPartitionsDefinition(["00", "01", "02"])
NAMES = dg.DynamicPartitionsDefinition(name="names")


def build(
    made: list[str],
    broken: frozenset[str] = frozenset(),
    version: str = "1",
    lacking: frozenset[str] = frozenset(),
) -> dg.Definitions:
    def note(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        name = context.asset_key.to_user_string()
        if name in broken:
            raise ValueError(f"{name} is broken")
        made.append(
            f"{name}:{','.join(context.partition_keys)}"
            if context.has_partition_key_range or context.has_partition_key
            else name
        )
        return dg.MaterializeResult(metadata={"remedy": "bring ratings"} if name in lacking else None)

    @dg.asset_check(asset="middle", blocking=True)
    def middle_is_sound() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed="middle_is_sound" not in broken)

    many = dg.BackfillPolicy.multi_run(100)

    @dg.asset(partitions_def=NAMES, backfill_policy=many)
    def source(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return note(context)

    @dg.asset(deps=[source])
    def middle(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return note(context)

    @dg.asset(deps=[middle], partitions_def=SHARDS, backfill_policy=many, code_version=version)
    def sharded(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return note(context)

    @dg.asset(deps=[sharded])
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return note(context)

    @dg.asset(deps=[middle])
    def aside(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return note(context)

    return dg.Definitions(
        assets=[source, middle, sharded, report, aside],
        asset_checks=[middle_is_sound],
        executor=dg.in_process_executor,
    )


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("names", ["a", "b"])
        yield instance


def test_a_first_run_makes_everything_once_in_order(instance: dg.DagsterInstance) -> None:
    made: list[str] = []
    outcomes = headless.run(build(made), instance)
    assert made[0] == "source:a,b"
    assert sorted(made) == ["aside", "middle", "report", "sharded:00,01,02", "source:a,b"]
    assert made.index("middle") < made.index("sharded:00,01,02") < made.index("report")
    assert {outcome.status for outcome in outcomes} == {"ok"}


def test_a_second_run_makes_nothing(instance: dg.DagsterInstance) -> None:
    headless.run(build([]), instance)
    made: list[str] = []
    assert headless.run(build(made), instance) == []
    assert made == []


def test_a_new_partition_is_made_alone_and_refreshes_what_lies_below(instance: dg.DagsterInstance) -> None:
    headless.run(build([]), instance)
    instance.add_dynamic_partitions("names", ["c"])
    made: list[str] = []
    headless.run(build(made), instance)
    assert made[0] == "source:c"
    assert sorted(made[1:]) == ["aside", "middle", "report", "sharded:00,01,02"]


def test_a_new_code_version_refreshes_that_asset_and_what_lies_below(instance: dg.DagsterInstance) -> None:
    headless.run(build([]), instance)
    made: list[str] = []
    headless.run(build(made, version="2"), instance)
    assert made == ["sharded:00,01,02", "report"]


def test_a_failure_stops_what_lies_below_and_nothing_else(instance: dg.DagsterInstance) -> None:
    made: list[str] = []
    outcomes = {o.asset: o for o in headless.run(build(made, broken=frozenset({"sharded"})), instance)}
    assert (outcomes["sharded"].status, outcomes["report"].status, outcomes["aside"].status) == (
        "failed",
        "skipped",
        "ok",
    )
    assert "sharded is broken" in (outcomes["sharded"].error or "")
    made.clear()
    headless.run(build(made), instance)
    assert made == ["sharded:00,01,02", "report"]


def test_a_blocking_check_that_fails_stops_what_lies_below_in_the_runs_that_follow_too(
    instance: dg.DagsterInstance,
) -> None:
    made: list[str] = []
    outcomes = {o.asset: o for o in headless.run(build(made, broken=frozenset({"middle_is_sound"})), instance)}
    assert made == ["source:a,b", "middle"]
    assert outcomes["middle"].failed_checks == ("middle_is_sound",)
    assert {outcomes[name].status for name in ("sharded", "report", "aside")} == {"skipped"}


def test_a_selection_is_made_whether_stale_or_not_and_an_unknown_one_is_refused(instance: dg.DagsterInstance) -> None:
    headless.run(build([]), instance)
    made: list[str] = []
    headless.run(build(made), instance, selection="sharded", partitions=["01"])
    assert made == ["sharded:01"]
    for unknown in ("nothing_here", "source middle"):
        with pytest.raises(ValueError, match=f"no asset matches '{unknown}'; there are: aside, middle, report"):
            headless.run(build(made), instance, selection=unknown)
    with pytest.raises(ValueError, match="no partition '99'"):
        headless.run(build(made), instance, selection="sharded", partitions=["99"])


def test_what_an_asset_says_to_do_is_told(instance: dg.DagsterInstance) -> None:
    outcomes = headless.run(build([], lacking=frozenset({"sharded", "report"})), instance)
    assert {outcome.asset: outcome.remedy for outcome in outcomes} == {
        "source": None,
        "middle": None,
        "aside": None,
        "sharded": "bring ratings",
        "report": "bring ratings",
    }
    assert headless.waiting(outcomes) == {"bring ratings": ["sharded", "report"]}
