"""The split: whole groups, exact, alike, seeded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rap_platform.training.splitting import Candidate, NoSplit, bins, groups, split


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


def test_near_duplicates_that_nobody_linked_are_one_group_when_they_are_tied() -> None:
    grouped, _ = groups([song(1, 10), song(2, 20), song(3, 30)], ties=[(3, 1)])
    assert grouped == {1: "g1", 2: "g2", 3: "g1"}


def library(
    tracks: int, artists: int, seed: int
) -> tuple[dict[int, str], dict[int, tuple[str, str, str]], dict[int, float]]:
    """Groups, strata (genre and era go with the artist, as they do) and the labels of a library."""
    chance = np.random.default_rng(seed)
    grouped = {track: f"g{int(artists * chance.random() ** 1.5)}" for track in range(tracks)}
    of_artist = {
        key: (("rap", "trap", "drill")[chance.choice(3, p=[0.6, 0.3, 0.1])], int(chance.integers(1980, 2020)))
        for key in sorted(set(grouped.values()))
    }
    labels = {track: float(value) for track, value in enumerate(chance.uniform(1, 10, tracks))}
    binned = bins(labels)
    strata = {}
    for track, key in grouped.items():
        genre, debut = of_artist[key]
        strata[track] = (genre, f"{(debut + int(chance.integers(12))) // 10 * 10}s", str(binned[track]))
    return grouped, strata, labels


def imbalances(sides: dict[int, str], strata: dict[int, tuple[str, str, str]]) -> list[float]:
    """For each stratum of each dimension its share in eval less its share in train, in points."""
    found = []
    for dimension in range(3):
        for stratum in sorted({own[dimension] for own in strata.values()}):
            share = {
                side: np.mean([strata[t][dimension] == stratum for t in strata if sides[t] == side])
                for side in ("train", "eval")
            }
            found.append(100 * float(share["eval"] - share["train"]))
    return found


def test_eight_hundred_and_two_hundred_alike_in_genre_era_and_label_at_once() -> None:
    grouped, strata, _ = library(1000, 250, seed=3)
    sides = split(grouped, strata, share=0.2, seed=13)
    held_out = {track for track, side in sides.items() if side == "eval"}
    assert len(held_out) == 200
    assert not {grouped[t] for t in held_out} & {grouped[t] for t in sides if t not in held_out}
    assert max(map(abs, imbalances(sides, strata))) < 1.5
    chance = np.random.default_rng(1)
    by_luck = []
    for _ in range(20):
        drawn = set(chance.choice(sorted(set(grouped.values())), 50, replace=False).tolist())
        lucky = {t: "eval" if key in drawn else "train" for t, key in grouped.items()}
        by_luck.append(max(map(abs, imbalances(lucky, strata))))
    assert min(by_luck) > 2 * max(map(abs, imbalances(sides, strata)))
    assert sides == split(grouped, strata, share=0.2, seed=13)
    assert sides != split(grouped, strata, share=0.2, seed=14)


def test_few_large_groups_are_exchanged_two_for_one_where_none_has_the_size_of_another() -> None:
    grouped = {1000 * size + n: f"g{size:02d}" for size in range(1, 25) for n in range(size)}
    chance = np.random.default_rng(5)
    strata = {t: (("rap", "trap")[int(chance.integers(2))], "1990s", str(chance.integers(5))) for t in grouped}
    sides = split(grouped, strata, share=0.2, seed=1)
    assert sum(side == "eval" for side in sides.values()) == 60
    assert max(map(abs, imbalances(sides, strata))) < 4


def test_the_split_knows_no_ids_and_no_order() -> None:
    grouped, strata, _ = library(300, 80, seed=4)
    sides = split(grouped, strata, share=0.2, seed=13)
    others = [10_000 - 7 * track for track in grouped]
    renamed = split(
        dict(zip(others[::-1], list(grouped.values())[::-1], strict=True)),
        {other: strata[track] for other, track in zip(others, grouped, strict=True)},
        share=0.2,
        seed=13,
    )
    assert [renamed[other] for other in others] == list(sides.values())


def test_a_library_of_57718_tracks_is_split_exactly() -> None:
    grouped, strata, _ = library(57_718, 9_000, seed=2)
    sides = split(grouped, strata, share=0.2, seed=13)
    assert sum(side == "eval" for side in sides.values()) == round(0.2 * 57_718)
    assert max(map(abs, imbalances(sides, strata))) < 0.2


def test_a_single_group_can_not_be_split() -> None:
    with pytest.raises(NoSplit, match="3 tracks form one group"):
        split({1: "a", 2: "a", 3: "a"}, {1: ("x",), 2: ("x",), 3: ("x",)}, share=0.2, seed=1)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=12), seed=st.integers(0, 99))
def test_the_held_out_share_is_as_near_as_the_groups_allow(sizes: list[int], seed: int) -> None:
    grouped = {100 * g + n: f"g{g}" for g, size in enumerate(sizes) for n in range(size)}
    sides = split(grouped, {t: (str(t % 3), str(t % 2)) for t in grouped}, share=0.2, seed=seed)
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
