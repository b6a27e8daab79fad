"""How the log-odds of likeness.py are estimated from stanzas whose rhymes people annotated, and the stanzas themselves.

`python -m rap_platform.features.rhyme_learning PATH` writes the table that ships, byte for byte.
"""

import gzip
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np

from rap_platform.features.endings import Ending, endings
from rap_platform.features.likeness import (
    CONSONANTS,
    GAP,
    KINDS,
    VOWELS,
    Coda,
    LogOdds,
    coda_scores,
    consonant_number,
    vowel_number,
    written,
)

Pairs = Counter[tuple[str, str, bool]]

# Height 0 to 3 and backness 0 to 2 of the vowel and of what it glides to, then rounding and r-colour: what "near" means for vowels.
_CHART: dict[str, tuple[float, ...]] = {
    "AA": (0, 2, 0, 2, 0, 0), "AE": (0, 0, 0, 0, 0, 0), "AH": (1, 1, 1, 1, 0, 0), "AO": (1, 2, 1, 2, 1, 0), "AW": (0, 1, 3, 2, 0, 0),
    "AY": (0, 1, 3, 0, 0, 0), "EH": (1, 0, 1, 0, 0, 0), "ER": (1.5, 1, 1.5, 1, 0, 1), "EY": (1.5, 0, 3, 0, 0, 0), "IH": (2.5, 0, 2.5, 0, 0, 0),
    "IY": (3, 0, 3, 0, 0, 0), "OW": (1.5, 2, 2.5, 2, 1, 0), "OY": (1, 2, 3, 0, 1, 0), "UH": (2.5, 2, 2.5, 2, 1, 0), "UW": (3, 2, 3, 2, 1, 0),
}  # fmt: skip
# Manner, place and voice of each consonant.
_MAKING: dict[str, tuple[str, str, bool]] = {
    "B": ("stop", "lips", True), "P": ("stop", "lips", False), "D": ("stop", "ridge", True), "T": ("stop", "ridge", False),
    "G": ("stop", "back", True), "K": ("stop", "back", False), "V": ("hiss", "lips", True), "F": ("hiss", "lips", False),
    "DH": ("hiss", "teeth", True), "TH": ("hiss", "teeth", False), "Z": ("hiss", "ridge", True), "S": ("hiss", "ridge", False),
    "ZH": ("hiss", "palate", True), "SH": ("hiss", "palate", False), "JH": ("affricate", "palate", True), "CH": ("affricate", "palate", False),
    "M": ("nasal", "lips", True), "N": ("nasal", "ridge", True), "NG": ("nasal", "back", True), "L": ("liquid", "ridge", True),
    "R": ("liquid", "palate", True), "W": ("glide", "lips", True), "Y": ("glide", "palate", True), "HH": ("glide", "back", False),
}  # fmt: skip
_VOWEL_WEIGHT, _CONSONANT_WEIGHT, _KIND_WEIGHT = 3.0, 3.0, 3.0
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Annotation:
    """All pairs of different end words of some stanzas with what people say of them, ready to be counted.

    Row arrays: pair, one, other hold a pair's number and the endings of one way to say it; pair arrays: rhyme, times.
    """

    endings: tuple[Ending, ...]
    codas: tuple[Coda, ...]
    pair: np.ndarray
    one: np.ndarray
    other: np.ndarray
    starts: np.ndarray
    rhyme: np.ndarray
    times: np.ndarray


def gold_text() -> str:
    """The annotated stanzas that ship: columns poet, end_words, scheme (one number a word), tab-separated with a header."""
    packed = resources.files("rap_platform").joinpath("data", "rhyme_gold.tsv.gz").read_bytes()
    return gzip.decompress(packed).decode("utf-8")


def pairs_by_poet(text: str) -> dict[str, Pairs]:
    """All pairs of end words within a stanza with whether people say they rhyme, counted per poet.

    Raises ValueError that names the line where the columns are not poet, end_words, scheme or a word has no number.
    """
    found: dict[str, Pairs] = {}
    header, *rows = text.splitlines() or [""]
    if header.split("\t") != ["poet", "end_words", "scheme"]:
        raise ValueError("line 1: the columns must be poet, end_words, scheme, separated by tabs")
    for number, row in enumerate(rows, start=2):
        if not row.strip():
            continue
        columns = row.split("\t")
        if len(columns) != 3:
            raise ValueError(
                f"line {number}: {len(columns)} columns where there must be 3: poet, end_words, scheme, separated by tabs"
            )
        words, scheme = columns[1].split(), columns[2].split()
        if len(words) != len(scheme):
            raise ValueError(
                f"line {number}: {len(words)} end words but {len(scheme)} numbers in the scheme; give one number a word"
            )
        counted = found.setdefault(columns[0], Counter())
        for later in range(len(words)):
            for earlier in range(later):
                first, second = sorted((words[earlier], words[later]))
                counted[first, second, scheme[earlier] == scheme[later]] += 1
    return found


def annotation(counts: Iterable[Pairs]) -> Annotation:
    """The pairs as arrays; a word with itself tells nothing of sounds and is left out, as is a word that cannot be said."""
    number: dict[Ending, int] = {}
    codas: dict[Coda, int] = {}
    pair: list[int] = []
    one: list[int] = []
    other: list[int] = []
    rhyme: list[bool] = []
    times: list[float] = []
    for counted in counts:
        for (first, second, says), n in counted.items():
            if first == second or not endings(first) or not endings(second):
                continue
            for a in endings(first):
                for b in endings(second):
                    pair.append(len(rhyme))
                    one.append(number.setdefault(a, len(number)))
                    other.append(number.setdefault(b, len(number)))
            rhyme.append(says)
            times.append(float(n))
    for ending in number:
        for syllable in (ending.last, ending.before):
            if syllable is not None:
                codas.setdefault(syllable.tail, len(codas))
    rows = np.array(pair, np.intp)
    starts = np.searchsorted(rows, np.arange(len(rhyme)))
    return Annotation(
        tuple(number), tuple(codas), rows, np.array(one, np.intp), np.array(other, np.intp), starts,
        np.array(rhyme, bool), np.array(times),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Parts:
    """The endings of an annotation as numbers: kind, vowel and coda of the last syllable and of the one before (-1 where none)."""

    kind: np.ndarray
    vowel: np.ndarray
    coda: np.ndarray
    vowel_before: np.ndarray
    coda_before: np.ndarray


def _parts(said: Annotation) -> _Parts:
    coda = {c: i for i, c in enumerate(said.codas)}
    rows = [
        (
            e.kind,
            vowel_number(e.last.vowel),
            coda[e.last.tail],
            -1 if e.before is None else vowel_number(e.before.vowel),
            -1 if e.before is None else coda[e.before.tail],
        )
        for e in said.endings
    ]
    table = np.array(rows, np.intp).reshape(len(rows), 5)
    return _Parts(*(table[:, k] for k in range(5)))


def row_scores(said: Annotation, parts: _Parts, odds: LogOdds) -> np.ndarray:
    """The score of every row, as `endings.ending_score` gives it."""
    codas = coda_scores(said.codas, said.codas, odds)
    a, b = said.one, said.other
    scores = odds.kinds[parts.kind[a], parts.kind[b]] + odds.vowels[parts.vowel[a], parts.vowel[b]]
    scores = scores + codas[parts.coda[a], parts.coda[b]]
    both = (parts.vowel_before[a] >= 0) & (parts.vowel_before[b] >= 0)
    before = (
        odds.vowels[parts.vowel_before[a], parts.vowel_before[b]] + codas[parts.coda_before[a], parts.coda_before[b]]
    )
    return np.asarray(scores + np.where(both, before, 0.0), np.float64)


def pair_scores(said: Annotation, odds: LogOdds) -> np.ndarray:
    """The best score of every pair over the ways to say it."""
    if not len(said.rhyme):
        return np.zeros(0)
    return np.asarray(np.maximum.reduceat(row_scores(said, _parts(said), odds), said.starts))


def estimate(said: Annotation) -> LogOdds:
    """Log-odds of one annotation, by rounds: choose how each pair is said, align its consonants, count, score again.

    Chance is how the same line ends pair up where people do not call them a rhyme. The last word is the threshold of best F1.
    """
    parts = _parts(said)
    odds = _first_guess()
    for _ in range(_ROUNDS):
        scores = row_scores(said, parts, odds)
        best = np.maximum.reduceat(scores, said.starts)
        chosen = _first_of_each(scores == best[said.pair], said)
        odds = _counted(said, parts, chosen, odds)
    return replace(odds, threshold=best_threshold(pair_scores(said, odds), said.rhyme, said.times))


def _first_of_each(hit: np.ndarray, said: Annotation) -> np.ndarray:
    """For each pair the first row that is hit."""
    at = np.flatnonzero(hit)
    _, first = np.unique(said.pair[at], return_index=True)
    return np.asarray(at[first])


def _first_guess() -> LogOdds:
    vowels = np.where(_vowel_classes() == 0, 2.0, np.where(_vowel_classes() == 1, 0.0, -2.0)).astype(np.float32)
    consonants = np.where(np.eye(GAP + 1) > 0, 2.0, np.where(_consonant_classes() < 4, 0.0, -2.0)).astype(np.float32)
    consonants[GAP, :] = consonants[:, GAP] = -1.5
    kinds = np.where(np.eye(len(KINDS)) > 0, 0.5, -0.5).astype(np.float32)
    return LogOdds(vowels, consonants, 1.0, np.zeros((2, 2), np.float32), kinds, 0.0)


def _vowel_classes() -> np.ndarray:
    """Class of each pair of vowels: the same, near, middling, far by their places on the chart."""
    places = np.array([_CHART[vowel] for vowel in VOWELS])
    apart = np.abs(places[:, None, :] - places[None, :, :]).sum(axis=2)
    return np.where(apart == 0, 0, np.where(apart <= 2.5, 1, np.where(apart <= 5, 2, 3)))


def _consonant_classes() -> np.ndarray:
    """Class of each pair of consonants by what of manner, place and voice they share; a class of its own for a gap."""
    classes = np.zeros((GAP + 1, GAP + 1), np.intp)
    for row, one in enumerate(CONSONANTS):
        for column, other in enumerate(CONSONANTS):
            differs = [a != b for a, b in zip(_MAKING[one], _MAKING[other], strict=True)]
            classes[row, column] = differs[0] * 4 + differs[1] * 2 + differs[2]
    classes[GAP, :] = classes[:, GAP] = 8
    return classes


def _counted(said: Annotation, parts: _Parts, chosen: np.ndarray, odds: LogOdds) -> LogOdds:
    """Log-odds from the chosen rows."""
    a, b = said.one[chosen], said.other[chosen]
    both = (parts.vowel_before[a] >= 0) & (parts.vowel_before[b] >= 0)
    vowel_a = np.concatenate([parts.vowel[a], parts.vowel_before[a[both]]])
    vowel_b = np.concatenate([parts.vowel[b], parts.vowel_before[b[both]]])
    coda_a = np.concatenate([parts.coda[a], parts.coda_before[a[both]]])
    coda_b = np.concatenate([parts.coda[b], parts.coda_before[b[both]]])
    stress = np.array([e.kind == 0 or e.last.stress > 0 for e in said.endings], np.intp)
    stress_a = np.concatenate([stress[a], np.ones(both.sum(), np.intp)])
    stress_b = np.concatenate([stress[b], np.ones(both.sum(), np.intp)])
    rhyme, times = said.rhyme, said.times
    rhyme_2, times_2 = np.concatenate([rhyme, rhyme[both]]), np.concatenate([times, times[both]])
    vowels = _table(vowel_a, vowel_b, rhyme_2, times_2, len(VOWELS), _vowel_classes(), _VOWEL_WEIGHT)
    kinds = _table(parts.kind[a], parts.kind[b], rhyme, times, len(KINDS), np.eye(len(KINDS), dtype=int), _KIND_WEIGHT)
    stresses = _table(stress_a, stress_b, rhyme_2, times_2, 2, np.eye(2, dtype=int), _KIND_WEIGHT)
    consonants, open_ = _consonants(said.codas, coda_a, coda_b, rhyme_2, times_2, odds)
    return LogOdds(vowels, consonants, open_, stresses, kinds, 0.0)


def _table(
    a: np.ndarray, b: np.ndarray, rhyme: np.ndarray, times: np.ndarray, size: int, classes: np.ndarray, weight: float
) -> np.ndarray:
    """Log-odds of symmetric pairs of numbers below `size`."""
    observed, chance = np.zeros((size, size)), np.zeros((size, size))
    for counts, where in ((observed, rhyme), (chance, ~rhyme)):
        np.add.at(counts, (a[where], b[where]), times[where] / 2)
        np.add.at(counts, (b[where], a[where]), times[where] / 2)
    return odds_of(observed, chance, classes, weight)


def odds_of(observed: np.ndarray, chance: np.ndarray, classes: np.ndarray, weight: float) -> np.ndarray:
    """Logarithms of the observed share over the chance share of each pair, pairs rarely seen drawn towards their class.

    A gamma prior worth `weight` pairs around the rate of the class: the posterior mean of a Poisson rate.
    """
    expected = (chance + 0.5) * observed.sum() / (chance + 0.5).sum()
    rates = np.ones(int(classes.max()) + 1)
    for group in range(len(rates)):
        inside = classes == group
        rates[group] = (observed[inside].sum() + 1.0) / (expected[inside].sum() + 1.0)
    prior = rates[classes]
    strength = weight / np.maximum(prior, 1.0)  # a prior worth `weight` rhymes where rhymes are likely
    return np.log((observed + strength * prior) / (expected + strength)).astype(np.float32)


def _consonants(
    codas: Sequence[Coda], a: np.ndarray, b: np.ndarray, rhyme: np.ndarray, times: np.ndarray, odds: LogOdds
) -> tuple[np.ndarray, float]:
    """Log-odds of consonant pairs and gaps, and of two open syllables."""
    size = len(codas)
    table = np.zeros((2, size, size))
    np.add.at(table, (rhyme.astype(np.intp), np.minimum(a, b), np.maximum(a, b)), times)
    counts = np.zeros((2, GAP + 1, GAP + 1))
    open_ = np.zeros(2)
    for one, other in zip(*np.nonzero(table.sum(axis=0)), strict=True):
        seen = table[:, one, other]
        if not codas[one] and not codas[other]:
            open_ += seen
        for row, column in _alignment(codas[one], codas[other], odds):
            counts[:, row, column] += seen / 2
            counts[:, column, row] += seen / 2
    total = table.sum(axis=(1, 2))
    # per pair of codas
    obs, cha = counts[1], counts[0] * total[1] / total[0]
    classes = _consonant_classes()
    rates = np.array([(obs[classes == g].sum() + 1) / (cha[classes == g].sum() + 1) for g in range(9)])
    prior = rates[classes]
    strength = _CONSONANT_WEIGHT / np.maximum(prior, 1.0)
    consonants = np.log((obs + strength * prior) / (cha + strength)).astype(np.float32)
    shares = (open_ + 1) / (total + 1)
    return consonants, float(np.log(shares[1] / shares[0]))


def _alignment(one: Coda, other: Coda, odds: LogOdds) -> list[tuple[int, int]]:
    """The best pairing of two codas' consonants, GAP for none; ties go to the later consonants."""
    first, second = [consonant_number(c) for c in one], [consonant_number(c) for c in other]
    if first == second:
        return [(c, c) for c in first]
    if not first or not second:
        return [(c, GAP) for c in first or second]
    cost = odds.consonants
    best = np.zeros((len(first) + 1, len(second) + 1))
    for i in range(len(first) + 1):
        for j in range(len(second) + 1):
            if i or j:
                ways = [best[i - 1, j - 1] + cost[first[i - 1], second[j - 1]]] if i and j else []
                ways += [best[i - 1, j] + cost[first[i - 1], GAP]] if i else []
                ways += [best[i, j - 1] + cost[GAP, second[j - 1]]] if j else []
                best[i, j] = max(ways)
    pairs: list[tuple[int, int]] = []
    i, j = len(first), len(second)
    while i or j:
        if i and j and best[i, j] == best[i - 1, j - 1] + cost[first[i - 1], second[j - 1]]:
            i, j = i - 1, j - 1
            pairs.append((first[i], second[j]))
        elif i and best[i, j] == best[i - 1, j] + cost[first[i - 1], GAP]:
            i -= 1
            pairs.append((first[i], GAP))
        else:
            j -= 1
            pairs.append((GAP, second[j]))
    return pairs


def best_threshold(scores: np.ndarray, rhyme: np.ndarray, times: np.ndarray) -> float:
    """The least score to call a rhyme that gives the best F1 on these pairs; infinity where nothing rhymes."""
    order = np.argsort(-scores, kind="stable")
    right, said = np.cumsum((times * rhyme)[order]), np.cumsum(times[order])
    f1 = 2 * right / (said + (times * rhyme).sum())
    ends = np.append(np.diff(scores[order]) != 0, True)
    at = int(np.argmax(np.where(ends, f1, -1.0)))
    following = scores[order][at + 1] if at + 1 < len(order) else scores[order][at] - 1.0
    return float((scores[order][at] + following) / 2) if right[-1] else float("inf")


# Poets of the annotated stanzas whose sounds are still ours. Before 1800 love and prove, or day and sea, rhymed or were let pass.
AFTER_1800 = frozenset({"brooke", "byron", "coleridge", "crosland", "turner", "wordsworth"})

_HEADING = """How likely sounds pair in a rhyme: ln P(pair | people say it rhymes) / P(pair | chance).
Estimated from the stanzas of rhyme_gold.tsv.gz written after 1800 by `python -m rap_platform.features.rhyme_learning PATH`; don't edit.
What, one, other, log-odds; "-" is a consonant without a partner; "open" is two syllables without coda; "threshold" decides line ends."""


def learn(by_poet: Mapping[str, Pairs]) -> LogOdds:
    """The log-odds from the poets after 1800 among these; from all where there is none of them."""
    chosen = [counted for poet, counted in sorted(by_poet.items()) if poet in AFTER_1800] or [
        by_poet[poet] for poet in sorted(by_poet)
    ]
    return estimate(annotation(chosen))


def main(target: str) -> None:
    """Estimate from the stanzas that ship and write the table."""
    Path(target).write_text(written(learn(pairs_by_poet(gold_text())), _HEADING), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
