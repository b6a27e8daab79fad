"""The two partition sets: artists (what a person thinks in) and shards (the unit of retry and distribution)."""

from collections.abc import Iterable

import dagster as dg

from rap_platform.settings import get_settings

SLOTS = 1024

ARTISTS = dg.DynamicPartitionsDefinition(name="artists")
SHARDS = dg.StaticPartitionsDefinition([f"{shard:02d}" for shard in range(get_settings().shards)])


def slots_of(keys: Iterable[str], shards: int | None = None) -> list[int]:
    """The slots (0..1023) that the shards `keys` cover; all shards together cover each slot once."""
    count = shards or len(SHARDS.get_partition_keys())
    wanted = {int(key) for key in keys}
    return [slot for slot in range(SLOTS) if slot * count // SLOTS in wanted]


def slots(context: dg.AssetExecutionContext) -> list[int]:
    """The slots of the partitions that this run was started for."""
    return slots_of(context.partition_keys)
