"""How words sound: the CMU dictionary, the spellings of rap, word building, numbers, and a guess from letters for the rest.

Rhyme, flow and counting live elsewhere; this module only turns a written word into phones.
"""

import gzip
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal, NamedTuple

from rap_platform.features import letter_to_sound

Phones = tuple[str, ...]
Source = Literal["dictionary", "rap", "rule", "letters", "none"]

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "′": "'"})
_TOKEN = re.compile(r"[$£€]?\d{1,3}(?:,\d{3})+(?!\w)|'?[^\W_]+(?:[.'\-‐‑][^\W_]+)*'?|[$£€]\d[\d,.]*")
_VOICELESS = frozenset({"P", "T", "K", "F", "TH"})
_SIBILANT = frozenset({"S", "Z", "SH", "ZH", "CH", "JH"})
_MAX_WORD = 40
_MOST_TOLD = 200_000  # words
_MOST_GUESSED = 24  # letters; each costs half a millisecond, and a longer word is a shout or a keyboard


class Token(NamedTuple):
    """A word as written: lower-cased text and its character span in the line."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """ARPAbet phones (vowels carry a stress digit) and where they come from."""

    phones: Phones
    source: Source

    @property
    def syllables(self) -> int:
        """Number of vowels."""
        return sum(phone[-1].isdigit() for phone in self.phones)


def words(line: str) -> list[str]:
    """The words of a line in lower case; punctuation is no word."""
    if line.isascii() and "`" not in line:
        return _TOKEN.findall(line.lower())
    return [word.lower() for word in _TOKEN.findall(line.translate(_APOSTROPHES))]


def tokens(line: str) -> list[Token]:
    """The words of a line with their character spans; punctuation is no word."""
    plain = line.translate(_APOSTROPHES)
    return [Token(match.group().lower(), match.start(), match.end()) for match in _TOKEN.finditer(plain)]


@lru_cache(maxsize=1)
def dictionary() -> dict[str, tuple[Phones, ...]]:
    """The CMU pronouncing dictionary: word to its pronunciations, the usual one first."""
    packed = resources.files("rap_platform").joinpath("data", "cmudict.txt.gz").read_bytes()
    entries: dict[str, tuple[Phones, ...]] = {}
    for line in gzip.decompress(packed).decode("utf-8").splitlines():
        word, _, sound = line.partition(" ")
        phones = tuple(sound.split(" "))
        if word[-1] == ")":
            word = word[: word.index("(")]
            entries[word] = (*entries.get(word, ()), phones)
        else:
            entries[word] = (phones,)
    return entries


@lru_cache(maxsize=1)
def rap_words() -> dict[str, Phones]:
    """Rap and old-poetry spellings that the dictionary lacks or says otherwise."""
    text = resources.files("rap_platform").joinpath("data", "rap_words.txt").read_text("utf-8")
    rows = (line.split(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {word: tuple(phones) for word, *phones in rows}


@lru_cache(maxsize=100_000)
def pronounce(word: str) -> Pronunciation:
    """The usual pronunciation of one written word.

    The source says how it was found: dictionary, rap (spellings of our own list), rule (endings, compounds, numbers), letters (guessed from
    spelling), none (nothing to say). Never raises; a word in another script is transliterated only as far as its accents go.
    """
    return _pronounce(normal(word))


@lru_cache(maxsize=100_000)
def pronunciations(word: str) -> tuple[Phones, ...]:
    """Every known pronunciation of a word, the usual one first."""
    plain = normal(word)
    first = _pronounce(plain).phones
    others = dictionary().get(plain, ())
    return tuple(dict.fromkeys((first, *others))) if first else ()


_told: dict[str, Phones] = {}


def unlisted(words: Iterable[str]) -> set[str]:
    """Of these words, in the form `tell` takes, those that no list has and of which nobody told yet whether they were guessed."""
    listed, spelt = dictionary(), rap_words()
    rare = {normal(word) for word in words if word not in listed}
    return {word for word in rare if word not in listed and word not in spelt and word not in _told}


def guessed(words: Iterable[str]) -> dict[str, Phones]:
    """Of these words, in the form `tell` takes, those that are said as their letters let guess, and how."""
    said = ((word, _pronounce(word)) for word in {normal(word) for word in words})
    return {word: one.phones for word, one in said if one.source == "letters" and one.phones}


def tell(words: Iterable[str], sounds: Mapping[str, Phones]) -> None:
    """Have words said as they were guessed before, so that nobody guesses again; of `words` without a sound `unlisted` is silent."""
    told = {word: sounds.get(word, ()) for word in words}
    if len(_told) + len(told) > _MOST_TOLD:
        _told.clear()
    _told.update(told)


def normal(word: str) -> str:
    """A word as the dictionary spells it: lower case, plain apostrophes, without accents, cut where nobody reads on."""
    lowered = word.translate(_APOSTROPHES).lower()[:_MAX_WORD]
    if lowered.isascii():
        return lowered
    decomposed = unicodedata.normalize("NFKD", lowered)
    folded = "".join(char for char in decomposed if not unicodedata.combining(char))
    return folded.translate({0xE6: "ae", 0xF8: "o", 0xDF: "ss", 0x153: "oe", 0x131: "i", 0x2010: "-", 0x2011: "-"})


@lru_cache(maxsize=100_000)
def _pronounce(word: str) -> Pronunciation:
    phones = rap_words().get(word)
    if phones:
        return Pronunciation(phones, "rap")
    if word in dictionary():
        return Pronunciation(dictionary()[word][0], "dictionary")
    if told := _told.get(word):
        return Pronunciation(told, "letters")
    bare = word.strip("'")
    if bare != word:
        if word.endswith("in'") and (whole := _known(bare + "g")):
            return Pronunciation((*whole[:-1], "N"), "rap")
        if known := _known(bare):
            return Pronunciation(known, "rap" if bare in rap_words() else "dictionary")
    if not bare:
        return Pronunciation((), "none")
    if any(char.isdigit() for char in bare):
        return _with_digits(bare)
    if "-" in bare or "." in bare:
        if "." in bare and (found := _known(bare + ".")):
            return Pronunciation(found, "dictionary")
        return _joined([part for part in re.split(r"[-.]+", bare) if part], spelt="." in bare)
    if built := _built(bare):
        return Pronunciation(built, "rule")
    letters = "".join(char for char in bare if "a" <= char <= "z")
    if not letters:
        return Pronunciation((), "none")
    if len(letters) > 1 and not set(letters) & set("aeiouy"):
        shorter = re.sub(r"(.)\1+", r"\1\1", letters)
        if shorter != letters:
            return _pronounce(shorter)
        return _joined([f"{letter}." for letter in letters]) if len(letters) <= 4 else Pronunciation((), "none")
    return Pronunciation(letter_to_sound.guess(letters[:_MOST_GUESSED]), "letters")


def _known(word: str) -> Phones | None:
    if phones := rap_words().get(word):
        return phones
    found = dictionary().get(word)
    return found[0] if found else None


def _joined(parts: list[str], *, spelt: bool = False) -> Pronunciation:
    words = "io" if spelt else "aio"  # L.A. has the letter A, rub-a-dub the word
    said = [
        _pronounce(part) if len(part) > 1 or part in words else Pronunciation(_letter(part), "rule") for part in parts
    ]
    guessed = any(part.source == "letters" for part in said)
    phones = tuple(phone for part in said for phone in part.phones)
    return Pronunciation(phones, "none" if not phones else "letters" if guessed else "rule")


def _letter(char: str) -> Phones:
    return _known(f"{char}.") or _known(char) or ()


# --- word building ---------------------------------------------------------------------------------------------------------------


def _built(word: str) -> Phones | None:
    """A word made of known parts: a changed spelling, an ending, a prefix, a compound; None where it is not."""
    if phones := _dropped_g(word) or _dropped_r(word):
        return phones
    for respelled in _respellings(word):
        if phones := _known(respelled):
            return phones
    built = _with_clitic(word) or _with_ending(word) or _with_prefix(word) or _compound(word)
    return built or _known(re.sub(r"(.)\1+", r"\1", word))


def _dropped_g(word: str) -> Phones | None:
    """ridin is riding, not rid and in."""
    if word.endswith("in") and (whole := _known(word + "g") or _with_ending(word + "g") or _compound(word + "g")):
        return (*whole[:-1], "N")
    return None


def _dropped_r(word: str) -> Phones | None:
    """killa, killas, killaz are killer and killers without their r."""
    stem = re.sub(r"a[sz]?$", "", word)
    if stem == word or len(stem) < 3:
        return None
    whole = _known(stem + "er") or _with_ending(stem + "er")
    if whole is None or whole[-1] != "ER0":
        return None
    return (*whole[:-1], "AH0") if word.endswith("a") else (*whole[:-1], "AH0", "Z")


def _respellings(word: str) -> Iterator[str]:
    """Spellings of the same word: elision filled in, stretched letters shortened, British forms, a dropped g."""
    if "'" in word:
        yield word.replace("'", "e")
        yield word.replace("'", "")
        yield word.replace("'", "o")
    if re.search(r"(.)\1\1", word):
        if word.endswith("ooo"):
            yield word.rstrip("o") + "o"
        yield re.sub(r"(.)\1{2,}", r"\1\1", word)
        yield re.sub(r"(.)\1{2,}", r"\1", word)
        yield re.sub(r"(.)\1+", r"\1", word)
    if "our" in word:
        yield word.replace("our", "or")
    if "is" in word:
        yield re.sub(r"is(e|ed|es|ing|er|ation)$", r"iz\1", word)
    if word.endswith("re"):
        yield word[:-2] + "er"
    if word.endswith("z"):
        yield word[:-1] + "s"
    if word.startswith(("for", "in")):
        yield {"f": "fore", "i": "en"}[word[0]] + word[3 if word[0] == "f" else 2 :]
    yield from _old_spellings(word)
    if "ll" in word or "tt" in word or "pp" in word:
        yield re.sub(r"(l|t|p)\1(ed|ing|er|ers)$", r"\1\2", word)


def _old_spellings(word: str) -> Iterator[str]:
    """Spellings of older poetry: againe, jealousie, prest, crownd, funerall."""
    if len(word) < 4:
        return
    if word.endswith("ie"):
        yield word[:-2] + "y"
    if word.endswith("e"):
        if not re.search(r"[^aeiouy][aeiouy][^aeiouy]e$", word):  # the e of clime is heard, that of againe is not
            yield word[:-1]
        if word[-2] == word[-3]:
            yield word[:-2]
    if word.endswith("d") and not word.endswith("ed"):
        yield word[:-1] + "ed"
    if word.endswith("st"):
        yield word[:-1] + "sed"
    if word.endswith(("vn", "vns")):
        yield word.replace("vn", "ven")
    if word.endswith(("all", "ell", "ill")):
        yield word[:-1]
    if "ight" in word and len(word) > 5:
        yield word.replace("ight", "ite")
    if "y" in word[1:-1]:
        yield word[0] + word[1:-1].replace("y", "i") + word[-1]


_CLITICS: dict[str, Phones] = {
    "'ll": ("AH0", "L"),
    "'ve": ("AH0", "V"),
    "'re": ("ER0",),
    "'m": ("M",),
    "n't": ("AH0", "N", "T"),
    "'em": ("AH0", "M"),
}


def _with_clitic(word: str) -> Phones | None:
    for clitic, sound in _CLITICS.items():
        if word.endswith(clitic) and (base := _base(word[: -len(clitic)])):
            return (*base, *sound)
    if "'" not in word:
        return None
    stem, _, tail = word.rpartition("'")
    if tail == "s" and (base := _base(stem)):
        return _plural(base)
    if tail == "d" and (base := _base(stem)):
        return _past(base)
    if tail in ("st", "t") and (base := _base(stem)):
        return (*base, *(("S", "T") if tail == "st" else ("T",)))
    joined = [_known(part) for part in word.split("'") if part]
    if len(joined) > 1 and all(joined):
        return tuple(phone for part in joined if part for phone in part)
    return None


def _base(word: str) -> Phones | None:
    if not word:
        return None
    found = _known(word)
    if found:
        return found
    said = _pronounce(word)
    return said.phones if said.phones else None


def _plural(base: Phones) -> Phones:
    if base[-1] in _SIBILANT:
        return (*base, "IH0", "Z")
    return (*base, "S") if base[-1] in _VOICELESS else (*base, "Z")


def _past(base: Phones) -> Phones:
    if base[-1] in ("T", "D"):
        return (*base, "IH0", "D")
    return (*base, "T") if base[-1] in _VOICELESS or base[-1] in ("S", "SH", "CH") else (*base, "D")


_ENDINGS: tuple[tuple[str, Phones], ...] = (
    ("nesses", ("N", "AH0", "S", "IH0", "Z")),
    ("ness", ("N", "AH0", "S")),
    ("less", ("L", "AH0", "S")),
    ("fully", ("F", "AH0", "L", "IY0")),
    ("ful", ("F", "AH0", "L")),
    ("ings", ("IH0", "NG", "Z")),
    ("ing", ("IH0", "NG")),
    ("in", ("IH0", "N")),
    ("est", ("IH0", "S", "T")),
    ("eth", ("IH0", "TH")),
    ("ers", ("ER0", "Z")),
    ("er", ("ER0",)),
    ("ish", ("IH0", "SH")),
    ("able", ("AH0", "B", "AH0", "L")),
    ("ment", ("M", "AH0", "N", "T")),
    ("like", ("L", "AY2", "K")),
    ("ward", ("W", "ER0", "D")),
    ("ship", ("SH", "IH2", "P")),
    ("ly", ("L", "IY0")),
    ("y", ("IY0",)),
)


def _with_ending(word: str) -> Phones | None:
    if word.endswith("ied") and (base := _known(word[:-3] + "y")):
        return _past(base)
    if word.endswith("ies") and (base := _known(word[:-3] + "y") or _known(word[:-1])):
        return _plural(base)
    if word.endswith("d") and not word.endswith("ed") and word[-2] != "n" and (base := _known(word[:-1])):
        return _past(base)
    if word.endswith("ed"):
        for stem in (word[:-1], word[:-2], word[:-3] if word[-3:-2] == word[-4:-3] else ""):
            if len(stem) > 2 and (base := _known(stem)):
                return _past(base)
    if word.endswith("s") and not word.endswith("ss"):
        for stem in (word[:-1], word[:-2] if word.endswith("es") else ""):
            if len(stem) > 2 and (base := _known(stem) or _with_ending(stem) or _compound(stem)):
                return _plural(base)
    for ending, sound in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 3:
            continue
        stems = [stem, stem + "e"]
        if stem[-1] == "i":
            stems.append(stem[:-1] + "y")
        if stem[-1] == stem[-2]:
            stems.append(stem[:-1])
        for candidate in stems:
            if base := _known(candidate):
                return (*base, *sound)
    return None


_PREFIXES: dict[str, Phones] = {
    "un": ("AH2", "N"),
    "re": ("R", "IY0"),
    "over": ("OW2", "V", "ER0"),
    "out": ("AW2", "T"),
    "under": ("AH2", "N", "D", "ER0"),
    "mis": ("M", "IH0", "S"),
    "dis": ("D", "IH0", "S"),
    "be": ("B", "IH0"),
    "en": ("EH0", "N"),
    "a": ("AH0",),
    "non": ("N", "AA2", "N"),
    "up": ("AH2", "P"),
    "fore": ("F", "AO2", "R"),
    "inter": ("IH2", "N", "T", "ER0"),
    "super": ("S", "UW2", "P", "ER0"),
}


def _with_prefix(word: str) -> Phones | None:
    for prefix, sound in _PREFIXES.items():
        stem = word.removeprefix(prefix)
        if stem != word and len(stem) > 3 and (base := _known(stem) or _with_ending(stem)):
            return (*sound, *base)
    return None


# Three letters that end compounds; of others chance makes more words than people do (xannies is not xan and nies).
_SHORT_HEADS = frozenset(
    """
    bag bar box boy bug bus cab can cap car cup cut dad day dog eye fly fox gun guy hat hop jam job kid leg lid log man map men
    mob mom net off out pad pan pen pie pig pin pit pop pot rap rat ray rod row run sea set ski sky son sun tap tie tip toe top
    toy tub van war wax way web wig yard
    """.split()  # noqa: SIM905
)


def _compound(word: str) -> Phones | None:
    """Two known words written as one, split where the shorter half is longest."""
    if len(word) < 7:
        return None
    middle = len(word) / 2
    for cut in sorted(range(3, len(word) - 2), key=lambda at: abs(at - middle)):
        first, second = dictionary().get(word[:cut]), dictionary().get(word[cut:])
        if first and second and (len(word) - cut > 3 or word[cut:] in _SHORT_HEADS):
            return (*first[0], *(phone.replace("1", "2") for phone in second[0]))
    return None


# --- numbers ---------------------------------------------------------------------------------------------------------------------

_SMALL = (  # noqa: SIM905
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def number_words(number: int) -> list[str]:
    """A whole number from 0 to 999,999,999 in words; four digits that look like a year are read in pairs."""
    if number < 20:
        return [_SMALL[number]]
    if number < 100:
        return [_TENS[number // 10], *([_SMALL[number % 10]] if number % 10 else [])]
    if 1100 <= number < 2100 and number % 1000 >= 10 and number % 100:
        low = number % 100
        return [*number_words(number // 100), *(["oh", _SMALL[low]] if low < 10 else number_words(low))]
    if number < 1000 or (1100 <= number < 2000 and not number % 100):
        rest = number_words(number % 100) if number % 100 else []
        return [*number_words(number // 100), "hundred", *rest]
    size, name = (1_000, "thousand") if number < 1_000_000 else (1_000_000, "million")
    rest = number_words(number % size) if number % size else []
    return [*number_words(number // size), name, *rest]


_CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros"}
_AFTER_NUMBERS = {"oz": "ounce", "mm": "millimeter", "am": "a.m.", "pm": "p.m.", "x": "times", "k": "k."}


def _with_digits(word: str) -> Pronunciation:
    """Words with figures in them: 24, 1st, 90's, 2pac, 24/7, gr8, $100, 808, 1.5, 9mm, 4x4."""
    said: list[str] = []
    parts = re.findall(r"(\d[\d,]*)|(?<=\d)(\.)(?=\d)|([a-z]+)", word)
    for at, (figures, point, letters) in enumerate(parts):
        if letters in ("st", "nd", "rd", "th") and said:
            said[-1] = _ordinal(said[-1])
        elif letters == "s" and said:
            said[-1] = said[-1][:-1] + "ies" if said[-1].endswith("y") else said[-1] + "s"
        elif letters:
            between = letters == "x" and 0 < at < len(parts) - 1
            said.append("by" if between else _AFTER_NUMBERS.get(letters, letters) if said else letters)
        elif point:
            said.append("point")
        else:
            said.extend(_figure_words(figures.replace(",", ""), word))
    if word[0] in _CURRENCIES:
        unit = _CURRENCIES[word[0]]
        at = 1 + said.index("k.") if "k." in said else len(said)
        said.insert(at, unit[:-1] if said[:at] == ["one"] else unit)
    return _joined(said, spelt=True)


def _figure_words(digits: str, word: str) -> list[str]:
    """Figures as rap says them: three of them as one and two (three sixty five, eight oh eight), except for money and hundreds."""
    if len(digits) > 9 or (digits.startswith("0") and len(digits) > 1):
        return ["oh" if digit == "0" else _SMALL[int(digit)] for digit in digits]
    number = int(digits)
    if len(digits) == 3 and number % 100 and word[0] not in _CURRENCIES:
        low = number % 100
        return [_SMALL[number // 100], *(["oh", _SMALL[low]] if low < 10 else number_words(low))]
    return number_words(number)


def _ordinal(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"
