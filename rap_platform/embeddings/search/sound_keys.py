"""What a text sounds like, as numbers that an index compares: a key per word and one per pair of neighbouring vowels. Pure.

A line is one stream of phones, so that "ice cream" and "I scream" have the same pairs. All texts are heard by the rules of English.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from rap_platform.features.phonetics import Phones, pronounce, pronunciations, words

VERSION = "1"  # of how words sound
STORED = f"{VERSION} by line"  # what the stored keys of a section are made by, and how they are laid out
LINES_KEPT = 4096  # read lately: those of a few searches
MOST_KEYS = 16_000  # of a text: as many dimensions as a vector of pgvector has

# One character per phone: vowels are upper case, consonants lower case, so that a stream is a string. AO is heard as AA.
_VOWELS = {
    "AA": "A", "AE": "Q", "AH": "U", "AO": "A", "AW": "W", "AY": "Y", "EH": "E", "ER": "R", "EY": "F", "IH": "I", "IY": "J",
    "OW": "O", "OY": "B", "UH": "H", "UW": "V",
}  # fmt: skip
_CONSONANTS = {
    "B": "b", "CH": "c", "D": "d", "DH": "x", "F": "f", "G": "g", "HH": "h", "JH": "j", "K": "k", "L": "l", "M": "m", "N": "n",
    "NG": "q", "P": "p", "R": "r", "S": "s", "SH": "w", "T": "t", "TH": "o", "V": "v", "W": "u", "Y": "y", "Z": "z", "ZH": "i",
}  # fmt: skip
_WEAK = "X"  # what a vowel without stress becomes
_CHARACTERS = {
    **_CONSONANTS,
    **{f"{vowel}{stress}": char for vowel, char in _VOWELS.items() for stress in "012"},
    **dict.fromkeys(("AH0", "IH0", "UH0", "EH0"), _WEAK),
}
# Words of grammar are sung without stress, whatever the dictionary says.
_UNSTRESSED = frozenset(
    """
    a am an and as at but can from had has have him his if in is it must of shall than that the them this to us was you
    """.split()  # noqa: SIM905
)
_WEAK_FORM = re.compile(r"[UIHEQAV]")

# Heard alike whoever speaks: doubled consonants, cents and sense, skate and "sgate", latter and ladder, got you and gotcha.
_DOUBLED = re.compile(r"([a-z])\1+")
_FLAPPED = re.compile(r"(?<=[A-Z])t(?=[A-Z])")
_SWALLOWED = re.compile(r"(?<=n)[td](?=[a-z])")
_MERGED = (("sg", "sk"), ("sd", "st"), ("sb", "sp"), ("ty", "c"), ("dy", "j"), ("Xq", "Xn"))
_PAIR = re.compile(r"(?=([A-Z][a-z]*[A-Z]))")
_SPACE = str.maketrans("", "", " ")


def keys(text: str) -> list[int]:
    """The keys of a text of one or more lines, sorted, each once, 0 to 2**24 - 1; at most 16,000, of which a book has more."""
    return sorted(set().union(*map(_line_keys, text.split("\n"))))[:MOST_KEYS]


def by_line(text: str) -> tuple[list[int], list[int]]:
    """The keys of a text line after line, and where those of each line end; at most 16,000 keys.

    A line that was there before and one that nobody can say count for nothing; a key stands in every line that has it.
    """
    found: list[int] = []
    ends: list[int] = []
    for line in dict.fromkeys(text.split("\n")):
        held = sorted(_line_keys(line))[: MOST_KEYS - len(found)]
        if held:
            found += held
            ends.append(len(found))
    return found, ends


def load() -> None:
    """Load what pronouncing takes, the dictionary and the rules of letters, before somebody waits half a second for it."""
    keys("warm vrombling")  # no dictionary has the second


@lru_cache(maxsize=LINES_KEPT)
def line_words(line: str) -> tuple[str, ...]:
    """The words of a line; whoever reads a section asks for them, so a search asks several times."""
    return tuple(words(line))


@lru_cache(maxsize=LINES_KEPT)
def pairs(line: str) -> tuple[str, ...]:
    """Each vowel of a line with the consonants after it and the next vowel, in order, as characters."""
    return tuple(_PAIR.findall(streamed(line_words(line))))


@lru_cache(maxsize=200_000)
def word_keys(word: str) -> tuple[int, ...]:
    """One key for each way to say a word; none when nothing can be said."""
    said = (_plain(phones) for phones in pronunciations(word))
    return tuple(dict.fromkeys(_key(f"word {one}") for one in said if one))


def stream(spelt: str) -> str:
    """Phones of a line as characters, after what everybody merges; blanks between words are gone, line ends stay."""
    merged = _DOUBLED.sub(r"\1", spelt.translate(_SPACE))
    for written, heard in _MERGED:
        merged = merged.replace(written, heard)
    return _FLAPPED.sub("d", _SWALLOWED.sub("", merged))


def streamed(spelt: Iterable[str]) -> str:
    """The stream of some words of a line."""
    return stream(_line(spelt))


def owners(spelt: Sequence[str]) -> list[tuple[int, int]]:
    """Of each pair of a line's words, in order, the positions of the words that its two vowels stand in."""
    return list(pairwise(at for at, word in enumerate(spelt) for _ in range(_vowels(word))))


def vowels(spelt: Iterable[str]) -> int:
    """How many vowels these words have when sung."""
    return sum(map(_vowels, spelt))


@lru_cache(maxsize=200_000)
def _vowels(word: str) -> int:
    return sum(char.isupper() for char in spoken(word))


def weak(spelt: Iterable[str]) -> bool:
    """Whether these words are sung without any stress: "in an" sounds like half of all grammar, and means nothing."""
    return all(map(_unstressed, spelt))


@lru_cache(maxsize=200_000)
def _unstressed(word: str) -> bool:
    return not any(char.isupper() and char != _WEAK for char in spoken(word))


@lru_cache(maxsize=200_000)
def spoken(word: str) -> str:
    """The phones of a word as it is sung in a line, as characters."""
    phones = pronounce(word).phones
    sung = _characters(phones)
    return _WEAK_FORM.sub(_WEAK, sung) if word.strip("'") in _UNSTRESSED else sung


def _line_keys(line: str) -> set[int]:
    spelt = line_words(line)
    return {key for word in set(spelt) for key in word_keys(word)}.union(map(pair_key, pairs(line)))


def _line(spelt: Iterable[str]) -> str:
    return " ".join(map(spoken, spelt))


def _plain(phones: Phones) -> str:
    return stream(_characters(phones))


def _characters(phones: Phones) -> str:
    return "".join([_CHARACTERS[phone] for phone in phones])


@lru_cache(maxsize=200_000)
def pair_key(pair: str) -> int:
    """The key of a pair of neighbouring vowels as `pairs` gives it."""
    return _key(f"pair {pair}")


def _key(name: str) -> int:
    """The low 24 bits of CRC-32: the same in every process, and exact as a 32-bit float, which is how sections send their keys."""
    return zlib.crc32(name.encode("ascii")) & 0xFFFFFF
