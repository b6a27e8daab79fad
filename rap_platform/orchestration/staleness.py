"""What a headless run has to do: partitions never made, made by older code, or made before something above them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterEventType, DagsterInstance

WHOLE = ""  # the one partition of an unpartitioned asset


@dataclass(frozen=True)
class Segment:
    """Assets of one partitioning that run together, and the partitions that at least one of them lacks."""

    keys: tuple[dg.AssetKey, ...]
    partitions: tuple[str, ...] | None


def segments(defs: dg.Definitions, wanted: Iterable[dg.AssetKey]) -> list[tuple[str, list[dg.AssetKey]]]:
    """Group `wanted` into runs of one partitioning each, in an order in which everything above comes first.

    Returns (partitioning name, keys) pairs; the name is empty for unpartitioned assets.
    """
    graph = defs.resolve_asset_graph()
    wanted = set(wanted)
    place: dict[dg.AssetKey, int] = {}
    groups: list[tuple[str, list[dg.AssetKey]]] = []
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        if key not in wanted or not node.is_materializable:
            continue
        name = type(node.partitions_def).__name__ if node.partitions_def else WHOLE
        above = [place[parent] for parent in node.parent_keys if parent in place]
        earliest = max(above, default=0)
        index = next((i for i in range(earliest, len(groups)) if groups[i][0] == name), len(groups))
        if index == len(groups):
            groups.append((name, []))
        groups[index][1].append(key)
        place[key] = index
    return groups


def materialized(instance: DagsterInstance, key: dg.AssetKey, partitioned: bool) -> Mapping[str, int]:
    """Partition -> storage id of its newest materialization (ids grow with time across all assets)."""
    if partitioned:
        return instance.get_latest_storage_id_by_partition(key, DagsterEventType.ASSET_MATERIALIZATION)
    record = instance.get_latest_materialization_event(key)
    if record is None:
        return {}
    records = instance.fetch_materializations(key, limit=1).records
    return {WHOLE: records[0].storage_id}


def made_by_other_code(instance: DagsterInstance, key: dg.AssetKey, code_version: str | None) -> bool:
    """Whether the newest materialization of `key` was made under another code version."""
    event = instance.get_latest_materialization_event(key)
    if event is None or code_version is None:
        return False
    materialization = event.asset_materialization
    made_by = (materialization.tags or {}).get("dagster/code_version") if materialization else None
    return made_by is not None and made_by != code_version


class _Look:
    """What the instance knows of each asset, asked once."""

    def __init__(self, defs: dg.Definitions, instance: DagsterInstance) -> None:
        self.graph = defs.resolve_asset_graph()
        self.instance = instance
        self._made: dict[dg.AssetKey, Mapping[str, int]] = {}

    def made(self, key: dg.AssetKey) -> Mapping[str, int]:
        if key not in self._made:
            self._made[key] = materialized(self.instance, key, self.graph.get(key).partitions_def is not None)
        return self._made[key]

    def partitions(self, key: dg.AssetKey) -> list[str]:
        partitions_def = self.graph.get(key).partitions_def
        if partitions_def is None:
            return [WHOLE]
        return list(partitions_def.get_partition_keys(dynamic_partitions_store=self.instance))

    def lacking(self, key: dg.AssetKey, stale: Mapping[dg.AssetKey, set[str]], *, everything: bool) -> set[str]:
        """The partitions of `key` to make, given what is stale above it."""
        every = self.partitions(key)
        if everything or made_by_other_code(self.instance, key, self.graph.get(key).code_version):
            return set(every)
        made = self.made(key)
        parents = [p for p in self.graph.get(key).parent_keys if self.graph.get(p).is_materializable]
        return {
            partition
            for partition in every
            if partition not in made or any(self._is_newer(p, key, partition, stale.get(p, set())) for p in parents)
        }

    def _is_newer(self, parent: dg.AssetKey, key: dg.AssetKey, partition: str, stale: set[str]) -> bool:
        own, above = self.made(key)[partition], self.made(parent)
        if self.graph.get(parent).partitions_def == self.graph.get(key).partitions_def:
            return partition in stale or above.get(partition, 0) > own
        return bool(stale) or max(above.values(), default=0) > own


def plan(
    defs: dg.Definitions, instance: DagsterInstance, wanted: Iterable[dg.AssetKey], *, everything: bool = False
) -> list[Segment]:
    """The segments that have work. With `everything`, all of it whether stale or not."""
    look = _Look(defs, instance)
    stale: dict[dg.AssetKey, set[str]] = {}
    result = []
    for partitioning, keys in segments(defs, wanted):
        for key in keys:
            stale[key] = look.lacking(key, stale, everything=everything)
        chosen = tuple(key for key in keys if stale[key])
        if chosen:
            partitions = set().union(*(stale[key] for key in chosen))
            result.append(Segment(chosen, tuple(sorted(partitions)) if partitioning else None))
    return result
