"""Shards cover the slots; a track never changes its shard."""

import pytest

from rap_platform.orchestration.partitions import SLOTS, slots_of


@pytest.mark.parametrize("shards", [1, 3, 16, 1024])
def test_all_shards_together_cover_each_slot_once(shards: int) -> None:
    covered = [slot for shard in range(shards) for slot in slots_of([f"{shard:02d}"], shards)]
    assert sorted(covered) == list(range(SLOTS))


def test_a_shard_is_a_range_of_slots() -> None:
    assert slots_of(["02"], 16) == list(range(128, 192))
