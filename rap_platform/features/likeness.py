"""How alike two rhyming syllables sound, in log-odds that rhyme_learning.py estimated from stanzas people annotated.

Nothing here decides what is a rhyme; endings.py does for words that end lines, rhyme.py within them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np

Coda = tuple[str, ...]

VOWELS: tuple[str, ...] = (
    "AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW",
)  # fmt: skip
CONSONANTS: tuple[str, ...] = (
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
GAP = len(CONSONANTS)
# How a word ends: on a stressed syllable, on a small word, on one unstressed syllable after a stressed one, on one further from it.
KINDS: tuple[str, ...] = ("stressed", "small", "feminine", "promoted")

_RESOURCE = "rhyme_log_odds.tsv"
_NAMES: dict[str, tuple[str, ...]] = {
    "vowels": VOWELS,
    "consonants": (*CONSONANTS, "-"),
    "stress": ("0", "1"),
    "kinds": KINDS,
    "together": ("differ", "same"),
}
_SYMMETRIC = frozenset({"vowels", "consonants", "stress", "kinds"})
_VOWEL_NUMBER = {vowel: number for number, vowel in enumerate(VOWELS)}
_CONSONANT_NUMBER = {consonant: number for number, consonant in enumerate(CONSONANTS)}


@dataclass(frozen=True, slots=True)
class LogOdds:
    """ln P(pair | people say it rhymes) / P(pair | chance), natural logarithms, every table but `together` symmetric.

    `vowels` (15, 15) in the order of VOWELS; `consonants` (25, 25) in the order of CONSONANTS, the last row and column a consonant that
    has no partner; `open` two syllables without coda; `stress` (2, 2) unstressed and stressed; `kinds` (4, 4) in the order of KINDS, used for
    whole line ends in place of stress; `together` (2, 2), also for line ends alone, corrects for vowels and codas that agree together
    more often than apart: vowels differ or are the same, then codas; `threshold` is the least score of a rhyme at a line's end.
    """

    vowels: np.ndarray
    consonants: np.ndarray
    open: float
    stress: np.ndarray
    kinds: np.ndarray
    together: np.ndarray
    threshold: float


@lru_cache(maxsize=1)
def shipped() -> LogOdds:
    """The table that ships."""
    return parse(resources.files("rap_platform").joinpath("data", _RESOURCE).read_text("utf-8"))


def parse(text: str) -> LogOdds:
    """Read what `written` wrote."""
    tables = {what: np.zeros((len(names), len(names)), np.float32) for what, names in _NAMES.items()}
    single: dict[str, float] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        what, one, other, value = line.split("\t")
        if what in tables:
            row, column = _NAMES[what].index(one), _NAMES[what].index(other)
            tables[what][row, column] = float(value)
            if what in _SYMMETRIC:
                tables[what][column, row] = float(value)
        else:
            single[what] = float(value)
    return LogOdds(open=single["open"], threshold=single["threshold"], **tables)


def written(odds: LogOdds, heading: str) -> str:
    """The table as text, one pair a line with three decimals: the same table always gives the same bytes."""
    lines = [f"# {line}" for line in heading.splitlines()]
    for what, names in _NAMES.items():
        table = getattr(odds, what)
        for row, one in enumerate(names):
            for column in range(row if what in _SYMMETRIC else 0, len(names)):
                lines.append(f"{what}\t{one}\t{names[column]}\t{table[row, column] + 0.0:.3f}")
    lines += [f"open\t\t\t{odds.open:.3f}", f"threshold\t\t\t{odds.threshold:.3f}"]
    return "\n".join(lines) + "\n"


def vowel_scores() -> np.ndarray:
    """Vowel against vowel in the order of VOWELS: float32 (15, 15), symmetric, log-odds."""
    return shipped().vowels


def stress_scores() -> np.ndarray:
    """Stress against stress: float32 (2, 2), unstressed first, then stressed (1 or 2); log-odds."""
    return shipped().stress


def coda_scores(ones: Sequence[Coda], others: Sequence[Coda], odds: LogOdds | None = None) -> np.ndarray:
    """Coda against coda: float32 (len(ones), len(others)), log-odds of the best alignment of their consonants.

    Consonants pair with each other or with nothing, in order; the score is the sum over what is paired (Hirjee and Brown, 2010). Each
    distinct coda is aligned once, all codas of one length together. Raises KeyError for what is no ARPAbet consonant.
    """
    odds = shipped() if odds is None else odds
    distinct = list(dict.fromkeys(ones)), list(dict.fromkeys(others))
    scores = np.empty((len(distinct[0]), len(distinct[1])), np.float32)
    sides = [_by_length(side) for side in distinct]
    for rows, first in sides[0]:
        for columns, second in sides[1]:
            scores[np.ix_(rows, columns)] = _aligned(first, second, odds)
    row = {coda: number for number, coda in enumerate(distinct[0])}
    column = {coda: number for number, coda in enumerate(distinct[1])}
    return scores[np.ix_([row[coda] for coda in ones], [column[coda] for coda in others])]


def _by_length(codas: Sequence[Coda]) -> list[tuple[list[int], np.ndarray]]:
    """Positions of the codas of each length, and their consonants as numbers (codas, length)."""
    found: dict[int, list[int]] = {}
    for position, coda in enumerate(codas):
        found.setdefault(len(coda), []).append(position)
    return [
        (at, np.array([[_CONSONANT_NUMBER[c] for c in codas[position]] for position in at], np.intp).reshape(len(at), size))
        for size, at in found.items()
    ]  # fmt: skip


def _aligned(first: np.ndarray, second: np.ndarray, odds: LogOdds) -> np.ndarray:
    """Best alignments of all codas of one length with all of another, by dynamic programming over both at once."""
    height, width = first.shape[1], second.shape[1]
    size = (len(first), len(second))
    if not height and not width:
        return np.full(size, odds.open, np.float32)
    gaps = odds.consonants[GAP]
    row: list[np.ndarray] = [np.zeros(size, np.float32)]
    for j in range(width):
        row.append(row[j] + gaps[second[:, j]][None, :])
    for i in range(height):
        above, row = row, [row[0] + gaps[first[:, i]][:, None]]
        for j in range(width):
            paired = above[j] + odds.consonants[np.ix_(first[:, i], second[:, j])]
            skipped = np.maximum(above[j + 1] + gaps[first[:, i]][:, None], row[j] + gaps[second[:, j]][None, :])
            row.append(np.maximum(paired, skipped))
    return row[width]


@lru_cache(maxsize=50_000)
def coda_score(one: Coda, other: Coda) -> float:
    """The score of one pair of codas, as in `coda_scores`."""
    return float(coda_scores([one], [other])[0, 0])


def vowel_number(vowel: str) -> int:
    """The place of a vowel in VOWELS."""
    return _VOWEL_NUMBER[vowel]


def consonant_number(consonant: str) -> int:
    """The place of a consonant in CONSONANTS."""
    return _CONSONANT_NUMBER[consonant]
