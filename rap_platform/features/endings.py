"""Whether two words that end lines rhyme, and how well. Rhymes inside lines are found in rhyme.py."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rap_platform.features.likeness import KINDS, LogOdds, coda_score, coda_scores, shipped, vowel_number
from rap_platform.features.phonetics import Phones, pronunciations
from rap_platform.features.syllables import Syllable, syllabify

STRESSED, SMALL, FEMININE, PROMOTED = range(len(KINDS))

WEAK = 1.0
# Words so weak that the word before them often carries the rhyme ("know it", "tell her").
_SMALL = frozenset(
    """
    a an the it it's him her them 'em me us you ya i he she they we is was are am be of to in on at for from by as and or but
    so not that this do did has had have can will would there then
    """.split()  # noqa: SIM905
)


class Ending(NamedTuple):
    """The end of a word that a rhyme hears: a number in KINDS, the last syllable, and the one before it in a feminine ending."""

    kind: int
    last: Syllable
    before: Syllable | None


@lru_cache(maxsize=100_000)
def endings(word: str) -> tuple[Ending, ...]:
    """The endings of every known pronunciation of a word, the usual one first; empty for what cannot be said."""
    said = [way for phones in pronunciations(word) for way in _ways(phones)]
    return tuple(dict.fromkeys(e for phones in said if (e := _ending(word, phones)) is not None))


def _ways(phones: Phones) -> Iterator[Phones]:
    """The phones, and the shorter form of words like fire, power and desires, which count as one syllable or two."""
    yield phones
    for at in range(len(phones) - 2, -1, -1):
        if phones[at][:2] in ("AY", "AW", "OY") and phones[at + 1] == "ER0":
            yield (*phones[: at + 1], "R", *phones[at + 2 :])
            return


def _ending(word: str, phones: Phones) -> Ending | None:
    syllables = syllabify(phones)
    if not syllables:
        return None
    last = syllables[-1]
    if len(syllables) == 1:
        return Ending(SMALL if word in _SMALL else STRESSED, last, None)
    if last.stress:
        return Ending(STRESSED, last, None)
    if syllables[-2].stress:
        return Ending(FEMININE, last, syllables[-2])
    return Ending(PROMOTED, last, None)


def ending_score(one: Ending, other: Ending, odds: LogOdds) -> float:
    """Log-odds that two endings rhyme: their kinds, their last syllables, and the stressed ones before where both are feminine.

    There an unstressed last syllable speaks for a rhyme by WEAK at most: chance gives most such words one of a few.
    """
    score, last = float(odds.kinds[one.kind, other.kind]), _sound(one.last, other.last, odds)
    if one.before is None or other.before is None:
        return score + last + _together(one.last, other.last, odds)
    before = _sound(one.before, other.before, odds) + _together(one.before, other.before, odds)
    return score + min(last, WEAK) + before


def _together(one: Syllable, other: Syllable, odds: LogOdds) -> float:
    return float(odds.together[int(one.vowel == other.vowel), int(one.tail == other.tail)])


def _sound(one: Syllable, other: Syllable, odds: LogOdds) -> float:
    vowels = float(odds.vowels[vowel_number(one.vowel), vowel_number(other.vowel)])
    if odds is shipped():
        return vowels + coda_score(one.tail, other.tail)
    return vowels + float(coda_scores([one.tail], [other.tail], odds)[0, 0])


@lru_cache(maxsize=200_000)
def rhyme_score(first: str, second: str) -> float:
    """How much likelier two line ends are a rhyme than chance, natural logarithm: the best over the pronunciations of both.

    Minus infinity for a word that cannot be said.
    """
    odds = shipped()
    scores = (ending_score(one, other, odds) for one in endings(first) for other in endings(second))
    return max(scores, default=float("-inf"))


def rhymes(first: str, second: str) -> bool:
    """Whether two words that end lines rhyme to the ear, in any known pronunciation of each; a word rhymes with itself."""
    return first == second or rhyme_score(first, second) >= shipped().threshold
