"""scaffold"""

from functools import lru_cache

from rap_platform.features.phonetics import pronunciations
from rap_platform.features.syllables import Syllable, syllabify, tail_likeness, vowel_likeness

# End rhymes: near vowels need equal tails, equal vowels need tails this alike. Chosen on half of the poets of the annotated corpus
# that benchmarks.py measures; the other half confirms them.
_END_VOWEL, _END_TAIL, _FEMININE_TAIL = 0.5, 0.7, 0.5


@lru_cache(maxsize=50_000)
def _readings(word: str) -> tuple[tuple[Syllable, ...], ...]:
    return tuple(dict.fromkeys(found for phones in pronunciations(word) if (found := syllabify(phones))))


@lru_cache(maxsize=200_000)
def rhymes(first: str, second: str) -> bool:
    """Whether two words that end lines rhyme to the ear, in any known pronunciation of each; a word rhymes with itself.

    Masculine endings compare the last syllable, feminine ones (a stressed syllable before an unstressed last) both.
    """
    if first == second:
        return True
    return any(_endings_rhyme(one, other) for one in _readings(first) for other in _readings(second))


def _endings_rhyme(one: tuple[Syllable, ...], other: tuple[Syllable, ...]) -> bool:
    feminine = _is_feminine(one)
    if feminine != _is_feminine(other):
        return False
    if not feminine:
        return _alike(one[-1], other[-1], _END_TAIL)
    last = vowel_likeness(one[-1].vowel, other[-1].vowel) >= _END_VOWEL and one[-1].tail == other[-1].tail
    return last and _alike(one[-2], other[-2], _FEMININE_TAIL)


def _is_feminine(word: tuple[Syllable, ...]) -> bool:
    return len(word) > 1 and not word[-1].stress and word[-2].stress > 0


def _alike(one: Syllable, other: Syllable, tail: float) -> bool:
    vowels = vowel_likeness(one.vowel, other.vowel)
    if vowels == 1.0:
        return tail_likeness(one.tail, other.tail) >= tail
    return vowels >= _END_VOWEL and one.tail == other.tail and bool(one.tail)
