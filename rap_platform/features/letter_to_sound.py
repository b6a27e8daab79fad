"""How a word that no dictionary lists is probably spoken: a joint model of letters and phones, and the trainer that fits it.

Dictionary look-up and rap spellings live in phonetics.py. The model is rap_platform/data/letter_to_sound.xz and is fitted to the
CMU dictionary alone by `python -m rap_platform.features.letter_to_sound PATH`.
"""

import lzma
import math
import random
import sys
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

Phones = tuple[str, ...]
Unit = tuple[str, Phones]  # a letter and the phones it stands for, none to two
Gram = tuple[int, ...]

ORDER = 6
PRUNE = 1.2  # a gram stays where it makes its examples likelier by this many natural-log units in all
BEAM, MARGIN = 40, 120  # how many paths are followed, and how many steps one may cost more than the best
_LONGEST_PIECE = 2
_RARE = 3  # units seen less often are slips of the alignment
_START, _END = 0, 1
_STEP = 0.05  # chances are kept in steps of this many natural-log units
_ZERO = 64  # the step that stands for a back-off weight of one
_RESOURCE = "letter_to_sound.xz"


@dataclass(frozen=True, slots=True)
class Model:
    """Chances of units after units, up to `order` of them, as a trie in level order; unit 0 begins a word, unit 1 ends it.

    Node 0 is the root. A node's children are nodes `first[node]` to `first[node + 1]`, by rising `unit`; `cost` is minus the logarithm of
    the node's unit after the units on the way to it, in steps of 0.05, `weight` of backing off from it, in the same steps from 64.
    """

    units: tuple[Unit, ...]
    order: int
    first: "array[int]"
    unit: "array[int]"
    cost: bytes
    weight: bytes


@lru_cache(maxsize=1)
def _model() -> Model:
    return unpacked(resources.files("rap_platform").joinpath("data", _RESOURCE).read_bytes())


@lru_cache(maxsize=4)
def _letter_ranges(units: tuple[Unit, ...]) -> dict[str, tuple[int, int]]:
    """For each letter the range of its units, which stand together."""
    found: dict[str, tuple[int, int]] = {}
    for number, (letter, _) in enumerate(units):
        found[letter] = (found.get(letter, (number, 0))[0], number + 1)
    return found


# --- saying a word ---------------------------------------------------------------------------------------------------------------


def guess(letters: str, model: Model | None = None) -> Phones:
    """Say a word from its letters a-z: the likeliest path through the model, found with a beam.

    Returns ARPAbet phones, vowels with a stress digit and exactly one primary stress where there is a vowel; an empty tuple for no letters.
    """
    model = _model() if model is None else model
    ranges = _letter_ranges(model.units)
    begin = _child(model, 0, _START)
    paths: list[tuple[int, Gram, Phones]] = [(0, (0,) if begin < 0 else (0, begin), ())]
    for letter in letters:
        if letter not in ranges:
            continue
        reached: dict[Gram, tuple[int, Gram, Phones]] = {}
        for cost, contexts, phones in paths:
            for unit, (price, after) in _following(model, contexts, *ranges[letter]).items():
                total = cost + price
                if after not in reached or total < reached[after][0]:
                    reached[after] = (total, after, phones + model.units[unit][1])
        ranked = sorted(reached.values())[:BEAM]
        paths = [path for path in ranked if path[0] <= ranked[0][0] + MARGIN]
    ended = sorted(
        (cost + _following(model, contexts, _END, _END + 1)[_END][0], phones) for cost, contexts, phones in paths
    )
    whole = next((phones for _, phones in ended if _primaries(phones) == 1), ended[0][1])
    return _one_primary_stress(_without_doubles(whole))


def _child(model: Model, node: int, unit: int) -> int:
    """The node of one more unit, -1 where there is none."""
    end = model.first[node + 1]
    at = bisect_left(model.unit, unit, model.first[node], end)
    return at if at < end and model.unit[at] == unit else -1


def _following(model: Model, contexts: Gram, low: int, high: int) -> dict[int, tuple[int, Gram]]:
    """What units from `low` to below `high` cost after the context, and the context after each.

    `contexts` holds the nodes of the last 0, 1, 2 ... units, -1 where the model has none; costs are in steps.
    """
    chains: dict[int, list[int]] = {}
    costs: dict[int, int] = {}
    backing_off = 0
    for size in range(len(contexts) - 1, -1, -1):
        node = contexts[size]
        if node < 0:
            continue
        end = model.first[node + 1]
        at = bisect_left(model.unit, low, model.first[node], end)
        while at < end and (unit := model.unit[at]) < high:
            if unit not in costs:
                costs[unit] = backing_off + model.cost[at]
                chains[unit] = [-1] * (size + 2)
            chains[unit][size + 1] = at
            at += 1
        backing_off += model.weight[node] - _ZERO
    longest = model.order
    return {unit: (cost, (0, *chains[unit][1:longest])) for unit, cost in costs.items()}


def _primaries(phones: Phones) -> int:
    return sum(phone[-1] == "1" for phone in phones)


def _without_doubles(phones: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for phone in phones:
        if kept and phone == kept[-1] and not phone[-1].isdigit():
            continue
        kept.append(phone)
    return kept


def _one_primary_stress(phones: list[str]) -> Phones:
    vowels = [index for index, phone in enumerate(phones) if phone[-1].isdigit()]
    primary = [index for index in vowels if phones[index].endswith("1")]
    if vowels and not primary:
        full = [index for index in vowels if phones[index][:2] not in ("AH", "ER")] or vowels
        phones[full[0]] = phones[full[0]][:-1] + "1"
    for index in primary[1:]:
        phones[index] = phones[index][:-1] + "2"
    return tuple(phones)


# --- which letter stands for which phones ------------------------------------------------------------------------------------------


def aligned(entries: Iterable[tuple[str, Phones]], *, rounds: int = 4) -> list[list[Unit]]:
    """Split the phones of each word over its letters, zero, one or two phones each, by expectation maximisation."""
    pairs = [
        (word, phones) for word, phones in entries if word and phones and len(phones) <= _LONGEST_PIECE * len(word)
    ]
    sample = random.Random(7).sample(pairs, min(len(pairs), 20_000))  # noqa: S311 - a sample, no secret
    costs: dict[Unit, float] = {}
    for _ in range(rounds):
        counts: Counter[Unit] = Counter()
        for word, phones in sample:
            counts.update(_align(word, phones, costs))
        totals: Counter[str] = Counter()
        for (letter, _piece), count in counts.items():
            totals[letter] += count
        costs = {key: -math.log(count / totals[key[0]]) for key, count in counts.items()}
    return [_align(word, phones, costs) for word, phones in pairs]


def _align(word: str, phones: Phones, costs: dict[Unit, float]) -> list[Unit]:
    """The cheapest split of the phones into one piece (0 to 2 phones) per letter; among equals, the earlier letters take more."""
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    for letter in word:
        reached: dict[int, tuple[float, int]] = {}
        for done, (cost, _) in best[-1].items():
            for take in range(min(_LONGEST_PIECE, len(phones) - done) + 1):
                piece = phones[done : done + take]
                price = round(costs.get((letter, piece), _first_guess(letter, piece)) + cost, 9)
                if done + take not in reached or (price, take) < reached[done + take]:
                    reached[done + take] = (price, take)
        best.append(reached)
    pieces: list[Unit] = []
    end = len(phones)
    for position in range(len(word), 0, -1):
        take = best[position][end][1]
        pieces.append((word[position - 1], phones[end - take : end]))
        end -= take
    return pieces[::-1]


def _first_guess(letter: str, piece: Phones) -> float:
    """A price for pieces never seen: vowel letters like vowels, two phones for one letter are dear."""
    price = {0: 5.0, 1: 4.0, 2: 9.0}[len(piece)]
    for phone in piece:
        if (letter in "aeiouy") != phone[-1].isdigit():
            price += 4.0
        elif phone[0].lower() == letter:
            price -= 2.0
    return price


# --- fitting the model -------------------------------------------------------------------------------------------------------------


def fit(words: Sequence[list[Unit]], *, order: int = ORDER, prune: float = PRUNE, rare: int = _RARE) -> Model:
    """Fit a model to words that `aligned` split.

    Grams of aligned units with interpolated, modified Kneser-Ney chances (Chen and Goodman, 1999), grams pruned that change little
    (Seymore and Rosenfeld, 1996). Joint letter-phone units after Bisani and Ney (2008).
    """
    seen = Counter(unit for word in words for unit in word)
    known = sorted(unit for unit, count in seen.items() if count >= rare)
    number = {unit: at for at, unit in enumerate(known, start=2)}
    counts = _counted(
        ([number[unit] for unit in word] for word in words if all(unit in number for unit in word)), order
    )
    chances = _chances(counts, len(number) + 1)
    kept = _pruned(counts, *chances, prune)
    return _trie((("", ()), ("", ()), *known), kept, _weights(kept))


def _counted(words: Iterable[list[int]], order: int) -> list[Counter[Gram]]:
    """How often each gram of 1 to `order` units occurs, by length (index 0 is empty)."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(order + 1)]
    for word in words:
        line = (_START, *word, _END)
        for end in range(2, len(line) + 1):
            for size in range(1, min(order, end) + 1):
                counts[size][line[end - size : end]] += 1
    return counts


def _chances(counts: list[Counter[Gram]], units: int) -> tuple[list[dict[Gram, float]], list[dict[Gram, float]]]:
    """Chance of each gram's last unit after the others, and the share that each context leaves to shorter ones."""
    order = len(counts) - 1
    chances: list[dict[Gram, float]] = [{} for _ in counts]
    left: list[dict[Gram, float]] = [{} for _ in counts]
    for size in range(1, order + 1):
        adjusted = counts[size] if size == order else _continuations(counts, size)
        discount = _discounts(adjusted)
        totals: defaultdict[Gram, float] = defaultdict(float)
        taken: defaultdict[Gram, float] = defaultdict(float)
        for gram, count in adjusted.items():
            totals[gram[:-1]] += count
            taken[gram[:-1]] += discount[min(count, 3)]
        left[size - 1] = {context: taken[context] / totals[context] for context in totals}
        for gram, count in adjusted.items():
            shorter = chances[size - 1][gram[1:]] if size > 1 else 1 / units
            share = left[size - 1][gram[:-1]]
            chances[size][gram] = (count - discount[min(count, 3)]) / totals[gram[:-1]] + share * shorter
    return chances, left


def _continuations(counts: list[Counter[Gram]], size: int) -> Counter[Gram]:
    """In how many contexts a gram occurs; how often, for one that begins a word."""
    found: Counter[Gram] = Counter()
    for gram in counts[size + 1]:
        found[gram[1:]] += 1
    for gram, count in counts[size].items():
        if gram[0] == _START:
            found[gram] = count
    return found


def _discounts(counts: Counter[Gram]) -> tuple[float, float, float, float]:
    """What is taken from counts of 0, 1, 2, and 3 or more."""
    of = Counter(counts.values())
    one, two, three, four = (of[count] + 1 for count in (1, 2, 3, 4))
    share = one / (one + 2 * two)
    return 0.0, 1 - 2 * share * two / one, max(0.1, 2 - 3 * share * three / two), max(0.1, 3 - 4 * share * four / three)


def _pruned(
    counts: list[Counter[Gram]], chances: list[dict[Gram, float]], left: list[dict[Gram, float]], least: float
) -> list[dict[Gram, float]]:
    """The grams worth keeping, and those that lead to them."""
    kept: list[dict[Gram, float]] = [{} for _ in chances]
    needed: set[Gram] = set()
    for size in range(len(chances) - 1, 1, -1):
        for gram, chance in chances[size].items():
            shorter = left[size - 1][gram[:-1]] * chances[size - 1][gram[1:]]
            if gram in needed or counts[size][gram] * math.log(chance / shorter) > least:
                kept[size][gram] = chance
        needed = {gram[:-1] for gram in kept[size]}
    kept[1] = {(_START,): 1.0} | chances[1]
    return kept


def _weights(kept: list[dict[Gram, float]]) -> dict[Gram, float]:
    """The weight of backing off from each context so that the chances after it add up to one."""
    weights: dict[Gram, float] = {}
    for grams in kept[2:]:
        here: defaultdict[Gram, float] = defaultdict(float)
        shorter: defaultdict[Gram, float] = defaultdict(float)
        for gram, chance in grams.items():
            here[gram[:-1]] += chance
            shorter[gram[:-1]] += _chance(gram[1:], kept, weights)
        weights |= {c: max(1e-3, 1 - here[c]) / max(1e-3, 1 - shorter[c]) for c in here}
    return weights


def _chance(gram: Gram, kept: list[dict[Gram, float]], weights: dict[Gram, float]) -> float:
    weight = 1.0
    while gram not in kept[len(gram)]:
        weight *= weights.get(gram[:-1], 1.0)
        gram = gram[1:]
    return weight * kept[len(gram)][gram]


# --- the model as bytes ------------------------------------------------------------------------------------------------------------


def _trie(units: tuple[Unit, ...], kept: list[dict[Gram, float]], weights: dict[Gram, float]) -> Model:
    grams: list[Gram] = [(), *(gram for level in kept for gram in sorted(level))]
    children = Counter(gram[:-1] for gram in grams if gram)
    first = array("I", [1])
    for gram in grams:
        first.append(first[-1] + children[gram])
    cost = bytes(min(255, round(-math.log(kept[len(gram)][gram]) / _STEP)) if gram else 0 for gram in grams)
    weight = bytes(min(255, max(0, _ZERO + round(-math.log(weights.get(gram, 1.0)) / _STEP))) for gram in grams)
    return Model(units, len(kept) - 1, first, array("H", [gram[-1] if gram else 0 for gram in grams]), cost, weight)


def packed(model: Model) -> bytes:
    """The model as a file: a heading, one unit a line, then its columns; the same model always gives the same bytes."""
    nodes = len(model.unit)
    lines = [
        f"{model.order} {len(model.units)} {nodes}",
        *(" ".join((letter, *piece)) for letter, piece in model.units),
    ]
    children = [model.first[node + 1] - model.first[node] for node in range(nodes)]
    columns = [bytes(value >> shift & 255 for value in values) for values in (children, model.unit) for shift in (0, 8)]
    text = ("\n".join(lines) + "\n").encode("ascii")
    return lzma.compress(b"".join((text, *columns, model.cost, model.weight)), preset=9 | lzma.PRESET_EXTREME)


def unpacked(data: bytes) -> Model:
    """Read what `packed` wrote."""
    heading, _, rest = lzma.decompress(data).partition(b"\n")
    order, count, nodes = map(int, heading.split())
    *lines, body = rest.split(b"\n", count)
    units = tuple((letter, tuple(piece)) for letter, *piece in (line.decode("ascii").split(" ") for line in lines))
    low, high, unit_low, unit_high, cost, weight = (body[at : at + nodes] for at in range(0, 6 * nodes, nodes))
    first = array("I", [1])
    for small, large in zip(low, high, strict=True):
        first.append(first[-1] + small + (large << 8))
    unit = array("H", [small + (large << 8) for small, large in zip(unit_low, unit_high, strict=True)])
    return Model(units, order, first, unit, cost, weight)


def main(target: str) -> None:
    """Fit the model to the shipped dictionary and write it to a file."""
    from rap_platform.features.phonetics import dictionary

    entries = [(word, phones[0]) for word, phones in dictionary().items() if word.isalpha() and word.isascii()]
    Path(target).write_bytes(packed(fit(aligned(entries))))


if __name__ == "__main__":
    main(sys.argv[1])
