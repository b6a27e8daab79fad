"""The named conditions, shown by simulated ticks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from rap_platform.orchestration.automation import nightly_if_changed, on_any_new_partition, on_new_data

SHARDS = dg.StaticPartitionsDefinition(["00", "01"])
NAMES = dg.DynamicPartitionsDefinition(name="names")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def build(*, good: bool = True, version: str = "1") -> dg.Definitions:
    @dg.asset(partitions_def=NAMES)
    def source() -> None: ...

    @dg.asset(deps=[source], automation_condition=on_any_new_partition())
    def middle() -> None: ...

    @dg.asset_check(asset=middle, blocking=True)
    def middle_is_good() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=good)

    @dg.asset(deps=[middle], partitions_def=SHARDS, automation_condition=on_new_data(), code_version=version)
    def sharded() -> None: ...

    @dg.asset(deps=[sharded], automation_condition=nightly_if_changed())
    def report() -> None: ...

    return dg.Definitions(assets=[source, middle, sharded, report], asset_checks=[middle_is_good])


class Ticks:
    """The automation sensor's ticks over one instance, with a clock of its own."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.defs, self.instance, self.now = defs, instance, NOON
        self.cursor: object | None = None

    def tick(self, after: timedelta = timedelta(seconds=30)) -> dict[str, int]:
        self.now += after
        result = dg.evaluate_automation_conditions(
            self.defs,
            instance=self.instance,
            cursor=self.cursor,
            evaluation_time=self.now,  # type: ignore[arg-type]
        )
        self.cursor = result.cursor
        keys = self.defs.resolve_asset_graph().get_all_asset_keys()
        requested = {key.to_user_string(): result.get_num_requested(key) for key in keys}
        return {name: count for name, count in requested.items() if count}

    def make(self, *names: str, partition: str | None = None) -> None:
        job = self.defs.resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey(name) for name in names]
        assert job.execute_in_process(
            instance=self.instance, asset_selection=keys, partition_key=partition, raise_on_error=False
        )


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("names", ["a", "b"])
        yield instance


def filled(defs: dg.Definitions, instance: dg.DagsterInstance) -> Ticks:
    ticks = Ticks(defs, instance)
    for name in ("a", "b"):
        ticks.make("source", partition=name)
    ticks.make("middle")
    for shard in ("00", "01"):
        ticks.make("sharded", partition=shard)
    ticks.make("report")
    return ticks


def test_after_a_whole_run_automation_asks_for_nothing(instance: dg.DagsterInstance) -> None:
    ticks = filled(build(), instance)
    assert ticks.tick() == {}
    assert ticks.tick() == {}


def test_a_changed_source_flows_down_and_each_asset_is_asked_for_once(instance: dg.DagsterInstance) -> None:
    ticks = filled(build(), instance)
    ticks.tick()
    ticks.make("source", partition="a")
    requested = ticks.tick()
    assert requested["middle"] == 1
    ticks.make("middle")
    assert ticks.tick().get("middle") is None


def test_another_version_of_an_assets_code_has_it_made_again(instance: dg.DagsterInstance) -> None:
    ticks = filled(build(), instance)
    ticks.tick()
    ticks.defs = build(version="2")
    assert ticks.tick() == {"sharded": 2}
    assert ticks.tick() == {}


def test_a_hand_started_run_leaves_nothing_for_automation(instance: dg.DagsterInstance) -> None:
    ticks = filled(build(), instance)
    ticks.tick()
    filled(ticks.defs, instance)
    assert ticks.tick() == {}


def test_a_failed_blocking_check_holds_what_lies_below_and_its_mending_releases_it(
    instance: dg.DagsterInstance,
) -> None:
    ticks = filled(build(), instance)
    ticks.tick()
    ticks.defs = build(good=False)
    ticks.make("middle")
    assert "sharded" not in ticks.tick()
    ticks.defs = build(good=True)
    ticks.make("middle")
    assert ticks.tick()["sharded"] == 2


def test_a_report_waits_for_the_night_and_rests_when_nothing_changed(instance: dg.DagsterInstance) -> None:
    ticks = filled(build(), instance)
    ticks.tick()
    ticks.make("sharded", partition="00")
    assert "report" not in ticks.tick()
    assert ticks.tick(timedelta(hours=24))["report"] == 1
    ticks.make("report")
    ticks.tick()
    assert "report" not in ticks.tick(timedelta(hours=24))
