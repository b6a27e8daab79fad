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

from rap_platform.features.endings import WEAK, Ending, endings
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
from rap_platform.features.phonetics import pronounce
from rap_platform.features.syllables import syllabify

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
_PRIOR = 3.0  # chosen among 3, 10 and 30 on folds of poets
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Annotation:
    """All pairs of different end words of some stanzas with what people say of them, ready to be counted.

    Row arrays: pair, one, other hold a pair's number and the endings of one way to say it; pair arrays: starts (its first row), rhyme,
    times. `stressed` is the share of stressed syllables in the words.
    """

    endings: tuple[Ending, ...]
    codas: tuple[Coda, ...]
    pair: np.ndarray
    one: np.ndarray
    other: np.ndarray
    starts: np.ndarray
    rhyme: np.ndarray
    times: np.ndarray
    stressed: float


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
    words: Counter[str] = Counter()
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
            words.update({first: n, second: n})
    for ending in number:
        for syllable in (ending.last, ending.before):
            if syllable is not None:
                codas.setdefault(syllable.tail, len(codas))
    rows = np.array(pair, np.intp)
    starts = np.searchsorted(rows, np.arange(len(rhyme)))
    return Annotation(
        tuple(number), tuple(codas), rows, np.array(one, np.intp), np.array(other, np.intp), starts,
        np.array(rhyme, bool), np.array(times), _stressed_share(words),
    )  # fmt: skip


def _stressed_share(words: Mapping[str, int]) -> float:
    """Share of stressed syllables, 0 to 1, in words that occur so often; 1 where there are none."""
    stressed = total = 0
    for word, times in words.items():
        syllables = syllabify(pronounce(word).phones)
        stressed += times * sum(syllable.stress > 0 for syllable in syllables)
        total += times * len(syllables)
    return stressed / total if total else 1.0


@dataclass(frozen=True, slots=True)
class _Parts:
    """The endings of an annotation as numbers: kind; vowel, coda and stress of the last syllable; those of the one before, -1 where none."""

    kind: np.ndarray
    vowel: np.ndarray
    coda: np.ndarray
    stress: np.ndarray
    vowel_before: np.ndarray
    coda_before: np.ndarray


def _parts(said: Annotation) -> _Parts:
    coda = {c: i for i, c in enumerate(said.codas)}
    rows = [
        (
            e.kind,
            vowel_number(e.last.vowel),
            coda[e.last.tail],
            int(e.last.stress > 0),
            -1 if e.before is None else vowel_number(e.before.vowel),
            -1 if e.before is None else coda[e.before.tail],
        )
        for e in said.endings
    ]
    table = np.array(rows, np.intp).reshape(len(rows), 6)
    return _Parts(*(table[:, k] for k in range(6)))


def row_scores(said: Annotation, parts: _Parts, odds: LogOdds) -> np.ndarray:
    """The score of every row, as `endings.ending_score` gives it."""
    codas = coda_scores(said.codas, said.codas, odds)
    a, b = said.one, said.other
    last = odds.vowels[parts.vowel[a], parts.vowel[b]] + codas[parts.coda[a], parts.coda[b]]
    before = odds.vowels[parts.vowel_before[a], parts.vowel_before[b]]
    before = before + codas[parts.coda_before[a], parts.coda_before[b]]
    both = (parts.vowel_before[a] >= 0) & (parts.vowel_before[b] >= 0)
    sounds = np.where(both, np.minimum(last, WEAK) + before, last) + odds.together[_agreement(said, parts)]
    return np.asarray(odds.kinds[parts.kind[a], parts.kind[b]] + sounds, np.float64)


def _agreement(said: Annotation, parts: _Parts) -> tuple[np.ndarray, np.ndarray]:
    """Whether vowels and codas are the same (1) or not, in every row, in the syllable that carries the rhyme."""
    a, b = said.one, said.other
    both = (parts.vowel_before[a] >= 0) & (parts.vowel_before[b] >= 0)
    vowels = np.where(both, parts.vowel_before[a] == parts.vowel_before[b], parts.vowel[a] == parts.vowel[b])
    codas = np.where(both, parts.coda_before[a] == parts.coda_before[b], parts.coda[a] == parts.coda[b])
    return vowels.astype(np.intp), codas.astype(np.intp)


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
        odds = _counted(said, parts, _chosen(said, row_scores(said, parts, odds)), odds)
    odds = replace(odds, together=_together(said, parts, odds))
    return replace(odds, threshold=best_threshold(pair_scores(said, odds), said.rhyme, said.times))


def _chosen(said: Annotation, scores: np.ndarray) -> np.ndarray:
    """For each pair its first row of the highest score."""
    best = np.maximum.reduceat(scores, said.starts)
    at = np.flatnonzero(scores == best[said.pair])
    _, first = np.unique(said.pair[at], return_index=True)
    return np.asarray(at[first])


def _together(said: Annotation, parts: _Parts, odds: LogOdds) -> np.ndarray:
    """Share of rhymes in each cell of `LogOdds.together` over the share that the other tables give it, as a logarithm.

    The tables give a pair that is there by chance exp(score) times its weight among rhymes.
    """
    scores = row_scores(said, parts, odds)
    rows = _chosen(said, scores)
    vowels, codas = (side[rows] for side in _agreement(said, parts))
    observed, predicted = np.ones((2, 2)), np.ones((2, 2))
    np.add.at(observed, (vowels[said.rhyme], codas[said.rhyme]), said.times[said.rhyme])
    weight = said.times * np.exp(scores[rows])
    np.add.at(predicted, (vowels[~said.rhyme], codas[~said.rhyme]), weight[~said.rhyme])
    return np.asarray(np.log(observed / observed.sum()) - np.log(predicted / predicted.sum()), np.float32)


def _first_guess() -> LogOdds:
    vowels = np.where(_vowel_classes() == 0, 2.0, np.where(_vowel_classes() == 1, 0.0, -2.0)).astype(np.float32)
    consonants = np.where(np.eye(GAP + 1) > 0, 2.0, np.where(_consonant_classes() < 4, 0.0, -2.0)).astype(np.float32)
    consonants[GAP, :] = consonants[:, GAP] = -1.5
    kinds = np.where(np.eye(len(KINDS)) > 0, 0.5, -0.5).astype(np.float32)
    return LogOdds(vowels, consonants, 1.0, np.zeros((2, 2), np.float32), kinds, np.zeros((2, 2), np.float32), 0.0)


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
    rhyme, times = np.concatenate([said.rhyme, said.rhyme[both]]), np.concatenate([said.times, said.times[both]])

    def syllables(last: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the last syllables of both words have, then what the ones before them do."""
        return np.concatenate([last[a], before[a[both]]]), np.concatenate([last[b], before[b[both]]])

    vowels = _pairs(*syllables(parts.vowel, parts.vowel_before), rhyme, times, len(VOWELS))
    kinds = _pairs(parts.kind[a], parts.kind[b], said.rhyme, said.times, len(KINDS))
    stress = _pairs(*syllables(parts.stress, np.ones_like(parts.stress)), rhyme, times, 2)
    unstressed_and_stressed = np.array([1 - said.stressed, said.stressed])
    consonants, open_ = _consonants(said.codas, *syllables(parts.coda, parts.coda_before), rhyme, times, odds)
    return LogOdds(
        log_odds(vowels[1], _as_many(vowels[0] + 0.5, vowels[1]), _vowel_classes()),
        consonants,
        open_,
        log_odds(stress[1], _as_many(np.outer(*[unstressed_and_stressed] * 2), stress[1]), np.eye(2, dtype=np.intp)),
        log_odds(kinds[1], _as_many(kinds[0] + 0.5, kinds[1]), np.eye(len(KINDS), dtype=np.intp)),
        np.zeros((2, 2), np.float32),
        0.0,
    )


def _pairs(a: np.ndarray, b: np.ndarray, rhyme: np.ndarray, times: np.ndarray, size: int) -> np.ndarray:
    """Symmetric counts (2, size, size) of pairs of numbers: those not called a rhyme, then those that are."""
    counts = np.zeros((2, size, size))
    np.add.at(counts, (rhyme.astype(np.intp), a, b), times / 2)
    np.add.at(counts, (rhyme.astype(np.intp), b, a), times / 2)
    return counts


def _as_many(chance: np.ndarray, observed: np.ndarray) -> np.ndarray:
    return np.asarray(chance * (observed.sum() / chance.sum()))


def log_odds(observed: np.ndarray, expected: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Logarithms of observed counts over those expected by chance, pairs rarely seen drawn towards the rate of their class.

    The posterior mean of a Poisson rate under a gamma prior around the rate of the class, worth _PRIOR pairs in the larger of the
    two counts. All arrays have one shape; `classes` holds whole numbers from 0.
    """
    rates = np.ones(int(classes.max()) + 1)
    for group in range(len(rates)):
        inside = classes == group
        rates[group] = (observed[inside].sum() + 1.0) / (expected[inside].sum() + 1.0)
    prior = rates[classes]
    worth = _PRIOR / np.maximum(prior, 1.0)
    return np.asarray(np.log((observed + worth * prior) / (expected + worth)), np.float32)


def _consonants(
    codas: Sequence[Coda], a: np.ndarray, b: np.ndarray, rhyme: np.ndarray, times: np.ndarray, odds: LogOdds
) -> tuple[np.ndarray, float]:
    """Log-odds of consonant pairs and gaps per pair of codas, and of two open syllables."""
    table = _pairs(a, b, rhyme, times, len(codas))
    counts = np.zeros((2, GAP + 1, GAP + 1))
    open_ = np.ones(2)
    for one, other in zip(*np.nonzero(table.sum(axis=0)), strict=True):
        if one > other:
            continue
        seen = table[:, one, other] * (1 if one == other else 2)
        if not codas[one] and not codas[other]:
            open_ += seen
        for row, column in _alignment(codas[one], codas[other], odds):
            counts[:, row, column] += seen / 2
            counts[:, column, row] += seen / 2
    total = table.sum(axis=(1, 2)) + 1
    shares = open_ / total
    consonants = log_odds(counts[1], counts[0] * total[1] / total[0], _consonant_classes())
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
What, one, other, log-odds; "-" is a consonant without a partner; "open" is two syllables without coda.
For line ends: "kinds" is how two words end, "together" corrects for vowels and codas that agree together, "threshold" decides."""


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
