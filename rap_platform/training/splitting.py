"""Which tracks are held out: whole groups of artists and near-duplicates, exact in size, alike in genre, era and label, seeded."""

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

Split = Literal["train", "eval"]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
LABEL_BINS = 5
# Draws that the search for the most alike split starts from: as many as 300 where groups are few, fewer where each costs more.
STARTS, STARTS_COST, IMPROVED = 300, 300_000, 3
# A step of the search looks at this many groups of each side at most, so that its cost does not grow with the square of the groups.
SHORTLIST, STEPS, PATIENCE = 120, 300, 3
NOBODY = -1
PAIR_WEIGHT = 0.1
# Below this an expected count says little of a stratum (Cochran 1954); its squared difference is divided by five all the same.
LEAST_EXPECTED = 5.0
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


def groups(candidates: Sequence[Candidate], ties: Collection[tuple[int, int]] = ()) -> tuple[dict[int, str], bool]:
    """Group key per track (connected components), and whether guests tie groups together.

    Artists, near-duplicates and the pairs of track ids in `ties` always do. Guests do while no component grows beyond a tenth of the tracks; beyond that
    they would make one component of everything, and only primary artists and near-duplicates count.
    The key names a text of the group (equal texts are always in one), so neither order nor ids of a database change a split.
    """
    without_guests = _components(candidates, ties, guests=False)
    with_guests = _components(candidates, ties, guests=True)
    if _largest(with_guests) <= max(LARGEST_GROUP_SHARE * len(candidates), _largest(without_guests)):
        return with_guests, True
    return without_guests, False


def _components(candidates: Sequence[Candidate], ties: Iterable[tuple[int, int]], *, guests: bool) -> dict[int, str]:
    forest = _Forest()
    for one, other in ties:
        forest.join(("track", one), ("track", other))
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
    return max(Counter(grouped.values()).values(), default=0)


def bins(labels: Mapping[int, float], count: int = LABEL_BINS) -> dict[int, int]:
    """The label bin of each track, 0..count-1, cut at quantiles."""
    values = np.array(list(labels.values()))
    edges = np.quantile(values, np.linspace(0, 1, count + 1)[1:-1])
    return {track_id: int(np.searchsorted(edges, value, side="right")) for track_id, value in labels.items()}


def split(
    grouped: Mapping[int, str], strata: Mapping[int, Sequence[str]], *, share: float, seed: int
) -> dict[int, Split]:
    """Hold out whole groups that make exactly round(share * tracks) where the group sizes allow it, else as near as they do.

    `strata` names for each track one stratum per dimension (its genre, its era, its label bin). Of all splits of the right
    size the search looks for the one whose counts in every stratum and in every pair of strata of two dimensions are nearest
    to those of all tracks, by chi-square: up to 300 seeded draws, and from the best five of them exchanges of groups for as
    long as one helps. Neither ids nor order change the answer. Stratification of several dimensions at once, pairs included:
    Sechidis et al. 2011; Szymanski and Kajdanowicz 2017. Raises NoSplit when fewer than two groups exist.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for track_id, key in grouped.items():
        members[key].append(track_id)
    if len(members) < 2:
        raise NoSplit(f"{len(grouped)} tracks form one group: artists and near-duplicates would stand on both sides")
    keys = sorted(members)
    sizes = np.array([len(members[key]) for key in keys])
    target = _reachable(sizes, max(1, round(share * len(grouped))))
    held_out = _most_alike(_standardised(keys, members, strata, target), sizes, target, seed)
    sides: dict[str, Split] = {key: "eval" if held_out[row] else "train" for row, key in enumerate(keys)}
    return {track_id: sides[key] for track_id, key in grouped.items()}


def _standardised(
    keys: Sequence[str], members: Mapping[str, Sequence[int]], strata: Mapping[int, Sequence[str]], target: int
) -> Floats:
    """Rows per group that sum to nothing over a perfect split: each stratum's count less its due, over the root of what is expected.

    The squared length of the sum over held-out groups is the chi-square of the split.
    """
    cells = {t: [*enumerate(own), *combinations(enumerate(own), 2)] for t, own in strata.items()}
    column = {cell: number for number, cell in enumerate(sorted({c for own in cells.values() for c in own}, key=repr))}
    counts = np.zeros((len(keys), len(column)))
    for row, key in enumerate(keys):
        for track_id in members[key]:
            counts[row, [column[cell] for cell in cells[track_id]]] += 1
    sizes = np.array([len(members[key]) for key in keys])
    overall = counts.sum(axis=0) / sizes.sum()
    weight = np.array([PAIR_WEIGHT if isinstance(cell[0], tuple) else 1.0 for cell in column])
    return np.asarray(
        (counts - np.outer(sizes, overall)) * np.sqrt(weight / np.maximum(overall * target, LEAST_EXPECTED))
    )


def _most_alike(rows: Floats, sizes: Integers, target: int, seed: int) -> Mask:
    chance = random.Random(seed)  # noqa: S311
    starts = max(IMPROVED, min(STARTS, STARTS_COST // len(sizes)))
    drawn = sorted(_draws(sizes, target, starts, chance), key=lambda mask: _chi_square(rows, mask))
    # A row of zeros, and of no tracks, at the end stands for "no second group" in an exchange of one for one or two.
    rows, sizes = np.vstack([rows, np.zeros(rows.shape[1])]), np.append(sizes, 0)
    improved = [_improved(rows, sizes, np.append(mask, False), chance)[:NOBODY] for mask in drawn[:IMPROVED]]
    return min(improved, key=lambda mask: _chi_square(rows[:NOBODY], mask))


def _chi_square(rows: Floats, mask: Mask) -> float:
    return float(np.sum(rows[mask].sum(axis=0) ** 2))


def _improved(rows: Floats, sizes: Integers, mask: Mask, chance: random.Random) -> Mask:
    """Exchange one or two groups for one or two of as many tracks, those that help most, until none of those looked at helps."""
    mask, futile = mask.copy(), 0
    off = rows[mask].sum(axis=0)
    for _ in range(STEPS):
        leaving, entering = (_shortlist(np.flatnonzero(side[:NOBODY]), chance) for side in (mask, ~mask))
        less, more = rows[leaving].sum(axis=1), rows[entering].sum(axis=1)
        change = _squares(less - off)[:, None] + _squares(more + off)[None, :] - 2 * less @ more.T
        fits = sizes[leaving].sum(axis=1)[:, None] == sizes[entering].sum(axis=1)[None, :]
        out, into = np.unravel_index(int(np.argmin(np.where(fits, change, np.inf))), change.shape)
        if not fits[out, into] or change[out, into] > 2 * np.sum(off**2) - 1e-9:
            futile += 1
            if futile == PATIENCE:
                break
            continue
        futile = 0
        off = off + more[into] - less[out]
        mask[leaving[out]], mask[entering[into]], mask[NOBODY] = False, True, False
    return mask


def _squares(rows: Floats) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", rows, rows))


def _shortlist(places: Integers, chance: random.Random) -> Integers:
    """Groups and pairs of groups, (n, 2), at most SHORTLIST of each; the last row of all stands for no second group."""
    singles = places.tolist()
    pairs = (
        list(combinations(singles, 2))
        if len(singles) * (len(singles) - 1) // 2 <= SHORTLIST
        else [sorted(chance.sample(singles, 2)) for _ in range(SHORTLIST)]
    )
    if len(singles) > SHORTLIST:
        singles = sorted(chance.sample(singles, SHORTLIST))
    return np.array([*((place, NOBODY) for place in singles), *pairs])


def _reachable(sizes: Sequence[int] | Integers, wanted: int) -> int:
    """The sum of some of `sizes`, neither none nor all of them, that is nearest to `wanted`; the smaller of two."""
    total, sums = int(sum(sizes)), _sums(_by_size(sizes))[-1]
    for away in range(total):
        for candidate in (wanted - away, wanted + away):
            if 0 < candidate < total and sums >> candidate & 1:
                return candidate
    raise AssertionError("a single group is refused earlier, and of two each can be reached")


def _by_size(sizes: Sequence[int] | Integers) -> dict[int, list[int]]:
    places: dict[int, list[int]] = defaultdict(list)
    for place, size in enumerate(sizes):
        places[int(size)].append(place)
    return dict(sorted(places.items()))


def _sums(places: Mapping[int, Sequence[int]]) -> list[int]:
    """What can be summed from none, from the smallest, from the two smallest sizes ...: bit n is set when n can.

    Sizes of 57,718 tracks are a few hundred at most, however many groups there are.
    """
    reached = [1]
    for size, of_size in places.items():
        sums, left, step = reached[-1], len(of_size), 1
        while left:  # 1, 2, 4 ... and the rest add up to any number of groups
            step = min(step, left)
            sums |= sums << (size * step)
            left, step = left - step, step * 2
        reached.append(sums)
    return reached


def _draws(sizes: Integers, target: int, count: int, chance: random.Random) -> list[Mask]:
    """Seeded draws of groups that sum to `target`: of every size about its share of groups, as far as the rest can still fit."""
    places, total = _by_size(sizes), int(sizes.sum())
    reached = _sums(places)
    drawn = []
    for _ in range(count):
        mask, left, remaining = np.zeros(len(sizes), dtype=bool), target, total
        for (size, of_size), below in zip(reversed(places.items()), reversed(reached[:-1]), strict=True):
            luck = sum(chance.random() * remaining < left for _ in of_size)
            fitting = (n for n in _outwards(luck, len(of_size)) if n * size <= left and below >> (left - n * size) & 1)
            taken = next(fitting)
            mask[chance.sample(of_size, taken)] = True
            left, remaining = left - taken * size, remaining - size * len(of_size)
        drawn.append(mask)
    return drawn


def _outwards(middle: int, most: int) -> Iterable[int]:
    """0..most, the nearest to `middle` first."""
    return sorted(range(most + 1), key=lambda n: (abs(n - middle), n))
