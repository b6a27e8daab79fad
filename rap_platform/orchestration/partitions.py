"""The two partition sets: artists (what a person thinks in) and shards (the unit of retry and distribution)."""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

from rap_platform.settings import get_settings

SLOTS = 1024
ARTISTS_PER_RUN = 64
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

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


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags of a run over the partitions `first` to `last`, in the order of their definition."""
    return {RANGE_START: first, RANGE_END: last}


def covering_ranges(keys: Sequence[str], due: Iterable[str], most: int) -> Iterator[tuple[str, str]]:
    """Ranges (first, last) of `keys` that cover those `due`: each spans at most `most` keys and starts and ends at one that is due."""
    wanted = set(due)
    first = last = None
    for place, key in enumerate(keys):
        if key not in wanted:
            continue
        if first is not None and last is not None and place - first >= most:
            yield keys[first], keys[last]
            first = None
        first, last = place if first is None else first, place
    if first is not None and last is not None:
        yield keys[first], keys[last]
