"""Which tracks are held out: whole groups of artists and near-duplicates, exact in size, alike in labels, seeded."""

import random
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Split = Literal["train", "eval"]
LABEL_BINS = 5
ATTEMPTS = 300
# Guests tie groups together only while no group outgrows this share of the tracks.
LARGEST_GROUP_SHARE = 0.1


@dataclass(frozen=True)
class Candidate:
    """A track that may enter the dataset. `family` is the original of its near-duplicates (itself when it has none)."""

    track_id: int
    artist_id: int
    family: int
    guests: tuple[str, ...]
    artist: str
    lyrics_sha256: str


class NoSplit(Exception):
    """The groups don't allow both sides to have tracks; the message says why."""


class _Forest:
    """Union-find over anything hashable."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, node: Hashable) -> Hashable:
        root = node
        while (above := self._parent.setdefault(root, root)) != root:
            root = above
        while node != root:
            node, self._parent[node] = self._parent[node], root
        return root

    def join(self, left: Hashable, right: Hashable) -> None:
        self._parent[self.find(left)] = self.find(right)


def groups(candidates: Sequence[Candidate]) -> tuple[dict[int, str], bool]:
    """Group key per track (connected components), and whether guests tie groups together.

    Artists and near-duplicates always do. Guests do while no component grows beyond a tenth of the tracks; beyond that
    they would make one component of everything, and only primary artists and near-duplicates count.
    The key names a text of the group (equal texts are always in one), so neither order nor ids of a database change a split.
    """
    with_guests = _components(candidates, guests=True)
    limit = max(LARGEST_GROUP_SHARE * len(candidates), _largest(_components(candidates, guests=False)))
    if _largest(with_guests) <= limit:
        return with_guests, True
    return _components(candidates, guests=False), False


def _components(candidates: Sequence[Candidate], *, guests: bool) -> dict[int, str]:
    forest = _Forest()
    for candidate in candidates:
        node = ("track", candidate.track_id)
        forest.join(node, ("artist", candidate.artist_id))
        forest.join(node, ("family", candidate.family))
        forest.join(node, ("text", candidate.lyrics_sha256))
        if guests:
            forest.join(node, ("name", candidate.artist.casefold()))
            for guest in candidate.guests:
                forest.join(node, ("name", guest.casefold()))
    members: dict[Hashable, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        members[forest.find(("track", candidate.track_id))].append(candidate)
    return {
        member.track_id: "g" + min(other.lyrics_sha256 for other in group)
        for group in members.values()
        for member in group
    }


def _largest(grouped: Mapping[int, str]) -> int:
    sizes: dict[str, int] = defaultdict(int)
    for key in grouped.values():
        sizes[key] += 1
    return max(sizes.values(), default=0)


def bins(labels: Mapping[int, float], count: int = LABEL_BINS) -> dict[int, int]:
    """The label bin of each track, 0..count-1, cut at quantiles."""
    values = np.array(list(labels.values()))
    edges = np.quantile(values, np.linspace(0, 1, count + 1)[1:-1])
    return {track_id: int(np.searchsorted(edges, value, side="right")) for track_id, value in labels.items()}


def split(grouped: Mapping[int, str], labels: Mapping[int, float], *, share: float, seed: int) -> dict[int, Split]:
    """Hold out whole groups that make exactly round(share * tracks) where the group sizes allow it, else as near as they do.

    Of 300 seeded draws of the right size the one whose label bins are most alike those of all tracks is taken.
    Raises NoSplit when fewer than two groups exist.
    """
    order = sorted(grouped)
    members: dict[str, list[int]] = defaultdict(list)
    for track_id in order:
        members[grouped[track_id]].append(track_id)
    if len(members) < 2:
        raise NoSplit(f"{len(order)} tracks form one group: artists and near-duplicates would stand on both sides")
    wanted = max(1, round(share * len(order)))
    binned = bins({track_id: labels[track_id] for track_id in order})
    histogram = {key: np.bincount([binned[t] for t in ids], minlength=LABEL_BINS) for key, ids in members.items()}
    overall = np.sum(list(histogram.values()), axis=0) / len(order)

    sizes = {key: len(ids) for key, ids in members.items()}
    target = _reachable(list(sizes.values()), wanted)
    held_out = min(_draws(sizes, target, seed), key=lambda keys: _distance(keys, histogram, overall))
    return {track_id: "eval" if grouped[track_id] in held_out else "train" for track_id in order}


def _distance(keys: Iterable[str], histogram: Mapping[str, np.ndarray], overall: np.ndarray) -> float:
    drawn = np.sum([histogram[key] for key in keys], axis=0)
    return float(np.abs(drawn / drawn.sum() - overall).sum())


def _reachable(sizes: Sequence[int], wanted: int) -> int:
    """The sum of some of `sizes`, neither none nor all of them, that is nearest to `wanted`."""
    sums = 1  # bit n is set when n can be reached
    for size in sizes:
        sums |= sums << size
    total = sum(sizes)
    return min((n for n in range(1, total) if sums >> n & 1), key=lambda n: abs(n - wanted))


def _draws(sizes: Mapping[str, int], target: int, seed: int) -> list[frozenset[str]]:
    """Seeded draws of groups that sum to `target`; at least one, found by dynamic programming if chance finds none."""
    chance = random.Random(seed)  # noqa: S311
    keys = sorted(sizes)
    found = []
    for _ in range(ATTEMPTS):
        chance.shuffle(keys)
        drawn, total = [], 0
        for key in keys:
            if total + sizes[key] <= target:
                drawn.append(key)
                total += sizes[key]
        if total == target:
            found.append(frozenset(drawn))
    return found or [_exact(sorted(sizes), sizes, target)]


def _exact(keys: Sequence[str], sizes: Mapping[str, int], target: int) -> frozenset[str]:
    came_from: dict[int, tuple[int, str]] = {}
    reached = {0}
    for key in keys:
        for total in sorted(reached, reverse=True):
            above = total + sizes[key]
            if above <= target and above not in reached:
                reached.add(above)
                came_from[above] = (total, key)
    drawn, total = [], target
    while total:
        total, key = came_from[total]
        drawn.append(key)
    return frozenset(drawn)
