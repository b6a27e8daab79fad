"""How a word that no dictionary lists is probably spoken: a letter-to-sound tree and the trainer that grew it.

Dictionary look-up and rap spellings live in phonetics.py. The tree is rap_platform/data/letter_to_sound.txt.gz and is grown
from the CMU dictionary alone by `python -m rap_platform.features.letter_to_sound`.
"""

import gzip
import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

Phones = tuple[str, ...]

# The order in which neighbours of a letter are asked about: the next letter tells more than the one before.
CONTEXT = (0, 1, -1, 2, -2, 3, -3, 4, -4)
_EDGE = "#"
_LONGEST_PIECE = 2
_RESOURCE = "letter_to_sound.txt.gz"


@lru_cache(maxsize=1)
def _tree() -> dict[str, Phones]:
    packed = resources.files("rap_platform").joinpath("data", _RESOURCE).read_bytes()
    return _parse(gzip.decompress(packed).decode("ascii"))


def _parse(text: str) -> dict[str, Phones]:
    tree: dict[str, Phones] = {}
    for line in text.splitlines():
        path, *phones = line.split(" ")
        tree[path] = tuple(phones)
    return tree


def guess(letters: str, tree: dict[str, Phones] | None = None) -> Phones:
    """Say a word from its letters a-z.

    Returns ARPAbet phones, vowels with a stress digit and exactly one primary stress where there is a vowel; an empty tuple for no letters.
    """
    tree = _tree() if tree is None else tree
    phones: list[str] = []
    padded = _EDGE * 4 + letters + _EDGE * 4
    for index in range(4, 4 + len(letters)):
        path, answer = "", ()  # type: tuple[str, Phones]
        for offset in CONTEXT:
            path += padded[index + offset]
            found = tree.get(path)
            if found is None:
                break
            answer = found
        phones.extend(answer)
    return _one_primary_stress(_without_doubles(phones))


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


def grow(entries: Iterable[tuple[str, Phones]], *, rounds: int = 4, least: int = 2) -> dict[str, Phones]:
    """Grow a tree from (letters, phones) pairs.

    Letters are aligned to zero, one or two phones each by expectation maximisation; the tree then asks for neighbours in the order
    of CONTEXT and keeps a branch only where `least` examples make it differ. Method after Daelemans and van den Bosch's IGTree.
    """
    pairs = [
        (word, phones) for word, phones in entries if word and phones and len(phones) <= _LONGEST_PIECE * len(word)
    ]
    sample = random.Random(7).sample(pairs, min(len(pairs), 20_000))  # noqa: S311 - a sample, no secret
    costs: dict[tuple[str, Phones], float] = {}
    for _ in range(rounds):
        counts: Counter[tuple[str, Phones]] = Counter()
        for word, phones in sample:
            counts.update(_align(word, phones, costs))
        totals: Counter[str] = Counter()
        for (letter, _piece), count in counts.items():
            totals[letter] += count
        costs = {key: -math.log(count / totals[key[0]]) for key, count in counts.items()}
    examples: list[tuple[str, Phones]] = []
    for word, phones in pairs:
        padded = _EDGE * 4 + word + _EDGE * 4
        for index, (_letter, piece) in enumerate(_align(word, phones, costs), start=4):
            examples.append(("".join(padded[index + offset] for offset in CONTEXT), piece))
    tree: dict[str, Phones] = {}
    _branch(tree, examples, 0, (), least)
    return tree


def _align(word: str, phones: Phones, costs: dict[tuple[str, Phones], float]) -> list[tuple[str, Phones]]:
    """The cheapest split of the phones into one piece (0 to 2 phones) per letter."""
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    for letter in word:
        reached: dict[int, tuple[float, int]] = {}
        for done, (cost, _) in best[-1].items():
            for take in range(min(_LONGEST_PIECE, len(phones) - done) + 1):
                piece = phones[done : done + take]
                price = costs.get((letter, piece), _first_guess(letter, piece)) + cost
                if done + take not in reached or price < reached[done + take][0]:
                    reached[done + take] = (price, take)
        best.append(reached)
    pieces: list[tuple[str, Phones]] = []
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


def _branch(
    tree: dict[str, Phones], examples: list[tuple[str, Phones]], depth: int, parent: Phones, least: int
) -> bool:
    """Adds the answers below one node; says whether anything had to be kept."""
    path = examples[0][0][:depth]
    counts = Counter(piece for _, piece in examples)
    answer, hits = counts.most_common(1)[0]
    if depth == 0:
        answer = ()
    kept_below = False
    if depth < len(CONTEXT) and (hits < len(examples) or depth == 0):
        groups: dict[str, list[tuple[str, Phones]]] = defaultdict(list)
        for example in examples:
            groups[example[0][depth]].append(example)
        for _, group in sorted(groups.items()):
            if len(group) >= least:
                kept_below |= _branch(tree, group, depth + 1, answer, least)
    keep = kept_below or answer != parent or depth == 1
    if keep and depth:
        tree[path] = answer
    return keep


def save(tree: dict[str, Phones], path: Path) -> None:
    """Write a tree; the same tree always gives the same bytes."""
    text = "".join(" ".join((key, *tree[key])) + "\n" for key in sorted(tree))
    path.write_bytes(gzip.compress(text.encode("ascii"), compresslevel=9, mtime=0))


def main(target: str) -> None:
    """Grow the tree from the shipped dictionary and write it to a file."""
    from rap_platform.features.phonetics import dictionary

    entries = [(word, phones[0]) for word, phones in dictionary().items() if word.isalpha() and word.isascii()]
    save(grow(entries), Path(target))


if __name__ == "__main__":
    main(sys.argv[1])
