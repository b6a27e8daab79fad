"""How well we hear rhymes, measured on poetry whose end rhymes people annotated."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from rap_platform.benchmarks import Bench
from rap_platform.features.endings import rhymes
from rap_platform.features.phonetics import dictionary, pronounce
from rap_platform.settings import Settings

NINETEENTH_CENTURY = frozenset({"byron", "coleridge", "turner", "wordsworth"})

Pairs = Counter[tuple[str, str, bool]]


@dataclass(frozen=True)
class Score:
    """Pairwise precision, recall and their harmonic mean, 0 to 1; NaN-free: 0 where nothing was found."""

    precision: float
    recall: float
    f1: float


def gold_text(settings: Settings, path: Path | None = None) -> str:
    """The annotated stanzas: the file given, else the one the settings name, else our sample.

    Columns poet, end_words, scheme (one number per word), tab-separated with a header. Raises FileNotFoundError for a file named and absent.
    """
    named = path or settings.rhyme_gold
    if named is not None:
        return named.read_text("utf-8")
    return resources.files("rap_platform").joinpath("data", "rhyme_sample.tsv").read_text("utf-8")


def pairs_by_poet(text: str) -> dict[str, Pairs]:
    """All pairs of end words within a stanza with whether people say they rhyme, counted per poet."""
    found: dict[str, Pairs] = {}
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        words, scheme = row["end_words"].split(), row["scheme"].split()
        if len(words) != len(scheme):
            continue
        counted = found.setdefault(row["poet"], Counter())
        for later in range(len(words)):
            for earlier in range(later):
                first, second = sorted((words[earlier], words[later]))
                counted[first, second, scheme[earlier] == scheme[later]] += 1
    return found


def score(predict: Callable[[str, str], bool], counts: Iterable[Pairs]) -> Score:
    """Precision, recall and F1 of a predictor over all pairs."""
    right = wrong = missed = 0
    for counted in counts:
        for (first, second, gold), times in counted.items():
            said = predict(first, second)
            right += times * (said and gold)
            wrong += times * (said and not gold)
            missed += times * (gold and not said)
    precision = right / (right + wrong) if right + wrong else 0.0
    recall = right / (right + missed) if right + missed else 0.0
    return Score(precision, recall, 2 * right / (2 * right + wrong + missed) if right else 0.0)


def same_last_letters(first: str, second: str) -> bool:
    """The naive reference: the last three letters are equal."""
    return first[-3:] == second[-3:]


def same_rhyming_part(first: str, second: str) -> bool:
    """The usual reference: equal phones from the last stressed vowel on, in some dictionary pronunciation; no guess for unknown words."""
    return bool(_rhyming_parts(first) & _rhyming_parts(second))


def _rhyming_parts(word: str) -> set[tuple[str, ...]]:
    parts = set()
    for phones in dictionary().get(word, ()):
        start = max((at for at, phone in enumerate(phones) if phone[-1] in "12"), default=0)
        parts.add(tuple(phone.rstrip("012") for phone in phones[start:]))
    return parts


def rhyme(settings: Settings, path: Path | None = None) -> Bench:
    """F1 of end-rhyme pairs against human annotation, beside the spelling and the rhyming-part references of the same run."""
    by_poet = pairs_by_poet(gold_text(settings, path))
    everyone = list(by_poet.values())
    century = [counted for poet, counted in by_poet.items() if poet in NINETEENTH_CENTURY]
    ours, naive, usual = (score(predict, everyone) for predict in (rhymes, same_last_letters, same_rhyming_part))
    words = Counter(
        word for counted in everyone for (first, second, _), n in counted.items() for word in [first, second] * n
    )
    guessed = sum(times for word, times in words.items() if pronounce(word).source in ("letters", "none"))
    figures = {"f1": ours.f1, "precision": ours.precision, "recall": ours.recall}
    reference = {"last_letters_f1": naive.f1, "rhyming_part_f1": usual.f1}
    if century:
        figures["f1_19th_century"] = score(rhymes, century).f1
        reference["last_letters_f1_19th_century"] = score(same_last_letters, century).f1
        reference["rhyming_part_f1_19th_century"] = score(same_rhyming_part, century).f1
    figures["pairs"] = float(sum(sum(counted.values()) for counted in everyone))
    figures["guessed_words_share"] = guessed / sum(words.values())
    return Bench("rhyme", figures, reference, ours.f1 / naive.f1 if naive.f1 else 0.0)
