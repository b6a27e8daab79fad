"""The split: whole groups, exact, alike, seeded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rap_platform.training.splitting import Candidate, NoSplit, groups, split


def song(
    track_id: int, artist: int, *, family: int | None = None, guests: tuple[str, ...] = (), text: str | None = None
) -> Candidate:
    return Candidate(track_id, artist, family or track_id, guests, f"Artist {artist}", text or str(track_id))


def test_an_artist_and_their_near_duplicates_are_one_group() -> None:
    grouped, _ = groups([song(1, 10), song(2, 10), song(3, 20, family=1), song(4, 30), song(5, 40, text="4")])
    assert grouped == {1: "g1", 2: "g1", 3: "g1", 4: "g4", 5: "g4"}


def test_guests_tie_groups_while_these_stay_small() -> None:
    crowd = [song(100 + n, 100 + n) for n in range(40)]
    grouped, guests = groups([song(1, 10, guests=("artist 20",)), song(2, 20), song(3, 30), *crowd])
    assert guests
    assert grouped[1] == grouped[2] != grouped[3]


def test_a_guest_of_everybody_does_not_merge_everything() -> None:
    grouped, guests = groups([song(n, n, guests=("Everybody's Friend",)) for n in range(50)])
    assert not guests
    assert len(set(grouped.values())) == 50


def test_eight_hundred_and_two_hundred_without_an_artist_on_both_sides() -> None:
    chance = np.random.default_rng(3)
    grouped = {track: f"g{chance.integers(250)}" for track in range(1000)}
    labels = {track: float(value) for track, value in enumerate(chance.uniform(1, 10, 1000))}
    sides = split(grouped, labels, share=0.2, seed=13)
    held_out = {track for track, side in sides.items() if side == "eval"}
    assert len(held_out) == 200
    assert not {grouped[t] for t in held_out} & {grouped[t] for t in sides if t not in held_out}
    quintiles = np.quantile(list(labels.values()), [0.2, 0.4, 0.6, 0.8])
    counted = np.bincount(np.searchsorted(quintiles, [labels[t] for t in held_out]), minlength=5)
    assert counted.max() - counted.min() <= 16
    assert sides == split(grouped, labels, share=0.2, seed=13)
    assert sides != split(grouped, labels, share=0.2, seed=14)


def test_a_single_group_can_not_be_split() -> None:
    with pytest.raises(NoSplit, match="3 tracks form one group"):
        split({1: "a", 2: "a", 3: "a"}, {1: 1.0, 2: 2.0, 3: 3.0}, share=0.2, seed=1)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=12), seed=st.integers(0, 99))
def test_the_held_out_share_is_as_near_as_the_groups_allow(sizes: list[int], seed: int) -> None:
    grouped = {100 * g + n: f"g{g}" for g, size in enumerate(sizes) for n in range(size)}
    sides = split(grouped, {t: float(t % 9 + 1) for t in grouped}, share=0.2, seed=seed)
    total, wanted = len(grouped), max(1, round(0.2 * len(grouped)))
    reachable = {0}
    for size in sizes:
        reachable |= {r + size for r in reachable}
    best = min(abs(r - wanted) for r in reachable - {0, total})
    assert abs(sum(side == "eval" for side in sides.values()) - wanted) == best
    assert all(len({sides[t] for t in grouped if grouped[t] == key}) == 1 for key in set(grouped.values()))


def test_the_same_songs_under_other_ids_give_the_same_groups() -> None:
    once, _ = groups([song(1, 10), song(2, 10), song(3, 20)])
    again, _ = groups([song(91, 30, text="1"), song(92, 30, text="2"), song(90, 40, text="3")])
    assert (once[1], once[2], once[3]) == (again[91], again[92], again[90])
