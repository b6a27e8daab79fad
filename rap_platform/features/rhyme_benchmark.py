"""How well we hear end rhymes, measured on poets whose verse people annotated and whom the scoring model never saw."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rap_platform.benchmarks import Bench
from rap_platform.features.likeness import LogOdds, shipped
from rap_platform.features.phonetics import dictionary, pronounce
from rap_platform.features.rhyme_learning import (
    AFTER_1800,
    Pairs,
    annotation,
    gold_text,
    learn,
    pair_scores,
    pairs_by_poet,
)
from rap_platform.features.world_benchmark import craft_correlations
from rap_platform.orchestration.progress import track
from rap_platform.settings import Settings

FOLDS = 5
_ERAS: dict[str, frozenset[str]] = {
    "after_1800": AFTER_1800,
    "17th_century": frozenset({"dryden", "jonson", "lovelace", "milton", "more"}),
    "16th_century": frozenset({"constable", "drayton", "fletcher", "griffin", "lodge", "shakespeare", "smith"}),
}
OTHER = "other_poets"


@dataclass(frozen=True, slots=True)
class Counts:
    """Pairs called a rhyme by both, only by us, only by people."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of the pairs we call a rhyme that people do, 0 to 1; 0 where there are none."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 0.0

    @property
    def recall(self) -> float:
        """Share of the pairs people call a rhyme that we do, 0 to 1; 0 where there are none."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right else 0.0


def era(poet: str) -> str:
    """The heading under which a poet is counted; poets that we don't know have one of their own."""
    return next((name for name, poets in _ERAS.items() if poet in poets), OTHER)


def folds(poets: Mapping[str, Pairs]) -> list[list[str]]:
    """The poets in FOLDS groups, by the alphabet in turn."""
    names = sorted(poets)
    return [names[start::FOLDS] for start in range(FOLDS)]


def count(predict: Callable[[str, str], bool], pairs: Pairs) -> Counts:
    """How a predictor agrees with people on all pairs."""
    right = wrong = missed = 0
    for (first, second, gold), times in pairs.items():
        said = predict(first, second)
        right += times * (said and gold)
        wrong += times * (said and not gold)
        missed += times * (gold and not said)
    return Counts(right, wrong, missed)


def heard(pairs: Pairs, odds: LogOdds) -> Counts:
    """How the ear agrees with people under a table of log-odds: what `endings.rhymes` says, all pairs at once."""
    said = annotation([pairs])
    hit = pair_scores(said, odds) >= odds.threshold
    found = (int(said.times[hit & said.rhyme].sum()), int(said.times[hit & ~said.rhyme].sum()))
    alike = count(lambda first, second: first == second, pairs)
    rhyming = sum(times for (_, _, gold), times in pairs.items() if gold)
    right = found[0] + alike.right
    return Counts(right, found[1] + alike.wrong, rhyming - right)


def same_rhyming_part(first: str, second: str) -> bool:
    """The usual reference: equal phones from the last stressed vowel on, in some dictionary pronunciation; no guess for unknown words."""
    return bool(_rhyming_parts(first) & _rhyming_parts(second))


@lru_cache(maxsize=100_000)
def _rhyming_parts(word: str) -> frozenset[tuple[str, ...]]:
    parts = set()
    for phones in dictionary().get(word, ()):
        start = max((at for at, phone in enumerate(phones) if phone[-1] in "12"), default=0)
        parts.add(tuple(phone.rstrip("012") for phone in phones[start:]))
    return frozenset(parts)


def cross_fitted(scored: Mapping[str, Pairs], taught: Mapping[str, Pairs]) -> dict[str, Counts]:
    """Each poet scored by a model that learned table and threshold from poets of `taught` outside his fold; a stranger by all of them."""
    found: dict[str, Counts] = {}
    for fold in track(folds(taught), FOLDS, "folds of poets"):
        known = [poet for poet in fold if poet in scored]
        if known:
            odds = learn({poet: pairs for poet, pairs in taught.items() if poet not in fold})
            found |= {poet: heard(scored[poet], odds) for poet in known}
    return found | {poet: heard(pairs, shipped()) for poet, pairs in scored.items() if poet not in taught}


def read_gold(path: Path) -> dict[str, Pairs]:
    """The pairs of a file in the format of the stanzas that ship.

    Raises FileNotFoundError, and ValueError that names file and line and says what must stand there.
    """
    try:
        found = pairs_by_poet(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}; give one with the columns poet, end_words, scheme") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if not sum(sum(pairs.values()) for pairs in found.values()):
        raise ValueError(f"{path}: there is no stanza with two end words in it; there must be at least one")
    return found


def rhyme(settings: Settings, gold: Path | None = None) -> Bench:
    """F1 of end-rhyme pairs by era for poets the model never saw, beside the rhyming-part look-up on the same pairs.

    Then, over the songs of the settings' world, how the two rhyme densities follow the craft that they were written with.
    """
    taught = pairs_by_poet(gold_text())
    scored = taught if gold is None else read_gold(gold)
    ours = cross_fitted(scored, taught)
    usual = {poet: count(same_rhyming_part, pairs) for poet, pairs in scored.items()}
    total, total_usual = sum(ours.values(), Counts()), sum(usual.values(), Counts())
    figures = {"f1": total.f1, "precision": total.precision, "recall": total.recall}
    reference = {"f1": total_usual.f1, "precision": total_usual.precision, "recall": total_usual.recall}
    for name in (*_ERAS, OTHER):
        members = [poet for poet in scored if era(poet) == name]
        if members:
            figures[f"f1_{name}"] = sum((ours[poet] for poet in members), Counts()).f1
            reference[f"f1_{name}"] = sum((usual[poet] for poet in members), Counts()).f1
    figures["pairs"] = float(sum(sum(pairs.values()) for pairs in scored.values()))
    figures["guessed_words_share"] = _guessed_share(scored)
    figures |= craft_correlations(settings)
    return Bench("rhyme", figures, reference, total.f1 / total_usual.f1 if total_usual.f1 else 0.0)


def _guessed_share(scored: Mapping[str, Pairs]) -> float:
    """Share of the words in the pairs whose sound was guessed from letters or is unknown, 0 to 1."""
    words: Counter[str] = Counter()
    for pairs in scored.values():
        for (first, second, _), times in pairs.items():
            words[first] += times
            words[second] += times
    return sum(n for word, n in words.items() if pronounce(word).source in ("letters", "none")) / words.total()
